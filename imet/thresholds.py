"""Tuning of decision rules by sample-averaged F-beta, on validation works and nothing else.

Among equally good settings the one that predicts fewer labels is taken. An optimum that sits on
the edge of a searched grid is flagged (`at_edge`): the true one may lie outside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from imet.io import InputError
from imet.metrics import (
    best_threshold,
    counts_at_thresholds,
    fbeta,
    fbeta_at_thresholds,
    threshold_scores,
)
from imet.typing import Array

# --- From views to works


def average_views(logits: Array, how: str = "mean_scores") -> Array:
    """Scores of works from the logits of their views.

    Args:
        logits: (N, V, K).
        how: "mean_scores", the mean probability, as the paper writes (section 3.1), or
            "mean_logits", the probability of the mean logit, as its authors' code has it.

    Returns:
        (N, K) float32 in [0, 1].

    Examples:
        >>> logits = np.array([[[0.0], [4.0]]])
        >>> round(float(average_views(logits)[0, 0]), 3)
        0.741
        >>> round(float(average_views(logits, "mean_logits")[0, 0]), 3)
        0.881
    """
    logits = np.asarray(logits, np.float32)
    if how == "mean_scores":
        return expit(logits).mean(1, dtype=np.float32)  # (N, K)
    if how == "mean_logits":
        return expit(logits.mean(1, dtype=np.float32))  # (N, K)
    raise ValueError(f"how is mean_scores or mean_logits, not {how!r}")


# --- Decision rules


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """What all rules have.

    Attributes:
        f_beta: sample-averaged F-beta on the works it was tuned on; None when it was not tuned.
        beta: of that F-beta.
        at_edge: the optimum lies on the edge of what was searched.
    """

    kind: ClassVar[str]
    f_beta: float | None = None
    beta: float = 2.0
    at_edge: bool = False

    @abstractmethod
    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool, from scores, (N, K) in [0, 1]."""

    @abstractmethod
    def _words(self) -> str:
        """The rule itself in words."""

    def describe(self) -> str:
        """The rule in words, with how well it did where it was tuned."""
        text = self._words()
        if self.f_beta is not None:
            text += f"; F{self.beta:g} {self.f_beta:.3f} where tuned"
        return text + ("; the optimum is at the edge of the search" if self.at_edge else "")

    def to_json(self) -> dict[str, Any]:
        """JSON-able dict that `rule_from_json` reads."""
        return {"rule": self.kind, **asdict(self)}


@dataclass(frozen=True)
class GlobalThreshold(Rule):
    """score ≥ threshold, the same for all labels (both documents).

    Examples:
        >>> GlobalThreshold(0.5).predict(np.array([[0.2, 0.5]])).tolist()
        [[False, True]]
    """

    kind: ClassVar[str] = "global"
    threshold: float

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        return threshold_scores(checked(scores), self.threshold)

    def _words(self) -> str:
        return f"score ≥ {self.threshold:.4g}"


@dataclass(frozen=True)
class PerKindThreshold(Rule):
    """score ≥ one threshold for culture labels and another one for tags.

    Attributes:
        culture: threshold of the culture labels.
        tag: threshold of the tags.
        is_culture: (K,), which label is which.
    """

    kind: ClassVar[str] = "per_type"
    culture: float
    tag: float
    is_culture: tuple[bool, ...]

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        scores = checked(scores, len(self.is_culture))
        return threshold_scores(scores, np.where(self.is_culture, self.culture, self.tag))

    def _words(self) -> str:
        return f"score ≥ {self.culture:.4g} for culture labels, ≥ {self.tag:.4g} for tags"


@dataclass(frozen=True)
class ProportionalThreshold(Rule):
    """score ≥ γ·f^power, with f the training proportion of the label (paper, section 3.3).

    Decided as score / f^power ≥ γ in double precision. A label without training works has no
    threshold and is never predicted. Power 1 is the paper's γ·f; its code also scales a global
    threshold by a power such as .05.

    Attributes:
        gamma: γ ≥ 0.
        proportions: (K,) f, shares of training works.
        power: exponent of f.
    """

    kind: ClassVar[str] = "proportional"
    gamma: float
    proportions: tuple[float, ...]
    power: float = 1.0

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        scores = checked(scores, len(self.proportions))
        return divide_by_prior(scores, np.array(self.proportions), self.power) >= self.gamma

    def _words(self) -> str:
        power = "" if self.power == 1 else f"^{self.power:g}"
        return f"score ≥ {self.gamma:.4g}·f{power}, f the label's share of the training works"


@dataclass(frozen=True)
class RelativeToMax(Rule):
    """score ≥ fraction · the work's highest score, so that nearly every work gets a label.

    Decided as score / highest ≥ fraction in double precision; where the highest score is 0 all
    shares count as 0.
    """

    kind: ClassVar[str] = "max_fraction"
    fraction: float

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        return relative_to_max(checked(scores)) >= self.fraction

    def _words(self) -> str:
        return f"score ≥ {self.fraction:.4g} of the work's highest score"


@dataclass(frozen=True)
class TopK(Rule):
    """The k labels with the highest scores of each work; among ties, the lower columns.

    Examples:
        >>> TopK(2).predict(np.array([[0.2, 0.1, 0.2, 0.2]])).tolist()
        [[True, False, True, False]]
    """

    kind: ClassVar[str] = "count"
    count: int

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        scores = checked(scores)
        if self.count >= scores.shape[1]:
            return np.ones(scores.shape, bool)
        if self.count == 0:
            return np.zeros(scores.shape, bool)
        last = np.partition(-scores, self.count - 1, axis=1)[:, self.count - 1 : self.count]
        above, tied = -scores < last, -scores == last  # (N, K)
        free = self.count - above.sum(axis=1, keepdims=True)  # (N, 1)
        return above | (tied & (np.cumsum(tied, axis=1) <= free))

    def _words(self) -> str:
        return f"the {self.count} labels with the highest scores of each work"


RULES: dict[str, Any] = {
    rule.kind: rule
    for rule in (GlobalThreshold, PerKindThreshold, ProportionalThreshold, RelativeToMax, TopK)
}


def rule_from_json(value: dict[str, Any]) -> Rule:
    """The rule that `to_json` wrote.

    Raises:
        InputError: an unknown rule, or fields that are not the rule's.

    Examples:
        >>> rule = TopK(3, f_beta=0.5)
        >>> rule_from_json(rule.to_json()) == rule
        True
    """
    kind = value.get("rule") if isinstance(value, dict) else None
    if kind not in RULES:
        raise InputError(f"unknown decision rule {kind!r}; known are {', '.join(RULES)}")
    given = {
        key: tuple(item) if isinstance(item, list) else item
        for key, item in value.items()
        if key != "rule"
    }
    known = {field.name for field in fields(RULES[kind])}
    if not given.keys() <= known:
        raise InputError(f"rule {kind!r} has no {', '.join(sorted(given.keys() - known))}")
    try:
        rule: Rule = RULES[kind](**given)
        return rule
    except TypeError as error:
        raise InputError(f"rule {kind!r} is incomplete: {error}") from error


def checked(scores: Array, labels: int | None = None) -> Array:
    """The scores, (N, K) in [0, 1] with K as expected, or a ValueError."""
    scores = np.asarray(scores)
    if scores.ndim != 2 or labels not in (None, scores.shape[1]):
        raise ValueError(f"need (N, {labels or 'K'}) scores, got {scores.shape}")
    if not ((scores >= 0) & (scores <= 1.00001)).all():  # a mean may round a little over 1
        raise ValueError("scores are probabilities: they lie in [0, 1] and none is missing")
    return scores


def divide_by_prior(scores: Array, proportions: Array, power: float) -> Array:
    """(N, K) float64 score / f^power; −∞ for labels without training works."""
    scale = np.where(proportions > 0, np.maximum(proportions, 1e-300) ** power, np.nan)
    ratio = scores.astype(np.float64) / scale
    ratio[:, np.isnan(scale)] = -np.inf
    return ratio


def relative_to_max(scores: Array) -> Array:
    """(N, K) float64 shares of each work's highest score; 0 where that is 0."""
    highest = scores.max(axis=1, keepdims=True).astype(np.float64)  # (N, 1)
    return scores / np.where(highest > 0, highest, 1)


# --- Tuning of decision rules by sample-averaged F-beta, on validation works and nothing else


POSTER_GRID = np.arange(51) / 100
"""0, .01, …, .5: the poster's search as we read it."""
PAPER_GRID = np.arange(1, 50) / 100
"""The paper's open range (0, .5) in steps of .01; the step is ours."""
AS_CODED_GRID = np.arange(1, 100) / 100
"""(0, 1), the range that the paper's code searches."""


def tune_grid(
    scores: Array, targets: Array, grid: Array = POSTER_GRID, beta: float = 2
) -> GlobalThreshold:
    """The best global threshold of a grid (both documents' search).

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        grid: (M,) thresholds, ascending.
        beta: weight of recall.
    """
    value = fbeta_at_thresholds(scores, targets, grid, beta)
    best = _argmax_last(value)
    return GlobalThreshold(
        float(grid[best]), f_beta=float(value[best]), beta=beta, at_edge=_on_edge(best, grid)
    )


def tune_exact(scores: Array, targets: Array, beta: float = 2) -> GlobalThreshold:
    """The best global threshold there is; see `imet.metrics.best_threshold`."""
    threshold, value = best_threshold(scores, targets, beta)
    return GlobalThreshold(threshold, f_beta=value, beta=beta)


def tune_per_kind(
    scores: Array,
    targets: Array,
    is_culture: Array,
    grid: Array = POSTER_GRID,
    beta: float = 2,
) -> PerKindThreshold:
    """The best pair of thresholds of a grid, all pairs tried together.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        is_culture: (K,) bool.
        grid: (M,) thresholds, ascending.
        beta: weight of recall.
    """
    scores, targets = checked(scores), np.asarray(targets, bool)
    is_culture = np.asarray(is_culture, bool)
    positives = targets.sum(axis=1)[:, None]  # (N, 1)
    culture = counts_at_thresholds(scores[:, is_culture], targets[:, is_culture], grid)
    tag = counts_at_thresholds(scores[:, ~is_culture], targets[:, ~is_culture], grid)
    value = np.empty((len(grid), len(grid)))
    for i in range(len(grid)):
        n = culture[0][:, i, None] + tag[0]  # (N, M)
        hits = culture[1][:, i, None] + tag[1]  # (N, M)
        whole = np.maximum(beta**2 * positives + n, 1)  # without any, hits are 0 and so is F
        value[i] = ((1 + beta**2) * hits / whole).mean(axis=0)
    i, j = divmod(_argmax_last(value.ravel()), len(grid))
    edge = (is_culture.any() and _on_edge(i, grid)) or (not is_culture.all() and _on_edge(j, grid))
    return PerKindThreshold(
        float(grid[i]),
        float(grid[j]),
        tuple(is_culture.tolist()),
        f_beta=float(value[i, j]),
        beta=beta,
        at_edge=bool(edge),
    )


def tune_proportional(
    scores: Array, targets: Array, proportions: Array, power: float = 1.0, beta: float = 2
) -> ProportionalThreshold:
    """The best γ of γ·f^power there is.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        proportions: (K,) f, shares of *training* works.
        power: exponent of f.
        beta: weight of recall.
    """
    ratio = divide_by_prior(checked(scores, len(proportions)), np.asarray(proportions), power)
    gamma, _ = best_threshold(ratio, targets, beta)
    rule = ProportionalThreshold(
        max(gamma, 0.0), tuple(np.asarray(proportions, float).tolist()), power
    )
    return _with_value(rule, scores, targets, beta)


def tune_relative_to_max(scores: Array, targets: Array, beta: float = 2) -> RelativeToMax:
    """The best fraction of the highest score there is."""
    fraction, _ = best_threshold(relative_to_max(checked(scores)), targets, beta)
    return _with_value(RelativeToMax(fraction), scores, targets, beta)


def tune_top_k(scores: Array, targets: Array, most: int = 50, beta: float = 2) -> TopK:
    """The best number of labels a work, from 1 to `most`."""
    scores, targets = checked(scores), np.asarray(targets, bool)
    most = min(most, scores.shape[1])
    chosen = np.nonzero(TopK(most).predict(scores))[1].reshape(len(scores), most)
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    chosen = np.take_along_axis(chosen, order, axis=1)  # (N, most), highest score first
    hits = np.cumsum(np.take_along_axis(targets, chosen, axis=1), axis=1)  # (N, most)
    whole = beta**2 * targets.sum(axis=1)[:, None] + np.arange(1, most + 1)  # (N, most)
    value = ((1 + beta**2) * hits / whole).mean(axis=0)
    best = int(value.argmax())
    edge = best + 1 == most < scores.shape[1]
    return TopK(best + 1, f_beta=float(value[best]), beta=beta, at_edge=edge)


def tune_all(
    scores: Array,
    targets: Array,
    is_culture: Array,
    proportions: Array,
    grid: Array = POSTER_GRID,
    beta: float = 2,
) -> dict[str, Rule]:
    """Every rule tuned on the same validation works, by name, for tables that compare them.

    Args:
        scores: (N, K) validation scores.
        targets: (N, K) bool.
        is_culture: (K,) bool.
        proportions: (K,) shares of training works.
        grid: for the rules that search one.
        beta: weight of recall.

    Returns:
        Rules named `grid`, `exact`, `per_type`, `proportional`, `max_fraction`, `count`.
    """
    return {
        "grid": tune_grid(scores, targets, grid, beta),
        "exact": tune_exact(scores, targets, beta),
        "per_type": tune_per_kind(scores, targets, is_culture, grid, beta),
        "proportional": tune_proportional(scores, targets, proportions, beta=beta),
        "max_fraction": tune_relative_to_max(scores, targets, beta),
        "count": tune_top_k(scores, targets, beta=beta),
    }


def _with_value(rule: Any, scores: Array, targets: Array, beta: float) -> Any:
    value = fbeta(rule.predict(scores), targets, beta)
    return replace(rule, f_beta=value, beta=beta)


def _argmax_last(value: Array) -> int:
    return len(value) - 1 - int(value[::-1].argmax())


def _on_edge(index: int, grid: Array) -> bool:
    return bool(index in (0, len(grid) - 1))
