"""Facts about a collection from its tables, in one dictionary; for the real ones, FIDELITY's."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from imet.data.split import PARTS, rare_columns, split_collection
from imet.data.tables import read_collection
from imet.io import InputError

KAGGLE_ID_LENGTH = 16


def summarise(root: Path | str) -> dict[str, Any]:
    """The facts of a folder in Kaggle's layout, without its pictures, as numbers for JSON.

    rows, labels, culture, tag: works, labels, and labels that count as culture and as tag;
    mean_labels (rounded to 4 decimals), max_labels: labels on one work;
    rare_labels: labels seen fewer than 3 times, unused ones included;
    kept_works, kept_labels: what is left without them;
    ids_not_16_characters: ids that are not as long as most of Kaggle's;
    split: works in train, val, test and dropped;
    labels_present, max_labels_per_split: labels with a positive, and most labels on one work, in
    train, val and test; None where too few works are kept for three parts;
    counts: works that carry each label, by name, over all rows (before dropping).
    """
    collection = read_collection(root)
    targets = collection.targets  # (N, K)
    per_work = targets.sum(axis=1)  # (N,)
    uses = targets.sum(axis=0)  # (K,)
    id_lengths = np.strings.str_len(collection.ids)  # (N,)
    rare = rare_columns(targets)  # (K,)
    dropped = int(targets[:, rare].any(axis=1).sum())
    sizes: dict[str, int | None] = dict.fromkeys(PARTS)
    present, most = sizes.copy(), sizes.copy()
    try:
        split = split_collection(collection)
    except InputError:
        pass  # the other facts hold for a folder too small to split
    else:
        for name in PARTS:
            part = targets[split.rows(name)]  # (n, K); kept works carry kept labels only
            sizes[name] = len(part)
            present[name] = int(part.any(axis=0).sum())
            most[name] = int(per_work[split.rows(name)].max())
    labels = collection.labels
    culture = int(labels.is_culture.sum())
    return {
        "rows": len(collection),
        "labels": len(collection.labels),
        "culture": culture,
        "tag": len(collection.labels) - culture,
        "mean_labels": round(float(per_work.mean()), 4),
        "max_labels": int(per_work.max()),
        "rare_labels": int(rare.sum()),
        "kept_works": len(collection) - dropped,
        "kept_labels": int((~rare).sum()),
        "ids_not_16_characters": int((id_lengths != KAGGLE_ID_LENGTH).sum()),
        "split": {**sizes, "dropped": dropped},
        "labels_present": present,
        "max_labels_per_split": most,
        "counts": dict(zip(collection.labels.names, uses.tolist())),
    }


def format_summary(summary: dict[str, Any]) -> str:
    """The result of `summarise` as text, with the ten most frequent labels of `counts`."""

    def by_part(values: dict[str, int | None]) -> str:
        return "  ".join(f"{k} {'–' if v is None else format(v, ',')}" for k, v in values.items())

    mean, most = summary["mean_labels"], summary["max_labels"]
    lines = [
        ("works", f"{summary['rows']:,}"),
        ("labels", "{labels:,} = {culture:,} culture + {tag:,} tag".format(**summary)),
        ("labels on a work", f"{mean:.4f} on average, {most} at most"),
        ("labels seen fewer than 3 times", f"{summary['rare_labels']:,}"),
        ("kept without them", "{kept_works:,} works, {kept_labels:,} labels".format(**summary)),
        ("split", by_part(summary["split"])),
        ("labels with a positive", by_part(summary["labels_present"])),
        ("most labels on a work", by_part(summary["max_labels_per_split"])),
        ("ids not 16 characters long", f"{summary['ids_not_16_characters']:,}"),
    ]
    kinds = Counter(name.rpartition("::")[0].partition("::")[0] for name in summary["counts"])
    if set(kinds) - {"culture", "tag"}:
        numbers = ", ".join(f"{n:,} {kind or 'without'}" for kind, n in kinds.items())
        lines.append(("kinds in the names", numbers))
        lines.append(("note", "all kinds but culture count as tags: change it with culture_kinds"))
    if summary["split"]["train"] is None:
        lines.append(("note", "too few works are kept for train, val and test"))
    counts = sorted(summary["counts"].items(), key=lambda item: -item[1])[:10]
    width = max(len(name) for name, _ in lines) + 2
    shown = "\n".join(f"{name:<{width}}{value}" for name, value in lines)
    frequent = "\n".join(f"  {count:>9,}  {name}" for name, count in counts)
    return f"{shown}\nmost frequent labels, over all works\n{frequent}"
