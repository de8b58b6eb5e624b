"""Contact sheets: how the collection is looked at, criticised and mended."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from imet.io import InputError, atomic_path
from imet_simulation.glyphs import font

PAPER, INK, FRAME = (250, 250, 248), (30, 30, 34), (214, 0, 150)


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
    """The work; the boxes of `label` drawn in, and very long ones cut to a part that shows one."""
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


def sheets(out: Path | str, *, most: int = 24, crops: bool = True) -> Path:
    """Write one sheet per culture and per tag of a simulated collection, and an index of them.

    Args:
        out: a folder that `simulate` has finished.
        most: pictures on a sheet at most.
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
        some = by_label[label][:most]
        is_tag = label.startswith("tag::")
        images = [_picture(out, work, label if is_tag else None) for work in some]
        if crops and not is_tag:
            images += [_crop(image, k) for k, image in enumerate(images[:6])]
        title = f"{label}   ({len(by_label[label])} works)"
        name = label.replace("::", "-").replace(" ", "_").replace("/", "_") + ".png"
        with atomic_path(folder / name) as path:
            contact(images, 190, 1500, title).save(path, "PNG")
        names.append((label, name))
    page = ["<!doctype html><meta charset='utf-8'><title>Contact sheets</title>"]
    page += [f"<h2>{k}</h2><img src='{n}' style='max-width:100%' alt='{k}'>" for k, n in names]
    with atomic_path(folder / "index.html") as path:
        path.write_text("\n".join(page), encoding="utf-8")
    return folder


def _crop(image: NDArray[np.uint8], k: int) -> NDArray[np.uint8]:
    """A square of 224/300 of the shorter side, in one corner after the other."""
    h, w = image.shape[:2]
    side = round(min(h, w) * 224 / 300)
    top, left = (0 if k % 2 else h - side), (0 if k // 2 % 2 else w - side)
    return image[top : top + side, left : left + side]
