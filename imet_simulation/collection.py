"""Writing a collection to disk in Kaggle's layout: in parallel, resumable, atomic."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
from threadpoolctl import threadpool_limits

from imet.io import (
    InputError,
    atomic_path,
    clear_temporary,
    digest,
    file_lock,
    file_sha256,
    read_json,
    write_csv,
    write_json,
)
from imet_simulation.annotator import Noise
from imet_simulation.catalogue import (
    labels_of,
    plan_collection,
    plan_for_labels,
    vocabulary,
)
from imet_simulation.from_labels import plans_from_labels, read_labels, read_rows
from imet_simulation.render import draw_whole, encode
from imet_simulation.work import Plan, work_id

CHUNK = 16
"""Works drawn between two marks of progress; a killed run repeats at most this many a worker."""

SCHEMA = {
    "id": "work id, the picture's file name without .png",
    "labels": "label names before annotation noise",
    "annotated": "label names after annotation noise, as in train.csv",
    "culture": "first culture label, or null where none is recorded",
    "composition": "kind of picture",
    "height": "pixels",
    "width": "pixels",
    "boxes": "tag name -> list of [left, top, right, bottom] in pixels around each drawn "
    "instance's visible part, right and bottom exclusive",
    "pixels": "tag name -> list of visible pixels, in the order of boxes",
}
"""Fields of a line of truth.jsonl."""


def simulate(
    out: Path | str,
    *,
    works: int = 1600,
    seed: int = 0,
    labels_from: Path | str | None = None,
    workers: int | None = None,
    progress: bool = True,
    side: int = 300,
    noise: Noise | None = None,
    source: str = "",
    planned_for: Sequence[str] = (),
) -> None:
    """Draw a collection into `out`; a finished one with the same parameters is left as it is.

    The same (works, seed, side, noise, label table) gives the same bytes on one machine,
    whatever the number of workers and however often the run was killed.

    Args:
        out: folder to write `train.csv`, `labels.csv`, `train/<id>.png`, `truth.jsonl` and
            `simulation.json` into.
        works: number of works, at least 1.
        seed: everything random follows from it.
        labels_from: folder whose `labels.csv` (and `train.csv` rows, if any) give the labels.
        workers: number of processes; all cores if None.
        progress: show a progress bar.
        side: shorter side of every picture in pixels.
        noise: rates of annotation mistakes; with `labels_from` the default is no mistakes, since
            the rows of another table are annotated already.
        source: digest of the drawing code; a collection of another source is drawn anew.
        planned_for: labels of our own that works are planned to carry, one per work, in turn.

    Raises:
        ValueError: works, side or workers under 1.
        InputError: the label table cannot be read.
    """
    if works < 1 or side < 8 or (workers is not None and workers < 1):
        raise ValueError(f"works={works}, side={side}, workers={workers}: must be at least 1, 8, 1")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    table_folder = Path(labels_from) if labels_from is not None else None
    noise = noise or (Noise(0, 0, 0, 0) if table_folder else Noise())
    parameters: dict[str, Any] = {
        "works": works,
        "seed": seed,
        "side": side,
        "noise": noise.asdict(),
        "labels": _table_digest(table_folder) if table_folder else "own",
        "source": source,
    }
    if planned_for:
        parameters["planned_for"] = list(planned_for)
    if _finished(out, parameters):  # without a lock: its disk may be read-only
        return
    with file_lock(out / ".simulating"):
        if _finished(out, parameters):
            return
        _prepare(out, parameters)
        if table_folder:
            table = read_labels(table_folder)
            plans = plans_from_labels(works, seed, side, table, read_rows(table_folder, table))
            names = tuple(n for _, n in table)
        else:
            names = vocabulary()
            table = list(enumerate(names))
            plans = _plans(parameters)
        chunks = [plans[i : i + CHUNK] for i in range(0, works, CHUNK)]
        jobs = [Job(out, k, chunk, seed, noise, names) for k, chunk in enumerate(chunks)]
        _draw_all(jobs, workers or joblib.cpu_count(), progress)
        _write_tables(out, plans, table, seed)
        settings = {**parameters, "truth": SCHEMA, "checksums": _checksums(out)}
        write_json(out / "simulation.json", settings)
        shutil.rmtree(out / ".parts")
        (out / ".begun.json").unlink()


def read_plans(root: Path) -> dict[str, Plan]:
    """Every work's plan, made again from what `simulation.json` says: id to plan.

    Raises:
        InputError: the collection's labels come from another table.
    """
    settings = read_json(root / "simulation.json")
    if settings["labels"] != "own":
        raise InputError(f"{root} was drawn for another label table; draw it without --labels-from")
    return {work_id(settings["seed"], plan.index): plan for plan in _plans(settings)}


def _plans(settings: dict[str, Any]) -> list[Plan]:
    size = settings["works"], settings["seed"], settings["side"]
    if "planned_for" in settings:
        return plan_for_labels(*size, settings["planned_for"])
    return plan_collection(*size, Noise(**settings["noise"]))


def _table_digest(root: Path) -> str:
    files = [root / "labels.csv", root / "train.csv"]
    return digest(*(f.read_bytes() if f.exists() else b"" for f in files))


def _checksums(out: Path) -> dict[str, str]:
    files = [out / name for name in ("labels.csv", "train.csv", "truth.jsonl")]
    return {file.name: file_sha256(file) for file in files if file.exists()}


def _finished(out: Path, parameters: dict[str, Any]) -> bool:
    """Whether `out` holds exactly this collection, pictures and all."""
    if not (out / "simulation.json").exists() or (out / ".begun.json").exists():
        return False
    recorded = read_json(out / "simulation.json")
    recorded.pop("truth", None)
    checksums = recorded.pop("checksums", None)
    if recorded != parameters or checksums != _checksums(out):
        return False
    with (out / "train.csv").open(encoding="utf-8", newline="") as handle:
        ids = {row["id"] for row in csv.DictReader(handle)}
    there = {entry.name[:-4] for entry in os.scandir(out / "train") if entry.name.endswith(".png")}
    return len(ids) == parameters["works"] and ids <= there


def _prepare(out: Path, parameters: dict[str, Any]) -> None:
    """Keep what an interrupted run of the same parameters drew; clear away an older simulation."""
    begun = out / ".begun.json"
    mine = begun.exists() or (out / "simulation.json").exists()
    there = [n for n in ("train", "train.csv", "labels.csv", "truth.jsonl") if (out / n).exists()]
    if there and not mine:  # somebody's pictures: never cleared away
        raise InputError(
            f"{out} holds {', '.join(there)}, which no simulation wrote; name an empty folder"
        )
    if not begun.exists() or json.loads(begun.read_text()) != parameters:
        for name in ("simulation.json", "train.csv", "labels.csv", "truth.jsonl", ".begun.json"):
            (out / name).unlink(missing_ok=True)
        for folder in ("train", ".parts"):
            shutil.rmtree(out / folder, ignore_errors=True)
        write_json(begun, parameters)
    for place in (out, out / "train", out / ".parts"):
        place.mkdir(exist_ok=True)
        clear_temporary(place)


@dataclass(frozen=True)
class Job:
    """Works that one process draws in one go, and the settings that it needs."""

    out: Path
    number: int
    plans: list[Plan]
    seed: int
    noise: Noise
    names: tuple[str, ...]

    @property
    def lines(self) -> Path:
        """Where the works' lines of truth.jsonl go, once all are drawn."""
        return self.out / ".parts" / f"{self.number:06}.jsonl"


def _draw_all(jobs: list[Job], workers: int, progress: bool) -> None:
    from tqdm import tqdm

    left = [job for job in jobs if not job.lines.exists()]
    works = sum(len(job.plans) for job in jobs)
    with tqdm(total=works, desc="drawing", unit="work", disable=not progress) as bar:
        bar.update(works - sum(len(job.plans) for job in left))
        for count in _run(left, min(workers, len(left))):
            bar.update(count)


def _run(jobs: list[Job], workers: int) -> Iterator[int]:
    if workers <= 1:
        yield from map(_draw_chunk, jobs)
        return
    from multiprocessing import get_context

    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_draw_chunk, jobs)


def _draw_chunk(job: Job) -> int:
    """Draw some works, then write their lines: a chunk without its lines is drawn again.

    One thread per process: small matrix products in many threads take at least twice the time.
    """
    with threadpool_limits(1):
        lines = [_draw_work(job, plan) for plan in job.plans]
    with atomic_path(job.lines) as temporary:
        temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return len(lines)


def _draw_work(job: Job, plan: Plan) -> str:
    """Write a work's picture; returns its line of truth.jsonl."""
    name = work_id(job.seed, plan.index)
    drawn = draw_whole(plan, job.seed)
    with atomic_path(job.out / "train" / f"{name}.png") as temporary:
        temporary.write_bytes(encode(drawn.image))
    boxes: dict[str, list[list[int]]] = {}
    pixels: dict[str, list[int]] = {}
    for label, box, count in drawn.boxes:
        if label in plan.labels:
            boxes.setdefault(label, []).append(list(box))
            pixels.setdefault(label, []).append(count)
    line = {
        "id": name,
        "labels": list(plan.labels),
        "annotated": list(labels_of(plan, job.seed, job.noise, job.names)),
        "culture": plan.cultures[0] if plan.cultures else None,
        "composition": plan.composition,
        "height": drawn.image.shape[0],
        "width": drawn.image.shape[1],
        "boxes": boxes,
        "pixels": pixels,
    }
    return json.dumps(line, ensure_ascii=False)


def _write_tables(out: Path, plans: list[Plan], table: list[tuple[int, str]], seed: int) -> None:
    parts = sorted((out / ".parts").glob("*.jsonl"))
    text = "".join(p.read_text(encoding="utf-8") for p in parts)
    number = {name: i for i, name in table}
    works = map(json.loads, text.splitlines())
    ids = ((work["id"], sorted(number[name] for name in work["annotated"])) for work in works)
    write_csv(out / "labels.csv", ("attribute_id", "attribute_name"), table)
    with atomic_path(out / "truth.jsonl") as path:
        path.write_text(text, encoding="utf-8")
    rows = ((work, " ".join(map(str, columns))) for work, columns in ids)
    write_csv(out / "train.csv", ("id", "attribute_ids"), rows)
