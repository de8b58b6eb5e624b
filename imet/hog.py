"""Histograms of oriented gradients (the paper's Algorithm 1), equal to scikit-image's `hog`.

Orientation bins are hard, as in scikit-image, so only the bin of an angle matters, not the angle:
comparisons with tan 22.5°, 1 and tan 67.5° replace an arc tangent. It is the cells that are worth
caching: a 224-pixel view has 14·14·8 numbers there, but 10,368 once every cell has been normalised
in up to nine overlapping blocks.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from imet.compiled import compiled, in_threads

ORIENTATIONS = 8
CELL = 16  # pixels
BLOCK = 3  # cells

_TAN_LOW = np.float32(np.tan(np.deg2rad(22.5)))
_TAN_HIGH = np.float32(np.tan(np.deg2rad(67.5)))
_EPS = 1e-5  # scikit-image's
_STRIP = 512  # pixels of a row that are processed together; whole cells


def hog_length(rows: int, columns: int) -> int:
    """Length of the descriptor of `rows` × `columns` cells.

    Examples:
        >>> hog_length(14, 14)
        10368
    """
    return (rows - BLOCK + 1) * (columns - BLOCK + 1) * BLOCK * BLOCK * ORIENTATIONS


def hog_cells(images: Tensor) -> Tensor:
    """Mean gradient magnitude by orientation in every 16x16 cell.

    At each pixel the channel with the largest gradient counts (the first one on ties); gradients
    are central differences, and zero across the image border. Images are uint8 (B, C, H, W) with
    any number of channels, on any device, of one block or larger; cells are float32
    (B, H // 16, W // 16, 8), in grey levels per pixel, on the same device.

    Examples:
        >>> ramp = torch.arange(48, dtype=torch.uint8).expand(1, 3, 48, 48)
        >>> hog_cells(ramp)[0, 1, 1].tolist()
        [2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    if images.ndim != 4 or images.dtype != torch.uint8:
        shape = tuple(images.shape)
        raise ValueError(f"HOG takes uint8 images (B, C, H, W), not {images.dtype} {shape}")
    if min(images.shape[2:]) < CELL * BLOCK:
        raise ValueError(f"HOG needs {CELL * BLOCK} pixels per side, got {tuple(images.shape[2:])}")
    if images.device.type != "cpu":
        return _cells_torch(images)
    batch, _, height, width = images.shape
    array = np.ascontiguousarray(images.numpy())  # (B, C, H, W)
    cells = np.empty((batch, height // CELL, width // CELL, ORIENTATIONS), np.float32)
    in_threads(batch, lambda part: _cells_numba(array[part], cells[part]))
    return torch.from_numpy(cells)


def hog_blocks(cells: Tensor) -> Tensor:
    """L2-Hys contrast normalisation of overlapping 3x3 blocks: cells to the descriptor v_H.

    Cells (B, rows, columns, 8) of any float type give float32 (B, D) in [0, 1], D = `hog_length`,
    in scikit-image's order: block row, block column, cell row, cell column, orientation.

    Examples:
        >>> hog_blocks(torch.ones(2, 14, 14, 8)).shape
        torch.Size([2, 10368])
    """
    if cells.device.type != "cpu":
        return _blocks_torch(cells)
    array = np.ascontiguousarray(cells.float().numpy())
    batch, rows, columns, bins = array.shape
    shape = (batch, rows - BLOCK + 1, columns - BLOCK + 1, BLOCK, BLOCK, bins)
    blocks = np.empty(shape, np.float32)
    _blocks_numba(array, blocks)
    return torch.from_numpy(blocks).flatten(1)


def hog_image(image: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Draw the cells as stars of line segments (the paper's Figure 2), by scikit-image.

    Maps uint8 (H, W, 3) to float64 (H, W); a brighter line is a stronger edge along it.

    Examples:
        >>> hog_image(np.zeros((64, 80, 3), np.uint8)).shape
        (64, 80)
    """
    from skimage.feature import hog as skimage_hog

    cell, block = (CELL, CELL), (BLOCK, BLOCK)
    _, picture = skimage_hog(image, ORIENTATIONS, cell, block, visualize=True, channel_axis=-1)
    return np.asarray(picture, np.float64)


@compiled()
def _cells_numba(images: npt.NDArray[np.uint8], cells: npt.NDArray[np.float32]) -> None:
    """Fill `cells` strip by strip. The compiler turns every inner loop into SIMD: there are no
    branches, and all rows lie in one buffer of constant width, so that none can overlap."""
    batch, channels, height, _ = images.shape
    rows, columns = cells.shape[1], cells.shape[2]
    row = np.empty((6 + ORIENTATIONS, _STRIP), np.float32)
    zero, one, scale = np.float32(0), np.float32(1), np.float32(1 / (CELL * CELL))
    for b in range(batch):
        for first in range(0, columns * CELL, _STRIP):
            used = min(_STRIP, columns * CELL - first)
            for i in range(rows):
                row[6:] = 0
                for y in range(i * CELL, (i + 1) * CELL):
                    inner = 0 < y < height - 1
                    row[2:5] = 0
                    for c in range(channels):
                        _difference(images[b, c, y], first, used, row[0])
                        if inner:
                            above = images[b, c, y - 1, first:]
                            below = images[b, c, y + 1, first:]
                            for x in range(used):
                                row[1, x] = np.float32(below[x]) - np.float32(above[x])
                        else:
                            row[1] = 0
                        for x in range(used):
                            square = row[0, x] * row[0, x] + row[1, x] * row[1, x]  # exact
                            larger = square > row[2, x]
                            row[2, x] = square if larger else row[2, x]
                            row[3, x] = row[0, x] if larger else row[3, x]
                            row[4, x] = row[1, x] if larger else row[4, x]
                    for x in range(used):
                        along, across = row[3, x], row[4, x]
                        a, r = abs(along), abs(across)
                        # no ratio of two integers equals tan 22.5° or tan 67.5°
                        q = one if r > _TAN_LOW * a else zero
                        q = q + (one if r > _TAN_HIGH * a else zero)
                        up = q + (one if r >= a else zero)  # exactly 45° opens the third bin
                        down = np.float32(7) - q - (one if r > a else zero)  # 135° the seventh
                        falling = along * across < zero
                        up = np.float32(4) if a == zero else up  # 90°
                        up = zero if r == zero else up
                        row[5, x] = down if falling else up
                        row[2, x] = np.sqrt(row[2, x])
                    for k in range(ORIENTATIONS):
                        for x in range(used):
                            row[6 + k, x] += row[2, x] if row[5, x] == k else zero
                for k in range(ORIENTATIONS):
                    for column in range(used // CELL):
                        s = zero
                        for x in range(column * CELL, (column + 1) * CELL):
                            s += row[6 + k, x]
                        cells[b, i, first // CELL + column, k] = s * scale


@compiled()
def _difference(
    line: npt.NDArray[np.uint8], first: int, used: int, out: npt.NDArray[np.float32]
) -> None:
    """Central differences of the `used` pixels from `first` on; zero at the ends of the line."""
    start, stop = max(first, 1), min(first + used, len(line) - 1)
    left, right, middle = line[start - 1 :], line[start + 1 :], out[start - first :]
    for x in range(stop - start):
        middle[x] = np.float32(right[x]) - np.float32(left[x])
    if first == 0:
        out[0] = 0
    if first + used == len(line):
        out[used - 1] = 0


@compiled(fastmath={"reassoc", "nsz", "contract"})
def _blocks_numba(cells: npt.NDArray[np.float32], blocks: npt.NDArray[np.float32]) -> None:
    batch, rows, columns = blocks.shape[:3]
    size = BLOCK * BLOCK * ORIENTATIONS
    flat = blocks.reshape(batch, rows, columns, size)
    run = BLOCK * ORIENTATIONS
    strips = cells.reshape(batch, cells.shape[1], -1)  # three cells of a row lie side by side
    eps = np.float32(_EPS**2)
    for b in range(batch):
        for i in range(rows):
            for j in range(columns):
                v = flat[b, i, j]
                s = np.float32(0)
                for r in range(BLOCK):
                    strip = strips[b, i + r, j * ORIENTATIONS : j * ORIENTATIONS + run]
                    for k in range(run):
                        v[r * run + k] = strip[k]
                        s += strip[k] * strip[k]
                scale = np.float32(1) / np.sqrt(s + eps)
                s = np.float32(0)
                for k in range(size):
                    v[k] = min(v[k] * scale, np.float32(0.2))
                    s += v[k] * v[k]
                scale = np.float32(1) / np.sqrt(s + eps)
                for k in range(size):
                    v[k] *= scale


def _cells_torch(images: Tensor) -> Tensor:
    """`_cells_numba` in torch operations, for images on a GPU."""
    x = images.float()  # (B, C, H, W)
    gx, gy = torch.zeros_like(x), torch.zeros_like(x)
    gx[..., 1:-1] = x[..., 2:] - x[..., :-2]
    gy[..., 1:-1, :] = x[..., 2:, :] - x[..., :-2, :]
    squares = gx * gx + gy * gy  # (B, C, H, W)
    square, along, across = squares[:, 0], gx[:, 0], gy[:, 0]  # (B, H, W)
    for c in range(1, x.shape[1]):
        larger = squares[:, c] > square
        square = torch.where(larger, squares[:, c], square)
        along = torch.where(larger, gx[:, c], along)
        across = torch.where(larger, gy[:, c], across)
    a, r = along.abs(), across.abs()
    q = (r > float(_TAN_LOW) * a).int() + (r > float(_TAN_HIGH) * a).int()
    rising = (along * across > 0) | (across == 0)
    place = torch.where(rising, q + ((r >= a) & (r > 0)).int(), 7 - q - (r > a).int())
    magnitude = square.sqrt()
    split = torch.stack([magnitude * (place == k) for k in range(ORIENTATIONS)], 1)
    return F.avg_pool2d(split, CELL).permute(0, 2, 3, 1).contiguous()  # (B, rows, columns, 8)


def _blocks_torch(cells: Tensor) -> Tensor:
    windows = cells.float().unfold(1, BLOCK, 1).unfold(2, BLOCK, 1)  # (B, y, x, 8, 3, 3)
    v = windows.permute(0, 1, 2, 4, 5, 3).flatten(3)  # (B, y, x, 72)
    v = v / torch.sqrt((v * v).sum(-1, keepdim=True) + _EPS**2)
    v = v.clamp(max=0.2)
    v = v / torch.sqrt((v * v).sum(-1, keepdim=True) + _EPS**2)
    return v.flatten(1)  # (B, D)
