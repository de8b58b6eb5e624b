"""The compiled loops behind `imet.transforms`: bytes in, bytes or floats out.

Arrays are (B, H, 3W): rows of pixels with their channels interleaved. A row is worked on in floats,
each colour by itself, so that the loops become vector code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

Array = np.ndarray

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
