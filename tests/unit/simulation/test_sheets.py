from __future__ import annotations

import json

import pytest
from PIL import Image

from imet.io import InputError
from imet_simulation import sheets, simulate


def test_one_sheet_per_label_and_an_index(tmp_path):
    simulate(tmp_path, works=4, side=48, workers=1, progress=False)
    folder = sheets(tmp_path)
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
        sheets(tmp_path)
