"""What time and technique do to a whole surface: weave, hatching, tesserae, cracks, grain.

A finish takes (rgb, rng, style, unit) and gives the picture as its culture makes it; this is why a
culture shows in every crop. `lens` comes last and is the museum's camera, the same for all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from imet_simulation.canvas import Picture, rgb
from imet_simulation.glyphs import Mask
from imet_simulation.ground import Rng
from imet_simulation.texture import cells, cloud, cracks, grain, noise

if TYPE_CHECKING:
    from imet_simulation.styles import Style

GREY = np.array([0.299, 0.587, 0.114], np.float32)


def oil(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Brush drag, craquelure, warm varnish, a darker rim."""
    h, w = image.shape[:2]
    drag = noise(rng, h, w, 2 * u, 5) * 0.05 + noise(rng, h, w, 5 * u, 0.5) * 0.035
    net = cracks(rng, h, w, 22 * u) * (0.10 + 0.10 * np.clip(cloud(rng, h, w, 120 * u), 0, 1))
    out = image * (1 + drag - net)[..., None] * vignette(h, w, 0.28)[..., None]
    return out * np.array([1.0, 0.97, 0.88], np.float32)


def woodblock(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Flat inks pressed from wood: grain lines, a little mottling."""
    h, w = image.shape[:2]
    warp = noise(rng, h, w, 40 * u, 6)
    grain = np.sin((np.arange(h, dtype=np.float32)[:, None] / (3.1 * u)) + warp * 7)
    return image * (1 + 0.03 * grain + noise(rng, h, w, 2.0) * 0.03)[..., None]


def engraving(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Tone turned into hatched lines of ink on paper."""
    h, w = image.shape[:2]
    tone = ndimage.gaussian_filter(image @ GREY, 0.6)
    y = np.arange(h, dtype=np.float32)[:, None]
    x = np.arange(w, dtype=np.float32)[None]
    sway = noise(rng, h, w, 60 * u) * 3
    pitch = 4.2 * u
    first = 0.5 + 0.5 * np.cos((y * 0.8 + x * 0.6 + sway) * (6.283 / pitch))
    second = 0.5 + 0.5 * np.cos((y * 0.75 - x * 0.66 + sway) * (6.283 / pitch))
    ink = np.clip((first - tone * 1.28 + 0.02) * 5, 0, 1)
    ink = np.maximum(ink, np.clip((second - tone * 2.1) * 5, 0, 1))
    ink = np.maximum(ink, np.clip((0.27 - tone) * 8, 0, 0.9)) * (
        0.82 + noise(rng, h, w, 8 * u) * 0.12
    )
    sheet, black = rgb(style.paper), rgb(style.ink)
    colour = sheet + (image - (image @ GREY)[..., None]) * 0.35
    colour = (
        colour * (1 + cloud(rng, h, w, 90 * u) * 0.06 + noise(rng, h, w, 1.5, 5) * 0.03)[..., None]
    )
    return colour + (black - colour) * ink[..., None]


def knots(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Hand-knotted pile: square knots in few dyes, each its own little mound."""
    return _woven(image, rng, 2.6 * u, 2.6 * u, 0.24)


def tapestry(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Weft-faced tapestry: stepped edges, ribs along the warp."""
    return _woven(image, rng, 2.1 * u, 3.5 * u, 0.28)


def _woven(image: Picture, rng: Rng, ph: float, pw: float, depth: float) -> Picture:
    h, w = image.shape[:2]
    r = np.clip((np.floor(np.arange(h) / ph) + 0.5) * ph, 0, h - 1).astype(int)
    c = np.clip((np.floor(np.arange(w) / pw) + 0.5) * pw, 0, w - 1).astype(int)
    out = image[r][:, c]
    y = np.abs((np.arange(h, dtype=np.float32) / ph) % 1 - 0.5)[:, None]
    x = np.abs((np.arange(w, dtype=np.float32) / pw) % 1 - 0.5)[None]
    mound = 1 - depth * 3 * (y**2 + x**2)
    spots = rng.standard_normal((int(h / ph) + 2, int(w / pw) + 2)).astype(np.float32) * 0.05
    each = spots[np.minimum((r / ph).astype(int), spots.shape[0] - 1)]
    each = each[:, np.minimum((c / pw).astype(int), spots.shape[1] - 1)]
    return out * (mound * (1 + each))[..., None]


def mosaic(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Cubes of stone and glass in mortar: small ones where there is much to tell, others around.

    Each cube takes the darkest of its middle, so that drawn lines stay whole.
    """
    drawn = _eroded(image)
    tone = image @ GREY
    busy = ndimage.uniform_filter(np.abs(tone - ndimage.uniform_filter(tone, 7)), round(13 * u))
    fine = (busy > 0.045)[..., None]
    small = _cubes(image, drawn, rng, style, 2.9 * u, 0.4, 0.5)
    large = _cubes(image, image, rng, style, 4.2 * u, 0.5, 0.9)
    return np.where(fine, small, large).astype(np.float32)


def _eroded(image: Picture) -> Picture:
    """The darkest of four neighbours, channel by channel."""
    out = image.copy()
    out[1:] = np.minimum(image[1:], image[:-1])
    out[:, 1:] = np.minimum(out[:, 1:], out[:, :-1].copy())
    return out


def _cubes(
    image: Picture, drawn: Picture, rng: Rng, style: Style, pitch: float, jitter: float, gap: float
) -> Picture:
    h, w = image.shape[:2]
    r, c, edge, tint = cells(rng, h, w, pitch, jitter)
    r, c = np.clip(r, 0, h - 1).astype(int), np.clip(c, 0, w - 1).astype(int)
    spread = 0.3 if gap > 0.6 else 0.18
    out = drawn[r, c] * (1 - spread / 2 + spread * tint)[..., None].astype(np.float32)
    grout = np.clip(1.25 - edge * 5.5, 0, 1)[..., None] * np.float32(gap)
    return out + (rgb(style.grout) - out) * grout


def fresco(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Pigment in lime: faded in patches, cracked, fallen off in places."""
    h, w = image.shape[:2]
    bare = rgb(style.paper) * (1 + noise(rng, h, w, 3 * u) * 0.05)[..., None]
    fade = np.clip(0.16 + cloud(rng, h, w, 70 * u, 4) * 0.35, 0, 0.5)
    lost = np.clip((cloud(rng, h, w, 45 * u, 4) - 0.52) * 14, 0, 1)
    out = image + (bare - image) * np.maximum(fade, lost)[..., None]
    return out * (1 - cracks(rng, h, w, 60 * u, 0.03) * 0.25)[..., None]


def carved(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Tone read as height and lit from the upper left: low relief in one material."""
    tone = image @ GREY
    height = ndimage.gaussian_filter(tone, 1.1 * u)
    down, right = np.gradient(height)
    lit = (down + right) * 5.0 * u
    base = rgb(style.paper)
    h, w = tone.shape
    speck = cloud(rng, h, w, 50 * u) * 0.10 + grain(rng, h, w) * 0.025
    pits = np.clip(noise(rng, h, w, 3 * u) - 0.6, 0, 1) * -0.7
    shade = (0.72 + 0.34 * tone + np.clip(lit, -0.5, 0.5) + speck + pits)[..., None]
    colour = base * 0.85 + (image - tone[..., None]) * 0.25
    return np.clip(colour * shade, 0, 1)


def crackle(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Glaze with a fine crackle and a soft gloss."""
    h, w = image.shape[:2]
    net = cracks(rng, h, w, 26 * u, 0.035) * 0.17
    gloss = np.clip(cloud(rng, h, w, 160 * u) - 0.1, 0, 1) * 0.14
    return image * (1 - net)[..., None] + gloss[..., None]


def gloss(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Smooth porcelain or lacquer: clean, with a highlight."""
    h, w = image.shape[:2]
    return image + (np.clip(cloud(rng, h, w, 150 * u) - 0.15, 0, 1) * 0.16)[..., None]


def worn(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Opaque colour on paper or cloth, rubbed at the folds."""
    h, w = image.shape[:2]
    rub = np.clip((noise(rng, h, w, 2.2 * u) * 0.6 + cloud(rng, h, w, 60 * u) - 0.42) * 4, 0, 0.55)
    bare = rgb(style.paper) * 0.95
    return image + (bare - image) * rub[..., None]


def aged(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Darkened silk or papyrus: threads show through the colour."""
    h, w = image.shape[:2]
    thread = noise(rng, h, w, 1.3, 14) * 0.07 + noise(rng, h, w, 14, 0.09) * 0.05
    return image * (1 + thread - np.clip(cloud(rng, h, w, 80 * u), 0, 1) * 0.12)[..., None]


def pastel(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Chalky colour on tooth: light, dabbed, a powdery bloom."""
    h, w = image.shape[:2]
    dab = noise(rng, h, w, 3 * u, 2.2) * 0.07 + noise(rng, h, w, 7 * u, 0.6) * 0.05
    bloom = np.clip(0.10 + cloud(rng, h, w, 80 * u) * 0.12, 0, 0.3)[..., None]
    out = image * (1 + dab)[..., None] * 0.92 + 0.08
    return out + (rgb("#fbeee6") - out) * bloom


def tenebrous(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Old varnish over deep shadow: brown dark, a pool of light, a wide net of cracks."""
    h, w = image.shape[:2]
    y = np.linspace(-1, 1, h, dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, w, dtype=np.float32)[None]
    pool = 0.46 + 0.78 * np.exp(-1.5 * ((x + 0.2) ** 2 + (y + 0.05) ** 2))
    net = cracks(rng, h, w, 15 * u, 0.05) * 0.26
    drag = noise(rng, h, w, 2 * u, 4) * 0.06
    warm = np.array([1.06, 0.90, 0.66], np.float32)
    return image * (pool * (1 + drag - net))[..., None] * warm + net[..., None] * 0.02


def lustre(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Copper lustre over a tin glaze: an iridescent sheen, pinholes, a worn edge."""
    h, w = image.shape[:2]
    sheen = cloud(rng, h, w, 60 * u)[..., None] * np.array([0.10, 0.02, -0.05], np.float32)
    dark = np.clip(0.75 - image @ GREY, 0, 1)[..., None]
    pits = np.clip(noise(rng, h, w, 2.6 * u) - 0.66, 0, 1)[..., None]
    return image + sheen * (0.4 + 1.6 * dark) - pits * 0.5


def icon(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Tempera on a panel under darkened oil: grain of the boards, cracks along it."""
    h, w = image.shape[:2]
    boards = noise(rng, h, w, 70 * u, 0.05) * 0.07
    net = cracks(rng, h, w, 20 * u, 0.04) * 0.16
    dark = np.clip(cloud(rng, h, w, 90 * u), 0, 1) * 0.22
    return image * (1 + boards - net - dark)[..., None] * np.array([1.0, 0.94, 0.8], np.float32)


def chased(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Lines cut into brass and filled with silver and black: lit from the upper left."""
    tone = ndimage.gaussian_filter(image @ GREY, 0.7 * u)
    down, right = np.gradient(tone)
    lit = np.clip((down + right) * 2.2 * u, -0.35, 0.45)
    h, w = tone.shape
    dents = noise(rng, h, w, 8 * u) * 0.07 + noise(rng, h, w, 1.3, 5) * 0.04
    return image * (1 + lit + dents)[..., None]


def gilded(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Gold leaf on lacquer, rubbed where hands have been."""
    h, w = image.shape[:2]
    tone = (image @ GREY)[..., None]
    gleam = 1 + 0.22 * cloud(rng, h, w, 40 * u)[..., None]
    rub = np.clip((noise(rng, h, w, 3 * u) + cloud(rng, h, w, 60 * u) - 0.72) * 3, 0, 0.7)[
        ..., None
    ]
    return image * gleam * (1 - rub * np.clip(tone * 2, 0, 1))


def batik(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Wax-resist cloth: dark veins where the wax cracked, dots, a plain weave."""
    h, w = image.shape[:2]
    veins = cracks(rng, h, w, 30 * u, 0.035) * 0.5 * (0.5 + np.clip(cloud(rng, h, w, 60 * u), 0, 1))
    y = np.arange(h, dtype=np.float32)[:, None] / u
    x = np.arange(w, dtype=np.float32)[None] / u
    weave = 0.03 * (np.sin(y * 2.6) + np.sin(x * 2.6))
    dots = np.clip(np.cos(y * 0.7) * np.cos(x * 0.7) - 0.86, 0, 1) * 2.2
    out = image * (1 + weave - veins)[..., None]
    return out + (rgb(style.paper) - out) * np.clip(dots, 0, 0.8)[..., None]


def sepia(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """A photograph: one brown or silver tone, grain, fading to the edges."""
    h, w = image.shape[:2]
    tone = ndimage.gaussian_filter(image @ GREY, 0.7)
    tone = np.clip((tone - 0.10) * 1.45, 0, 1) ** 0.9
    speck = grain(rng, h, w) * 0.04
    tone = np.clip(tone * vignette(h, w, 0.35) + speck * (1 - tone * 0.6), 0, 1)[..., None]
    dark, light = rgb(style.ink), rgb(style.paper)
    return dark + (light - dark) * tone


def vignette(h: int, w: int, strength: float) -> Mask:
    """Brightness falling towards the corners."""
    y = (np.linspace(-1, 1, h, dtype=np.float32) ** 2)[:, None]
    x = (np.linspace(-1, 1, w, dtype=np.float32) ** 2)[None]
    return 1 - strength * ((y + x) / 2) ** 1.5


def plain(image: Picture, rng: Rng, style: Style, u: float) -> Picture:
    """Nothing added."""
    return image


def lens(image: Picture, rng: Rng, u: float) -> Picture:
    """The museum's camera: exposure, white balance, a little blur and sensor noise."""
    gain = 1 + rng.normal(0, 0.03)
    balance = ((1 + rng.normal(0, 0.012, 3)) * gain).astype(np.float32)
    if rng.random() < 0.3:
        image = image.copy()
        image[:, 1:] = (image[:, 1:] + image[:, :-1]) / 2
        image[1:] = (image[1:] + image[:-1]) / 2
    h, w = image.shape[:2]
    out = image * balance
    out += grain(rng, h, w)[..., None] * np.float32(0.005)
    return np.clip(out, 0, 1, out=out)


Finish = Callable[[Picture, Rng, "Style", float], Picture]
FINISHES: dict[str, Finish] = {
    "oil": oil,
    "woodblock": woodblock,
    "engraving": engraving,
    "knots": knots,
    "tapestry": tapestry,
    "mosaic": mosaic,
    "fresco": fresco,
    "carved": carved,
    "crackle": crackle,
    "gloss": gloss,
    "worn": worn,
    "aged": aged,
    "sepia": sepia,
    "pastel": pastel,
    "tenebrous": tenebrous,
    "lustre": lustre,
    "icon": icon,
    "chased": chased,
    "gilded": gilded,
    "batik": batik,
    "plain": plain,
}
