"""`boxes.csv` in a folder: read, or every fault named with file, row and remedy."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imet.data.boxes import Boxes, read_boxes, scan_boxes
from imet.data.check import check
from imet.data.source import known_boxes
from imet.data.tables import read_collection
from imet.io import InputError, write_csv
from imet.report.attention import median_size
from imet.report.crop_rivals import crop_scores
from imet_simulation import read_ground_truth, simulate

WORKS = [("a", "3 5"), ("b", "8"), ("c", "5")]  # pictures are 40 wide, 30 high
HEADER = ("id", "label", "left", "top", "right", "bottom")


def write_boxes(root: Path, *lines: str, header: str = ",".join(HEADER)) -> None:
    (root / "boxes.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")


def test_boxes_are_read_in_the_collections_order(make_folder):
    root = make_folder(WORKS, pictures=True)
    lines = ("b,culture::japan,0,0,40,30", "a,tag::men,1,2,3.0,4", 'a,"tag::fish, salted",5,6,7,8')
    write_boxes(root, *lines)
    boxes = read_boxes(read_collection(root))
    assert [each.tolist() for each in boxes.boxes] == [
        [[1, 2, 3, 4], [5, 6, 7, 8]],
        [[0, 0, 40, 30]],
        [],
    ]
    assert [each.tolist() for each in boxes.tags] == [[1, 2], [0], []]
    assert boxes.sizes.tolist() == [[30, 40], [30, 40], [0, 0]]
    assert boxes.boxes_of(0, 2).tolist() == [[5, 6, 7, 8]]
    assert boxes.boxes_of(2, 1).shape == (0, 4)
    assert check(root) == []


def test_other_columns_their_order_and_separators_do_not_matter(make_folder):
    root = make_folder(WORKS, pictures=True)
    write_boxes(root, "x;4;3;2;1;tag::men;a", header="who;bottom;right;top;left;label;id")
    assert read_boxes(read_collection(root)).boxes[0].tolist() == [[1, 2, 3, 4]]


FAULTS = {
    "z,tag::men,1,2,3,4": r"id 'z' is not in train\.csv; use the id of a work",
    "a,tag::women,1,2,3,4": r"label 'tag::women' is not in labels\.csv; use a name there",
    "a,5,1,2,3,4": r"label '5' is not in labels\.csv; use a name there",
    "a,tag::men,1,2,three,4": "'three' is no whole number of pixels; write each side as one",
    "a,tag::men,1,2.5,3,4": r"'2\.5' is no whole number of pixels",
    "a,tag::men,-1,2,3,4": "'-1' is no whole number of pixels; .* from 0 on",
    "a,tag::men,1,,3,4": "'' is no whole number of pixels",
    "a,tag::men,3,2,3,4": "the box from 3, 2 to 3, 4 is empty; left must be less than right",
    "a,tag::men,1,9,3,4": "is empty; .* top less than bottom; or take the row out",
    "a,tag::men,1,2,41,4": "ends at 41, 4, outside the picture, 40 × 30; count in pixels of",
    "a,tag::men,1,2,3,31": "ends at 3, 31, outside the picture",
    "a,tag::men,1,2,3": "field",
}


@pytest.mark.parametrize(("line", "message"), FAULTS.items())
def test_each_fault_is_named_with_its_row(make_folder, line, message):
    root = make_folder(WORKS, pictures=True)
    write_boxes(root, "b,tag::men,1,2,3,4", line)
    with pytest.raises(InputError, match=rf"boxes\.csv, row 3: .*{message}"):
        read_boxes(read_collection(root))


def test_check_finds_all_faults_and_keeps_the_sound_boxes(make_folder):
    root = make_folder(WORKS, pictures=True)
    write_boxes(root, *FAULTS, "b,tag::men,1,2,3,4")
    problems = check(root)
    assert {problem.file.name for problem in problems} == {"boxes.csv"}
    assert [problem.row for problem in problems] == [2, 3, 5, 9, 10, 11, 12, 13]  # by kind
    assert "in labels.csv, here and in 1 more row;" in str(problems[1])
    assert "is no whole number of pixels, here and in 3 more rows;" in str(problems[2])
    boxes, _ = scan_boxes(read_collection(root))
    assert [len(each) for each in boxes.boxes] == [0, 1, 0]


def test_check_without_pictures_leaves_their_sizes_out(make_folder):
    root = make_folder(WORKS)
    write_boxes(root, "a,tag::men,1,2,4000,4", "a,tag::men,4,2,1,4")
    (problem,) = check(root, images=False)
    assert problem.row == 3


def test_a_picture_that_cannot_be_read_is_one_problem(make_folder):
    root = make_folder(WORKS, pictures=True)
    (root / "train" / "a.png").write_bytes(b"")
    write_boxes(root, "a,tag::men,1,2,3,4")
    (problem,) = check(root)
    assert problem.file.name == "a.png"


@pytest.mark.parametrize("text", ["", "id,label,left\n", "a,tag::men,1,2,3,4\n"])
def test_a_table_without_its_header_is_named(make_folder, text):
    root = make_folder(WORKS, pictures=True)
    (root / "boxes.csv").write_text(text)
    assert {problem.file.name for problem in check(root)} == {"boxes.csv"}


def test_boxes_are_those_of_the_upright_picture(make_folder):
    root = make_folder(WORKS, pictures=True)
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    Image.new("RGB", (40, 30)).save(root / "train" / "a.jpg", exif=exif)
    (root / "train" / "a.png").unlink()
    write_boxes(root, "a,tag::men,0,0,30,40")
    assert read_boxes(read_collection(root)).sizes[0].tolist() == [40, 30]
    write_boxes(root, "a,tag::men,0,0,40,30")
    assert "outside the picture, 30 × 40" in str(check(root)[0])


def test_nobody_knows_the_boxes_of_a_plain_folder(make_folder):
    assert known_boxes(read_collection(make_folder(WORKS))) is None


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("drawn") / "works"
    simulate(folder, works=40, seed=3, workers=1)
    return folder


def test_a_drawn_folder_with_a_table_of_boxes_gives_the_same_numbers(drawn, tmp_path):
    """What the drawing program knows, written as a reader would: same boxes, sizes and scores."""
    collection = read_collection(drawn)
    truth = read_ground_truth(collection)
    names = collection.labels.names
    rows = [
        (str(work), names[column], *box.tolist())
        for work, tags, boxes in zip(collection.ids, truth.tags, truth.boxes)
        for column, box in zip(tags, boxes)
    ]
    folder = shutil.copytree(drawn, tmp_path / "marked")
    (folder / "truth.jsonl").unlink()
    write_csv(folder / "boxes.csv", HEADER, rows)
    assert check(folder) == []
    programs, readers = known_boxes(collection), known_boxes(read_collection(folder))
    assert isinstance(programs, Boxes)
    assert isinstance(readers, Boxes)
    assert (programs.source, readers.source) == ("the drawing program", "the folder's boxes.csv")
    for mine, other in zip(programs.boxes + programs.tags, readers.boxes + readers.tags):
        np.testing.assert_array_equal(mine, other)
    every = np.arange(len(collection))
    columns = np.arange(len(names))
    np.testing.assert_array_equal(
        median_size(programs, every, columns), median_size(readers, every, columns)
    )
    for row in np.flatnonzero([len(boxes) > 0 for boxes in readers.boxes]):
        np.testing.assert_array_equal(programs.sizes[row], readers.sizes[row])
        height, width = readers.sizes[row].tolist()
        crop = np.array([0, 0, width // 2, height // 2])
        assert crop_scores(crop, programs.boxes[row], height, width) == crop_scores(
            crop, readers.boxes[row], height, width
        )
