"""Compositions: small functions that set things into a picture.

Each takes (canvas, plan, style, rng) and paints the whole picture. `SLOTS` says what a composition
has room for; things that find no place of their own are shown as medallions.
"""

from __future__ import annotations

from imet_simulation.compositions.registry import COMPOSITIONS, Composition, Slot

__all__ = ["COMPOSITIONS", "Composition", "Slot"]
