"""The rule of AttnCNN-RNN: where paths stop, and what the views of a work say together.

The counterpart of `imet.inference.rules` for models that give paths of labels instead of scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from imet.inference.paths import Mode, Paths, combine_views, stop, tune_gamma
from imet.inference.rules import Rule, rule_from_json
from imet.metrics import fbeta

Array = np.ndarray
Combine = Literal["union", "vote", "mean"]

BEAMS = (1, 2, 3, 5, 10)
"""Widths of the search that are tried on validation."""
GAMMAS = np.geomspace(0.1, 1000, 81)
"""γ that are tried on validation, each 12 % above the last."""


@dataclass(frozen=True, kw_only=True)
class PathRule:
    """Stop a path where P_t < the geometric mean of γ·f (Eq. 6); then put views together.

    Attributes:
        gamma: γ.
        proportions: (K,) f, shares of training works.
        beams: width of the search that gives the paths; 1 is greedy.
        mode: "terminate" (as written) or "mask" (as coded).
        keep_first: a path always gives its first label (as coded).
        combine: labels of a work: "union" of its views' (the paper), "vote" of half of them, or
            one path for all views by their "mean" probability.
        f_beta: F2 where γ and K were chosen.
        at_edge: the best γ lies on the edge of what was tried.
    """

    gamma: float
    proportions: tuple[float, ...]
    beams: int = 1
    mode: Mode = "terminate"
    keep_first: bool = False
    combine: Combine = "union"
    f_beta: float | None = None
    at_edge: bool = False

    def predict(self, paths: Paths) -> Array:
        """Decisions (N, K) bool from paths (N, V, T), or (N, T) where all views follow one."""
        predicted = stop(
            paths, self.gamma, np.array(self.proportions), self.mode, keep_first=self.keep_first
        )
        if predicted.ndim == 2:
            return predicted
        return combine_views(predicted, "vote" if self.combine == "vote" else "union")

    def describe(self) -> str:
        """The rule in words."""
        search = "greedy paths" if self.beams == 1 else f"best of {self.beams} beams"
        end = "ending" if self.mode == "terminate" else "masked"
        return f"{search}, {end} where P < {self.gamma:.3g}·f, {self.combine} of the views"

    def to_json(self) -> dict[str, Any]:
        """JSON-able dict that `read_rule` reads."""
        return {"rule": "path", **asdict(self)}


def read_rule(value: Mapping[str, Any]) -> Rule | PathRule:
    """The rule in a run's metrics, of whichever kind."""
    if value.get("rule") != "path":
        return rule_from_json(dict(value))
    given: dict[str, Any] = {
        k: tuple(v) if isinstance(v, list) else v for k, v in value.items() if k != "rule"
    }
    return PathRule(**given)


def tune_path_rule(
    paths: Mapping[int, Paths],
    targets: Array,
    proportions: Array,
    *,
    gamma: float = 0.0,
    mode: Mode = "terminate",
    keep_first: bool = False,
    combine: Combine = "union",
) -> tuple[PathRule, dict[str, dict[str, float]]]:
    """The γ and K with the best F2 on validation works.

    Args:
        paths: width of the search to its paths (N, V, T); ties go to the narrower one.
        targets: (N, K) bool.
        proportions: (K,) f, shares of training works.
        gamma: a fixed γ; 0 tries all of `GAMMAS`.
        mode, keep_first, combine: as in `PathRule`.

    Returns:
        The rule, and for each width the best γ and its F2.
    """
    tried = np.array([gamma]) if gamma else GAMMAS
    found: dict[str, dict[str, float]] = {}
    for beams in sorted(paths):
        best, values = tune_gamma(
            paths[beams],
            proportions,
            targets,
            tried,
            fbeta,
            mode,
            how="vote" if combine == "vote" else "union",
            keep_first=keep_first,
        )
        found[str(beams)] = {"gamma": best, "f2": float(values.max())}
    width = max(found, key=lambda name: found[name]["f2"])  # the first of ties
    chosen = found[width]["gamma"]
    rule = PathRule(
        gamma=chosen,
        proportions=tuple(np.asarray(proportions, float).tolist()),
        beams=int(width),
        mode=mode,
        keep_first=keep_first,
        combine=combine,
        f_beta=found[width]["f2"],
        at_edge=not gamma and chosen in (tried[0], tried[-1]),
    )
    return rule, found
