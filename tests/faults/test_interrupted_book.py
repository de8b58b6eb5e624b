"""A `make book` killed again and again ends in the numbers of an undisturbed one.

Slow, so a target of its own: `make test-faults` (PROFILE of the trial in IMET_FAULT_PROFILE).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import reproduce

PROFILE = os.environ.get("IMET_FAULT_PROFILE", "tiny")
KILLS = int(os.environ.get("IMET_FAULT_KILLS", "5"))
SETTING = "setting the pages"
STAGES = ("before the first chapter", "executing chapters", "setting pages")
pytestmark = pytest.mark.slow


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """`make book`; its output is all that the log holds."""
    return subprocess.Popen(
        reproduce.command(["book"], PROFILE),
        cwd=folder,
        env=dict(os.environ),
        stdout=log.open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def stage(log: Path) -> str:
    """How far a `make book` got, by what it said."""
    said = log.read_text()
    return STAGES[2] if SETTING in said else STAGES[1] if "\nchapter " in f"\n{said}" else STAGES[0]


def executed(folder: Path) -> dict[Path, int]:
    """When each chapter that is finished was finished, in nanoseconds."""
    chapters = (folder / "build" / PROFILE / "notebooks").glob("[!.]*.ipynb")
    return {path: path.stat().st_mtime_ns for path in chapters}


def test_a_stage_is_read_from_what_was_said(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for words, named in (
        ("", STAGES[0]),
        ("python: warning\n", STAGES[0]),
        ("chapter 1 of 24, 0:00 so far: 01_data_exploration\n", STAGES[1]),
        ("chapter 24 of 24\nall chapters are executed; setting the pages\n", STAGES[2]),
    ):
        log.write_text(words)
        assert stage(log) == named


def test_an_often_killed_book_ends_in_the_same_numbers(tmp_path: Path) -> None:
    log = tmp_path / "make.log"
    calm = reproduce.checkout(tmp_path / "calm")
    began = time.monotonic()
    assert start(calm, log).wait() == 0, log.read_text()[-4000:]
    left = time.monotonic() - began  # seconds that the next build may take

    rough = reproduce.checkout(tmp_path / "rough")
    page = rough / "book" / "_build" / "html" / "index.html"
    moments = random.Random(231)
    killed: Counter[str] = Counter()
    tries = 0
    while killed.total() < KILLS:
        tries += 1
        assert tries <= 5 * KILLS + 5, f"{killed.total()} kills only: builds end before them"
        before = executed(rough)
        process, began = start(rough, log), time.monotonic()
        try:
            code = process.wait(timeout=moments.uniform(0.02, 0.6) * left)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            killed[stage(log)] += 1
            ended = False
        else:
            assert code == 0, log.read_text()[-4000:]
            ended, left = True, max(60, time.monotonic() - began)  # little is left to do
        after = executed(rough)
        again = [path.stem for path in before if after.get(path) != before[path]]
        assert not again, "finished before a kill, and executed again"
        if ended:  # nothing is left to kill: some work is taken back
            shutil.rmtree(page.parent)
            for chapter in moments.sample(sorted(after), len(after) // 3):
                chapter.unlink()
    print(f"{killed.total()} kills in {tries} tries: {dict(killed)}")
    assert killed[STAGES[1]], killed
    if KILLS >= 20:  # with fewer, pages may never be reached
        assert killed[STAGES[2]], killed

    before = executed(rough)
    assert start(rough, log).wait() == 0, log.read_text()[-4000:]
    after = executed(rough)
    assert {path: after[path] for path in before} == before
    assert len(after) == len(executed(calm))

    right = reproduce.numbers(calm, PROFILE)
    assert len(right) > 1000
    assert reproduce.differences(right, reproduce.numbers(rough, PROFILE)) == {}
    assert page.is_file()
