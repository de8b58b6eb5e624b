"""Keys change with pictures and labels, and with nothing else."""

from __future__ import annotations

import shutil

import pytest

from imet.cache import labels_fingerprint, pictures_fingerprint
from imet.config import resolve
from imet.data.parts import load_parts
from imet.io import InputError


def prints(folder) -> list[tuple[str, str]]:
    parts = load_parts(folder, resolve("resnet50", "tiny"))
    found = (parts.train, parts.val, parts.test)
    return [(pictures_fingerprint(p), labels_fingerprint(p)) for p in found]


@pytest.fixture
def copy(small_collection, tmp_path):
    return shutil.copytree(small_collection, tmp_path / "copy")


def changed(before, after) -> list[tuple[bool, bool]]:
    return [(a[0] != b[0], a[1] != b[1]) for a, b in zip(before, after)]


def test_a_copy_elsewhere_has_the_same(small_collection, copy):
    assert prints(copy) == prints(small_collection)
    assert len(set(prints(copy))) == 3


@pytest.mark.parametrize("at", [20, -30])
def test_a_changed_picture_changes_its_part_alone(copy, at):
    before = prints(copy)
    work = load_parts(copy, resolve("resnet50", "tiny")).val.rows[0]
    path = copy / "train" / f"w{work}.png"
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))
    assert changed(before, prints(copy)) == [(False, False), (True, False), (False, False)]


def test_a_longer_picture_is_another(copy):
    before = prints(copy)
    work = load_parts(copy, resolve("resnet50", "tiny")).test.rows[0]
    with open(copy / "train" / f"w{work}.png", "ab") as handle:
        handle.write(b"\0" * 10_000)
    assert changed(before, prints(copy))[2] == (True, False)


def test_a_renamed_label_changes_the_labels_only(copy):
    before = prints(copy)
    text = (copy / "labels.csv").read_text(encoding="utf-8")
    (copy / "labels.csv").write_text(text.replace("style::red", "style::rot"), encoding="utf-8")
    assert changed(before, prints(copy)) == [(False, True)] * 3


def test_a_missing_picture_is_named_with_its_row(copy):
    (copy / "train" / "w7.png").unlink()
    with pytest.raises(InputError, match=r"w7\.png: .*row 9 of train\.csv.*imet data check"):
        prints(copy)
