"""Files: atomic writes, digests that keep their parts apart, locks."""

from __future__ import annotations

import json
import threading

import pytest

from imet.io import InputError, atomic_path, digest, file_lock, file_sha256, read_json, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def write():
        with atomic_path(target) as temporary:
            temporary.write_text("half")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        write()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_write_that_ends_well_makes_its_folders(tmp_path):
    target = tmp_path / "new" / "folders" / "a.txt"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent  # the same file system, so that the move is one
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        pass
    assert not list(tmp_path.iterdir())


def test_json_refuses_nan_and_keeps_what_was_there(tmp_path):
    target = tmp_path / "a.json"
    write_json(target, {"ü": [1, 2.5, None]})
    assert read_json(target) == {"ü": [1, 2.5, None]}
    for bad in (float("nan"), float("inf")):
        with pytest.raises(ValueError, match="JSON"):
            write_json(target, {"x": bad})
    assert json.loads(target.read_text(encoding="utf-8")) == {"ü": [1, 2.5, None]}


@pytest.mark.parametrize("content", [b"", b'{"a": ', b"\xff\xfe\x00"])
def test_broken_json_names_its_file_and_a_remedy(tmp_path, content):
    path = tmp_path / "broken.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.json.*delete it"):
        read_json(path)


def test_digest_keeps_parts_apart_and_ignores_the_order_of_keys():
    assert digest("ab", "c") != digest("a", "bc")
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest([1, 2]) != digest([2, 1])
    assert digest(b"x") == digest("x")
    assert len(digest("x", size=6)) == 12
    with pytest.raises(ValueError, match="JSON"):
        digest(float("nan"))


def test_sha256_is_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a").startswith("ba7816bf8f01cfea")


def test_a_second_holder_waits_for_the_lock(tmp_path):
    order = []
    held, tried = threading.Event(), threading.Event()

    def second():
        held.wait()
        tried.set()
        with file_lock(tmp_path / "run"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with file_lock(tmp_path / "run"):
        held.set()
        tried.wait()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_reader_of_the_old_file_is_not_disturbed(tmp_path):
    """The new file takes the name; nobody ever sees half of it."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    with open(target) as reader:
        with atomic_path(target) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"
    assert target.read_text() == "new"
