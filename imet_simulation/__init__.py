"""The simulated collection: a small museum drawn on the spot, deterministic per seed.

A culture is a manner of drawing (`styles/`), a tag is a thing in the picture (`things.py`), a
composition (`compositions/`) sets things into a picture:

    plan.py, program.py, given.py   what each work shows, and the collection as a whole
    compositions/                   portrait, landscape, vessel, icon, … (canvas, plan, style, rng)
    drawings/, people.py, dress.py  what is drawn by hand; everything else is a glyph (glyphs.py)
    paint.py, pen.py                how a shape is painted in a culture's technique
    ground.py, finish.py, ornament.py, motifs.py, texture.py    what covers the whole surface
    canvas.py                       the picture, and who owns each of its pixels (the boxes)
    annotate.py                     annotators' mistakes
    render.py, collection.py, sheets.py    one work; all of them on disk; looking at them

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

from imet_simulation.annotate import RELATED, Noise, annotate
from imet_simulation.book_sheets import write_sheets
from imet_simulation.collection import SCHEMA, simulate
from imet_simulation.ground_truth import GroundTruth, has_ground_truth, read_ground_truth
from imet_simulation.label_noise_counts import count_label_noise
from imet_simulation.program import make_program
from imet_simulation.render import draw, draw_whole, encode
from imet_simulation.sheets import sheets
from imet_simulation.styles import STYLES
from imet_simulation.things import THINGS
from imet_simulation.work import Plan, work_id

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
    "draw",
    "draw_whole",
    "encode",
    "has_ground_truth",
    "make_program",
    "read_ground_truth",
    "sheets",
    "simulate",
    "work_id",
    "write_sheets",
]
