"""Files: atomic writes, digests that keep their parts apart, locks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from imet import io
from imet.io import (
    InputError,
    atomic_path,
    digest,
    file_lock,
    file_sha256,
    is_locked,
    read_json,
    write_json,
)


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


def test_file_and_folder_are_on_the_disk_in_the_right_order(tmp_path, monkeypatch):
    """A power cut at any moment leaves the old file or the new one, under its name."""
    calls = []
    real_fsync, real_replace = os.fsync, os.replace

    def fsync(descriptor):
        calls.append("folder" if os.path.isdir(f"/dev/fd/{descriptor}") else "file")
        real_fsync(descriptor)

    def replace(*paths):
        calls.append("rename")
        real_replace(*paths)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write_json(tmp_path / "a.json", 1)
    assert calls == ["file", "rename", "folder"]


def test_a_reader_of_the_old_file_is_not_disturbed(tmp_path):
    """The new file takes the name; nobody ever sees half of it."""
    target = tmp_path / "a.txt"
    target.write_text("old")
    with open(target) as reader:
        with atomic_path(target) as temporary:
            temporary.write_text("new")
        assert reader.read() == "old"
    assert target.read_text() == "new"


LOCKLESS = """
import errno, fcntl, os, sys
from pathlib import Path

def flock(descriptor, operation):
    raise OSError(getattr(errno, sys.argv[1]), "no locks here")

fcntl.flock = flock
from imet.io import file_lock

with file_lock(Path(sys.argv[2]) / "run"):
    print("held", flush=True)
    os.kill(os.getpid(), int(sys.argv[3]))
"""


@pytest.mark.parametrize("answer", ["ENOLCK", "ENOTSUP", "EIO", "ENOSYS"])
def test_a_drive_without_locks_is_worked_on_all_the_same(tmp_path, answer):
    """The second process takes over from one that was killed, as with a lock of the system."""
    for number in (signal.SIGKILL, 0):
        ran = subprocess.run(
            [sys.executable, "-c", LOCKLESS, answer, str(tmp_path), str(int(number))],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ran.stdout == "held\n", ran.stderr
        assert ran.returncode == -number


def test_it_is_said_what_is_waited_for(tmp_path, monkeypatch, capsys):
    """Also where the system does not answer at all."""
    monkeypatch.setattr(io, "PATIENCE", 0.0)
    said = threading.Event()

    class Silent(io.FileLock):
        def acquire(self):
            assert said.wait(60)

        def release(self):
            pass

    real = io._say_what_is_waited_for

    def say(path):
        real(path)
        said.set()

    monkeypatch.setattr(io, "FileLock", Silent)
    monkeypatch.setattr(io, "_say_what_is_waited_for", say)
    with file_lock(tmp_path / "run"):
        pass
    message = capsys.readouterr().err
    assert str(tmp_path / "run.lock") in message
    assert "IMET_HOME" in message


def test_a_lock_is_seen_while_it_is_held_and_not_after(tmp_path):
    assert not is_locked(tmp_path / "run")
    with file_lock(tmp_path / "run"):
        assert is_locked(tmp_path / "run")
    assert not is_locked(tmp_path / "run")
    (tmp_path / "run.holder").touch()
    assert is_locked(tmp_path / "run")
