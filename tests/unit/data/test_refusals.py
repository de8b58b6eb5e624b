"""What is the reader's own is never written over, and odd folders end with a message."""

from __future__ import annotations

import shutil

import pytest

from imet.data.check import check
from imet.data.split import write_split
from imet.data.tables import read_collection
from imet.io import InputError
from imet_simulation import simulate


def content(folder) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def copy(small_collection, tmp_path):
    return shutil.copytree(small_collection, tmp_path / "copy")


@pytest.mark.parametrize("missing", [(), ("train.csv",), ("train",), ("train.csv", "labels.csv")])
def test_a_simulation_never_clears_somebodys_folder(copy, missing):
    for name in missing:
        path = copy / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = content(copy)
    with pytest.raises(InputError, match="which no simulation wrote; name an empty folder"):
        simulate(copy, works=2, side=40, workers=1, progress=False)
    after = {k: v for k, v in content(copy).items() if not k.endswith(".lock")}
    assert after == before


def test_a_table_is_not_drawn_over_itself(copy):
    with pytest.raises(InputError, match="no simulation wrote"):
        simulate(copy, works=2, side=40, labels_from=copy, workers=1, progress=False)


def test_a_simulation_may_replace_an_older_one(tmp_path):
    out = tmp_path / "out"
    simulate(out, works=2, side=40, workers=1, progress=False)
    simulate(out, works=3, side=40, workers=1, progress=False)
    assert len(read_collection(out)) == 3


@pytest.mark.parametrize("name", ["train.csv", "labels.csv"])
def test_the_split_is_not_written_over_a_table(copy, name, monkeypatch):
    before = content(copy)
    monkeypatch.chdir(copy)
    for out in (copy / name, name, f"train/../{name}"):
        with pytest.raises(InputError, match="a table of the collection itself"):
            write_split(copy, out)
    assert content(copy) == before


@pytest.mark.parametrize("work", ["x" * 251, "ä" * 126, "x" * 5000])
def test_an_id_too_long_for_a_file_is_a_problem_of_its_row(copy, work):
    with open(copy / "train.csv", "a", encoding="utf-8") as handle:
        handle.write(f"{work},7\n")
    found = check(copy)
    assert [(p.row, "bytes" in p.message) for p in found] == [(62, True)]
    with pytest.raises(InputError, match=r"row 62: .*shorten it"):
        read_collection(copy)


def test_the_longest_id_that_fits_is_taken(copy):
    work = "x" * 250
    (copy / "train" / "w0.png").rename(copy / "train" / f"{work}.png")
    text = (copy / "train.csv").read_text().replace("w0,", f"{work},", 1)
    (copy / "train.csv").write_text(text)
    assert check(copy) == []


def test_folders_and_loops_in_place_of_pictures_are_problems(copy):
    (copy / "train" / "w1.png").unlink()
    (copy / "train" / "w1.png").mkdir()
    (copy / "train" / "w2.png").unlink()
    (copy / "train" / "w2.png").symlink_to("w2.png")
    (copy / "train" / "w3.png").unlink()
    (copy / "train" / "w3.png").symlink_to("gone")
    assert [p.file.name for p in check(copy)] == ["w1.png", "w2.png", "w3.png"]
