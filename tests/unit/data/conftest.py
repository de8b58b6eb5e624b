"""Small folders in Kaggle's layout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imet.data.tables import Collection, read_collection

LABELS = ((3, "culture::japan"), (5, "tag::men"), (8, "tag::fish, salted"))
MakeFolder = Callable[..., Path]


@pytest.fixture
def make_folder(tmp_path: Path) -> MakeFolder:
    """Write `labels.csv`, `train.csv` (id, attribute_ids) and, if asked, a picture of each work."""

    def make(
        works: Sequence[tuple[str, str]],
        labels: Sequence[tuple[int, str]] = LABELS,
        pictures: bool = False,
    ) -> Path:
        names = "\n".join(f'{number},"{name}"' for number, name in labels)
        (tmp_path / "labels.csv").write_text(f"attribute_id,attribute_name\n{names}\n")
        rows = "\n".join(f"{work},{ids}" for work, ids in works)
        (tmp_path / "train.csv").write_text(f"id,attribute_ids\n{rows}\n")
        (tmp_path / "train").mkdir(exist_ok=True)
        if pictures:
            for work, _ in works:
                picture = np.full((30, 40, 3), 100, np.uint8)
                Image.fromarray(picture).save(tmp_path / "train" / f"{work}.png")
        return tmp_path

    return make


@pytest.fixture(scope="session")
def real_collection(real_tables: Path) -> Collection:
    """Kaggle's real tables, read once."""
    return read_collection(real_tables)
