"""Train in one go the runs that the book's chapters show, listed in `notebooks/runs.toml`."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from imet import runs
from imet.config import Recipe, get_profile, resolve
from imet.devices import open_fabric, resolve_device
from imet.io import REPO, InputError, is_locked, read_json
from imet.plan import Cost, cost, require, sizes_of
from imet.training.loop import in_words

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """A run that a chapter shows: arguments of `runs.run`.

    `profile` is the book's, or another one where a chapter needs drawn pictures.
    """

    recipe: str
    profile: str
    overrides: Mapping[str, Any]

    def __str__(self) -> str:
        """The recipe with its changes."""
        changes = ", ".join(f"{key}={value}" for key, value in self.overrides.items())
        return self.recipe + (f" ({changes})" if changes else "")


def shown_runs(
    profile: str, file: Path = REPO / "notebooks" / "runs.toml", chapters: str = ""
) -> list[Shown]:
    """Every run that the chapters show on a profile, in the order of the file.

    Args:
        profile: the book's profile.
        file: the list of runs.
        chapters: numbers or names of the chapters, "03 05" or "03_baseline"; "" for all.

    Raises:
        InputError: there is no such chapter.

    Examples:
        >>> [str(run) for run in shown_runs("kaggle")][:3]
        ['resnet50 (views=one)', 'resnet50', 'resnet50_hog']
        >>> [str(run) for run in shown_runs("kaggle", chapters="06")]
        ['resnet50', 'attn_cnn_rnn', 'attn_cnn_rnn_hog']
    """
    drawn = profile if get_profile(profile).data == "simulated" else "sample"
    numbers = {name.partition("_")[0] for name in chapters.split()}
    if unknown := numbers - {p.name.partition("_")[0] for p in file.parent.glob("*.py")}:
        raise InputError(f"no chapter {', '.join(sorted(unknown))}; their numbers are as 03 or 08b")
    shown = []
    for entry in tomllib.loads(file.read_text(encoding="utf-8"))["runs"]:
        recipe, on = entry.pop("recipe"), drawn if entry.pop("pictures", "") else profile
        of_entry = set(entry.pop("chapters", "").split())
        if numbers and not numbers & of_entry:
            continue
        for values in product(*entry.values()):
            shown.append(Shown(recipe, on, dict(zip(entry, values))))
    return shown


# --- Training them all ---------------------------------------------------------------------------


@dataclass
class State:
    """How far the run in a folder has got."""

    shown: Shown
    folder: Path

    def __str__(self) -> str:
        """ "done", "running", "to do" or how far the run got, and the run."""
        return f"{self.words():26}{self.shown}"

    @property
    def done(self) -> bool:
        """Whether the run's numbers exist."""
        return runs.is_whole(self.folder)

    def forget(self) -> None:
        """Delete the checkpoint to resume from, which a finished run no longer needs."""
        with suppress(OSError):  # another process did, or the disk is read-only
            (self.folder / "last.pt").unlink(missing_ok=True)

    def words(self) -> str:
        """The state in words."""
        if self.done:
            return f"done, {in_words(read_json(self.folder / 'metrics.json')['seconds'])}"
        running = "running" if is_locked(self.folder) else "to do"
        if not (self.folder / "last.pt").exists():
            return running
        history = self.folder / "history.jsonl"  # not there in the first epoch
        epochs = len(history.read_text(encoding="utf-8").splitlines()) if history.exists() else 0
        of = read_json(self.folder / "config.json")["epochs"]
        return f"{running.replace('to do', 'stopped')}, {epochs} of {of} epochs"


def states(profile: str, seed: int = 0, chapters: str = "") -> list[State]:
    """The state of every run that the chapters show, each folder once."""
    by_folder: dict[Path, Shown] = {}
    for each in shown_runs(profile, chapters=chapters):
        folder = runs.run_folder(each.recipe, each.profile, seed, each.overrides)
        by_folder.setdefault(folder, each)
    return [State(each, folder) for folder, each in by_folder.items()]


def costs(shown: Iterable[Shown], device: str, devices: int = 1) -> list[Cost]:
    """Cost of runs on a device, or on a GPU listed in `imet.plan.RATES`."""
    resolved = [(get_profile(e.profile), resolve(e.recipe, e.profile, e.overrides)) for e in shown]
    return [cost(recipe, sizes_of(of, recipe)[0], device, devices) for of, recipe in resolved]


def train_all(
    profile: str,
    seed: int = 0,
    device: str = "auto",
    hours: float = 0.0,
    chapters: str = "",
    **machines: Any,
) -> None:
    """Train every unfinished run that the chapters show, and report progress.

    `hours` is the budget, 0 for none; `chapters` are as in `shown_runs`; `machines` are `devices`,
    `nodes` and `cache_views` of `imet.runs.run`. The checkpoint to resume a run from is deleted
    once the run is done: for all rows of both documents at full size they take tens of GB.

    Raises:
        InputError: the disk, the GPU's memory or `hours` do not suffice; says what would.
    """
    device = resolve_device(device)
    devices, nodes = machines.get("devices", 1), machines.get("nodes", 1)
    fabric = open_fabric(Recipe(""), device, devices, nodes)
    listed = fabric.broadcast(states(profile, seed, chapters) if fabric.is_global_zero else [])
    todo = [state for state in listed if not fabric.broadcast(state.done)]
    for state in listed:
        if state not in todo:
            state.forget()
    expected = fabric.broadcast(costs([state.shown for state in todo], device, devices * nodes))
    left = sum(each.hours for each in expected)
    done = len(listed) - len(todo)
    log.info(f"runs of profile {profile}: {done} done, {len(todo)} to do in about {left:,.1f} h")
    for state in listed:
        log.info(f"  {state}")
    require(expected, device, hours)
    for number, (state, each) in enumerate(zip(todo, expected), 1):
        log.info(f"run {number} of {len(todo)}: {state.shown}, in {state.folder}")
        shown = state.shown
        settings: dict[str, Any] = {"seed": seed, "device": device, "overrides": shown.overrides}
        runs.run(shown.recipe, shown.profile, **settings, **machines)
        state.forget()
        left -= each.hours
        log.info(f"{state}; {len(todo) - number} to do in about {left:,.1f} h")
