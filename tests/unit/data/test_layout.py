"""Files one step away from Kaggle's layout are read, or one line says where they lie."""

from __future__ import annotations

import shutil
import zipfile

import pytest

from imet.data.check import check
from imet.data.images import read_image
from imet.data.layout import ENDINGS, picture_path, pictures_in
from imet.data.tables import read_collection
from imet.io import InputError

WORKS = [("a", "3 5"), ("b", "8")]


@pytest.mark.parametrize("ending", [*ENDINGS, ".PNG", ".JPG", ".Jpeg", ".TIF"])
def test_pictures_of_any_usual_ending_are_found(make_folder, ending):
    root = make_folder(WORKS)
    (root / "train" / f"a{ending}").touch()
    assert picture_path(root, "a") == root / "train" / f"a{ending}"


def test_the_first_choice_wins_and_new_files_are_seen(make_folder):
    root = make_folder(WORKS)
    assert picture_path(root, "a") == root / "train" / "a.png"
    for name in ("a.TIF", "a.JPG", "a.png"):
        (root / "train" / name).touch()
        assert picture_path(root, "a").name == name


@pytest.mark.parametrize(("stored", "asked"), [("e\u0301", "\u00e9"), ("\u00e9", "e\u0301")])
def test_accents_are_found_composed_or_not(make_folder, stored, asked):
    root = make_folder(WORKS)
    (root / "train" / f"{stored}.jpg").touch()
    assert picture_path(root, asked).name == f"{stored}.jpg"


def test_ids_that_differ_in_case_alone_are_two_works(make_folder):
    root = make_folder([("A", "3"), ("a", "5")])
    for name in ("a.png", "A.png"):
        (root / "train" / name).touch()
    collection = read_collection(root)
    assert [collection.path(row).name for row in range(2)] == ["A.png", "a.png"]


@pytest.mark.parametrize("to", ["train/train", "."])
def test_pictures_one_folder_off_are_read(make_folder, to):
    root = make_folder(WORKS, pictures=True)
    shutil.move(root / "train", root / "aside")
    (root / to).mkdir(parents=True, exist_ok=True)
    for path in (root / "aside").iterdir():
        shutil.move(path, root / to / path.name)
    (root / "aside").rmdir()
    assert check(root) == []
    assert read_image(read_collection(root).path(0)).shape == (30, 40, 3)


def test_archives_are_named(make_folder):
    root = make_folder(WORKS, pictures=True)
    for name in ("train.csv", "labels.csv"):
        with zipfile.ZipFile(root / f"{name}.zip", "w") as archive:
            archive.write(root / name, name)
        (root / name).unlink()
    with pytest.raises(InputError, match=r"missing, but labels\.csv\.zip lies there; unpack"):
        read_collection(root)


def test_a_packed_folder_of_pictures_is_named(make_folder):
    root = make_folder(WORKS)
    (root / "train").rmdir()
    zipfile.ZipFile(root / "train.zip", "w").close()
    (problem,) = check(root)
    assert "train.zip lies there; unpack" in str(problem)


def test_one_folder_too_high_or_too_low_is_named(make_folder, tmp_path):
    root = make_folder(WORKS, pictures=True)
    inner = tmp_path / "above" / "imet-2019"
    shutil.copytree(root, inner, ignore=lambda *_: ["above"])
    with pytest.raises(InputError, match=f"it lies in {inner}; name that folder"):
        read_collection(inner.parent)
    with pytest.raises(InputError, match=f"it lies in {inner}; name that folder"):
        read_collection(inner / "train")


def test_spreadsheets_and_capitals_are_named(make_folder):
    root = make_folder(WORKS)
    shutil.move(root / "train.csv", root / "train.xlsx")
    with pytest.raises(InputError, match=r"train\.xlsx lies there; save .* as train\.csv"):
        read_collection(root)
    shutil.move(root / "train.xlsx", root / "Train.csv")
    with pytest.raises(InputError, match=r"Train\.csv lies there; rename it to train\.csv"):
        read_collection(root)


def test_side_files_of_systems_are_passed_over(tmp_path):
    good = [tmp_path / "a.PNG", tmp_path / "inner" / "b.jpg"]
    bad = ["._a.png", ".DS_Store", "Thumbs.db", "c.png.crdownload", "__MACOSX/._a.png"]
    bad += [".Trash-0/d.png", ".thumbnails/e.png", "@eaDir/f.png", "$RECYCLE.BIN/g.png", "h.txt"]
    for path in [*good, *(tmp_path / name for name in bad)]:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert pictures_in(tmp_path) == good


def test_linked_folders_are_followed_once(tmp_path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (outside / "a.png").touch()
    (inside / "linked").symlink_to(outside)
    (inside / "again").symlink_to(outside)
    (outside / "loop").symlink_to(inside)
    assert [path.name for path in pictures_in(inside)] == ["a.png"]


def test_the_output_inside_the_input_is_no_input(tmp_path):
    (tmp_path / "crops").mkdir()
    for name in ("a.png", "crops/a.png"):
        (tmp_path / name).touch()
    assert pictures_in(tmp_path, leave_out=tmp_path / "crops") == [tmp_path / "a.png"]
