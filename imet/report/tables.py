"""Numbers as text: estimates with intervals, tables of metrics and of recorded studies."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from imet.evaluation import metrics_with_intervals
from imet.io import REPO, read_json
from imet.runs import Run, code_key
from imet.statistics import Interval
from imet.typing import BoolArray


def table_rows(run: Run) -> dict[str, dict[str, Any]]:
    """A run's metrics on validation and test with their intervals, for tables of pages."""
    return {
        part: {name: run.metrics[part][name] for name in ("f2", "f1", "precision", "recall")}
        for part in ("val", "test")
    }


def metrics_table(metrics: Mapping[Any, Mapping[str, Any]]) -> pd.DataFrame:
    """Metrics of parts, in the form of metrics.json, as a table of text: one row per name."""
    rows = {}
    for name, part in metrics.items():
        rows[name] = {"F2": f"{Interval(**part['f2']):.3f}"}
        for column in ("F1", "precision", "recall"):
            rows[name][column] = f"{part[column.lower()]['value']:.3f}"
        if "predicted_labels" in part:
            rows[name]["labels per work"] = f"{part['predicted_labels']:.1f}"
    return pd.DataFrame(rows).T.fillna("–")


_present_code = cache(code_key)  # reading all files takes as long as a short table
SMALL = {"a", "and", "by", "for", "from", "in", "of", "or", "the", "with"}


def spoken(name: str) -> str:
    """A label as readers say it; any other text as it is.

    A tag goes by its bare name. Other labels are followed by their kind, since a culture may share
    its word with a tag.

    Examples:
        >>> spoken("tag::men"), spoken("culture::italian, tomb of x"), spoken("medium::oil")
        ('men', 'Italian, Tomb of X (culture)', 'oil (medium)')
        >>> spoken("men"), spoken("a :: b"), spoken("::x")
        ('men', 'a :: b', '::x')
    """
    kind, colons, word = name.partition("::")
    if not (colons and kind.isidentifier() and word):
        return name
    if kind == "culture":
        word = " ".join(w if w in SMALL else w[:1].upper() + w[1:] for w in word.split(" "))
    return word if kind == "tag" else f"{word} ({kind})"


def show(
    frame: pd.DataFrame,
    formats: str | dict[str, Any] | None = None,
    *,
    precision: int = 3,
    index: bool = True,
) -> Styler:
    """A table as a page shows it: labels as readers say them, and never as HTML.

    `formats` apply to all cells, or by column; `precision` applies to numbers without a format, and
    `index` shows the names of the rows.

    Examples:
        >>> frame = pd.DataFrame({"F2": [0.51234]}, index=["tag::<b>"])
        >>> html = show(frame).to_html()
        >>> "0.512" in html, "&lt;b&gt;" in html, "tag::" in html
        (True, True, False)
    """
    frame = frame.map(_said).rename(index=_said, columns=_said)
    table = frame.style.format(formats, precision=precision, na_rep="–", escape="html")
    for axis in (0, 1):
        table.format_index(escape="html", axis=axis).format_index_names(escape="html", axis=axis)
    return table if index else table.hide(axis="index")


def _said(value: Any) -> Any:
    return spoken(value) if isinstance(value, str) else value


def predictions_table(predicted: Mapping[Any, BoolArray], targets: BoolArray) -> pd.DataFrame:
    """`metrics_table` of labels (N, K) predicted in several ways.

    Examples:
        >>> import numpy as np
        >>> targets = np.array([[True, False], [False, True]])
        >>> predictions_table({"all": np.ones((2, 2), bool)}, targets)["recall"]["all"]
        '1.000'
    """
    metrics = {}
    for name, labels in predicted.items():
        counted = {"predicted_labels": float(labels.sum(1).mean())}
        metrics[name] = metrics_with_intervals(labels, targets) | counted
    return metrics_table(metrics)


def recorded(study: str) -> dict[str, Any]:
    """What a study found, by variant; empty if it was not recorded.

    Examples:
        >>> recorded("no_such_study")
        {}
    """
    return dict(_study(study)["values"])


def recorded_table(studies: Mapping[str, str]) -> Styler | str:
    """F2 of recorded studies as text, one row per variant; a sentence where none was recorded.

    Brackets after F2 are ranges over seeds; those after differences are 95 % intervals over works
    that hold for all rows of a study at once. A variant that is `by_earlier_code` says so.
    `studies` maps the names of files in `results/` to their titles.

    Examples:
        >>> recorded_table({"no_such_study": "nothing"})
        'no long run has been recorded yet: make studies'
    """
    rows = {}
    for study, title in studies.items():
        content = _study(study)
        for variant, row in content["values"].items():
            profile = content["provenance"]["profile"]
            auc, count = row["test"]["auc_macro"]["value"], row["rules"]["fixed number"]
            name = variant.replace("_", " ") + " (earlier code)" * by_earlier_code(row)
            rows[f"{title} ({profile})", name] = {
                "F2, test": _estimate(row["test"]["f2"], ".3f"),
                "less the study's first": _difference(row),
                "labels per work": f"{row['test']['predicted_labels']['value']:.1f}",
                "fixed number, less the study's first": _difference(count),
                "AUC": "–" if auc is None else f"{auc:.3f}",
            }
    return show(pd.DataFrame(rows).T) if rows else "no long run has been recorded yet: make studies"


def by_earlier_code(row: Any) -> bool:
    """Whether a recorded variant was neither made nor verified with the present code."""
    code = isinstance(row, dict) and row.get("code")
    return bool(code) and _present_code() not in (code, row.get("verified", {}).get("code"))


def _study(name: str) -> dict[str, Any]:
    path = REPO / "results" / f"{name}.json"
    return dict(read_json(path)) if path.exists() else {"values": {}}


def _difference(row: Mapping[str, Any]) -> str:
    return _estimate(row["difference"], "+.3f") if "difference" in row else ""


def _estimate(estimate: Mapping[str, Any], spec: str) -> str:
    """A value over its interval, in two lines."""
    interval = Interval(estimate["value"], estimate["low"], estimate["high"])
    return f"{interval:{spec}}".replace(" [", "\n[")


def or_dash(value: float | None) -> float | str:
    """A number for a page, or a dash where there is none: too few works, or no truth.

    Examples:
        >>> or_dash(0.5), or_dash(float("nan"))
        (0.5, '–')
    """
    return "–" if value is None or not math.isfinite(value) else float(value)


def with_interval(estimate: Interval | Mapping[str, float] | None) -> dict[str, Any]:
    """An estimate with the ends of its interval as one value, `interval`; dashes if there is none.

    Examples:
        >>> with_interval({"value": 0.1, "low": 0.0, "high": 0.2})["interval"]
        [0.0, 0.2]
        >>> with_interval(None)
        {'value': '–', 'interval': '–'}
    """
    if estimate is None:
        return {"value": "–", "interval": "–"}
    values = estimate._asdict() if isinstance(estimate, Interval) else dict(estimate)
    return values | {"interval": [values["low"], values["high"]]}
