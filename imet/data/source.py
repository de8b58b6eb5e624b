"""Where a profile's collection lies: simulated on the spot, or the reader's own copy."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imet.config import Profile, Recipe
from imet.data.dataset import Part
from imet.data.split import PARTS, Split, split_collection, subsample
from imet.data.tables import Collection, read_collection
from imet.data.views import work_rng
from imet.io import InputError, home
from imet.labels import LabelSpace


def simulate(out: Path, **settings: Any) -> None:
    """Draw a simulated collection; see `imet_simulation.simulate`."""
    from imet_simulation import simulate as draw

    draw(out, **settings)


def contact_sheets(out: Path) -> Path:
    """Draw contact sheets of every culture and tag; see `imet_simulation.sheets`."""
    from imet_simulation import sheets

    return sheets(out)


def collection_folder(profile: Profile, data: Path | str | None = None) -> Path:
    """The folder of a profile's collection in Kaggle's layout, simulated first where it should be.

    Args:
        profile: says whether to simulate.
        data: a folder to take instead; else IMET_DATA for the real collection, else `data/kaggle`.

    Raises:
        InputError: there is no such folder; says how to get the collection.
    """
    if data is None and profile.data == "simulated":
        folder = home() / "data" / profile.name
        simulate(folder, works=profile.works, seed=profile.collection_seed)
        return folder
    folder = Path(data or os.environ.get("IMET_DATA") or home() / "data" / "kaggle")
    if not (folder / "train.csv").exists():
        raise InputError(
            f"no collection at {folder}: it needs train.csv, labels.csv and train/<id>.png. "
            f"Profile {profile.name} runs on Kaggle's 'iMet Collection 2019 - FGVC6', which its "
            "rules let you download once you accept them: unpack it there, or name the folder with "
            "--data or IMET_DATA. PROFILE=sample needs no download"
        )
    return folder


@dataclass(frozen=True, eq=False)
class Parts:
    """A collection split as a recipe asks.

    Attributes:
        collection: all works.
        split: rows of train, val, test and dropped works.
        labels: the K labels in use.
        train, val, test: the parts.
    """

    collection: Collection
    split: Split
    labels: LabelSpace
    train: Part
    val: Part
    test: Part

    def __getitem__(self, name: str) -> Part:
        """The part called "train", "val" or "test"."""
        return {"train": self.train, "val": self.val, "test": self.test}[name]

    def values(self) -> list[Part]:
        """Train, val and test."""
        return [self.train, self.val, self.test]

    def items(self) -> list[tuple[str, Part]]:
        """Name and part of train, val and test."""
        return [(part.name, part) for part in self.values()]


def load_parts(root: Path | str, recipe: Recipe) -> Parts:
    """Read a collection and split it."""
    collection = read_collection(root)
    split = split_collection(
        collection,
        drop_rare=recipe.drop_rare,
        minimum=recipe.rare_below,
        seed=recipe.split_seed,
    )
    if recipe.max_works:
        split = subsample(split, recipe.max_works, recipe.split_seed)
    view_labels = None
    if recipe.label_noise >= 0:  # other labels on the same works in the same parts and views
        view_labels, collection = (
            collection.targets,
            add_label_noise(collection, recipe.label_noise),
        )
    columns = split.columns if recipe.labels == "kept" else np.arange(len(collection.labels))
    parts = {name: Part(collection, split.rows(name), columns, name, view_labels) for name in PARTS}
    return Parts(collection, split, collection.labels.select(columns), **parts)


def add_label_noise(collection: Collection, factor: float, seed: int = 0) -> Collection:
    """The collection with its true labels, annotated anew.

    Every work has random numbers of its own, the same for all factors: what a small factor leaves
    out, a larger one leaves out too.

    Args:
        collection: simulated.
        factor: times the simulation's rates of mistakes; 0 gives the truth.
        seed: of the mistakes.

    Raises:
        InputError: the collection has no `truth.jsonl`.
    """
    from imet_simulation import Noise, annotate, read_ground_truth

    truth = read_ground_truth(collection).targets  # (N, K)
    if factor == 0:
        return replace(collection, targets=truth)
    rates = {name: min(factor * rate, 1.0) for name, rate in Noise().asdict().items()}
    names = collection.labels.names
    column = {name: k for k, name in enumerate(names)}
    targets = np.zeros_like(truth)
    for row, work in enumerate(collection.ids):
        shown = tuple(names[k] for k in np.flatnonzero(truth[row]))
        said = annotate(shown, Noise(**rates), work_rng(seed, str(work)), names) if shown else ()
        targets[row, [column[name] for name in said]] = True
    return replace(collection, targets=targets)
