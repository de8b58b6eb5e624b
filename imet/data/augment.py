"""Flip and colour jitter of training views, a whole batch at a time.

Views come as bytes (`imet.data.views`) and stay bytes. On a CPU the per-pixel work is compiled by
numba and shared among torch's threads. This is 20 times as fast as torchvision, which would take a
third of a frozen network's time. On other devices it is a handful of torch operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imet.compiled import compiled, in_threads
from imet.typing import Array

MINIMUM_SHARE = 4  # views a thread must have before another is worth starting
LUMA = (0.2989, 0.587, 0.114)  # grey of red, green, blue: torchvision's weights

# Constants of the compiled code: a plain Python number would turn its arithmetic into doubles.
F32 = np.float32
ZERO, HALF, ONE, TWO, THREE = F32(0), F32(0.5), F32(1), F32(2), F32(3)
FOUR, FIVE, SIX, SIXTH, TOP = F32(4), F32(5), F32(6), F32(1 / 6), F32(255)
LUMA_32 = np.array(LUMA, F32)


def draw_augmentation(
    count: int, flip: bool, hue: float, saturation: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Draw how `count` views change, at random as in torchvision's `ColorJitter`; (V,) each.

    "mirrored", bool, is true with probability ½ if `flip`. "saturation" factors are uniform in
    [1 - saturation, 1 + saturation], "hue" shifts in [-hue, hue] turns of the colour circle, and
    "saturation_first" says which of the two comes first, each with probability ½. The authors' code
    has .05 for both. `rng` is the work's own generator.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    mirrored = torch.rand(count, generator=generator) < (0.5 if flip else 0.0)
    drawn = torch.rand(3, count, generator=generator)  # (3, V)
    return {
        "mirrored": mirrored,
        "saturation": (1 + saturation * (2 * drawn[0] - 1)).clamp_min(0),
        "hue": hue * (2 * drawn[1] - 1),
        "saturation_first": drawn[2] < 0.5,
    }


def augment(views: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """Flip and jitter views (B, 3, H, W) uint8 as `draw_augmentation` says, (B,) each.

    Saturation blends with grey: c ← s·c + (1-s)·(.2989 R + .587 G + .114 B), clipped. Hue turns
    the colour at constant HSV saturation and value.

    Examples:
        >>> red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
        >>> no = torch.tensor([False])
        >>> third = {"saturation": torch.ones(1), "hue": torch.tensor([1 / 3])}
        >>> augment(red, third | {"mirrored": no, "saturation_first": no}).ravel().tolist()
        [0, 255, 0]
    """
    if views.dtype != torch.uint8 or views.ndim != 4 or views.shape[1] != 3:
        raise ValueError(f"expected uint8 (B, 3, H, W), got {views.dtype} {tuple(views.shape)}")
    if views.device.type != "cpu":
        return _augment_with_torch(views, drawn)
    result = torch.empty(views.shape, dtype=torch.uint8, memory_format=torch.channels_last)
    arrays = (
        _rows(views.contiguous(memory_format=torch.channels_last)),
        _rows(result),
        drawn["mirrored"].numpy(),
        drawn["saturation"].numpy(),
        (6 * drawn["hue"]).numpy(),  # in sextants
        drawn["saturation_first"].numpy(),
    )

    def work(part: slice) -> None:
        _augment_rows(*(array[part] for array in arrays))

    in_threads(len(views), work, MINIMUM_SHARE)
    return result


def _rows(batch: Tensor) -> Array:
    """A (B, 3, H, W) tensor that is channels-last in memory, as (B, H, 3W).

    In a flat row each channel has a stride of three, which lets the compiler make vector code.
    """
    rows: Array = batch.detach().permute(0, 2, 3, 1).flatten(2).numpy()
    return rows


def _augment_with_torch(views: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """`augment` in torch operations over the batch, for devices other than the CPU."""
    per_view = {k: v.to(views.device)[:, None, None, None] for k, v in drawn.items()}
    factor, first = per_view["saturation"], per_view["saturation_first"]  # (B, 1, 1, 1)
    views = torch.where(per_view["mirrored"], views.flip(-1), views)  # (B, 3, H, W)
    colours = _saturate(views.float(), torch.where(first, factor, 1.0))  # (B, 3, H, W)
    colours = _turn_hue(colours, 6 * per_view["hue"])
    colours = _saturate(colours, torch.where(first, 1.0, factor))
    return colours.add_(0.5).to(torch.uint8)


def _saturate(colours: Tensor, factor: Tensor) -> Tensor:
    """Blend (B, 3, H, W) in [0, 255] with its grey; a factor of 1 changes nothing."""
    weights = torch.tensor(LUMA, device=colours.device)[:, None, None]
    grey = (colours * weights).sum(1, keepdim=True)  # (B, 1, H, W)
    return (factor * colours + (1 - factor) * grey).clamp_(0, 255)


def _turn_hue(colours: Tensor, sextants: Tensor) -> Tensor:
    """Turn the hue of (B, 3, H, W) by sixths of the colour circle."""
    red, green, blue = colours.split(1, dim=1)  # (B, 1, H, W) each
    value, lowest = colours.amax(1, keepdim=True), colours.amin(1, keepdim=True)
    chroma = value - lowest
    scale = 1 / torch.where(chroma > 0, chroma, 1.0)
    hue = torch.where(
        value == red,
        (green - blue) * scale,
        torch.where(value == green, (blue - red) * scale + 2, (red - green) * scale + 4),
    )
    offsets = torch.tensor((5.0, 3.0, 1.0), device=colours.device)[:, None, None]
    k = torch.remainder(hue + sextants + offsets, 6)  # (B, 3, H, W)
    return value - chroma * torch.minimum(k, 4 - k).clamp_(0, 1)


# --- Compiled loops: arrays are (B, H, 3W), rows of pixels with their channels interleaved --------


@compiled(fastmath=True)
def _augment_rows(  # pragma: no cover - compiled
    source: Array,
    target: Array,
    mirrored: Array,
    saturation: Array,
    sextants: Array,
    saturation_first: Array,
) -> None:
    """Jitter and mirror (B, H, 3W) bytes, one row at a time, in floats."""
    width = source.shape[2] // 3
    red, green, blue = np.empty(width, F32), np.empty(width, F32), np.empty(width, F32)
    for b in range(source.shape[0]):
        for y in range(source.shape[1]):
            row, to = source[b, y], target[b, y]
            for x in range(width):
                red[x], green[x], blue[x] = row[3 * x], row[3 * x + 1], row[3 * x + 2]
            if saturation_first[b]:
                _saturate_row(red, green, blue, saturation[b])
                _turn_row(red, green, blue, sextants[b])
            else:
                _turn_row(red, green, blue, sextants[b])
                _saturate_row(red, green, blue, saturation[b])
            if mirrored[b]:
                for channel in (red, green, blue):
                    channel[:] = channel[::-1].copy()
            for x in range(width):
                to[3 * x] = np.uint8(red[x] + HALF)
                to[3 * x + 1] = np.uint8(green[x] + HALF)
                to[3 * x + 2] = np.uint8(blue[x] + HALF)


@compiled(fastmath=True)
def _saturate_row(  # pragma: no cover - compiled
    red: Array, green: Array, blue: Array, factor: float
) -> None:
    """Blend (W,) floats in [0, 255] with their grey, in place."""
    for x in range(len(red)):
        grey = (ONE - factor) * (LUMA_32[0] * red[x] + LUMA_32[1] * green[x] + LUMA_32[2] * blue[x])
        red[x] = min(max(factor * red[x] + grey, ZERO), TOP)
        green[x] = min(max(factor * green[x] + grey, ZERO), TOP)
        blue[x] = min(max(factor * blue[x] + grey, ZERO), TOP)


@compiled(fastmath=True)
def _turn_row(  # pragma: no cover - compiled
    red: Array, green: Array, blue: Array, sextants: float
) -> None:
    """Turn the hue of (W,) floats by sixths of the colour circle, in place."""
    for x in range(len(red)):
        r, g, b = red[x], green[x], blue[x]
        value = max(r, max(g, b))
        chroma = value - min(r, min(g, b))
        scale = ONE / (chroma if chroma > ZERO else ONE)
        hue = (r - g) * scale + FOUR
        hue = (b - r) * scale + TWO if value == g else hue
        hue = (g - b) * scale if value == r else hue
        hue += sextants
        red[x] = _channel(value, chroma, hue + FIVE)
        green[x] = _channel(value, chroma, hue + THREE)
        blue[x] = _channel(value, chroma, hue + ONE)


@compiled(fastmath=True)
def _channel(value: Any, chroma: Any, k: Any) -> Any:  # pragma: no cover - compiled
    """HSV to one of R, G, B: V - C·max(0, min(k, 4 - k, 1)), k taken modulo 6."""
    k -= SIX * np.floor(k * SIXTH)
    return value - chroma * max(ZERO, min(min(k, FOUR - k), ONE))
