"""The simulated collection: a small museum drawn on the spot, deterministic per seed.

A culture is a manner of drawing (`styles.py`), a tag is a thing in the picture (`things.py`), a
composition (`compositions/`) sets things into a picture. `render.draw` gives the image and the box
of every tag; `collection.simulate` writes Kaggle's layout.
"""

from __future__ import annotations

from imet.data.simulate.annotate import Noise
from imet.data.simulate.collection import SCHEMA, simulate
from imet.data.simulate.styles import STYLES
from imet.data.simulate.things import THINGS

__all__ = ["SCHEMA", "STYLES", "THINGS", "Noise", "simulate"]
