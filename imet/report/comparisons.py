"""Two runs on the same works: paired differences of F2, under their own rule and under others."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import pandas as pd

from imet.config import resolve
from imet.metrics import fbeta_per_work
from imet.runs import NOT_IN_KEY, Run
from imet.statistics import Interval, paired_difference
from imet.thresholds import ScoreRule, tune_all

RULES = {
    "exact": "one threshold",
    "per_type": "by kind of label",
    "proportional": "score ≥ γ·f, no path",
    "max_fraction": "share of the highest",
    "count": "fixed number",
}
"""Rules that models are compared under to what they are called there."""
FORMATS = {"less the first": "{:+.3f}", "labels per work": "{:.1f}"}
"""Of the columns of `compare_runs` and `compare_rules`."""


def paired_gain(run: Run, over: Run, part: str = "test") -> Interval:
    """Paired difference in F2 between two runs on the same works, with its interval."""
    require_same_works(run, over, part)
    first, second = (
        fbeta_per_work(each.predicted(part), each.parts[part].targets) for each in (run, over)
    )
    return paired_difference(first, second)


def require_same_works(run: Run, other: Run, part: str = "test") -> None:
    """Raise ValueError unless both runs judge the same works in the same order."""
    ours, theirs = (each.parts[part].rows for each in (run, other))
    if not np.array_equal(run.parts.collection.ids[ours], other.parts.collection.ids[theirs]):
        raise ValueError(
            f"{run.folder.name} and {other.folder.name} have other {part} works: "
            "there is nothing to pair; give both the same split_seed and max_works"
        )


def f2_by_rule(run: Run) -> dict[str, np.ndarray]:
    """F2 of every test work under a run's own rule and under those of `RULES`, tuned on validation.

    Maps "its own" and each name in `RULES` to (N,) float64.
    """
    val, test = run.parts.val.targets, run.parts.test.targets
    tuned = tune_all(
        run.scores("val"), val, run.parts.labels.is_culture, run.parts.train.targets.mean(0)
    )
    scores = run.scores("test")
    predicted = {"its own": run.predicted("test")} | {
        name: tuned[rule].predict(scores) for rule, name in RULES.items()
    }
    return {name: fbeta_per_work(labels, test) for name, labels in predicted.items()}


def settings_beside_documents(trained: Mapping[str, Run]) -> pd.DataFrame:
    """Recipe fields that differ from the documents' recipes: setting, here, documents, models."""
    rows: dict[tuple[str, str, str], list[str]] = {}
    for name, run in trained.items():
        documents = dataclasses.asdict(resolve(run.recipe.name, "kaggle"))
        for field, value in dataclasses.asdict(run.recipe).items():
            if value != documents[field] and field not in (*NOT_IN_KEY, "seed"):
                stated = f"{documents[field]}" + " (this book's)" * (field == "most_beams")
                key = (field, f"{value}", stated)
                rows.setdefault(key, []).append(name)
    models = ["all" if len(names) == len(trained) else ", ".join(names) for names in rows.values()]
    columns = ["setting", "here", "documents"]
    return pd.DataFrame(list(rows), columns=columns).assign(models=models).sort_values(columns[0])


def compare_runs(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Runs on the same works, one row each; differences in F2 are from the first run."""
    first = next(iter(runs.values()))
    rows = {
        name: {
            "threshold": getattr(run.rule, "threshold", "–"),
            "F2, test": run.test.f2.value,
            "less the first": paired_gain(run, first),
            "labels per work": run.test.predicted_labels,
            "macro AUC": run.test.auc_macro,
        }
        for name, run in runs.items()
    }
    return pd.DataFrame(rows).T


def compare_rules(run: Run, rules: Mapping[str, ScoreRule]) -> pd.DataFrame:
    """Decision rules on a run's scores, one row each; differences in F2 are from the first rule."""
    scores, targets = run.scores("test"), run.parts.test.targets
    rows, first = {}, None
    for name, rule in rules.items():
        predicted = rule.predict(scores)
        f2 = fbeta_per_work(predicted, targets)
        first = f2 if first is None else first
        rows[name] = {
            "rule": rule.describe().split(";")[0].split(", f the")[0],
            "F2, validation": rule.f_beta,
            "F2, test": f2.mean(),
            "less the first": paired_difference(f2, first),
            "labels per work": predicted.sum(1).mean(),
            "at the edge": "yes" if rule.at_edge else "no",
        }
    return pd.DataFrame(rows).T
