"""The tools of the book, by their names, for tests of `make machine`."""

from __future__ import annotations

import sys

from imet.io import REPO

sys.path.insert(0, str(REPO / "book" / "tools"))
