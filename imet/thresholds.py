"""From scores to labels: averaging of views, decision rules, and their tuning on validation works.

Paths of labels have a rule of their own, γ·f along the path, in `imet.decoding`.

A rule is a small frozen dataclass: `predict(scores)` decides, `describe()` puts the rule in words,
`to_json()` is what a run's folder keeps and `rule_from_json` reads it back. Rules are tuned for
sample-averaged F2, on validation works only. Among equally good settings, the one that predicts
fewer labels is taken. An optimum on the edge of a searched grid is flagged (`at_edge`), since the
true one may lie outside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit

from imet import metrics
from imet.io import InputError
from imet.typing import Array, BoolArray

POSTER_GRID = np.arange(51) / 100
"""0, .01, …, .5: the poster's search as we read it."""


def average_views(logits: Array, how: str = "mean_scores") -> Array:
    """Scores (N, K) of works, float32 in [0, 1], from the logits (N, V, K) of their views.

    "mean_scores" is the mean probability, as the paper writes (section 3.1), "mean_logits" the
    probability of the mean logit, as its authors' code has it.

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


# --- Rules ---------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Rule(ABC):
    """Base class of all decision rules."""

    kind: ClassVar[str]
    words: ClassVar[str]  # the rule, with its fields in braces
    kinds: ClassVar[dict[str, type[Rule]]] = {}
    f_beta: float | None = None  # F2 on the works it was tuned on; None when it was not tuned
    at_edge: bool = False  # whether the optimum lies on the edge of what was searched

    def __init_subclass__(cls) -> None:
        if "kind" in cls.__dict__:
            Rule.kinds[cls.kind] = cls

    @property
    def search(self) -> str:
        """Name of the search whose paths the rule stops, if it stops any."""
        return "1"

    @abstractmethod
    def decide(self, outputs: Any) -> BoolArray:
        """Labels (N, K) bool from a model's outputs for N works (`imet.evaluation.Outputs`)."""

    def describe(self) -> str:
        """The rule in words, with its F2 on the works it was tuned on."""
        text = self.words.format(**asdict(self))
        if self.f_beta is not None:
            text += f"; F2 {self.f_beta:.3f} where tuned"
        return text + ("; the optimum is at the edge of the search" if self.at_edge else "")

    def to_json(self) -> dict[str, Any]:
        """JSON-serialisable dict that `rule_from_json` reads."""
        return {"rule": self.kind, **asdict(self)}


class ScoreRule(Rule):
    """A rule that needs only the scores."""

    def predict(self, scores: Array) -> BoolArray:
        """Decisions, (N, K) bool, from scores, (N, K) in [0, 1]."""
        scores = np.asarray(scores)
        if scores.ndim != 2:
            raise ValueError(f"need (N, K) scores, got {scores.shape}")
        if not ((scores >= 0) & (scores <= 1.00001)).all():  # a mean may round a little over 1
            raise ValueError("scores are probabilities: they lie in [0, 1] and none is missing")
        return self._predict(scores)

    def decide(self, outputs: Any) -> BoolArray:
        """Labels (N, K) bool; see `Rule.decide`."""
        return self.predict(outputs.scores)

    @abstractmethod
    def _predict(self, scores: Array) -> BoolArray:
        """`predict` for scores that have been checked."""


@dataclass(frozen=True)
class GlobalThreshold(ScoreRule):
    """score ≥ threshold, the same for all labels (both documents).

    Examples:
        >>> GlobalThreshold(0.5).predict(np.array([[0.2, 0.5]])).tolist()
        [[False, True]]
    """

    kind: ClassVar[str] = "global"
    words: ClassVar[str] = "score ≥ {threshold:.4g}"
    threshold: float

    def _predict(self, scores: Array) -> BoolArray:
        return metrics.threshold_scores(scores, self.threshold)


@dataclass(frozen=True)
class PerKindThreshold(ScoreRule):
    """score ≥ one threshold for culture labels and another for tags."""

    kind: ClassVar[str] = "per_type"
    words: ClassVar[str] = "score ≥ {culture:.4g} for culture labels, ≥ {tag:.4g} for tags"
    culture: float
    tag: float
    is_culture: tuple[bool, ...]  # (K,), True for culture labels, False for tags

    def _predict(self, scores: Array) -> BoolArray:
        _require_labels(scores, self.is_culture)
        return metrics.threshold_scores(scores, np.where(self.is_culture, self.culture, self.tag))


@dataclass(frozen=True)
class ProportionalThreshold(ScoreRule):
    """score ≥ γ·f^power, with f the training proportion of the label (paper, section 3.3).

    Decided as score / f^power ≥ γ in double precision. A label without training works is never
    predicted. Power 1 is the paper's γ·f; its code also scales a global threshold by a power such
    as .05.
    """

    kind: ClassVar[str] = "proportional"
    words: ClassVar[str] = "score ≥ {gamma:.4g}·f^{power:g}, f the label's share of training works"
    gamma: float  # γ ≥ 0
    proportions: tuple[float, ...]  # (K,) f, shares of training works
    power: float = 1.0

    def _predict(self, scores: Array) -> BoolArray:
        _require_labels(scores, self.proportions)
        return divide_by_prior(scores, np.array(self.proportions), self.power) >= self.gamma

    def describe(self) -> str:
        """See `Rule.describe`; a power of 1 is not written."""
        return super().describe().replace("f^1,", "f,")


@dataclass(frozen=True)
class RelativeToMax(ScoreRule):
    """score ≥ fraction · the work's highest score, so that nearly every work gets a label.

    Decided as score / highest ≥ fraction in double precision; if the highest score is 0, all
    shares count as 0.
    """

    kind: ClassVar[str] = "max_fraction"
    words: ClassVar[str] = "score ≥ {fraction:.4g} of the work's highest score"
    fraction: float

    def _predict(self, scores: Array) -> BoolArray:
        return relative_to_max(scores) >= self.fraction


@dataclass(frozen=True)
class TopK(ScoreRule):
    """The k labels with the highest scores of each work; ties go to the lower column.

    Examples:
        >>> TopK(2).predict(np.array([[0.2, 0.1, 0.2, 0.2]])).tolist()
        [[True, False, True, False]]
    """

    kind: ClassVar[str] = "count"
    words: ClassVar[str] = "the {count} labels with the highest scores of each work"
    count: int

    def _predict(self, scores: Array) -> BoolArray:
        predicted = np.zeros(scores.shape, bool)
        np.put_along_axis(predicted, _highest_first(scores)[:, : self.count], True, axis=1)
        return predicted


def rule_from_json(value: Mapping[str, Any]) -> Any:
    """Read a rule that `to_json` wrote; `InputError` for an unknown rule or fields it lacks.

    Examples:
        >>> rule = TopK(3, f_beta=0.5)
        >>> rule_from_json(rule.to_json()) == rule
        True
    """
    kind = value.get("rule") if isinstance(value, Mapping) else None
    if kind not in Rule.kinds:
        raise InputError(f"unknown decision rule {kind!r}; known are {', '.join(Rule.kinds)}")
    settings: Any = {k: tuple(v) if isinstance(v, list) else v for k, v in value.items()}
    del settings["rule"]
    try:
        return Rule.kinds[kind](**settings)
    except TypeError as error:
        raise InputError(f"rule {kind!r} was written by another version: {error}") from error


def divide_by_prior(scores: Array, proportions: Array, power: float = 1.0) -> Array:
    """(N, K) float64 score / f^power; −∞ for labels without training works."""
    scale = np.where(proportions > 0, np.maximum(proportions, 1e-300) ** power, np.nan)
    ratio = scores.astype(np.float64) / scale
    ratio[:, np.isnan(scale)] = -np.inf
    return ratio


def relative_to_max(scores: Array) -> Array:
    """(N, K) float64 shares of each work's highest score; 0 where that is 0."""
    highest = scores.max(axis=1, keepdims=True).astype(np.float64)  # (N, 1)
    return scores / np.where(highest > 0, highest, 1)


# --- Tuning --------------------------------------------------------------------------------------
# All functions take scores (N, K) and targets (N, K) bool of validation works.


def threshold_grid(high: float = 0.5, step: float = 0.01) -> Array:
    """The paper's search grid: step, 2·step, … below `high`, in the open range (0, high).

    The paper searches (0, .5), its code (0, 1); the step is our choice.

    Examples:
        >>> threshold_grid(0.05, 0.01).tolist()
        [0.01, 0.02, 0.03, 0.04]
    """
    return np.round(np.arange(step, high - step / 2, step), 6)


def tune_grid(scores: Array, targets: Array, grid: Array = POSTER_GRID) -> GlobalThreshold:
    """The best global threshold on an ascending grid (M,), as both documents search for it."""
    value = metrics.fbeta_at_thresholds(scores, targets, grid)
    best = _argmax_last(value)
    edge = best in (0, len(grid) - 1)
    return GlobalThreshold(float(grid[best]), f_beta=float(value[best]), at_edge=edge)


def tune_exact(scores: Array, targets: Array) -> GlobalThreshold:
    """The best of all global thresholds; see `imet.metrics.best_threshold`."""
    threshold, value = metrics.best_threshold(scores, targets)
    return GlobalThreshold(threshold, f_beta=value)


def tune_per_kind(
    scores: Array, targets: Array, is_culture: Array, grid: Array = POSTER_GRID
) -> PerKindThreshold:
    """The best thresholds for cultures and tags, among all pairs from an ascending grid (M,).

    `is_culture` (K,) bool marks culture labels. A kind without labels does not count as at an edge.
    """
    (n_culture, tp_culture), (n_tag, tp_tag) = (
        metrics.counts_at_thresholds(scores[:, some], targets[:, some], grid)  # (N, M) each
        for some in (is_culture, ~is_culture)
    )
    positives = targets.sum(axis=1)[:, None]  # (N, 1)
    value = np.empty((len(grid), len(grid)))
    for i in range(len(grid)):
        n = n_culture[:, i, None] + n_tag  # (N, M)
        tp = tp_culture[:, i, None] + tp_tag  # (N, M)
        value[i] = metrics.fbeta_of_counts(n, positives, tp).mean(axis=0)
    i, j = divmod(_argmax_last(value.ravel()), len(grid))
    ends = (0, len(grid) - 1)
    return PerKindThreshold(
        float(grid[i]),
        float(grid[j]),
        tuple(is_culture.tolist()),
        f_beta=float(value[i, j]),
        at_edge=any(some.any() and at in ends for some, at in ((is_culture, i), (~is_culture, j))),
    )


def tune_proportional(
    scores: Array, targets: Array, proportions: Array, power: float = 1.0
) -> ProportionalThreshold:
    """The best of all γ for γ·f^power; `proportions` (K,) are shares of *training* works."""
    gamma, value = metrics.best_threshold(divide_by_prior(scores, proportions, power), targets)
    shares = tuple(proportions.tolist())
    return ProportionalThreshold(max(gamma, 0.0), shares, power, f_beta=value)


def tune_relative_to_max(scores: Array, targets: Array) -> RelativeToMax:
    """The best of all fractions of the highest score."""
    fraction, value = metrics.best_threshold(relative_to_max(scores), targets)
    return RelativeToMax(fraction, f_beta=value)


def tune_top_k(scores: Array, targets: Array, most: int = 50) -> TopK:
    """The best number of labels per work, from 1 to `most`."""
    order = _highest_first(scores)[:, :most]
    value = metrics.fbeta_of_first(np.take_along_axis(targets, order, axis=1), targets).mean(axis=0)
    best = int(value.argmax())
    edge = best + 1 == most < scores.shape[1]
    return TopK(best + 1, f_beta=float(value[best]), at_edge=edge)


def tune_all(
    scores: Array, targets: Array, is_culture: Array, proportions: Array, grid: Array = POSTER_GRID
) -> dict[str, ScoreRule]:
    """All rules by name, tuned on the same validation works, for tables that compare them."""
    return {
        "grid": tune_grid(scores, targets, grid),
        "exact": tune_exact(scores, targets),
        "per_type": tune_per_kind(scores, targets, is_culture, grid),
        "proportional": tune_proportional(scores, targets, proportions),
        "max_fraction": tune_relative_to_max(scores, targets),
        "count": tune_top_k(scores, targets),
    }


def _require_labels(scores: Array, per_label: Any) -> None:
    if scores.shape[1] != len(per_label):
        raise ValueError(f"need (N, {len(per_label)}) scores, got {scores.shape}")


def _highest_first(scores: Array) -> Array:
    """(N, K) columns of each work by descending score, ties by column."""
    return np.argsort(-scores, axis=1, kind="stable")


def _argmax_last(value: Array) -> int:
    return len(value) - 1 - int(value[::-1].argmax())
