"""Flip, colour jitter and normalisation, a whole batch of views at a time.

Views come as bytes (`imet.data.views`) and stay bytes until the last step. On a CPU the per-pixel
work is compiled by numba and shared among torch's threads, and results are channels-last in memory,
as views are; on other devices it is a handful of torch operations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numba import njit

from imet.typing import Array

# --- Flip, colour jitter and normalisation, a whole batch of views at a time


FLIP = 0.5  # probability
HUE = 0.05  # largest shift, in turns of the colour circle
SATURATION = 0.05  # largest deviation of the factor from 1
MINIMUM_SHARE = 4  # views a thread must have before another is worth starting


@dataclass(frozen=True)
class Jitter:
    """How the colours of each of B views change.

    Attributes:
        saturation: (B,) float32 factors around 1.
        hue: (B,) float32 shifts in turns of the colour circle, within ±0.5.
        saturation_first: (B,) bool, which of the two comes first.
    """

    saturation: torch.Tensor
    hue: torch.Tensor
    saturation_first: torch.Tensor


def augment(
    batch: torch.Tensor,
    hue: float = HUE,
    saturation: float = SATURATION,
    probability: float = FLIP,
    *,
    generator: torch.Generator,
) -> torch.Tensor:
    """Flip and jitter training views at random: `flip`, then `colour_jitter`, in one pass.

    Args:
        batch: (B, 3, H, W) uint8.
        hue: largest shift, in turns of the colour circle.
        saturation: largest deviation of the factor from 1.
        probability: of a flip.
        generator: draws four numbers a view, the flips first.

    Returns:
        (B, 3, H, W) uint8.
    """
    mirrored = draw_flips(len(batch), probability, generator=generator)
    drawn = draw_jitter(len(batch), hue, saturation, generator=generator)
    return apply_jitter(batch, drawn, mirrored)


def flip(
    batch: torch.Tensor, *, generator: torch.Generator, probability: float = FLIP
) -> torch.Tensor:
    """Mirror each view left to right with a given probability.

    Args:
        batch: (B, C, H, W) of any type; it is not changed.
        generator: draws one number a view.
        probability: of a flip.
    """
    rows = draw_flips(len(batch), probability, generator=generator).nonzero()[:, 0]
    rows = rows.to(batch.device)
    out = batch.clone()  # keeps the layout
    out[rows] = batch[rows].flip(-1)
    return out


def draw_flips(
    count: int, probability: float = FLIP, *, generator: torch.Generator
) -> torch.Tensor:
    """(B,) bool, True for views to mirror; one number drawn a view."""
    return torch.rand(count, generator=generator, device=generator.device) < probability


def draw_jitter(
    count: int,
    hue: float = HUE,
    saturation: float = SATURATION,
    *,
    generator: torch.Generator,
) -> Jitter:
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


def colour_jitter(
    batch: torch.Tensor,
    hue: float = HUE,
    saturation: float = SATURATION,
    *,
    generator: torch.Generator,
) -> torch.Tensor:
    """Change hue and saturation of each view a little, at random (`draw_jitter`).

    Args:
        batch: (B, 3, H, W) uint8.
        hue: largest shift, in turns of the colour circle.
        saturation: largest deviation of the factor from 1.
        generator: draws three numbers a view.

    Returns:
        (B, 3, H, W) uint8, rounded once, after both steps.
    """
    drawn = draw_jitter(len(batch), hue, saturation, generator=generator)
    return apply_jitter(batch, drawn)


def apply_jitter(
    batch: torch.Tensor, jitter: Jitter, mirrored: torch.Tensor | None = None
) -> torch.Tensor:
    """Change hue and saturation of each view by given amounts, and mirror some.

    Saturation blends with grey: c ← s·c + (1-s)·(.2989 R + .587 G + .114 B), clipped. Hue turns
    the colour at constant HSV saturation and value.

    Args:
        batch: (B, 3, H, W) uint8.
        jitter: B jitters.
        mirrored: (B,) bool, views to mirror left to right; None for none.

    Returns:
        (B, 3, H, W) uint8.

    Examples:
        >>> red = torch.tensor([255, 0, 0], dtype=torch.uint8).view(1, 3, 1, 1)
        >>> third = Jitter(torch.ones(1), torch.tensor([1 / 3]), torch.tensor([True]))
        >>> apply_jitter(red, third).ravel().tolist()
        [0, 255, 0]
    """
    _require_views(batch)
    mirrored = torch.zeros(len(batch), dtype=torch.bool) if mirrored is None else mirrored
    if batch.device.type != "cpu":
        return _jitter_with_torch(batch, jitter, mirrored)
    result = _empty_result(batch, torch.uint8)
    source, target = _rows(batch.contiguous(memory_format=torch.channels_last)), _rows(result)
    flips = mirrored.cpu().numpy()  # (B,)
    factors = jitter.saturation.float().cpu().numpy()  # (B,)
    sextants = (6 * jitter.hue.float()).cpu().numpy()  # (B,)
    first = jitter.saturation_first.cpu().numpy()  # (B,)

    def work(part: slice) -> None:
        arrays = source, target, flips, factors, sextants, first
        augment_rows(*(array[part] for array in arrays))

    _share(len(batch), work)
    return result


def normalise(batch: torch.Tensor, mean: Sequence[float], std: Sequence[float]) -> torch.Tensor:
    """Scale bytes to [0, 1], subtract the mean and divide by the standard deviation.

    Args:
        batch: (B, 3, H, W) uint8.
        mean, std: one value a channel, on the scale of [0, 1].

    Returns:
        (B, 3, H, W) float32.

    Examples:
        >>> white = torch.full((1, 3, 1, 1), 255, dtype=torch.uint8)
        >>> normalise(white, (0.5, 0.5, 0.5), (0.5, 0.25, 1.0)).ravel().round(decimals=4).tolist()
        [1.0, 2.0, 0.5]
    """
    _require_views(batch)
    spread = np.asarray(std, np.float64)
    scale = (1 / (255 * spread)).astype(np.float32)  # (3,)
    shift = (-np.asarray(mean) / spread).astype(np.float32)  # (3,)
    if batch.device.type != "cpu":
        out = batch.float()  # (B, 3, H, W)
        factor, offset = (torch.from_numpy(v).to(out)[:, None, None] for v in (scale, shift))
        return out.mul_(factor).add_(offset)
    result = _empty_result(batch, torch.float32)
    source, target = _rows(batch.contiguous(memory_format=torch.channels_last)), _rows(result)
    _share(len(batch), lambda part: normalise_rows(source[part], target[part], scale, shift))
    return result


def _require_views(batch: torch.Tensor) -> None:
    """Refuse anything but (B, 3, H, W) bytes."""
    if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[1] != 3:
        raise ValueError(f"expected uint8 (B, 3, H, W), got {batch.dtype} {tuple(batch.shape)}")


def _rows(batch: torch.Tensor) -> Array:
    """A (B, 3, H, W) tensor that is channels-last in memory, as (B, H, 3W).

    With channels three apart in a flat row the compiler knows the stride and makes vector code.
    """
    rows: Array = batch.detach().permute(0, 2, 3, 1).flatten(2).numpy()
    return rows


def _empty_result(batch: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Room for a (B, 3, H, W) result, channels last in memory."""
    return torch.empty(batch.shape, dtype=dtype, memory_format=torch.channels_last)


def _share(count: int, work: Callable[[slice], None]) -> None:
    """Run `work` on slices of `count` views in torch's number of threads.

    The kernels let go of the interpreter lock. Numba's own thread pool would not survive a fork or
    two callers at once.
    """
    threads = min(torch.get_num_threads(), count // MINIMUM_SHARE)
    if threads < 2:
        work(slice(0, count))
        return
    edges = [count * k // threads for k in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, (slice(a, b) for a, b in pairwise(edges))))


def _jitter_with_torch(batch: torch.Tensor, jitter: Jitter, mirrored: torch.Tensor) -> torch.Tensor:
    """The same in torch operations over the batch, for devices other than the CPU."""

    def per_view(values: torch.Tensor) -> torch.Tensor:
        return values.to(batch.device)[:, None, None, None]  # (B, 1, 1, 1)

    factor, first = per_view(jitter.saturation.float()), per_view(jitter.saturation_first)
    batch = torch.where(per_view(mirrored), batch.flip(-1), batch)  # (B, 3, H, W)
    colours = _saturate(batch.float(), torch.where(first, factor, 1.0))  # (B, 3, H, W)
    colours = _turn_hue(colours, per_view(6 * jitter.hue.float()))
    colours = _saturate(colours, torch.where(first, 1.0, factor))
    return colours.add_(0.5).to(torch.uint8)


def _saturate(colours: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    """Blend (B, 3, H, W) in [0, 255] with its grey; a factor of 1 changes nothing."""
    weights = torch.tensor(LUMA, device=colours.device)[:, None, None]
    grey = (colours * weights).sum(1, keepdim=True)  # (B, 1, H, W)
    return (factor * colours + (1 - factor) * grey).clamp_(0, 255)


def _turn_hue(colours: torch.Tensor, sextants: torch.Tensor) -> torch.Tensor:
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


# --- The compiled loops behind `imet.data.augment`


LUMA = (0.2989, 0.587, 0.114)  # grey of red, green, blue: torchvision's weights

# Constants of the compiled code: a plain Python number would turn its arithmetic into doubles.
F32 = np.float32
ZERO, HALF, ONE, TWO, THREE = F32(0), F32(0.5), F32(1), F32(2), F32(3)
FOUR, FIVE, SIX, SIXTH, TOP = F32(4), F32(5), F32(6), F32(1 / 6), F32(255)
LUMA_32 = np.array(LUMA, F32)


@njit(nogil=True, cache=True, fastmath=True)
def normalise_rows(  # pragma: no cover - compiled
    source: Array, target: Array, scale: Array, shift: Array
) -> None:
    """Scale and shift (B, H, 3W) bytes, channel by channel."""
    for b in range(source.shape[0]):
        for y in range(source.shape[1]):
            row, to = source[b, y], target[b, y]
            for x in range(source.shape[2] // 3):
                for c in range(3):
                    to[3 * x + c] = F32(row[3 * x + c]) * scale[c] + shift[c]


@njit(nogil=True, cache=True, fastmath=True)
def augment_rows(  # pragma: no cover - compiled
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


@njit(nogil=True, cache=True)
def _reverse(values: Array) -> None:  # pragma: no cover - compiled
    """Turn (W,) around in place."""
    last = len(values) - 1
    for x in range(len(values) // 2):
        values[x], values[last - x] = values[last - x], values[x]


@njit(nogil=True, cache=True, fastmath=True)
def _saturate_row(  # pragma: no cover - compiled
    red: Array, green: Array, blue: Array, factor: float
) -> None:
    """Blend (W,) floats in [0, 255] with their grey, in place."""
    for x in range(len(red)):
        grey = (ONE - factor) * (LUMA_32[0] * red[x] + LUMA_32[1] * green[x] + LUMA_32[2] * blue[x])
        red[x] = min(max(factor * red[x] + grey, ZERO), TOP)
        green[x] = min(max(factor * green[x] + grey, ZERO), TOP)
        blue[x] = min(max(factor * blue[x] + grey, ZERO), TOP)


@njit(nogil=True, cache=True, fastmath=True)
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


@njit(nogil=True, cache=True, fastmath=True)
def _channel(value: Any, chroma: Any, k: Any) -> Any:  # pragma: no cover - compiled
    """HSV to one of R, G, B: V - C·max(0, min(k, 4 - k, 1)), k taken modulo 6."""
    k -= SIX * np.floor(k * SIXTH)
    return value - chroma * max(ZERO, min(min(k, FOUR - k), ONE))
