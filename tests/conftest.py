"""Fixtures shared by every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a test says what is right, not how fast
settings.load_profile("untimed")

REPO = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def real_tables() -> Path:
    """Folder with Kaggle's real train.csv, labels.csv and sizes.csv (no images)."""
    folder = Path(os.environ.get("IMET_REAL_TABLES", REPO.parent / "shared" / "data" / "imet2019"))
    if not (folder / "train.csv").exists():
        pytest.skip(
            f"the real label tables are not at {folder}: Kaggle's rules keep them out of the "
            "repository; set IMET_REAL_TABLES to a folder with train.csv and labels.csv"
        )
    return folder
