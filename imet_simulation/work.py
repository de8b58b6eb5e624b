"""One work: what it will show, decided before a stroke is drawn."""

from __future__ import annotations

from dataclasses import dataclass

from imet.io import digest


@dataclass(frozen=True)
class Plan:
    """One work to be drawn.

    Attributes:
        index: its place in the collection.
        cultures: culture labels; the first gives the style.
        manner: label of the style when there is no culture label.
        composition: a key of `COMPOSITIONS`.
        things: tag labels to be drawn, the most important first.
        height, width: size in pixels.
        labels: every label it shows: cultures, things, and what its composition gives.
        attempt: increased when the collection needs another draw at this place.
    """

    index: int
    cultures: tuple[str, ...]
    manner: str
    composition: str
    things: tuple[str, ...]
    height: int
    width: int
    labels: tuple[str, ...] = ()
    attempt: int = 0


def work_id(seed: int, index: int) -> str:
    """The work's id in hex; like Kaggle's, one in sixteen is shorter than 16 characters.

    Examples:
        >>> len(work_id(0, 0)) <= 16 and work_id(0, 0) == work_id(0, 0)
        True
    """
    return digest("work", seed, index).lstrip("0") or "0"
