"""The simulated collection: a small museum drawn on the spot, deterministic per seed.

A culture is a manner of drawing (`styles/`), a tag is a thing in the picture (`things.py`), and a
composition (`compositions/`) arranges things in a picture:

    work.py, plan.py                what a work shows
    catalogue.py, from_labels.py    all works: for our own labels, for another label table
    compositions/                   portrait, landscape, vessel, icon, … (canvas, plan, style, rng)
    drawings/, people.py, dress.py  what is drawn by hand; everything else is a glyph (glyphs.py)
    paint.py, pen.py                how a shape is painted in a culture's technique
    ground.py, finish.py, ornament.py, motifs.py, texture.py    what covers the whole surface
    canvas.py                       the picture, and who owns each of its pixels (the boxes)
    render.py, collection.py        one work drawn; all of them on disk
    annotator.py, ground_truth.py   mistakes in the labels; the labels without them, and the boxes
    visibility.py                   how much of a thing a crop shows
    contact_sheets.py               looking at what was drawn

Adding a tag or a style in ten lines
------------------------------------
A tag is one row of `things.ROWS`: its name as in the real table, the shapes that may stand for it,
how readily it is chosen, its height, where it stands.

    row("teapots", "🫖", 0.7, 0.28, "table object", hue="#b8683a", worlds="europe china japan"),

Where no font has a shape, write a function `(c, cx, base, h, style, rng, label)` in `drawings/`,
add it to `DRAWINGS`, and name it: `row("windmills", "", 0.5, 0.46, "scenery", drawn="windmill")`.
A style is one `Style(...)` in `styles/west.py`, `east.py` or `ancient.py`: palette, ground, finish,
technique, border, script, dress, forms. A new border or finish is one function in `motifs.py` or
`finish.py`. Then look: `imet data simulate OUT --works 400 && imet data sheets OUT`.

Fonts come from two PyPI packages and are not part of the repository: Noto Emoji and Noto Sans
(`manimgx-fonts`, SIL Open Font License 1.1) and Material Design Icons
(`fonticon-materialdesignicons7`, Apache License 2.0).
"""

from __future__ import annotations

from imet_simulation.annotator import RELATED, Noise, annotate, count_label_noise
from imet_simulation.collection import SCHEMA, read_plans, simulate
from imet_simulation.contact_sheets import write_contact_sheets, write_label_sheets
from imet_simulation.ground_truth import GroundTruth, has_ground_truth, read_ground_truth
from imet_simulation.render import draw, draw_png
from imet_simulation.styles import STYLES
from imet_simulation.things import THINGS
from imet_simulation.visibility import covered_share, visible_share, visible_shares
from imet_simulation.work import Plan

__all__ = [
    "RELATED",
    "SCHEMA",
    "STYLES",
    "THINGS",
    "GroundTruth",
    "Noise",
    "Plan",
    "annotate",
    "count_label_noise",
    "covered_share",
    "draw",
    "draw_png",
    "has_ground_truth",
    "read_ground_truth",
    "read_plans",
    "simulate",
    "visible_share",
    "visible_shares",
    "write_contact_sheets",
    "write_label_sheets",
]
