"""Flip and colour jitter of training views, a whole batch at a time.

Views come as bytes (`imet.data.views`) and stay bytes. On a CPU the per-pixel work is compiled by
numba and shared among torch's threads: 20 times torchvision's rate, which would cost a third of the
time of a frozen network. On other devices it is a handful of torch operations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Jitter:
    """How the colours of each of B views change."""

    saturation: Tensor  # (B,) float32 factors around 1
    hue: Tensor  # (B,) float32 shifts in turns of the colour circle, within ±0.5
    saturation_first: Tensor  # (B,) bool, which of the two comes first


def draw_augmentation(
    count: int, flip: bool, hue: float, saturation: float, rng: np.random.Generator
) -> dict[str, Tensor]:
    """Flips, with probability ½, and colour jitter of `count` views at random, (V,) each.

    `hue` is the largest shift, in turns of the colour circle, `saturation` the largest difference
    of the factor from 1, `rng` the work's own.
    """
    generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
    mirrored = torch.rand(count, generator=generator) < (0.5 if flip else 0.0)
    jitter = draw_jitter(count, hue, saturation, generator=generator)
    return {"mirrored": mirrored, **vars(jitter)}


def augment(views: Tensor, drawn: Mapping[str, Tensor]) -> Tensor:
    """Flip and jitter views (B, 3, S, S) uint8 as `draw_augmentation` says, (B,) each."""
    jitter = {name: value for name, value in drawn.items() if name != "mirrored"}
    return apply_jitter(views, Jitter(**jitter), drawn["mirrored"])


def draw_jitter(count: int, hue: float, saturation: float, *, generator: torch.Generator) -> Jitter:
    """Draw jitters as torchvision's `ColorJitter` does.

    Factors are uniform in [1 - saturation, 1 + saturation], shifts in [-hue, hue], and either step
    comes first with equal chance. The authors' code has .05 for both.
    """
    drawn = torch.rand(3, count, generator=generator, device=generator.device)  # (3, B)
    return Jitter(
        saturation=(1 + saturation * (2 * drawn[0] - 1)).clamp_min(0),
        hue=hue * (2 * drawn[1] - 1),
        saturation_first=drawn[2] < 0.5,
    )


def apply_jitter(batch: Tensor, jitter: Jitter, mirrored: Tensor | None = None) -> Tensor:
    """Change hue and saturation of each view (B, 3, H, W) uint8, and mirror some left to right.

    Saturation blends with grey: c ← s·c + (1-s)·(.2989 R + .587 G + .114 B), clipped. Hue turns
    the colour at constant HSV saturation and value. Without `mirrored`, (B,) bool, none is turned.

    Examples:
        >>> red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
        >>> third = Jitter(torch.ones(1), torch.tensor([1 / 3]), torch.tensor([True]))
        >>> apply_jitter(red, third).ravel().tolist()
        [0, 255, 0]
    """
    if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"expected uint8 (B, 3, H, W), got {batch.dtype} {tuple(batch.shape)}")
    mirrored = torch.zeros(len(batch), dtype=torch.bool) if mirrored is None else mirrored
    if batch.device.type != "cpu":
        return _jitter_with_torch(batch, jitter, mirrored)
    result = torch.empty(batch.shape, dtype=torch.uint8, memory_format=torch.channels_last)
    source, target = _rows(batch.contiguous(memory_format=torch.channels_last)), _rows(result)
    flips = mirrored.cpu().numpy()  # (B,)
    factors = jitter.saturation.float().cpu().numpy()  # (B,)
    sextants = (6 * jitter.hue.float()).cpu().numpy()  # (B,)
    first = jitter.saturation_first.cpu().numpy()  # (B,)

    def work(part: slice) -> None:
        arrays = source, target, flips, factors, sextants, first
        _augment_rows(*(array[part] for array in arrays))

    in_threads(len(batch), work, MINIMUM_SHARE)
    return result


def _rows(batch: Tensor) -> Array:
    """A (B, 3, H, W) tensor that is channels-last in memory, as (B, H, 3W).

    With channels three apart in a flat row the compiler knows the stride and makes vector code.
    """
    rows: Array = batch.detach().permute(0, 2, 3, 1).flatten(2).numpy()
    return rows


def _jitter_with_torch(batch: Tensor, jitter: Jitter, mirrored: Tensor) -> Tensor:
    """The same in torch operations over the batch, for devices other than the CPU."""

    def per_view(values: Tensor) -> Tensor:
        return values.to(batch.device)[:, None, None, None]  # (B, 1, 1, 1)

    factor, first = per_view(jitter.saturation.float()), per_view(jitter.saturation_first)
    batch = torch.where(per_view(mirrored), batch.flip(-1), batch)  # (B, 3, H, W)
    colours = _saturate(batch.float(), torch.where(first, factor, 1.0))  # (B, 3, H, W)
    colours = _turn_hue(colours, per_view(6 * jitter.hue.float()))
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
    """Jitter and mirror (B, H, 3W) bytes; a row at a time, in floats."""
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
                _reverse(red)
                _reverse(green)
                _reverse(blue)
            for x in range(width):
                to[3 * x] = np.uint8(red[x] + HALF)
                to[3 * x + 1] = np.uint8(green[x] + HALF)
                to[3 * x + 2] = np.uint8(blue[x] + HALF)


@compiled()
def _reverse(values: Array) -> None:  # pragma: no cover - compiled
    """Turn (W,) around in place."""
    last = len(values) - 1
    for x in range(len(values) // 2):
        values[x], values[last - x] = values[last - x], values[x]


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
