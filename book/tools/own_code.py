"""Check that the `imet` that Python found is the one beside these tools."""

from __future__ import annotations

from pathlib import Path

from imet.io import REPO, InputError


def require_own_code() -> None:
    """Raise if it belongs to another checkout: its numbers are not ours."""
    here = Path(__file__).resolve().parents[2]
    if here != REPO:
        raise InputError(f"{here} would run the code of {REPO}; run `make env` here first")
