"""Every writer stopped at steps that change the disk: restarted work ends bit-equal.

Full set: up to 100 steps of each writer, where odd steps are killed and even ones end in a power
cut; IMET_FAULT_POINTS=5 takes a seeded sample.
"""

from __future__ import annotations

import errno
import itertools
import json
import os
import random
import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from faults import writers
from museum import Museum

from imet.data.check import check

POINTS = int(os.environ.get("IMET_FAULT_POINTS", "100"))
Trial = Callable[..., tuple[int, str, list[str]]]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def museum() -> Iterator[Museum]:
    server = Museum()
    server.start()
    yield server
    server.shutdown()


@pytest.fixture(scope="module")
def trial(museum: Museum, tmp_path_factory: pytest.TempPathFactory) -> Trial:
    """Calls a writer in a process of its own: exit code, its report, and the work it began."""
    context, numbers = writers.start_server(), itertools.count()
    aside = tmp_path_factory.mktemp("aside")
    environment = {
        "IMET_MET_API": museum.url,
        "IMET_MET_TABLE": f"{museum.url}/table.csv",
        "NO_PROXY": "127.0.0.1",
    }

    def call(name: str, home: Path, **fault: Any) -> tuple[int, str, list[str]]:
        number = next(numbers)
        report, log = aside / f"report{number}", aside / f"log{number}"
        log.write_text("")
        process = context.Process(
            target=writers.work, args=(name, home, report, log, environment), kwargs=fault
        )
        process.start()
        process.join(300)
        assert process.exitcode is not None, "it hangs"
        said = report.read_text() if report.exists() else ""
        return process.exitcode, said, log.read_text().splitlines()

    return call


@pytest.fixture(scope="module")
def prepared(
    small_collection: Path, trial: Trial, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], tuple[Path, Path, int]]:
    """For a writer: a home as it starts, one where it has ended, and how many steps it took."""
    profile = f'data = "folder"\nfolder = "{small_collection}"\nbased_on = "tiny"\n'

    def prepare(name: str) -> tuple[Path, Path, int]:
        root = tmp_path_factory.mktemp(name)
        start, whole = root / "start", root / "whole"
        (start / "profiles").mkdir(parents=True)
        (start / "profiles" / "trial.toml").write_text(profile)
        if name in writers.READS_FEATURES:
            shutil.copytree(start, root / "first")
            assert trial(name, root / "first")[0] == 0
            shutil.copytree(root / "first" / "features", start / "features")
        shutil.copytree(start, whole)
        code, steps, _ = trial(name, whole)
        assert code == 0
        return start, whole, int(steps)

    return prepare


def sample(steps: int, name: str, most: int = POINTS) -> list[int]:
    """Steps to try, all of them where there are no more than that."""
    every = range(1, steps + 1)
    return list(every) if steps <= most else sorted(random.Random(name).sample(every, most))


def plain(value: Any) -> Any:
    """A checkpoint as values that can be compared."""
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.contiguous().view(-1).numpy().tobytes()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def timeless(value: Any) -> Any:
    """A file's content without where, when and in how many seconds it was made."""
    if isinstance(value, dict):
        left_out = ("seconds", "provenance", "digest")
        return {key: timeless(each) for key, each in value.items() if key not in left_out}
    return value


def contents(home: Path) -> dict[str, Any]:
    """All that a writer leaves, comparable; locks are no content, half-written files would be."""
    found: dict[str, Any] = {}
    for path in sorted(home.rglob("*")):
        name = str(path.relative_to(home))
        if path.is_dir() or path.suffix == ".lock":
            continue
        if name.startswith("results/") and path.suffix == ".tmp":  # small, and Git ignores it
            continue
        if path.suffix == ".pt":
            found[name] = plain(timeless(torch.load(path, weights_only=True)))
        elif path.suffix == ".json":
            found[name] = timeless(json.loads(path.read_text()))
        elif path.suffix == ".npz":
            with np.load(path) as arrays:
                found[name] = {key: arrays[key].tobytes() for key in arrays.files}
        elif path.name == "manifest.csv":  # less the day
            found[name] = [line.rpartition(",")[0] for line in path.read_text().splitlines()]
        else:
            found[name] = path.read_bytes()
    return found


def finished(home: Path) -> set[str]:
    """Pieces of work that need not be done again, as `writers` notes them."""
    done = set()
    for part in home.glob("drawn/.parts/*.jsonl"):
        done |= {f"draw_whole {json.loads(line)['id']}" for line in part.read_text().splitlines()}
    for path in home.glob("met/.download/*.json"):
        done.add(f"_once {path.stem}")
    done |= {f"_once {int(path.stem[3:])}.jpg" for path in home.glob("met/train/met*.jpg")}
    if (home / "met/.download/MetObjects.csv").exists():
        done.add("_once table.csv")
    for path in home.glob("features/*/checksums.npy"):
        chunks = np.flatnonzero(np.load(path) >= 0)
        done |= {f"view_batches {path.parent.name.partition('-')[0]} {16 * k}" for k in chunks}
    for folder in home.glob("runs/trial/*/"):
        if not (folder / "config.json").exists():
            continue
        config = json.loads((folder / "config.json").read_text())
        epochs = 0
        if (folder / "last.pt").exists():
            epochs = len(torch.load(folder / "last.pt", weights_only=True)["history"])
        named = f"{config['name']}/{config['epochs']}/{config['seed']}"
        done |= {f"training {named} {epoch}" for epoch in range(epochs)}
    return done


@pytest.mark.parametrize("name", writers.WRITERS)
def test_killed_or_cut_off_at_any_step_it_ends_bit_equal(
    name: str,
    trial: Trial,
    prepared: Callable[[str], tuple[Path, Path, int]],
    tmp_path: Path,
) -> None:
    start, whole, steps = prepared(name)
    right = contents(whole)
    assert steps > 10
    tried = 0
    for step in sample(steps, name):
        home = shutil.copytree(start, tmp_path / "home")
        power = step % 2 == 0
        code, _, _ = trial(name, home, last=step, power=power)
        assert code == -signal.SIGKILL, f"step {step} of {steps}"
        done = set() if power else finished(home)
        code, _, again = trial(name, home)
        assert code == 0, f"after step {step} of {steps}"
        assert contents(home) == right, f"after step {step} of {steps}"
        assert not done & set(again), f"done twice after step {step} of {steps}"
        shutil.rmtree(home)
        tried += 1
    print(f"{name}: {tried} of {steps} steps")
    if name == "drawing":
        assert check(whole / "drawn") == []


@pytest.mark.parametrize("name", writers.WRITERS)
def test_a_full_disk_at_every_step_is_said_and_costs_nothing(
    name: str,
    trial: Trial,
    prepared: Callable[[str], tuple[Path, Path, int]],
    tmp_path: Path,
) -> None:
    """Or a quota: the writer ends with that error, and goes on when there is room."""
    start, whole, steps = prepared(name)
    right = contents(whole)
    for step in sample(steps, f"full {name}", max(2, POINTS // 5)):
        home = shutil.copytree(start, tmp_path / "home")
        number = errno.ENOSPC if step % 2 else errno.EDQUOT
        code, said, _ = trial(name, home, last=step, fault=number)
        assert code == 0
        assert said.startswith("refused") or step > steps - 5, f"step {step} of {steps}"
        assert trial(name, home)[0] == 0
        assert contents(home) == right, f"after step {step} of {steps}"
        shutil.rmtree(home)


@pytest.mark.parametrize("name", ["drawing", "downloading", "linear", "fine_tuning"])
def test_two_that_want_the_same_do_it_once(
    name: str,
    trial: Trial,
    prepared: Callable[[str], tuple[Path, Path, int]],
    tmp_path: Path,
) -> None:
    """Together: one waits for the other, and each piece of work is done by one of them."""
    start, whole, _ = prepared(name)
    home = shutil.copytree(start, tmp_path / "home")
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(trial, name, home) for _ in range(2)]
    (one, _, first), (two, _, second) = (each.result() for each in both)
    assert (one, two) == (0, 0)
    assert contents(home) == contents(whole)
    assert first or second
    assert not set(first) & set(second)
