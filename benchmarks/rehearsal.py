"""A rehearsal at size: what each stage of a full run takes, on pictures drawn for a label table.

    python -m benchmarks.rehearsal TABLES OUT --works 5000   # that many drawn works, every stage
    python -m benchmarks.rehearsal TABLES OUT --full         # all rows of the table, no pictures

TABLES holds `train.csv` and `labels.csv`, OUT gets pictures, features and runs (about 1 GB for
1,000 works). Each stage runs in a process of its own, so that its time and memory are its own, and
is kept in `results/rehearsal.json` once it is done. What is there is not done again. All stages of
one size are measured on one kind of machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imet.io import REPO, read_json, write_json
from imet.provenance import changed_files, commit, device_name, versions

RESULTS = REPO / "results" / "rehearsal.json"
ROWS = ("resnet50", "resnet50_hog", "attn_cnn_rnn", "attn_cnn_rnn_hog")
EPOCHS, BEAMS, VIEWS_AT_ONCE, WORKS_AT_ONCE = 2, 5, 192, 4096
SAMPLED = 0.1
"""Seconds between two looks at what a stage holds."""

Stage = Callable[[Path, Path, int], dict[str, Any]]
"""From the tables, the folder of this size and a number of works to what else is worth keeping."""


# --- Stages on drawn pictures. They import what they need: the parent process stays small ---------


def changes() -> dict[str, Any]:
    """Changes to the documents' rows: views cut once, a package's backbone, all works and labels.

    With few works most labels are rare: keeping them makes every size as wide as the table.
    """
    from imet.config import get_profile

    sample = get_profile("sample")
    all_of_them = {"labels": "all", "drop_rare": False, "epochs": EPOCHS}
    return sample.recipe | {"backbone": sample.backbones["resnet50"]} | all_of_them


def draw(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.data.source import simulate

    simulate(out / "works", works=works, seed=0, labels_from=tables, progress=False)
    return {"disk_mb": folder_mb(out / "works")}


def check(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.data.check import check as problems_of

    if problems := problems_of(out / "works"):
        raise SystemExit(f"{len(problems)} problems, the first: {problems[0]}")
    return {}


def split(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.data.split import write_split

    parts = write_split(out / "works", out / "split.csv")
    return {"labels": len(parts.columns), "training_works": len(parts.train)}


def features(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.batches import Batches
    from imet.config import resolve
    from imet.data.parts import load_parts
    from imet.models.registry import build_encoder

    recipe = resolve("resnet50", "kaggle", changes())
    Batches(recipe, load_parts(out / "works", recipe), build_encoder(recipe), "cpu").prepare()
    return {"disk_mb": folder_mb(out / "features")}


def row(name: str) -> Stage:
    """Training with validation after each epoch, then decoding, tuning and every measure."""

    def stage(tables: Path, out: Path, works: int) -> dict[str, Any]:
        from imet.runs import run

        clock = EpochClock()
        log = logging.getLogger("imet.training.loop")
        log.setLevel("INFO")
        log.addHandler(clock)
        run(name, "kaggle", data=out / "works", overrides=changes(), device="cpu")
        first, last = clock.times[0], clock.times[-1]
        epoch = [(b - a) / (EPOCHS - 1) for a, b in zip(first, last)]
        decision = [now - then for now, then in zip(clock.now(), last)]
        return {
            "epoch": {"wall": epoch[0], "cpu": epoch[1]},
            "decision": {"wall": decision[0], "cpu": decision[1]},
            "disk_mb": folder_mb(out / "runs" / "kaggle"),
        }

    return stage


class EpochClock(logging.Handler):
    """Notes wall and processor seconds whenever the training loop reports the end of an epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[float, float]] = []

    @staticmethod
    def now() -> tuple[float, float]:
        return time.perf_counter(), time.process_time()

    def emit(self, record: logging.LogRecord) -> None:
        if ": epoch " in record.getMessage():
            self.times.append(self.now())


def folder_mb(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


DRAWN: dict[str, Stage] = {
    "draw": draw, "check": check, "split": split, "features": features,
    **{name: row(name) for name in ROWS},
}  # fmt: skip
MADE = {"draw": "works", "features": "features"} | dict.fromkeys(ROWS, "runs")
"""Folder that a stage fills; it begins without, so that no half of it was done before."""


# --- Stages on all rows of the table, without pictures --------------------------------------------


def read_tables(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.data.tables import read_collection

    collection = read_collection(tables)
    return {"works": len(collection), "labels": len(collection.labels)}


def split_tables(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.config import resolve
    from imet.data.parts import load_parts

    parts = load_parts(tables, resolve("resnet50", "kaggle"))
    sizes = {name: len(part) for name, part in parts.items()}
    return {"works": len(parts.collection), "labels": len(parts.labels), "sizes": sizes}


def view_targets(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.config import resolve
    from imet.data.parts import load_parts

    recipe = resolve("resnet50", "kaggle")
    targets = load_parts(tables, recipe).train.view_targets(recipe)
    return {"works": len(targets), "array_mb": targets.nbytes / 1e6}


def scored(tables: Path) -> Any:
    """Targets (N, K) of all works and labels, and float32 scores with some information on them."""
    import numpy as np

    from imet.data.tables import read_collection

    targets = read_collection(tables).targets
    rng, rate = np.random.default_rng(0), targets.mean(0).clip(1e-6).astype(np.float32)
    prior = np.log(rate / (1 - rate))  # (K,)
    scores = np.empty(targets.shape, np.float32)
    for start in range(0, len(targets), WORKS_AT_ONCE):
        some = scores[start : start + WORKS_AT_ONCE]
        rng.standard_normal(dtype=np.float32, out=some)
        some += prior + np.float32(2.5) * targets[start : start + WORKS_AT_ONCE]
        np.exp(-some, out=some)
        some += 1
        np.reciprocal(some, out=some)
    return scores, targets


def scores_alone(tables: Path, out: Path, works: int) -> dict[str, Any]:
    scores, targets = scored(tables)
    return {"works": len(scores), "array_mb": (scores.nbytes + targets.nbytes) / 1e6}


def thresholds(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.thresholds import tune_grid

    scores, targets = scored(tables)
    return {"works": len(scores), "threshold": tune_grid(scores, targets).threshold}


def exact_threshold(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.thresholds import tune_exact

    scores, targets = scored(tables)
    return {"works": len(scores), "threshold": tune_exact(scores, targets).threshold}


def auc(tables: Path, out: Path, works: int) -> dict[str, Any]:
    from imet.metrics import mean_auc, micro_auc, roc_auc_per_class

    scores, targets = scored(tables)
    macro, micro = mean_auc(roc_auc_per_class(scores, targets)), micro_auc(scores, targets)
    return {"works": len(scores), "classes": macro.classes, "macro": macro.value, "micro": micro}


def beams(tables: Path, out: Path, works: int) -> dict[str, Any]:
    """Beam search on one view of every work with the documents' AttnCNN-RNN, then tuning of γ."""
    import torch

    from imet.config import resolve
    from imet.data.tables import read_collection
    from imet.decoding import decode, tune_path_rule
    from imet.models.heads import Network
    from imet.models.registry import build_encoder, build_head, feature_shapes

    targets = read_collection(tables).targets
    recipe = resolve("attn_cnn_rnn", "kaggle", changes())
    encoder = build_encoder(recipe)
    shapes = feature_shapes(encoder, recipe.input_size)
    torch.manual_seed(0)
    network = Network(build_head(recipe, shapes, targets.shape[1]))

    def batches() -> Iterator[dict[str, torch.Tensor]]:
        for start in range(0, len(targets), VIEWS_AT_ONCE):
            some = torch.arange(start, min(start + VIEWS_AT_ONCE, len(targets)))
            views = {name: torch.rand(len(some), *shapes[name]) for name in ("pooled", "spatial")}
            yield views | {"works": some}

    paths = decode(network, batches(), len(targets), str(BEAMS))
    rule, _ = tune_path_rule({BEAMS: paths}, targets, targets.mean(0))
    return {"works": len(targets), "steps": paths.labels.shape[-1], "gamma": rule.gamma}


FULL: dict[str, Stage] = {
    "tables": read_tables, "split": split_tables, "targets": view_targets, "scores": scores_alone,
    "thresholds": thresholds, "exact threshold": exact_threshold, "AUC": auc, "beams": beams,
}  # fmt: skip


# --- Running a stage and watching it --------------------------------------------------------------


def watched(command: list[str], home: Path) -> dict[str, Any]:
    """Run a stage's process; returns what it printed last, its seconds, and its peak megabytes.

    `peak_mb` is the largest resident set of one process, including mapped pages of files, which the
    system may take back. `held_mb` leaves those out, is summed over the stage's processes, and is
    read every `SAMPLED` seconds.
    """
    environment = os.environ | {"IMET_HOME": str(home), "PYTHONPATH": str(REPO)}
    with tempfile.TemporaryFile("w+") as printed:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdout=printed, env=environment, cwd=REPO)
        held, ended = 0, 0
        while not ended:
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            held = max(held, held_bytes(process.pid))
            time.sleep(0 if ended else SAMPLED)
        wall = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"not recorded: {' '.join(command)} ended with {process.returncode}")
        printed.seek(0)
        more = json.loads(printed.read().splitlines()[-1])
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "wall": wall,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": used.ru_maxrss * unit / 1e6,
        "held_mb": held / 1e6,
        **more,
    }


def held_bytes(pid: int) -> int:
    """Anonymous memory of a process and its descendants; 0 where there is no /proc."""
    process, held = Path(f"/proc/{pid}"), 0
    try:
        lines = (process / "status").read_text().splitlines()
        held = sum(1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
        for task in (process / "task").iterdir():
            held += sum(held_bytes(int(child)) for child in (task / "children").read_text().split())
    except (OSError, ValueError):  # the process has just ended
        pass
    return held


def rehearse(tables: Path, out: Path, works: int) -> None:
    """Run and record each stage that is not recorded yet; `works` 0 stands for `--full`."""
    size, stages = (str(works), DRAWN) if works else ("full", FULL)
    home = out / size
    home.mkdir(parents=True, exist_ok=True)
    here, kept = device_name("cpu"), recorded()["values"].get(size, {})
    if there := {value["device"] for value in kept.values()} - {here}:
        begun = f"{RESULTS}: {size} was begun on {there.pop()}"
        raise SystemExit(f"{begun}; take its values away, to measure it on one machine")
    missing = [name for name in stages if name not in kept]
    for name in stages:
        needed = missing and name in ("draw", "features") and not (home / MADE[name]).exists()
        if name not in missing and not needed:
            continue
        if name in MADE:
            shutil.rmtree(home / MADE[name], ignore_errors=True)
        arguments = [str(tables), str(out), "--works", str(works), "--stage", name]
        value = watched([sys.executable, "-m", "benchmarks.rehearsal", *arguments], home)
        value |= {"works": works} if works else {}
        value["load"] = os.getloadavg()[1]
        keep(size, name, rounded(value) | {"commit": commit(), "device": here}, here)
        seconds, peak, held = (value[key] for key in ("cpu", "peak_mb", "held_mb"))
        print(f"{size:>7}  {name:<17}{seconds:9,.1f} s{peak:8,.0f} MB{held:8,.0f} held", flush=True)


def recorded() -> dict[str, Any]:
    return read_json(RESULTS) if RESULTS.exists() else {"provenance": {}, "values": {}}


def keep(size: str, name: str, value: dict[str, Any], device: str) -> None:
    """Add one stage to those recorded, some of which another process may have written."""
    about = {
        "profile": "kaggle",
        "device": device,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "threads": os.environ.get("OMP_NUM_THREADS", "all"),
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "changes": changes(),
        "command": "make rehearsal TABLES=folder WORKS=number, or FULL=1",
    }
    values = recorded()["values"]
    values.setdefault(size, {})[name] = value
    write_json(RESULTS, {"provenance": about, "values": {k: values[k] for k in sorted(values)}})


def rounded(value: Any) -> Any:
    """Round floats to four digits, at any depth."""
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rehearsal", description=__doc__)
    parser.add_argument("tables", type=Path, help="folder with train.csv and labels.csv")
    parser.add_argument("out", type=Path, help="folder for pictures, features and runs")
    parser.add_argument("--works", type=int, default=0, help="how many works to draw")
    parser.add_argument("--full", action="store_true", help="all rows of the tables, no pictures")
    parser.add_argument("--stage", help=argparse.SUPPRESS)  # one stage, in this process
    chosen = parser.parse_args(arguments)
    tables, out = chosen.tables.resolve(), chosen.out.resolve()
    if chosen.stage:
        stage = (DRAWN if chosen.works else FULL)[chosen.stage]
        print(json.dumps(stage(tables, out / str(chosen.works or "full"), chosen.works)))
        return
    if bool(chosen.works) == chosen.full:
        parser.error("name a number of works, or --full")
    if changed := changed_files():
        raise SystemExit(f"not recorded: commit these first: {', '.join(changed)}")
    rehearse(tables, out, chosen.works)


if __name__ == "__main__":
    main()
