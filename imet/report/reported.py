"""The documents' numbers (`book/reported.csv`) and ours beside them."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imet.config import recipe_names, resolve
from imet.io import REPO, InputError, home, read_json

REPORTED = REPO / "book" / "reported.csv"
METRIC_IN_RUNS = {n: n for n in ("f2", "f1", "precision", "recall", "loss")} | {"auc": "auc_macro"}
"""Column `metric` of the reported numbers to the name in a run's metrics."""


def reported_numbers() -> list[dict[str, Any]]:
    """Rows of `book/reported.csv`, one per number, as the documents print it.

    Examples:
        >>> row = next(r for r in reported_numbers() if r["key"] == "paper.resnet50.val.f2")
        >>> row["value"], row["status"]
        ('0.327', 'stated')
    """
    if not REPORTED.exists():
        raise InputError(f"{REPORTED} is missing; restore it with git checkout")
    with open(REPORTED, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def reported_value(key: str) -> float:
    """One of the documents' numbers.

    Examples:
        >>> reported_value("paper.resnet50.val.f2")
        0.327
    """
    return float(next(row["value"] for row in reported_numbers() if row["key"] == key))


def finished_runs(profile: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The newest run of each recipe, made with this code from the recipe as it stands.

    Runs of changed recipes, of other code, on other drawings or on a folder of the reader's own
    are left out.
    """
    from imet.runs import NOT_IN_KEY, code_key, collection_key  # late: this imports PyTorch

    def comparable(config: Mapping[str, Any]) -> dict[str, Any]:
        return {k: v for k, v in config.items() if k not in (*NOT_IN_KEY, "seed")}

    newest: dict[str, tuple[Path, dict[str, Any]]] = {}
    here = collection_key(profile), code_key()
    for name in recipe_names():
        config = comparable(dataclasses.asdict(resolve(name, profile)))
        for path in (home() / "runs" / profile).glob(f"{name}-*/metrics.json"):
            key, metrics = read_json(path.parent / "key.json"), read_json(path)
            made_of = key.get("collection"), key.get("source"), comparable(key["config"])
            if made_of == (*here, config):
                date = metrics["provenance"]["date"]
                if name not in newest or date > newest[name][1]["provenance"]["date"]:
                    newest[name] = (path.parent, metrics)
    return newest


def reported_beside_ours(profile: str) -> list[dict[str, Any]]:
    """Every reported number with ours beside it, if a run on this profile has produced one.

    One dictionary per reported number: its key, document, where, model, split, metric, note, value
    reported and status; and our value, low and high end of its interval, run folder, seed, device
    and commit, all None if there is no run.
    """
    runs = finished_runs(profile)
    rows = []
    for row in reported_numbers():
        folder, metrics = runs.get(row["model"], (None, None))
        ours = (metrics or {}).get(row["split"], {}).get(METRIC_IN_RUNS.get(row["metric"], ""))
        value = ours if isinstance(ours, dict) else {"value": ours, "low": None, "high": None}
        source = metrics["provenance"] if metrics and ours is not None else {}
        rows.append(
            {k: row[k] for k in ("key", "document", "where", "model", "split", "metric", "note")}
            | {"reported": row["value"], "status": row["status"], "profile": profile}
            | {"ours": value["value"], "low": value["low"], "high": value["high"]}
            | {"run": str(folder).removeprefix(f"{REPO}/") if source else None}
            | {k: source.get(k) for k in ("seed", "device", "commit")}
        )
    return rows
