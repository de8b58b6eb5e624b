"""A collection for a label table that somebody else made: any labels, any frequencies."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from imet.io import InputError
from imet_simulation.compositions import COMPOSITIONS
from imet_simulation.plan import can_show, forms_of, pick, size_of
from imet_simulation.styles import STYLES, style_for
from imet_simulation.work import Plan, work_id

Row = tuple[str, ...]


def read_labels(root: Path) -> list[tuple[int, str]]:
    """`(attribute_id, attribute_name)` of a folder's labels.csv."""
    path = root / "labels.csv"
    if not path.exists():
        raise InputError(f"{path}: not found; --labels-from wants a folder with a labels.csv")
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    try:
        return [(int(r["attribute_id"]), r["attribute_name"]) for r in rows]
    except (KeyError, ValueError) as error:
        raise InputError(
            f"{path}: needs the columns attribute_id (integers) and attribute_name: {error!r}"
        ) from error


def read_rows(root: Path, labels: list[tuple[int, str]]) -> list[Row]:
    """Label names of each row of a folder's train.csv; empty if there is no such file."""
    path = root / "train.csv"
    if not path.exists():
        return []
    name = dict(labels)
    out = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        for number, row in enumerate(csv.DictReader(handle), 2):
            try:
                out.append(tuple(name[int(k)] for k in row["attribute_ids"].split()))
            except (KeyError, ValueError) as error:
                raise InputError(
                    f"{path}, row {number}: {error!r}; ids must be in labels.csv"
                ) from error
    return [row for row in out if row]


def plans_from_labels(
    works: int, seed: int, side: int, labels: list[tuple[int, str]], rows: list[Row]
) -> list[Plan]:
    """Plans of works that carry random rows of the table; without rows, labels by Zipf's law."""
    order = sorted(range(works), key=lambda i: work_id(seed, i))
    names = [n for _, n in labels]
    cultures = [n for n in names if n.startswith("culture::")]
    tags = [n for n in names if not n.startswith("culture::")]
    plans = []
    for index in order:
        rng = np.random.default_rng(np.random.SeedSequence([seed, index, 5]))
        row = rows[int(rng.integers(len(rows)))] if rows else _by_zipf(rng, cultures, tags)
        plans.append(plan_row(rng, index, side, row))
    return plans


def _by_zipf(rng: np.random.Generator, cultures: list[str], tags: list[str]) -> Row:
    out = []
    if cultures and rng.random() < 0.9:
        out.append(cultures[_zipf(rng, len(cultures))])
    out += [tags[_zipf(rng, len(tags))] for _ in range(int(rng.integers(1, 4))) if tags]
    return tuple(dict.fromkeys(out)) or tuple((cultures or tags)[:1])


def _zipf(rng: np.random.Generator, n: int) -> int:
    weights = 1 / (np.arange(n) + 2.0)
    return int(rng.choice(n, p=weights / weights.sum()))


def plan_row(rng: np.random.Generator, index: int, side: int, row: Row) -> Plan:
    """Plan a work that shows exactly these labels, in a composition that suits most of them."""
    cultures = tuple(k for k in row if k.startswith("culture::"))
    things = tuple(k for k in row if not k.startswith("culture::"))
    manner = cultures[0] if cultures else ""
    style = style_for(manner) if manner else STYLES[""]
    forms = forms_of(style)
    score = {}
    for form, weight in forms.items():
        extra = sum(g not in things for g in COMPOSITIONS[form].gives)
        housed = sum(can_show(style, form, t) for t in things)
        score[form] = weight * 4.0 ** (housed - extra)
    form = pick(rng, list(score), list(score.values()))
    height, width = size_of(rng, COMPOSITIONS[form], side)
    drawn = tuple(t for t in things if t not in COMPOSITIONS[form].gives)
    return Plan(index, cultures, manner, form, drawn, height, width, row)
