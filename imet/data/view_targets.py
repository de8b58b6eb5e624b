"""What each of a work's six views trains on: where crops lose their labels (paper, section 4.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from imet.config import Recipe
from imet.typing import Array

Kind = Literal["resize", "crop"]
CropTargets = Literal["as_written", "as_coded", "all"]

VIEWS = 6


def views_seen(recipe: Recipe, training: bool) -> Literal["six", "one"]:
    """Views that a recipe takes of training works, or of those that are evaluated."""
    if training or recipe.eval_views == "same":
        return recipe.views
    return recipe.eval_views


def view_kinds(has_culture: bool, has_tag: bool, train: bool) -> list[Kind]:
    """The six views of a work.

    In training the paper takes one resize and five crops of a work with culture and tag labels,
    six resizes of a work with tags only; works with culture labels only (0.2 %), which it does not
    mention, get one resize and five crops. For evaluation every work gets one resize, five crops.

    Examples:
        >>> view_kinds(False, True, train=True) == ["resize"] * 6
        True
        >>> view_kinds(False, True, train=False) == ["resize"] + ["crop"] * 5
        True
    """
    other: Kind = "resize" if train and has_tag and not has_culture else "crop"
    return ["resize", *[other] * (VIEWS - 1)]


def view_targets(
    targets_row: Array,
    is_culture: Array,
    kinds: Sequence[Kind],
    train: bool,
    crop_targets: CropTargets = "as_written",
) -> Array:
    """Labels (V, K) bool of each of V views of a work with the labels (K,) bool.

    In training a crop keeps the culture labels only, since a tag's thing may lie outside of it
    (`as_written`). In the authors' code the culture test compares a string with integers and is
    always false, so a crop keeps nothing (`as_coded`): all-zero targets on 74 % of the training
    views. `all` keeps every label, for comparison. A resize, and every view in evaluation, has all
    labels.

    Examples:
        >>> row, is_culture = np.array([True, True]), np.array([True, False])
        >>> view_targets(row, is_culture, ["resize", "crop"], train=True).tolist()
        [[True, True], [True, False]]
    """
    if crop_targets not in get_args(CropTargets):
        raise ValueError(f"crop_targets is one of {get_args(CropTargets)}, not {crop_targets!r}")
    targets: Array = np.repeat(np.asarray(targets_row, bool)[None], len(kinds), axis=0)  # (V, K)
    if train and crop_targets != "all":
        targets[np.array(kinds) == "crop"] &= is_culture if crop_targets == "as_written" else False
    return targets
