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

import numpy as np
import torch

from imet.pixels import LUMA, augment_rows, normalise_rows

Array = np.ndarray

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
