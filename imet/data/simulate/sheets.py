"""Contact sheets: how the collection is looked at, criticised and mended."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def contact(
    images: Sequence[NDArray[np.uint8]], height: int = 210, width: int = 1500
) -> Image.Image:
    """Pictures of equal height in rows no wider than `width`."""
    rows: list[list[Image.Image]] = [[]]
    used = 0
    for image in images:
        picture = Image.fromarray(image)
        w = min(width - 8, max(8, round(height * picture.width / picture.height)))
        h = min(height, round(w * picture.height / picture.width))
        if used + w + 6 > width:
            rows.append([])
            used = 0
        rows[-1].append(picture.resize((w, h), Image.Resampling.LANCZOS))
        used += w + 6
    sheet = Image.new("RGB", (width, len(rows) * (height + 6) + 6), (250, 250, 248))
    for r, row in enumerate(rows):
        x = 6
        for picture in row:
            sheet.paste(picture, (x, 6 + r * (height + 6)))
            x += picture.width + 6
    return sheet
