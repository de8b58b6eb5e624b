"""Figures of the book: arrays and strings in, a matplotlib Figure out, nothing else.

Every function draws in the style of `imet.mplstyle` whatever the caller's settings are, and
returns a figure that no pyplot window owns: a notebook shows it once, as a cell's last value.
"""

from __future__ import annotations
