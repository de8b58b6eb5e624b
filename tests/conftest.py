"""Fixtures shared by every test."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

settings.register_profile("untimed", deadline=None)  # a test says what is right, not how fast
settings.load_profile("untimed")

os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"  # tests serve themselves

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


COLOURS = ("red", "green", "blue")
THINGS = 7


def draw_collection(folder: Path, works: int) -> Path:
    """A folder in Kaggle's layout under label names of its own, ids with gaps, pictures 40×50.

    The strongest channel shows the style, the column of a white bar the thing; every label is
    used often enough to be kept once there are 21 works.
    """
    rng = np.random.default_rng(0)
    names = [f"style::{c}" for c in COLOURS] + [f"thing {i}, ünïcode 物" for i in range(THINGS)]
    ids = [10 * i + 7 for i in range(len(names))]
    (folder / "train").mkdir(parents=True)
    labels = "".join(f'{i},"{name}"\n' for i, name in zip(ids, names))
    (folder / "labels.csv").write_text("attribute_id,attribute_name\n" + labels, encoding="utf-8")
    rows = "id,attribute_ids\n"
    for work in range(works):
        colour, thing = work % len(COLOURS), work % THINGS
        picture = rng.integers(0, 60, (50, 40, 3)).astype(np.uint8)
        picture[..., colour] += 150
        picture[10:30, 5 * thing : 5 * thing + 5] = 255
        Image.fromarray(picture).save(folder / "train" / f"w{work}.png")
        rows += f"w{work},{ids[colour]} {ids[len(COLOURS) + thing]}\n"
    (folder / "train.csv").write_text(rows, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def small_collection(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 works of 10 labels, none of them Kaggle's; tests must not write into it."""
    return draw_collection(tmp_path_factory.mktemp("collection") / "small", 60)
