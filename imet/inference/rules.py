"""Decision rules: from scores to labels with one or two numbers.

Every rule is a small frozen dataclass: `predict(scores)` decides, `describe()` says it in words,
`to_json()` goes into a run directory and `rule_from_json` brings it back. Their numbers come from
`imet.inference.thresholds`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np

from imet.io import InputError
from imet.metrics import at_least

Array = np.ndarray


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
        return at_least(checked(scores), self.threshold)

    def _words(self) -> str:
        return f"score ≥ {self.threshold:.4g}"


@dataclass(frozen=True)
class TypeThresholds(Rule):
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
        return at_least(scores, np.where(self.is_culture, self.culture, self.tag))

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
        return in_proportion(scores, np.array(self.proportions), self.power) >= self.gamma

    def _words(self) -> str:
        power = "" if self.power == 1 else f"^{self.power:g}"
        return f"score ≥ {self.gamma:.4g}·f{power}, f the label's share of the training works"


@dataclass(frozen=True)
class MaxFraction(Rule):
    """score ≥ fraction · the work's highest score, so that nearly every work gets a label.

    Decided as score / highest ≥ fraction in double precision; where the highest score is 0 all
    shares count as 0.
    """

    kind: ClassVar[str] = "max_fraction"
    fraction: float

    def predict(self, scores: Array) -> Array:
        """Decisions, (N, K) bool; see `Rule.predict`."""
        return of_highest(checked(scores)) >= self.fraction

    def _words(self) -> str:
        return f"score ≥ {self.fraction:.4g} of the work's highest score"


@dataclass(frozen=True)
class FixedCount(Rule):
    """The k labels with the highest scores of each work; among ties, the lower columns.

    Examples:
        >>> FixedCount(2).predict(np.array([[0.2, 0.1, 0.2, 0.2]])).tolist()
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
    for rule in (GlobalThreshold, TypeThresholds, ProportionalThreshold, MaxFraction, FixedCount)
}


def rule_from_json(value: dict[str, Any]) -> Rule:
    """The rule that `to_json` wrote.

    Raises:
        InputError: an unknown rule, or fields that are not the rule's.

    Examples:
        >>> rule = FixedCount(3, f_beta=0.5)
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


def in_proportion(scores: Array, proportions: Array, power: float) -> Array:
    """(N, K) float64 score / f^power; −∞ for labels without training works."""
    scale = np.where(proportions > 0, np.maximum(proportions, 1e-300) ** power, np.nan)
    ratio = scores.astype(np.float64) / scale
    ratio[:, np.isnan(scale)] = -np.inf
    return ratio


def of_highest(scores: Array) -> Array:
    """(N, K) float64 shares of each work's highest score; 0 where that is 0."""
    highest = scores.max(axis=1, keepdims=True).astype(np.float64)  # (N, 1)
    return scores / np.where(highest > 0, highest, 1)
