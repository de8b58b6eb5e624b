"""A collection in figures small enough to be kept: to set a simulated one beside the real one.

python -m imet.report.collection_statistics FOLDER results/NAME.json [--sizes sizes.csv]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from imet.data.tables import Collection, read_collection
from imet.io import write_json
from imet.provenance import provenance
from imet.typing import Array

QUANTILES = 401
PAIRS = 200


def aspect_ratios(collection: Collection, sizes: Path | None = None) -> Array:
    """(N,) width over height, from the pictures' headers or from a table with height and width."""
    if sizes is not None:
        table = pd.read_csv(sizes)
        return (table["width"] / table["height"]).to_numpy(float)
    ratios = np.empty(len(collection))
    for row in range(len(collection)):
        with Image.open(collection.path(row)) as image:  # reads the header only
            ratios[row] = image.width / image.height
    return ratios


def statistics(collection: Collection, ratios: Array) -> dict[str, Any]:
    """What a reader compares between collections, JSON-serialisable, without any work's own data.

    works, labels; frequency: uses of every label, descending; labels_per_work: works by number of
    labels; kinds: share of works with culture only, tags only, both; top_culture, top_tag: the
    twelve most frequent, [name, works]; pairs: the culture and tag that meet most often, [culture,
    tag, works, lift]; aspect: evenly spaced quantiles of the ratios (N,) of width over height.
    """
    counts, culture = collection.targets.sum(0), collection.labels.is_culture
    has_culture = collection.targets[:, culture].any(1)
    has_tag = collection.targets[:, ~culture].any(1)
    order = np.argsort(-counts, kind="stable")
    names = collection.labels.names

    def most_frequent(chosen: Array) -> list[list[Any]]:
        return [[names[k], int(counts[k])] for k in order if chosen[k]][:12]

    return {
        "works": len(collection),
        "labels": len(collection.labels),
        "frequency": np.sort(counts)[::-1].tolist(),
        "labels_per_work": np.bincount(collection.targets.sum(1)).tolist(),
        "kinds": {
            "culture only": float((has_culture & ~has_tag).mean()),
            "culture and tags": float((has_culture & has_tag).mean()),
            "tags only": float((~has_culture & has_tag).mean()),
        },
        "top_culture": most_frequent(culture),
        "top_tag": most_frequent(~culture),
        "pairs": frequent_pairs(collection),
        "aspect": np.quantile(ratios, np.linspace(0, 1, QUANTILES)).round(4).tolist(),
    }


def frequent_pairs(collection: Collection, most: int = PAIRS) -> list[list[Any]]:
    """Pairs of a culture and a tag that meet most often: [culture, tag, works, lift].

    Lift is how many times more often the two meet than if they were independent; ties keep the
    order of the columns.
    """
    names = collection.labels.names
    cultures = np.flatnonzero(collection.labels.is_culture)
    tags = np.flatnonzero(~collection.labels.is_culture)
    a = collection.targets[:, cultures].astype(np.float32)  # whole numbers: exact up to 2²⁴ works
    b = collection.targets[:, tags].astype(np.float32)
    together = (a.T @ b).astype(np.int64)  # (A, B)
    expected = np.outer(a.sum(0, dtype=np.float64), b.sum(0, dtype=np.float64)) / len(collection)
    first = np.argsort(-together, axis=None, kind="stable")[:most]
    return [
        [names[cultures[i]], names[tags[j]], int(n), round(float(n / expected[i, j]), 3)]
        for i, j, n in zip(*np.unravel_index(first, together.shape), together.flat[first])
        if n
    ]


def lifts_of_pairs(collection: Collection, pairs: Sequence[tuple[str, str]]) -> pd.DataFrame:
    """Lift of pairs of labels, given by name, whatever their frequency.

    One row per pair: `expected`, the works in which the two would meet if they were independent,
    and `lift`, how many times more often they do meet; NaN where no work is expected.
    """
    column = {name: k for k, name in enumerate(collection.labels.names)}
    first = collection.targets[:, [column[a] for a, _ in pairs]]  # (N, P)
    second = collection.targets[:, [column[b] for _, b in pairs]]
    expected = first.mean(0) * second.mean(0) * len(collection)  # (P,)
    lift = (first & second).sum(0) / np.where(expected > 0, expected, np.nan)
    return pd.DataFrame({"expected": expected, "lift": lift})


def main() -> None:
    """Write the statistics of a folder, with their provenance."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=Path, help="table id,height,width; else picture headers")
    arguments = parser.parse_args()
    collection = read_collection(arguments.folder)
    values = statistics(collection, aspect_ratios(collection, arguments.sizes))
    command = "python -m imet.report.collection_statistics FOLDER OUT --sizes SIZES"
    source = provenance("kaggle", 0, "cpu") | {"command": command}
    write_json(arguments.out, {"provenance": source, "values": values})


if __name__ == "__main__":
    main()
