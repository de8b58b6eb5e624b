"""How many small faults in a module its tests notice: a seeded sample of mutants, by mutmut.

    python tests/mutants.py [MODULE …] [--sample 300] [--seed 0]

Each module is changed in a copy of the checkout under `build/mutants/`, one small change at a time,
and its tests run with numba's compiler off. Printed are the share of mutants that a test killed
with its 95 % interval (Wilson), and those that survived; mutmut is not part of the environment:
`make mutants` installs it into `build/mutmut`.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer
from scipy.stats import binomtest

REPO = Path(__file__).resolve().parent.parent
UNIT = "tests/unit"
TESTS = {
    "imet/metrics.py": [f"{UNIT}/test_metrics.py"],
    "imet/losses.py": [f"{UNIT}/test_losses.py"],
    "imet/thresholds.py": [f"{UNIT}/test_thresholds.py"],
    "imet/decoding.py": [f"{UNIT}/test_{n}.py" for n in ("decode", "greedy", "beam_search", "paths",
                                                         "path_rule")],
    "imet/data/tables.py": [f"{UNIT}/data/test_{n}.py" for n in ("tables", "refusals", "check")],
    "imet/data/images.py": [f"{UNIT}/data/test_{n}.py" for n in ("images", "layout")],
}  # fmt: skip
"""Module to the tests that are to notice its mutants."""
SETTINGS = """
[tool.mutmut]
source_paths = ["imet", "imet_simulation"]
only_mutate = ["{module}"]
also_copy = ["book", "results", "notebooks", "benchmarks", "Makefile", "README.md"]
pytest_add_cli_args = ["-q", "-x", "-p", "no:cacheprovider"]
pytest_add_cli_args_test_selection = {tests}
process_isolation = "fork"
timeout_multiplier = 10.0
timeout_constant = 20.0
use_git_change_detection = false
track_dependencies = false
"""
SURVIVED = ("survived", "no tests")
NOTICED = ("killed", "timeout", "segfault", "suspicious")


def mutmut(folder: Path, *arguments: str) -> str:
    """Run mutmut in a copy of the checkout; its output."""
    paths = [str(REPO / "build" / "mutmut"), str(folder / "mutants")]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(paths),
        "NUMBA_DISABLE_JIT": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode and "run" not in arguments:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])
    return done.stdout + done.stderr


def results(folder: Path) -> dict[str, str]:
    """Each mutant to what became of it; "not checked" before it was tried."""
    lines = mutmut(folder, "results", "--all", "true").splitlines()
    pairs = [line.strip().rpartition(": ") for line in lines if "__mutmut_" in line]
    return {name: state for name, _, state in pairs}


def prepare(module: str, folder: Path) -> None:
    """A copy of the checkout that mutmut knows what to do with."""
    shutil.rmtree(folder, ignore_errors=True)
    files = subprocess.run(
        ["git", "ls-files", "-z"], cwd=REPO, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for file in filter(None, files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPO / file, folder / file)
    settings = SETTINGS.format(module=module, tests=json.dumps(TESTS[module]))
    with open(folder / "pyproject.toml", "a", encoding="utf-8") as configuration:
        configuration.write(settings)


def main(
    modules: Annotated[list[str] | None, typer.Argument(help="All without one.")] = None,
    sample: Annotated[int, typer.Option(help="Mutants per module.", min=1)] = 300,
    seed: Annotated[int, typer.Option(help="Equal seeds choose equal mutants.")] = 0,
) -> None:
    """Try a sample of mutants of each module."""
    for module in modules or TESTS:
        if module not in TESTS:
            raise typer.BadParameter(f"no tests are named for {module}; there are: {list(TESTS)}")
        folder = REPO / "build" / "mutants" / re.sub(r"\W", "_", module)
        prepare(module, folder)
        output = mutmut(folder, "run", "no_such_mutant")  # writes the mutants and times the tests
        names = sorted(results(folder))
        if not names:
            raise SystemExit(f"{module}: no mutants\n{output[-3000:]}")
        chosen = random.Random(seed).sample(names, min(sample, len(names)))
        mutmut(folder, "run", *chosen)
        states = {name: state for name, state in results(folder).items() if name in chosen}
        survivors = [name for name, state in states.items() if state in SURVIVED]
        tried = [name for name, state in states.items() if state in (*SURVIVED, *NOTICED)]
        if not tried:
            raise SystemExit(f"{module}: its tests do not pass without a mutant\n{output[-3000:]}")
        killed = len(tried) - len(survivors)
        interval = binomtest(killed, len(tried)).proportion_ci(method="wilson")
        typer.echo(
            f"{module}: {killed} of {len(tried)} mutants killed, {killed / len(tried):.1%} "
            f"[{interval.low:.1%}, {interval.high:.1%}], of {len(names)} in all"
        )
        for name in survivors:
            typer.echo(mutmut(folder, "show", name).strip())


if __name__ == "__main__":
    typer.run(main)
