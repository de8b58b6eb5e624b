"""Annotators' mistakes, counted: labels as shown beside labels as given."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Array = np.ndarray


def count_label_noise(
    shown: Array, given: Array, names: Sequence[str], related: Sequence[Sequence[str]]
) -> dict[str, tuple[int, int]]:
    """How often each kind of mistake was made, and how often it could have been.

    A tag counts as confused where it was left out and a related one stands there that is not
    shown; what is left out and not confused is missing; a tag that is given, not shown and no
    confusion is wrong.

    Args:
        shown, given: (N, K) bool, the truth and what the annotator wrote.
        names: of the K columns.
        related: groups of names that are taken for each other.

    Returns:
        Name as in `imet_simulation.Noise` to (mistakes, chances): for `missing` and
        `missing_culture` chances are labels shown, for `confused` tags of a group shown and not
        missing, for `wrong` works.

    Examples:
        >>> labels = ("tag::men", "tag::women", "tag::trees")
        >>> shown = np.array([[True, False, True], [True, False, False]])
        >>> given = np.array([[False, True, True], [False, False, True]])
        >>> found = count_label_noise(shown, given, labels, [("tag::men", "tag::women")])
        >>> found["missing"], found["confused"], found["wrong"]
        ((1, 3), (1, 1), (1, 2))
    """
    column = {name: k for k, name in enumerate(names)}
    lost, new = shown & ~given, given & ~shown  # (N, K)
    confused = np.zeros_like(lost)
    groups = [[column[name] for name in group if name in column] for group in related]
    for columns in groups:
        for row in np.flatnonzero(lost[:, columns].any(1) & new[:, columns].any(1)).tolist():
            # One new label of the group explains one lost one.
            gone = [k for k in columns if lost[row, k]]
            came = [k for k in columns if new[row, k]]
            confused[row, gone[: len(came)]] = True
            new[row, came[: len(gone)]] = False
    culture = np.array([name.startswith("culture::") for name in names], bool)
    missing = lost & ~confused
    in_group = np.zeros(len(names), bool)
    in_group[[k for columns in groups if len(columns) > 1 for k in columns]] = True
    return {
        "missing": (int(missing[:, ~culture].sum()), int(shown[:, ~culture].sum())),
        "missing_culture": (int(missing[:, culture].sum()), int(shown[:, culture].sum())),
        "confused": (int(confused.sum()), int((shown & ~missing)[:, in_group].sum())),
        "wrong": (int(new[:, ~culture].sum()), len(shown)),
    }
