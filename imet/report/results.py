"""Results on paper and on disk: the documents' numbers beside ours, and what a page shows.

Three kinds of numbers are never mixed: *reported* by the documents (`book/reported.csv`), *live*,
made by this checkout (`runs/`), and *recorded* by a long run (`results/`).
"""

from __future__ import annotations

import csv
import dataclasses
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from imet.config import recipe_names, resolve
from imet.io import REPO, InputError, read_json, write_json
from imet.metrics import fbeta_per_work
from imet.provenance import provenance
from imet.runs import NOT_IN_KEY, RUNS, Run, code_key, collection_key, resolve_device
from imet.statistics import paired_difference
from imet.thresholds import tune_all

REPORTED = REPO / "book" / "reported.csv"
ESTIMATE = "{value:.3f} [{low:.3f}, {high:.3f}]"
DIFFERENCE = "{value:+.3f} [{low:+.3f}, {high:+.3f}]"
MEASURES = {
    "f2": "f2",
    "f1": "f1",
    "precision": "precision",
    "recall": "recall",
    "auc": "auc_macro",
    "loss": "loss",
}
"""Column `metric` of the reported numbers to the name in a run's metrics."""
RULES = {
    "exact": "one threshold",
    "per_type": "by kind of label",
    "proportional": "score ≥ γ·f, no path",
    "max_fraction": "share of the highest",
    "count": "fixed number",
}
"""Rules that models are compared under to what they are called there."""


def reported_numbers() -> list[dict[str, Any]]:
    """Rows of `book/reported.csv`, one a number, as the documents print it.

    Examples:
        >>> row = next(r for r in reported_numbers() if r["key"] == "paper.resnet50.val.f2")
        >>> row["value"], row["status"]
        ('0.327', 'stated')
    """
    if not REPORTED.exists():
        raise InputError(f"{REPORTED} is missing; restore it with git checkout")
    with open(REPORTED, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def finished_runs(profile: str) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The newest run of each recipe that this code and the recipe as it stands would make.

    Runs of changed recipes, of other code, on other drawings or on a folder of the reader's own
    are left out.
    """
    found: dict[str, tuple[Path, dict[str, Any]]] = {}
    for name in recipe_names():
        recipe = resolve(name, profile)
        wanted = _comparable(dataclasses.asdict(recipe))
        for path in (RUNS / profile).glob(f"{name}-*/metrics.json"):
            key, metrics = read_json(path.parent / "key.json"), read_json(path)
            current = (
                key.get("collection") == collection_key(profile)
                and key.get("source") == code_key(recipe)
                and _comparable(key["config"]) == wanted
            )
            date = metrics["provenance"]["date"]
            if current and (name not in found or date > found[name][1]["provenance"]["date"]):
                found[name] = (path.parent, metrics)
    return found


def _comparable(config: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in config.items() if k not in (*NOT_IN_KEY, "seed")}


def reported_beside_ours(profile: str = "sample") -> list[dict[str, Any]]:
    """Every reported number with ours beside it, where a run on this profile has made it.

    Returns:
        One dictionary a reported number: its key, document, where, model, split, metric, reported
        value and status; and ours with low and high end of its interval, run folder, seed, device
        and commit, all None where there is no run.
    """
    runs = finished_runs(profile)
    rows = []
    for row in reported_numbers():
        folder, metrics = runs.get(row["model"], (None, None))
        ours = (metrics or {}).get(row["split"], {}).get(MEASURES.get(row["metric"], ""))
        value = ours if isinstance(ours, dict) else {"value": ours, "low": None, "high": None}
        source = metrics["provenance"] if metrics and ours is not None else {}
        rows.append(
            {k: row[k] for k in ("key", "document", "where", "model", "split", "metric")}
            | {"reported": row["value"], "status": row["status"], "profile": profile}
            | {"ours": value["value"], "low": value["low"], "high": value["high"]}
            | {"run": _relative(folder) if folder and ours is not None else None}
            | {k: source.get(k) for k in ("seed", "device", "commit")}
        )
    return rows


def table_rows(run: Run) -> dict[str, dict[str, Any]]:
    """A run's measures of validation and test with their intervals, for tables of pages."""
    return {
        part: {name: run.metrics[part][name] for name in ("f2", "f1", "precision", "recall")}
        for part in ("val", "test")
    }


def measures_table(found: Mapping[Any, Mapping[str, Any]]) -> pd.DataFrame:
    """Measures as text, one row a name.

    Args:
        found: name to what `imet.evaluation.judged` gives for a part.
    """
    rows = {
        name: {
            "F2": ESTIMATE.format(**part["f2"]),
            "F1": f"{part['f1']['value']:.3f}",
            "precision": f"{part['precision']['value']:.3f}",
            "recall": f"{part['recall']['value']:.3f}",
        }
        | (
            {"labels a work": f"{part['predicted_labels']:.1f}"}
            if "predicted_labels" in part
            else {}
        )
        for name, part in found.items()
    }
    return pd.DataFrame(rows).T.fillna("–")


def recorded(study: str) -> dict[str, Any]:
    """What a study found, by variant; nothing where it was not recorded.

    Examples:
        >>> recorded("no_such_study")
        {}
    """
    return dict(_study(study)["values"])


def recorded_table(studies: Mapping[str, str]) -> Styler | str:
    """F2 of recorded studies as text, one row a variant; a sentence where none was recorded.

    Brackets of F2 are the range over seeds, those of differences 95 % intervals over works. A
    variant that was recorded with other code than the present says so.

    Args:
        studies: name of a file in `results/` to the title it gets.

    Examples:
        >>> recorded_table({"no_such_study": "nothing"})
        'no long run has been recorded yet: make studies'
    """
    rows = {}
    for study, title in studies.items():
        content = _study(study)
        for variant, found in content["values"].items():
            profile = content["provenance"]["profile"]
            current = found["code"] == code_key(resolve(found["recipe"], profile, found["changes"]))
            auc, count = found["test"]["auc_macro"]["value"], found["rules"]["fixed number"]
            name = variant.replace("_", " ") + ("" if current else " (earlier code)")
            rows[f"{title} ({profile})", name] = {
                "F2, test": _two_lines(ESTIMATE.format(**found["test"]["f2"])),
                "less the first": _difference(found),
                "labels a work": f"{found['test']['predicted_labels']['value']:.1f}",
                "fixed number, less the first": _difference(count),
                "AUC": "–" if auc is None else f"{auc:.3f}",
            }
    return pd.DataFrame(rows).T.style if rows else "no long run has been recorded yet: make studies"


def _study(name: str) -> dict[str, Any]:
    path = REPO / "results" / f"{name}.json"
    return dict(read_json(path)) if path.exists() else {"values": {}}


def _difference(found: Mapping[str, Any]) -> str:
    return _two_lines(DIFFERENCE.format(**found["difference"])) if "difference" in found else ""


def _two_lines(estimate: str) -> str:
    return estimate.replace(" [", "\n[")


def paired_gain(run: Run, over: Run, part: str = "test") -> dict[str, float]:
    """Paired difference of F2 of two runs on the same works, with its interval."""
    require_same_works(run, over, part)
    first, second = (
        fbeta_per_work(each.predicted(part), getattr(each.parts, part).targets)
        for each in (run, over)
    )
    return paired_difference(first, second)._asdict()


def require_same_works(run: Run, other: Run, part: str = "test") -> None:
    """Raise ValueError unless both runs judge the same works in the same order."""
    ours, theirs = (getattr(each.parts, part).rows for each in (run, other))
    if not np.array_equal(run.parts.collection.ids[ours], other.parts.collection.ids[theirs]):
        raise ValueError(
            f"{run.folder.name} and {other.folder.name} have other {part} works: "
            "there is nothing to pair; give both the same split_seed and max_works"
        )


def f2_by_rule(run: Run) -> dict[str, np.ndarray]:
    """F2 of every test work under a run's own rule and under those of `RULES`, tuned on validation.

    Returns:
        "its own" and the names of `RULES` to (N,) float64.
    """
    val, test = run.parts.val.targets, run.parts.test.targets
    tuned = tune_all(
        run.scores("val"), val, run.parts.labels.is_culture, run.parts.train.targets.mean(0)
    )
    scores = run.scores("test")
    predicted = {"its own": run.predicted("test")} | {
        name: tuned[rule].predict(scores) for rule, name in RULES.items()
    }
    return {name: fbeta_per_work(found, test) for name, found in predicted.items()}


def or_dash(value: float | None) -> float | str:
    """A number for a page, or a dash where there is none: too few works, or no truth.

    Examples:
        >>> or_dash(0.5), or_dash(float("nan"))
        (0.5, '–')
    """
    return "–" if value is None or not math.isfinite(value) else float(value)


def with_interval(estimate: Mapping[str, float] | None) -> dict[str, Any]:
    """An estimate with its two ends as one value, `interval`; dashes where nothing was estimated.

    Examples:
        >>> with_interval({"value": 0.1, "low": 0.0, "high": 0.2})["interval"]
        [0.0, 0.2]
        >>> with_interval(None)
        {'value': '–', 'interval': '–'}
    """
    if estimate is None:
        return {"value": "–", "interval": "–"}
    return dict(estimate) | {"interval": [estimate["low"], estimate["high"]]}


def _relative(folder: Path) -> str:
    """A folder as a reader of the checkout knows it."""
    return str(folder.relative_to(REPO) if folder.is_relative_to(REPO) else folder)


def record_page(
    name: str,
    values: Mapping[str, Any],
    *,
    profile: str,
    seed: int = 0,
    device: str = "auto",
    runs: Iterable[Run] = (),
) -> Path:
    """Write the numbers that a page's prose, tables and captions are bound to.

    Args:
        name: the notebook's, "03_baseline".
        values: nested dictionaries of plain values; NumPy scalars and arrays are converted, NaN
            and infinities raise ValueError.
        profile, seed, device: the notebook's parameters.
        runs: what the page shows; those that another commit or device made are named.

    Returns:
        `runs/<profile>/pages/<name>.json`.
    """
    path = RUNS / profile / "pages" / f"{name}.json"
    page = provenance(profile, seed, resolve_device(device))
    made = dict.fromkeys(
        (source["commit"], source["device"])
        for source in (run.metrics["provenance"] for run in runs)
    )
    earlier = [
        commit if where == page["device"] else f"{commit} on {where}"
        for commit, where in made
        if (commit, where) != (page["commit"], page["device"])
    ]
    content = {
        "provenance": page | ({"models": ", ".join(earlier)} if earlier else {}),
        "values": _plain(values),
    }
    write_json(path, content)
    return path


def page_files(name: str, profile: str) -> Path:
    """The folder of files that a page links to; the book holds it as `_static/pages/<name>/`."""
    return RUNS / profile / "pages" / name


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_plain(v) for v in (value.tolist() if isinstance(value, np.ndarray) else value)]
    return value.item() if isinstance(value, np.generic) else value
