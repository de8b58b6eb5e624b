"""Everything that writes, run in a process of its own that dies at a chosen step.

A step is what changes the disk: a file opened for writing, a rename, a removal, a new folder, a
sync. At the chosen one the process is killed; for a power cut every file that was written and not
yet synced also loses its second half. `work` is called by name in a forked process, so that a trial
costs no imports.
"""

from __future__ import annotations

import inspect
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from imet import batches, cache
from imet.config import get_profile
from imet.download import met, polite
from imet.io import REPO, InputError
from imet.report import studies
from imet.runs import run
from imet_simulation import simulate

SMALL: dict[str, Any] = {"input_size": 32, "max_works": 30, "epochs": 2, "eval_batch_size": 8}
SMALL |= {"batch_size": 8, "learning_rate": 0.05, "workers": 0, "stored": ""}
RECURRENT = SMALL | {"rnn_width": 8, "attention_width": 8, "steps": 3, "most_beams": 2}
STUDY = {"two": ("resnet50", SMALL | {"epochs": 1}), "other": ("resnet50", SMALL | {"epochs": 2})}


def drawing(home: Path) -> None:
    simulate(home / "drawn", works=20, seed=1, side=48, workers=1, progress=False)


def downloading(home: Path) -> None:
    met.download(home / "met", works=4, seed=5, polite=polite.Polite(0), progress=False)


def features(home: Path) -> None:
    """And one epoch on them, which is what asks for them."""
    run("resnet50", "trial", device="cpu", overrides=SMALL | {"epochs": 1})


def linear(home: Path) -> None:
    run("resnet50", "trial", device="cpu", overrides=SMALL)


def recurrent(home: Path) -> None:
    run("attn_cnn_rnn", "trial", device="cpu", overrides=RECURRENT)


def fine_tuning(home: Path) -> None:
    run("resnet50", "trial", device="cpu", overrides=SMALL | {"frozen": False})


def study(home: Path) -> None:
    studies.STUDIES = {"trial": STUDY}
    studies.SEEDS = (0, 1)
    studies.RESULTS = home / "results"
    studies.changed_files = lambda *_: []
    studies.main(["trial"], profile="trial", device="cpu", again=False)


WRITERS: dict[str, Callable[[Path], None]] = {
    each.__name__: each
    for each in (drawing, downloading, features, linear, recurrent, fine_tuning, study)
}
READS_FEATURES = ("linear", "recurrent", "study")
"""Writers that begin with stored features: `features` is tried by itself."""


class Steps:
    """Counts what changes the disk under a folder, and ends the process at the step `last`."""

    def __init__(self, root: Path, last: int, power: bool, fault: int = 0) -> None:
        self.root, self.last, self.power, self.fault = str(root), last, power, fault
        self.count = 0
        self.unsynced: set[str] = set()
        self.real_fsync = os.fsync
        os.fsync = self.fsync
        sys.addaudithook(self.heard)

    def heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str | bytes | os.PathLike):
            path, mode, flags = os.fsdecode(arguments[0]), arguments[1], arguments[2]
            writes = any(sign in mode for sign in "wax+") if mode else flags & 3
            if writes and self.mine(path):
                self.step()
                self.unsynced.add(path)
        elif event == "os.rename" and self.mine(os.fsdecode(arguments[0])):
            self.step()
            old, new = map(os.fsdecode, arguments[:2])
            if old in self.unsynced:
                self.unsynced.add(new)
            self.unsynced.discard(old)
        elif event in ("os.remove", "os.mkdir") and self.mine(os.fsdecode(arguments[0])):
            self.step(takes_room=False)

    def mine(self, path: str) -> bool:
        return path.startswith(self.root) and not path.endswith((".lock", ".pyc"))

    def fsync(self, descriptor: int) -> None:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
        if self.mine(path):
            if os.path.isfile(path):
                self.unsynced.add(path)  # also what was opened where no hook hears it, as by torch
            self.step()
            self.unsynced.discard(path)
        self.real_fsync(descriptor)

    def step(self, takes_room: bool = True) -> None:
        self.count += 1
        if self.fault:
            if self.count < self.last or not takes_room or not self.last:
                return
            self.last = 0  # a disk is full once here: what cleans up finds room
            raise OSError(self.fault, os.strerror(self.fault), self.root)
        if self.count != self.last:
            return
        if self.power:
            for path in self.unsynced:
                if os.path.exists(path):
                    os.truncate(path, os.path.getsize(path) // 2)
        os.kill(os.getpid(), signal.SIGKILL)


def _note_work(log: Path) -> None:
    """Write down each piece of work when it begins: a picture, a request, a chunk, an epoch."""

    def note(*what: object) -> None:
        descriptor = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(descriptor, (" ".join(map(str, what)) + "\n").encode())
        os.close(descriptor)

    def noted(owner: Any, name: str, what: Callable[..., object]) -> None:
        real = getattr(owner, name)

        def wrapped(*arguments: Any, **options: Any) -> Any:
            note(name, what(*arguments))
            return real(*arguments, **options)

        setattr(owner, name, wrapped)

    drawing: Any = inspect.getmodule(simulate)
    noted(drawing, "draw_whole", lambda plan, _: drawing.work_id(1, plan.index))
    noted(polite.Polite, "_once", lambda _, url: Path(url).name)
    noted(batches.Batches, "training", lambda self, epoch, *_: f"{_of(self.recipe)} {epoch}")

    class NotedViews(cache.ViewLoader):
        def __call__(self, order: Any, epoch: int = 0) -> Iterator[torch.Tensor]:
            for views, work in zip(super().__call__(order, epoch), order[::16]):
                note("view_batches", self.part.name, work)
                yield views

    cache.ViewLoader = NotedViews  # type: ignore[misc]


def _of(recipe: Any) -> str:
    return f"{recipe.name}/{recipe.epochs}/{recipe.seed}"


def work(name: str, home: Path, report: Path, log: Path, environment: dict[str, str],
         last: int = 0, power: bool = False, fault: int = 0) -> None:  # fmt: skip
    """What the process does: a writer until step `last`, or to its end; `report` gets the count."""
    os.environ.update(environment, IMET_HOME=str(home))
    torch.set_num_threads(1)
    get_profile("trial")
    _note_work(log)
    steps = Steps(home, last, power, fault)
    try:
        WRITERS[name](home)
    except (OSError, InputError) as error:  # nothing else may come of a full disk
        if not fault:
            raise
        report.write_text(f"refused {error}")
        return
    report.write_text(str(steps.count))


def start_server() -> multiprocessing.context.ForkServerContext:
    """A process that has imported everything and computed nothing, and forks itself for a trial."""
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [str(REPO), str(REPO / "tests")]
    )  # to find this file
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    return context
