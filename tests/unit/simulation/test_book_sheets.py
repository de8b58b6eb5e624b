"""Contact sheets that go with the book: one for every label that is shown, none left over."""

from __future__ import annotations

import numpy as np
from PIL import Image

from imet.data.tables import read_collection
from imet_simulation import simulate
from imet_simulation.book_sheets import write_sheets
from imet_simulation.ground_truth import read_ground_truth


def test_there_is_a_sheet_for_every_label_that_is_shown(tmp_path):
    simulate(tmp_path / "c", works=6, side=64, workers=1, progress=False)
    works = read_collection(tmp_path / "c")
    truth = read_ground_truth(works)
    out = tmp_path / "sheets"
    out.mkdir()
    (out / "tag-of-yesterday.jpg").write_bytes(b"")
    found = write_sheets(out, works, truth, most=2, height=40, width=200)
    names = [works.labels.names[k] for k in np.flatnonzero(truth.targets.any(0))]
    assert list(found) == names
    assert sorted(path.name for path in out.iterdir()) == sorted(found.values())
    for name in found.values():
        with Image.open(out / name) as sheet:
            assert sheet.format == "JPEG"
            assert sheet.width == 200
            assert sheet.height > 40


def test_the_same_collection_gives_the_same_sheets(tmp_path):
    simulate(tmp_path / "c", works=3, side=64, workers=1, progress=False)
    works = read_collection(tmp_path / "c")
    found = write_sheets(tmp_path / "a", works, read_ground_truth(works))
    write_sheets(tmp_path / "b", works, read_ground_truth(works))
    for name in found.values():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
