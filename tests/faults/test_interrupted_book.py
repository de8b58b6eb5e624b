"""A `make book` killed again and again ends in the numbers of an undisturbed one.

Slow, so a target of its own: `make test-faults` (PROFILE of the trial in IMET_FAULT_PROFILE).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PROFILE = os.environ.get("IMET_FAULT_PROFILE", "tiny")
KILLS = 5
pytestmark = pytest.mark.slow


def checkout(folder: Path) -> Path:
    """A copy of the tracked files, so that nothing of this checkout's runs is touched or used."""
    listed = subprocess.run(
        ["git", "-C", str(REPO), "ls-files", "-z"], capture_output=True, check=True
    ).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (REPO / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPO / name, folder / name)
    return folder


def start(folder: Path, log: Path) -> subprocess.Popen[bytes]:
    """`make book` on a copy, with this environment's packages and the copy's code."""
    command = ["make", "book", f"PROFILE={PROFILE}", "DEVICE=cpu", f"VENV={sys.prefix}"]
    return subprocess.Popen(
        [*command, "SHARED=1"],
        cwd=folder,
        env=dict(os.environ),
        stdout=log.open("ab"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def pages(folder: Path) -> dict[str, object]:
    """The values of every page; where, when and in how many seconds they were made is left out."""
    found = sorted((folder / "runs" / PROFILE / "pages").glob("*.json"))
    return {path.name: timeless(json.loads(path.read_text())["values"]) for path in found}


def timeless(values: object) -> object:
    """The same without entries named `seconds`."""
    if not isinstance(values, dict):
        return values
    return {key: timeless(value) for key, value in values.items() if key != "seconds"}


def test_an_often_killed_book_ends_in_the_same_numbers(tmp_path: Path) -> None:
    log = tmp_path / "make.log"
    calm = checkout(tmp_path / "calm")
    began = time.monotonic()
    assert start(calm, log).wait() == 0, log.read_text()[-4000:]
    duration = time.monotonic() - began

    rough = checkout(tmp_path / "rough")
    moments = random.Random(231)
    for _ in range(KILLS):
        process = start(rough, log)
        try:
            process.wait(timeout=moments.uniform(0.02, 0.6) * duration)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert start(rough, log).wait() == 0, log.read_text()[-4000:]

    assert pages(calm)
    assert pages(rough) == pages(calm)
    assert (rough / "book/_build/html/index.html").is_file()
