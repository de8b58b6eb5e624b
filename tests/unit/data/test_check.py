"""`check` finds every problem of a folder, never stopping at the first."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from imet.data.check import check

WORKS = [("a", "3 5"), ("b", "8"), ("c", "5 3"), ("d", "5")]


def test_a_sound_folder_has_no_problem(make_folder):
    assert check(make_folder(WORKS, pictures=True)) == []


def test_all_problems_of_tables_and_pictures(make_folder):
    works = [*WORKS, ("e", "99"), ("f", ""), ("a", "3"), ("../g", "3"), ("h", "3")]
    root = make_folder(works[:4], pictures=True)
    make_folder(works)
    pictures = root / "train"
    (pictures / "b.png").write_bytes(b"")
    (pictures / "c.png").write_bytes((pictures / "c.png").read_bytes()[:40])
    (pictures / "d.png").write_text("not a picture")
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(pictures / "h.jpg")
    problems = check(root)
    found = [(problem.file.name, problem.row, problem.message) for problem in problems]
    assert [(name, row) for name, row, _ in found[:4]] == [
        ("train.csv", row) for row in (6, 7, 8, 9)
    ]
    assert [(name, row) for name, row, _ in found[4:]] == [
        ("b.png", None),
        ("c.png", None),
        ("d.png", None),
        ("e.png", None),
    ]
    for (_, _, message), words in zip(
        found[4:], ("zero bytes", "truncated", "not a picture", "missing")
    ):
        assert words in message
    assert "(row 3 of train.csv)" in found[4][2]
    assert found[7][2] == "the picture is missing (row 6 of train.csv), here and in 1 more row"
    assert all(problem.remedy and str(root) in str(problem) for problem in problems)


def test_pictures_can_be_left_out(make_folder):
    root = make_folder(WORKS)
    assert check(root, images=False) == []
    (problem,) = check(root)
    assert problem.message.endswith("(row 2 of train.csv), here and in 3 more rows")


def test_a_missing_folder_of_pictures_is_one_problem(make_folder):
    root = make_folder(WORKS)
    (root / "train").rmdir()
    (problem,) = check(root)
    assert problem.file == root / "train"
    assert "4 pictures" in problem.remedy


def test_a_missing_folder(tmp_path):
    (problem,) = check(tmp_path / "nowhere")
    assert "the folder is missing" in str(problem)


def test_missing_tables_are_all_named(make_folder):
    root = make_folder(WORKS, pictures=True)
    (root / "train.csv").unlink()
    (root / "labels.csv").unlink()
    assert [problem.file.name for problem in check(root)] == ["labels.csv", "train.csv"]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("{}.txt", b"", "a.png: the picture is missing (row 2 of train.csv){}; put it there"),
        ("{}.png", b"", "a.png: the file is empty (zero bytes) (row 2 of train.csv){}; fetch it"),
        ("{}.HEIC", b"\0\0\0\x1cftypheic",
         "a.HEIC: this is a HEIC picture (row 2 of train.csv){}; convert it to JPEG or PNG"),
        ("{}.jpg", b"version https://git-lfs.github.com/spec/v1",
         "a.jpg: this is a Git LFS pointer (row 2 of train.csv){}; run git lfs pull"),
    ],
)  # fmt: skip
def test_the_same_fault_of_many_pictures_is_said_once(make_folder, name, content, words):
    for count, more in ((4, ", here and in 3 more rows"), (2, ", here and in 1 more row"), (1, "")):
        root = make_folder(WORKS[:count])
        for work, _ in WORKS[:count]:
            (root / "train" / name.format(work)).write_bytes(content)
        (problem,) = check(root)
        assert words.format(more) in str(problem)
