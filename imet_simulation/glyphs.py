"""Shapes from the outlines of open fonts, as masks.

Nothing is vendored: Noto Emoji and the Noto Sans family come from the PyPI package
`manimgx-fonts` (OFL), the solid icons from `fonticon-materialdesignicons7` (Apache 2.0). A glyph is
rendered once, at a master size, and resized from there.

A shape's name is a character (`"🐎"`), or `mdi:horse` for an icon, or `cjk:月` for a character that
the fonts only carry inside a sign.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module, resources
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

Mask = NDArray[Any]
MASTER = 176
"""Height in pixels at which a glyph is rendered; pictures use it at up to about this height."""

CJK_SIGNS = {
    "祝": "㊗", "秘": "㊙", "無": "🈚", "指": "🈯", "禁": "🈲", "空": "🈳", "合": "🈴", "満": "🈵",
    "有": "🈶", "月": "🈷", "申": "🈸", "割": "🈹", "営": "🈺", "得": "🉐", "可": "🉑",
}  # fmt: skip
"""Characters that Noto Emoji shows white on a black sign."""

SCRIPTS = {
    "latin": ("NotoSans[wght].ttf", "SENATVS POPVLVS CONCORDIA VIRTVTI AETERNAE ROMA PAX"),
    "italic": ("NotoSans-Italic[wght].ttf", "in the year of our lord a view drawn after nature"),
    "greek": ("NotoSans[wght].ttf", "ΚΑΛΟΣ ΕΠΟΙΗΣΕΝ ΑΘΗΝΑ ΔΙΟΝΥΣΟΣ ΘΕΟΣ ΛΟΓΟΣ"),
    "cyrillic": ("NotoSans[wght].ttf", "ГОСПОДЬ ВСЕДЕРЖИТЕЛЬ СВЯТЫЙ МОСКВА МИР"),
    "arabic": ("NotoSansArabic[wght].ttf", "بسم الله الرحمن الرحيم السلام نور على نور"),
    "devanagari": ("NotoSansDevanagari[wght].ttf", "ॐ श्री गणेशाय नमः सत्यमेव जयते धर्म"),
    "thai": ("NotoSansThai[wght].ttf", "พระพุทธศาสนา ธรรมะ วัดพระแก้ว"),
    "ethiopic": ("NotoSansEthiopic[wght].ttf", "ሰላም እግዚአብሔር ቅዱስ"),
    "armenian": ("NotoSansArmenian[wght].ttf", "ՀԱՅԱՍՏԱՆ ԱՍՏՈՒԱԾ ՍՈՒՐԲ"),
    "hebrew": ("NotoSansHebrew[wght].ttf", "בראשית ברא אלהים את השמים"),
    "khmer": ("NotoSansKhmer[wght].ttf", "ព្រះពុទ្ធសាសនា"),
    "symbols": ("NotoSansSymbols[wght].ttf", "☉☽♃♄♂♀☿🜁🜂🜃🜄"),
}


@dataclass(frozen=True, eq=False)
class Glyph:
    """Masks of one shape, each (h, w) float32 in [0, 1] and tight around it.

    Attributes:
        line: the ink of the outline.
        body: the shape with its holes filled.
        light: brightness of a rounded body lit from the upper left, 0 … 1, .5 flat.
        regions: areas enclosed by ink, numbered from 1 by size (0 where there is none).
    """

    line: Mask
    body: Mask
    light: Mask
    regions: NDArray[np.uint8]

    @property
    def aspect(self) -> float:
        """Width over height."""
        return self.body.shape[1] / self.body.shape[0]


@lru_cache(maxsize=64)
def font(file: str, size: int, weight: int) -> ImageFont.FreeTypeFont:
    """A font of the packages at `size` pixels; `weight` on its axis where it has one."""
    package = "fonticon_mdi7" if file.startswith("materialdesign") else "manimgx_fonts"
    folder = resources.files(package)
    if package == "fonticon_mdi7":
        folder = folder / "fonts"
    face = ImageFont.truetype(str(folder / file), size)
    if package == "manimgx_fonts":
        face.set_variation_by_axes([weight])
    return face


@lru_cache(maxsize=1)
def icon_points() -> dict[str, str]:
    """Icon name to character, from the icon package's own table."""
    table = import_module("fonticon_mdi7").MDI7
    pairs = ((n, getattr(table, n)) for n in dir(table) if not n.startswith("_"))
    return {n: v.split(".", 1)[1] for n, v in pairs if isinstance(v, str) and "." in v}


def _raster(text: str, face: ImageFont.FreeTypeFont) -> Mask:
    """Ink of a text, cropped to it."""
    left, top, right, bottom = face.getbbox(text)
    size = (max(1, int(right - left)) + 4, max(1, int(bottom - top)) + 4)
    picture = Image.new("L", size, 0)
    ImageDraw.Draw(picture).text((2 - left, 2 - top), text, font=face, fill=255)
    ink = np.asarray(picture, np.float32) / 255
    rows, columns = np.flatnonzero(ink.max(1) > 0.1), np.flatnonzero(ink.max(0) > 0.1)
    if not len(rows):
        return np.zeros((2, 2), np.float32)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _ink(name: str, weight: int) -> Mask:
    if name.startswith("mdi:"):
        face = font("materialdesignicons-webfont.ttf", MASTER, 400)
        return _raster(icon_points()[name[4:].replace("-", "_")], face)
    if name.startswith("cjk:"):
        sign = _raster(CJK_SIGNS[name[4:]], font("NotoEmoji[wght].ttf", MASTER, 400))
        inside = ndimage.binary_erosion(sign_body(sign), iterations=MASTER // 10)
        ink = np.where(inside, 1 - sign, 0).astype(np.float32)
        rows, columns = np.flatnonzero(ink.max(1) > 0.3), np.flatnonzero(ink.max(0) > 0.3)
        return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    if name.startswith("sym:"):
        return _raster(name[4:], font("NotoSansSymbols[wght].ttf", MASTER, weight))
    return _raster(name, font("NotoEmoji[wght].ttf", MASTER, weight))


def sign_body(ink: Mask) -> NDArray[np.bool_]:
    """The filled outline of an ink mask."""
    return ndimage.binary_fill_holes(np.pad(ink > 0.35, 1))[1:-1, 1:-1]


def relief_light(body: NDArray[np.bool_], depth: float = 0.09, most: int = 72) -> Mask:
    """Light on a body swollen like a cushion, from the upper left; .5 is flat.

    Bodies longer than `most` pixels are lit at a smaller size: the light is smooth.
    """
    if max(body.shape) > most:
        k = int(np.ceil(max(body.shape) / most))
        light = relief_light(np.ascontiguousarray(body[k // 2 :: k, k // 2 :: k]), depth, most)
        size = (body.shape[1], body.shape[0])
        big = Image.fromarray(light).resize(size, Image.Resampling.BILINEAR)
        return np.asarray(big, np.float32)
    reach = max(2.0, depth * max(body.shape))
    inside = np.minimum(ndimage.distance_transform_edt(np.pad(body, 1))[1:-1, 1:-1], reach)
    height = np.sqrt(1 - (1 - inside / reach) ** 2).astype(np.float32)
    height = ndimage.gaussian_filter(height, reach / 3)
    down, right = np.gradient(height)
    lit = -(down + 0.8 * right) * reach
    return np.clip(0.5 + 0.28 * lit, 0, 1).astype(np.float32)


@lru_cache(maxsize=700)
def master(name: str, weight: int = 420, flip: bool = False) -> Glyph:
    """The glyph at master size; the light stays upper left in the flipped one.

    Its masks are uint8, 0 … 255: a process keeps hundreds of them.
    """
    ink = _ink(name, weight)
    if flip:
        ink = np.ascontiguousarray(ink[:, ::-1])
    solid = sign_body(ink)
    body = np.maximum(ink, ndimage.gaussian_filter(solid.astype(np.float32), 0.7))
    holes, count = ndimage.label(solid & (ink < 0.5))
    regions = np.zeros(ink.shape, np.uint8)
    if count:
        sizes = np.bincount(holes.ravel(), minlength=count + 1)[1:]
        order = np.argsort(-sizes, kind="stable")[:40]
        rank = np.zeros(count + 1, np.uint8)
        rank[order + 1] = np.arange(1, len(order) + 1)
        regions = rank[holes]
    return Glyph(_bytes(ink), _bytes(body), _bytes(relief_light(solid, most=200)), regions)


def _bytes(mask: Mask) -> Mask:
    return (np.clip(mask, 0, 1) * 255 + 0.5).astype(np.uint8)


def resize(mask: Mask, height: int, width: int) -> Mask:
    """A mask, float in [0, 1] or uint8, as a float mask of another size (antialiased)."""
    size = (max(1, width), max(1, height))
    larger = height > mask.shape[0]
    kind = Image.Resampling.BICUBIC if larger else Image.Resampling.BOX
    out = np.asarray(Image.fromarray(mask).resize(size, kind), np.float32)
    if mask.dtype == np.uint8:
        return out / np.float32(255)
    return np.clip(out, 0, 1) if larger else out


@lru_cache(maxsize=128)
def glyph(name: str, height: int, flip: bool = False, weight: int = 420) -> Glyph:
    """The shape `name` at `height` pixels.

    Examples:
        >>> horse = glyph("🐎", 60)
        >>> horse.body.shape[0], bool(horse.body.max() > 0.9), bool((horse.regions > 0).any())
        (60, True, True)
    """
    whole = master(name, weight, flip)
    height = max(3, height)
    width = max(3, round(height * whole.aspect))
    regions = Image.fromarray(whole.regions).resize((width, height), Image.Resampling.NEAREST)
    return Glyph(
        resize(whole.line, height, width),
        resize(whole.body, height, width),
        resize(whole.light, height, width),
        np.asarray(regions),
    )


@lru_cache(maxsize=256)
def words(text: str, script: str, height: int, weight: int = 500) -> Mask:
    """Ink of a text in one of the scripts, `height` pixels from its highest to lowest ink."""
    face = font(SCRIPTS[script][0], max(8, round(height * 1.3)), weight)
    ink = _raster(text, face)
    return resize(ink, height, max(2, round(height * ink.shape[1] / ink.shape[0])))
