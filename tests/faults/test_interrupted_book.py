"""A `make book` killed again and again ends in the numbers of an undisturbed one.

Slow, so a target of its own: `make test-faults` (PROFILE of the trial in IMET_FAULT_PROFILE).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
import reproduce

PROFILE = os.environ.get("IMET_FAULT_PROFILE", "tiny")
KILLS = int(os.environ.get("IMET_FAULT_KILLS", "5"))
pytestmark = pytest.mark.slow


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        reproduce.command(["book"], PROFILE),
        cwd=folder,
        env=dict(os.environ),
        stdout=log.open("ab"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def test_an_often_killed_book_ends_in_the_same_numbers(tmp_path: Path) -> None:
    log = tmp_path / "make.log"
    calm = reproduce.checkout(tmp_path / "calm")
    began = time.monotonic()
    assert start(calm, log).wait() == 0, log.read_text()[-4000:]
    duration = time.monotonic() - began

    rough = reproduce.checkout(tmp_path / "rough")
    moments = random.Random(231)
    for _ in range(KILLS):
        process = start(rough, log)
        try:
            process.wait(timeout=moments.uniform(0.02, 0.6) * duration)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert start(rough, log).wait() == 0, log.read_text()[-4000:]

    right = reproduce.numbers(calm, PROFILE)
    assert len(right) > 1000
    assert reproduce.differences(right, reproduce.numbers(rough, PROFILE)) == {}
    assert (rough / "book/_build/html/index.html").is_file()
