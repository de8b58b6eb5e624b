"""Contact sheets small enough to go with a book: one a label, JPEG, and the work's boxes drawn in.

`imet data sheets` writes them at full size.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from imet.io import atomic_path
from imet_simulation.ground_truth import Collection, GroundTruth
from imet_simulation.sheets import FRAME, contact

Array = np.ndarray
WIDEST = 2.5
"""Width over height, or height over width, beyond which a picture is cut."""


def sheet_name(label: str) -> str:
    """A label's file name.

    Examples:
        >>> sheet_name("tag::writing systems")
        'tag-writing-systems.jpg'
    """
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") + ".jpg"


def write_sheets(
    out: Path,
    collection: Collection,
    truth: GroundTruth,
    *,
    most: int = 8,
    height: int = 100,
    width: int = 760,
    quality: int = 70,
) -> dict[str, str]:
    """Write a contact sheet for every label that is shown; sheets of earlier labels are removed.

    Args:
        out: folder, made where it is not there.
        collection, truth: of a simulation; a label's works are those that show it.
        most: pictures on a sheet at most, the first in the collection's order.
        height: of a picture in pixels.
        width: of a sheet in pixels.
        quality: of the JPEG.

    Returns:
        Label to file name, in the labels' order.
    """
    out.mkdir(parents=True, exist_ok=True)
    wanted = {
        k: np.flatnonzero(truth.targets[:, k])[:most].tolist()
        for k in range(len(collection.labels))
        if truth.targets[:, k].any()
    }
    rows = sorted({row for several in wanted.values() for row in several})
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # decoding leaves the interpreter's lock
        small = dict(zip(rows, pool.map(lambda row: _small(collection, row, height), rows)))

        def one(k: int) -> tuple[str, str]:
            label = collection.labels.names[k]
            name, pictures = sheet_name(label), []
            for row in wanted[k]:
                picture, scale = small[row]
                pictures.append(_framed(picture, truth.boxes_of(row, k) * scale))
            title = f"{label}   ({int(truth.targets[:, k].sum())} works)"
            with atomic_path(out / name) as path:
                contact(pictures, height, width, title).save(path, "JPEG", quality=quality)
            return label, name

        found = dict(pool.map(one, wanted))
    for path in out.glob("*.jpg"):
        if path.name not in found.values():
            path.unlink()
    return found


def _small(collection: Collection, row: int, side: int) -> tuple[Array, float]:
    """A picture whose shorter side is `side` at most, and by how much it was scaled."""
    picture = Image.open(collection.path(row)).convert("RGB")
    scale = min(1.0, side / min(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)), scale


def _framed(picture: Array, boxes: Array) -> Array:
    """The picture with boxes (M, 4) drawn in; a very long one cut to a part that shows one."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for left, top, right, bottom in boxes.round().astype(int).tolist():
        pen.rectangle([left, top, max(left, right - 1), max(top, bottom - 1)], outline=FRAME)
    longest = round(WIDEST * min(image.size))
    x, y = (boxes[0, :2] - min(image.size) / 2).round().astype(int) if len(boxes) else (0, 0)
    left = int(np.clip(x, 0, max(0, image.width - longest)))
    top = int(np.clip(y, 0, max(0, image.height - longest)))
    return np.asarray(image.crop((left, top, min(image.width, left + longest),
                                  min(image.height, top + longest))))  # fmt: skip
