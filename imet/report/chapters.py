"""The runs that the book's chapters show, read from the chapters, and their training in one go.

A chapter's calls of `runs.run` are found in its source with the statements that they need, and
those alone are executed, with a `runs.run` that takes notes: the chapters are the one list.
"""

from __future__ import annotations

import ast
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jupytext

from imet import runs
from imet.config import Recipe, get_profile, resolve
from imet.devices import open_fabric, resolve_device
from imet.io import REPO, is_locked, read_json
from imet.plan import Cost, cost, require, sizes_of
from imet.training.loop import in_words

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """A run that a chapter shows: arguments of `runs.run`.

    Attributes:
        recipe: its name.
        profile: the book's, or another one's pictures where a chapter needs drawn ones.
        overrides: recipe fields that the chapter changes.
        chapters: that show it.
    """

    recipe: str
    profile: str
    overrides: Mapping[str, Any]
    chapters: list[str] = field(default_factory=list, compare=False)

    def __str__(self) -> str:
        """The recipe with what is changed."""
        changes = ", ".join(f"{key}={value}" for key, value in self.overrides.items())
        return self.recipe + (f" ({changes})" if changes else "")


def shown_runs(profile: str, seed: int = 0, notebooks: Iterable[Path] | None = None) -> list[Shown]:
    """Every run that the chapters show on a profile, once, in the order of the chapters.

    Examples:
        >>> [str(run) for run in shown_runs("kaggle")][:3]
        ['resnet50 (views=one)', 'resnet50', 'resnet50_hog']
    """
    calls: list[Shown] = []
    for path in sorted(notebooks or (REPO / "notebooks").glob("*.py")):
        cells = [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]
        lines = [line for line in "\n".join(cells).splitlines() if not line.startswith(("%", "!"))]
        for call in _calls("\n".join(lines), profile, seed):
            if call not in calls:
                calls.append(call)
            chapters = calls[calls.index(call)].chapters
            if path.stem not in chapters:
                chapters.append(path.stem)
    return calls


def _calls(source: str, profile: str, seed: int) -> list[Shown]:
    calls = []

    def note(recipe: str, of_profile: str = "sample", **settings: Any) -> None:
        calls.append(Shown(recipe, of_profile, dict(settings.get("overrides") or {})))

    body = _needed_for_runs(ast.parse(source).body, {"profile", "seed", "device", "runs"}, set())
    names = {"profile": profile, "seed": seed, "device": "auto", "runs": SimpleNamespace(run=note)}
    exec(compile(ast.Module(body, []), "chapter", "exec"), names)
    return calls


def _needed_for_runs(
    statements: list[ast.stmt], given: set[str], needed: set[str]
) -> list[ast.stmt]:
    """Statements that call `runs.run` or bind a name that a later kept one reads; of loops, too."""
    kept: list[ast.stmt] = []
    for statement in reversed(statements):
        if isinstance(statement, ast.For):
            body = _needed_for_runs(statement.body, given, needed)
            if not body:
                continue
            statement = ast.For(statement.target, statement.iter, body, [], lineno=0, col_offset=0)
        elif not _calls_run(statement) and not (_names(statement, ast.Store) - given) & needed:
            continue
        needed |= _names(statement, ast.Load) - _names(statement, ast.Store) | (
            _names(statement, ast.Store) if isinstance(statement, ast.AugAssign) else set()
        )
        kept.insert(0, statement)
    return kept


def _calls_run(statement: ast.AST) -> bool:
    calls = (node.func for node in ast.walk(statement) if isinstance(node, ast.Call))
    return any(ast.unparse(call) == "runs.run" for call in calls)


def _names(statement: ast.AST, context: type) -> set[str]:
    names = {
        node.id
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, context)
    }
    if context is ast.Store and isinstance(statement, ast.Import | ast.ImportFrom):
        names |= {alias.asname or alias.name for alias in statement.names}
    return names


# --- Training them all ---------------------------------------------------------------------------


@dataclass
class State:
    """Where a run stands.

    Attributes:
        shown: what to train.
        folder: the run's.
    """

    shown: Shown
    folder: Path

    def __str__(self) -> str:
        """ "done", "running", "to do" or how far it got, and the run."""
        return f"{self.words():22}{self.shown}"

    @property
    def done(self) -> bool:
        """Whether its numbers are there."""
        return runs.is_whole(self.folder)

    def words(self) -> str:
        """Where it stands, in words."""
        if self.done:
            return f"done, {in_words(read_json(self.folder / 'metrics.json')['seconds'])}"
        running = "running" if is_locked(self.folder) else "to do"
        if not (self.folder / "last.pt").exists():
            return running
        history = self.folder / "history.jsonl"  # not there in the first epoch
        epochs = len(history.read_text(encoding="utf-8").splitlines()) if history.exists() else 0
        of = read_json(self.folder / "config.json")["epochs"]
        return f"{running.replace('to do', 'stopped')}, {epochs} of {of} epochs"


def states(profile: str, seed: int = 0) -> list[State]:
    """Every run that the chapters show, each folder once, and where it stands."""
    by_folder: dict[Path, Shown] = {}
    for each in shown_runs(profile, seed):
        folder = runs.run_folder(each.recipe, each.profile, seed, each.overrides)
        by_folder.setdefault(folder, each)
    return [State(each, folder) for folder, each in by_folder.items()]


def costs(shown: Iterable[Shown], device: str, devices: int = 1) -> list[Cost]:
    """What runs need on a device, or on a GPU of `imet.plan.RATES`."""
    resolved = [(get_profile(e.profile), resolve(e.recipe, e.profile, e.overrides)) for e in shown]
    return [cost(recipe, sizes_of(of, recipe)[0], device, devices) for of, recipe in resolved]


def train_all(
    profile: str, seed: int = 0, device: str = "auto", hours: float = 0.0, **machines: Any
) -> None:
    """Train every run that the chapters show and that is not done; says how far it is.

    Args:
        profile, seed, device: the book's.
        hours: budget; 0 for none.
        machines: `devices`, `nodes` and `cache_views` of `imet.runs.run`.

    Raises:
        InputError: the disk, the GPU's memory or `hours` will not do; says what would.
    """
    device = resolve_device(device)
    devices, nodes = machines.get("devices", 1), machines.get("nodes", 1)
    fabric = open_fabric(Recipe(""), device, devices, nodes)
    listed = fabric.broadcast(states(profile, seed) if fabric.is_global_zero else [])
    todo = [state for state in listed if not fabric.broadcast(state.done)]
    expected = costs([state.shown for state in todo], device, devices * nodes)
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
        left -= each.hours
        log.info(f"{state}; {len(todo) - number} to do in about {left:,.1f} h")
