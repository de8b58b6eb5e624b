"""Run the whole report three times from one seed and compare every number of every page and run.

    python book/tools/reproduce.py [--profile tiny] [--keep FOLDER] [--only CHAPTER …]

The first two times have equal settings. The third has one thread less and other JOBS; numbers that
then differ are listed with the difference. The exit code is 1 if the first two times differ, or if
the third differs by more than TOLERANCE.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from imet.io import REPO

TOLERANCE = 0.01
"""Of the third time: what the order of sums may move a measure by."""
TIMES = ("seconds", "provenance", "digest", "files")
WAYS = ({"JOBS": 1, "THREADS": 2}, {"JOBS": 1, "THREADS": 2}, {"JOBS": 2, "THREADS": 1})


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


def command(targets: list[str], profile: str, **settings: object) -> list[str]:
    """`make` in a copy, with this environment's packages and the copy's code."""
    chosen = [f"{name}={value}" for name, value in settings.items()]
    where = ["DEVICE=cpu", f"VENV={sys.prefix}", "SHARED=1"]
    return ["make", *targets, f"PROFILE={profile}", *where, *chosen]


def numbers(folder: Path, profile: str) -> dict[str, Any]:
    """Every value of every page, run and array of scores by name, except times and places."""
    values: dict[str, Any] = {}
    root = folder / "runs" / profile
    for path in sorted([*root.glob("pages/*.json"), *root.glob("*/metrics.json")]):
        content = json.loads(path.read_text(encoding="utf-8"))
        values.update(_leaves(content, str(path.relative_to(root))))
    for path in sorted(root.glob("*/scores_*.npy")):
        values[str(path.relative_to(root))] = np.load(path)
    return values


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in TIMES:
                yield from _leaves(each, f"{name} {key}")
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _leaves(each, f"{name} {place}")
    else:
        yield name, value


def differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, float]:
    """Name to the largest difference of unequal values; infinite if they cannot be subtracted.

    Examples:
        >>> differences({"a": 1.0, "b": "x"}, {"a": 1.5, "b": "y"})
        {'a': 0.5, 'b': inf}
    """
    differing = {}
    for name in first.keys() | second.keys():
        one, other = first.get(name), second.get(name)
        if np.array_equal(one, other) and type(one) is type(other):
            continue
        plain = (int, float, np.ndarray)
        comparable = isinstance(one, plain) and isinstance(other, plain)
        comparable = comparable and np.shape(one) == np.shape(other)
        differing[name] = float(np.abs(np.subtract(one, other)).max()) if comparable else math.inf
    return dict(sorted(differing.items()))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", default="tiny")
    parser.add_argument("--keep", type=Path, help="folder of the three copies")
    parser.add_argument("--only", nargs="*", help="chapters, 03_baseline say; all without it")
    options = parser.parse_args(arguments)
    only = [f"build/{options.profile}/notebooks/{name}.ipynb" for name in options.only or []]
    with tempfile.TemporaryDirectory(prefix="imet-reproduce-") as name:
        root = options.keep or Path(name)
        books = []
        for time, way in enumerate(WAYS, 1):
            print(f"{time} of {len(WAYS)}: {way}", flush=True)
            folder = checkout(root / str(time))
            subprocess.run(
                command(only or ["notebooks"], options.profile, **way), cwd=folder, check=True,
                stdout=subprocess.DEVNULL, env=dict(os.environ),
            )  # fmt: skip
            books.append(numbers(folder, options.profile))
    print(f"{len(books[0]):,} numbers and arrays of pages and runs")
    alike, other = differences(books[0], books[1]), differences(books[0], books[2])
    for title, differing in (("alike", alike), ("one thread less", other)):
        print(
            f"{title}: {len(differing)} differ"
            if differing
            else f"{title}: every one equal, bit for bit"
        )
        for key, difference in differing.items():
            print(f"  {key}: {difference:.3g}")
    return int(bool(alike) or max(other.values(), default=0) > TOLERANCE)


if __name__ == "__main__":
    sys.exit(main())
