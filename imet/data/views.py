"""The paper's six views of a work: their kinds, how they are cut, and what each trains on.

A work is decoded once and its views are cut from these bytes; flip, colour jitter and
normalisation follow one batch at a time (`imet.data.augment`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torchvision.transforms.v2 import functional as F

from imet.config import Recipe
from imet.typing import Array

Kind = Literal["resize", "crop"]

VIEWS = 6
WINDOW = (224, 300)  # a crop's side over the picture's shorter side: 224 px of Kaggle's 300


def views_seen(recipe: Recipe, training: bool) -> Literal["six", "one"]:
    """Views that a recipe takes of training works, or of works in evaluation."""
    return recipe.views if training or recipe.eval_views == "same" else recipe.eval_views


def view_kinds(has_culture: bool, has_tag: bool, train: bool) -> list[Kind]:
    """The six views of a work.

    In training, the paper takes one resize and five crops of a work with culture and tag labels,
    and six resizes of a work with tags only; works with culture labels only (0.2 %), which it does
    not mention, get one resize and five crops. So does every work in evaluation.

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
    crop_targets: Literal["as_written", "as_coded", "all"] = "as_written",
) -> Array:
    """Labels (V, K) bool of each of V views of a work with the labels (K,) bool.

    In training a crop keeps the culture labels only, since the thing that a tag names may lie
    outside it (`as_written`; paper, section 4.2). In the authors' code the culture test compares a
    string with integers and is always false, so a crop keeps nothing (`as_coded`): 74 % of the
    training views have all-zero targets. `all` keeps every label, for comparison. A resize, and
    every view in evaluation, has all labels.

    Examples:
        >>> row, is_culture = np.array([True, True]), np.array([True, False])
        >>> view_targets(row, is_culture, ["resize", "crop"], train=True).tolist()
        [[True, True], [True, False]]
    """
    kept = {"as_written": is_culture, "as_coded": False, "all": True}[crop_targets]
    targets: Array = np.repeat(np.asarray(targets_row, bool)[None], len(kinds), axis=0)  # (V, K)
    if train:
        targets[np.array(kinds) == "crop"] &= kept
    return targets


def work_rng(seed: int, work_id: str, epoch: int = 0) -> np.random.Generator:
    """Random generator of one work in one epoch, whichever process draws from it and when.

    Evaluation stays at epoch 0, so its crops are the same in every run with that seed.
    """
    key = int.from_bytes(hashlib.blake2b(work_id.encode(), digest_size=16).digest(), "little")
    return np.random.default_rng([seed, epoch, key])


def crop_window(height: int, width: int) -> int:
    """Side of the square window that a crop shows: 224/300 of the shorter side, at least 1.

    Examples:
        >>> crop_window(300, 4428), crop_window(150, 200), crop_window(1, 1)
        (224, 112, 1)
    """
    part, whole = WINDOW
    return max(1, round(min(height, width) * part / whole))


def random_crop_windows(
    height: int, width: int, count: int, rng: np.random.Generator
) -> list[tuple[int, int, int]]:
    """`count` windows as (top, left, side), uniform over all places inside the picture."""
    side = crop_window(height, width)
    tops = rng.integers(0, height - side, count, endpoint=True).tolist()
    lefts = rng.integers(0, width - side, count, endpoint=True).tolist()
    return [(top, left, side) for top, left in zip(tops, lefts)]


def resize_view(image: Array, size: int = 224) -> torch.Tensor:
    """Squeeze a whole picture (H, W, 3) uint8, of any size, into a square (3, size, size) uint8.

    Channels are last in memory, which suits convolutions on a CPU best.

    Examples:
        >>> resize_view(np.zeros((300, 400, 3), np.uint8)).shape
        torch.Size([3, 224, 224])
    """
    return _scaled(torch.from_numpy(image), size).permute(2, 0, 1)


def make_views(
    image: Array, kinds: Sequence[Kind], rng: np.random.Generator, size: int = 224
) -> torch.Tensor:
    """The views of a work, (V, 3, size, size) uint8, of the kinds that `view_kinds` gives.

    Examples:
        >>> picture = np.zeros((300, 400, 3), np.uint8)
        >>> make_views(picture, ["resize", "crop"], np.random.default_rng(0)).shape
        torch.Size([2, 3, 224, 224])
    """
    if unknown := set(kinds) - {"resize", "crop"}:
        raise ValueError(f'a view is "resize" or "crop", not {unknown.pop()!r}')
    picture = torch.from_numpy(image)  # (H, W, 3)
    whole = _scaled(picture, size) if "resize" in kinds else picture
    height, width, _ = image.shape
    windows = iter(random_crop_windows(height, width, list(kinds).count("crop"), rng))
    views = torch.empty((len(kinds), size, size, 3), dtype=torch.uint8)
    for view, kind in zip(views, kinds):
        if kind == "resize":
            view[:] = whole
        else:
            top, left, side = next(windows)
            view[:] = _scaled(picture[top : top + side, left : left + side], size)
    return views.permute(0, 3, 1, 2)  # channels-last memory, which survives the data loader


def _scaled(window: torch.Tensor, size: int) -> torch.Tensor:
    """Scale (h, w, 3) to (size, size, 3), antialiased bilinear; unchanged if it fits already."""
    if window.shape[:2] == (size, size):
        return window
    # A permuted view is channels-last memory: torchvision's fast uint8 path, if left as it is.
    channels_first = window.permute(2, 0, 1)  # (3, h, w)
    scaled: torch.Tensor = F.resize(channels_first, [size, size], antialias=True)
    return scaled.permute(1, 2, 0)  # (size, size, 3)
