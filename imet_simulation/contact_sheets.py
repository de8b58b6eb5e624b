"""Contact sheets, on which to look at the collection, criticise it and mend it.

`write_contact_sheets` writes them at full size with an index, `write_label_sheets` as JPEG files
small enough to go with a book.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from html import escape
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imet.io import InputError, atomic_path, digest
from imet_simulation.glyphs import font
from imet_simulation.ground_truth import Collection, GroundTruth

Array = np.ndarray
PAPER, INK, FRAME = (250, 250, 248), (30, 30, 34), (214, 0, 150)
WIDEST = 2.5
"""Width over height, or height over width, beyond which a picture is cut."""


def contact(
    images: Sequence[NDArray[np.uint8]], height: int = 210, width: int = 1500, title: str = ""
) -> Image.Image:
    """Pictures of equal height in rows no wider than `width`, a title above.

    Examples:
        >>> contact([np.zeros((30, 40, 3), np.uint8)] * 5, height=60, width=300).size
        (300, 138)
    """
    rows: list[list[Image.Image]] = [[]]
    used = 0
    for image in images:
        picture = Image.fromarray(image)
        w = min(width - 12, max(8, round(height * picture.width / picture.height)))
        h = min(height, max(1, round(w * picture.height / picture.width)))
        if rows[-1] and used + w + 12 > width:
            rows.append([])
            used = 0
        rows[-1].append(picture.resize((w, h), Image.Resampling.LANCZOS))
        used += w + 6
    top = 34 if title else 6
    sheet = Image.new("RGB", (width, top + len(rows) * (height + 6)), PAPER)
    if title:
        face = font("NotoSans[wght].ttf", 20, 600)
        ImageDraw.Draw(sheet).text((8, 4), title, font=face, fill=INK)
    for r, row in enumerate(rows):
        x = 6
        for picture in row:
            sheet.paste(picture, (x, top + r * (height + 6)))
            x += picture.width + 6
    return sheet


def _read(out: Path) -> list[dict[str, Any]]:
    path = out / "truth.jsonl"
    if not path.exists():
        raise InputError(f"{path}: not found; draw a collection with `imet data simulate {out}`")
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _picture(out: Path, work: dict[str, Any], label: str | None) -> NDArray[np.uint8]:
    """A work with the boxes of `label` drawn in; a very long one is cut to a part with a box."""
    with Image.open(out / "train" / f"{work['id']}.png") as opened:
        picture = opened.convert("RGB")
    boxes = work["boxes"].get(label, []) if label else []
    pen = ImageDraw.Draw(picture)
    for box in boxes:
        pen.rectangle([box[0], box[1], box[2] - 1, box[3] - 1], outline=FRAME, width=2)
    short = min(picture.size)
    if picture.width > 2.5 * short or picture.height > 2.5 * short:
        x, y = (boxes[0][0], boxes[0][1]) if boxes else (0, 0)
        left = min(max(0, x - short // 2), max(0, picture.width - round(2.5 * short)))
        upper = min(max(0, y - short // 2), max(0, picture.height - round(2.5 * short)))
        right = min(picture.width, left + round(2.5 * short))
        picture = picture.crop(
            (left, upper, right, min(picture.height, upper + round(2.5 * short)))
        )
    return np.asarray(picture)


def write_contact_sheets(out: Path | str, *, most: int = 24, crops: bool = True) -> Path:
    """Write one sheet per culture and per tag of a simulated collection, and an index of them.

    Args:
        out: a folder that `simulate` has finished.
        most: largest number of pictures on a sheet.
        crops: add to each culture's sheet a row of 224-pixel crops, as a view would see them.

    Returns:
        The folder `out/sheets`; its `index.html` shows all sheets.

    Raises:
        InputError: `out` holds no simulated collection.
    """
    out = Path(out)
    works = _read(out)
    by_label: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for work in works:
        for label in work["labels"]:
            by_label[label].append(work)
    folder = out / "sheets"
    folder.mkdir(exist_ok=True)
    names = []
    for label in sorted(by_label):
        is_tag = label.startswith("tag::")
        images = [_picture(out, work, label if is_tag else None) for work in by_label[label][:most]]
        if crops and not is_tag:
            images += [_crop(image, k) for k, image in enumerate(images[:6])]
        title = f"{label}   ({len(by_label[label])} works)"
        name = sheet_name(label).replace(".jpg", ".png")
        with atomic_path(folder / name) as path:
            contact(images, 190, 1500, title).save(path, "PNG")
        names.append((label, name))
    page = ["<!doctype html><meta charset='utf-8'><title>Contact sheets</title>"]
    page += [
        f'<h2>{escape(label)}</h2><img src="{name}" style="max-width:100%" alt="{escape(label)}">'
        for label, name in names
    ]
    with atomic_path(folder / "index.html") as path:
        path.write_text("\n".join(page), encoding="utf-8")
    return folder


def _crop(image: NDArray[np.uint8], k: int) -> NDArray[np.uint8]:
    """A square of 224/300 of the shorter side, in one corner after the other."""
    h, w = image.shape[:2]
    side = round(min(h, w) * 224 / 300)
    top, left = (0 if k % 2 else h - side), (0 if k // 2 % 2 else w - side)
    return image[top : top + side, left : left + side]


def sheet_name(label: str) -> str:
    """File name of a label's sheet, ending in a digest if it has letters beyond the alphabet.

    Examples:
        >>> sheet_name("tag::writing systems")
        'tag-writing-systems.jpg'
    """
    name = re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")[:80]
    plain = re.fullmatch(r"[a-z]+::[a-z0-9 ]{1,70}", label)
    return f"{name}.jpg" if plain else f"{name}-{digest(label)[:8]}.jpg"


def write_label_sheets(
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
        out: folder, created if missing.
        collection, truth: of a simulation; a label's works are those that show it.
        most: largest number of pictures on a sheet, the first in the collection's order.
        height: height of a picture in pixels.
        width: width of a sheet in pixels.
        quality: quality of the JPEG.

    Returns:
        Label to file name, in the labels' order.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows_of = {
        k: np.flatnonzero(truth.targets[:, k])[:most].tolist()
        for k in range(len(collection.labels))
        if truth.targets[:, k].any()
    }
    rows = sorted({row for several in rows_of.values() for row in several})
    with ThreadPoolExecutor(joblib.cpu_count()) as pool:  # decoding releases the global lock
        small = dict(zip(rows, pool.map(lambda row: _small(collection, row, height), rows)))

        def one(k: int) -> tuple[str, str]:
            label = collection.labels.names[k]
            name, pictures = sheet_name(label), []
            for row in rows_of[k]:
                picture, scale = small[row]
                pictures.append(_framed(picture, truth.boxes_of(row, k) * scale))
            title = f"{label}   ({int(truth.targets[:, k].sum())} works)"
            with atomic_path(out / name) as path:
                contact(pictures, height, width, title).save(path, "JPEG", quality=quality)
            return label, name

        files = dict(pool.map(one, rows_of))
    for path in out.glob("*.jpg"):
        if path.name not in files.values():
            path.unlink()
    return files


def _small(collection: Collection, row: int, side: int) -> tuple[Array, float]:
    """A picture whose shorter side is at most `side`, and the factor it was scaled by."""
    picture = Image.open(collection.path(row)).convert("RGB")
    scale = min(1.0, side / min(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)), scale


def _framed(picture: Array, boxes: Array) -> Array:
    """The picture with boxes (M, 4) drawn in; a very long one is cut to a part with a box."""
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
