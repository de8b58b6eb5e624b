"""Contact sheets: one for every label that is shown, none left over."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from imet.data.tables import read_collection
from imet.io import InputError
from imet_simulation import (
    read_ground_truth,
    simulate,
    write_contact_sheets,
    write_label_sheets,
)


def test_one_sheet_per_label_and_an_index(tmp_path):
    simulate(tmp_path, works=4, side=48, workers=1, progress=False)
    folder = write_contact_sheets(tmp_path)
    shown = {
        label
        for line in (tmp_path / "truth.jsonl").read_text("utf-8").splitlines()
        for label in json.loads(line)["labels"]
    }
    page = (folder / "index.html").read_text("utf-8")
    assert len(list(folder.glob("*.png"))) == len(shown)
    for label in shown:
        assert f">{label}<" in page
    for path in folder.glob("*.png"):
        with Image.open(path) as sheet:
            assert sheet.width == 1500


def test_sheets_of_nothing_say_what_to_do(tmp_path):
    with pytest.raises(InputError, match="imet data simulate"):
        write_contact_sheets(tmp_path)


def test_there_is_a_sheet_for_every_label_that_is_shown(tmp_path):
    simulate(tmp_path / "c", works=6, side=64, workers=1, progress=False)
    works = read_collection(tmp_path / "c")
    truth = read_ground_truth(works)
    out = tmp_path / "sheets"
    out.mkdir()
    (out / "tag-of-yesterday.jpg").write_bytes(b"")
    files = write_label_sheets(out, works, truth, most=2, height=40, width=200)
    names = [works.labels.names[k] for k in np.flatnonzero(truth.targets.any(0))]
    assert list(files) == names
    assert sorted(path.name for path in out.iterdir()) == sorted(files.values())
    for name in files.values():
        with Image.open(out / name) as sheet:
            assert sheet.format == "JPEG"
            assert sheet.width == 200
            assert sheet.height > 40


def test_the_same_collection_gives_the_same_sheets(tmp_path):
    simulate(tmp_path / "c", works=3, side=64, workers=1, progress=False)
    works = read_collection(tmp_path / "c")
    files = write_label_sheets(tmp_path / "a", works, read_ground_truth(works))
    write_label_sheets(tmp_path / "b", works, read_ground_truth(works))
    for name in files.values():
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
