"""Run benchmarks, print them beside their peers, and keep them in benchmarks/results.json.

    python -m benchmarks            # all
    python -m benchmarks fscore auc # these; the others' results stay

Results of two machines never stand in one file: on another machine than the file's, run all, or
see some without keeping them.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

from imet.io import read_json, write_json
from imet.provenance import device_name, versions

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"


def available() -> list[str]:
    """Names of the benchmarks: modules beside this one, except those with another use."""
    names = {module.name for module in pkgutil.iter_modules([str(FOLDER)])} - {"gpu", "rehearsal"}
    return sorted(name for name in names if not name.startswith("_"))


def machine() -> dict[str, Any]:
    """The machine that the numbers were measured on."""
    machine: dict[str, Any] = {"processor": device_name("cpu"), "system": sys.platform}
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        machine["memory_gib"] = round(
            os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
        )
    return machine | {"versions": versions()}


def entry(name: str) -> dict[str, Any]:
    """One benchmark's entry in the results file."""
    module = importlib.import_module(f"benchmarks.{name}")
    result = dict(module.run())
    missing = {"ours", "peer", "ratio", "unit"} - result.keys()
    if missing:
        raise SystemExit(f"benchmark {name} gives no {', '.join(sorted(missing))}")
    result.pop("name", None)
    result.setdefault("what", (module.__doc__ or name).strip().splitlines()[0])
    return {key: _rounded(value) for key, value in result.items()}


def _rounded(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def line(name: str, result: dict[str, Any]) -> str:
    """One line of the printed table, and below it what was measured."""
    return (
        f"{name:<10}{result['ours']:>12,.4g}{result['peer']:>12,.4g} {result['unit']:<14}"
        f"{result['ratio']:>9,.1f}×\n{'':<10}{result['what']}"
    )


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"some of: {', '.join(available())}")
    names = parser.parse_args(arguments).names or available()
    unknown = sorted(set(names) - set(available()))
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(available())}")

    here = machine()
    kept = read_json(RESULTS) if RESULTS.exists() else {}
    others = [name for name in kept if name != "machine" and name not in names]
    foreign = bool(others) and kept["machine"]["processor"] != here["processor"]
    print(f"{'':<10}{'ours':>12}{'peer':>12} {'':<14}{'ratio':>10}")
    for name in names:
        result = entry(name)
        print(line(name, result), flush=True)
        kept[name] = result
        if not foreign:  # after each benchmark, so that an interrupted run keeps what it measured
            kept = {"machine": here} | {key: kept[key] for key in sorted(kept) if key != "machine"}
            write_json(RESULTS, kept)
    if foreign:
        print(
            f"not kept: {RESULTS.name} holds other results from {kept['machine']['processor']}; "
            "run all benchmarks to replace it",
            file=sys.stderr,
        )


if __name__ == "__main__":
    main()
