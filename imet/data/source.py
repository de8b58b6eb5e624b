"""Where a profile's collection comes from, and the label noise added to a simulated one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import imet_simulation
from imet.code_digest import source_digest
from imet.config import Profile
from imet.data.boxes import Boxes, read_boxes
from imet.data.layout import misplaced
from imet.data.tables import Collection, read_collection
from imet.data.views import work_rng
from imet.io import InputError, digest, home
from imet.typing import Array
from imet_simulation import Noise, annotate


def simulate(out: Path, **settings: Any) -> None:
    """Draw a simulated collection; see `imet_simulation.simulate`."""
    imet_simulation.simulate(out, source=source_digest("imet_simulation"), **settings)


def contact_sheets(out: Path) -> Path:
    """Draw contact sheets of all labels; see `imet_simulation.write_contact_sheets`."""
    return imet_simulation.write_contact_sheets(out)


def collection_folder(profile: Profile, data: Path | str | None = None) -> Path:
    """The folder of a profile's collection in Kaggle's layout; a simulated one is drawn first.

    `data` is a folder to use instead; by default the real collection is in IMET_DATA, else in
    `data/kaggle`. InputError: there is no such folder; the message says how to get the collection.
    """
    if data is None and profile.data == "simulated":
        folder = home() / "data" / profile.name
        simulate(folder, works=profile.works, seed=profile.collection_seed)
        return folder
    if data is None and profile.data == "folder":
        data = home() / profile.folder
    folder = Path(data or os.environ.get("IMET_DATA") or home() / "data" / "kaggle")
    if not (folder / "train.csv").exists():
        if elsewhere := misplaced(folder, "train.csv"):
            raise InputError(f"{folder}: no train.csv, but {elsewhere[0]}; {elsewhere[1]}")
        if profile.name == "met" and folder == home() / profile.folder:
            raise InputError(
                f"no collection at {folder}: `imet data download met {folder}` fetches it from the "
                "museum, in about an hour; or build on a folder of your own with DATA=folder"
            )
        raise InputError(
            f"no collection at {folder}: it needs train.csv, labels.csv and train/<id>.png. "
            f"Profile {profile.name} runs on Kaggle's 'iMet Collection 2019 - FGVC6', which its "
            f"rules let you download once you accept them: `imet data download kaggle {folder}` or "
            "name a folder with --data or IMET_DATA. PROFILE=sample needs no download"
        )
    return folder


def drawn_for(profile: Profile, labels: Sequence[str], each: int) -> tuple[Collection, Array]:
    """Draw works for evaluation only, for given labels, apart from a simulated profile's own works.

    There are `each` works per label; the annotator may overlook the label, as anywhere. Returns the
    collection, and (N,) which of the `labels` each work is drawn for.
    """
    folder = home() / "data" / f"{profile.name}-{digest(list(labels), each)}"
    seed = profile.collection_seed + 1
    simulate(folder, works=len(labels) * each, seed=seed, planned_for=tuple(labels))
    collection, plans = read_collection(folder), imet_simulation.read_plans(folder)
    drawn = [plans[work].index % len(labels) for work in collection.ids.tolist()]
    return collection, np.array(drawn)


def known_boxes(collection: Collection) -> Boxes | None:
    """Boxes from the folder's `boxes.csv`, else from the program that drew it; else None.

    InputError: the boxes that are there have a fault.
    """
    if (collection.root / "boxes.csv").exists():
        return read_boxes(collection)
    if not imet_simulation.has_ground_truth(collection.root):
        return None
    truth = imet_simulation.read_ground_truth(collection)
    return Boxes(truth.boxes, truth.tags, truth.sizes, "the drawing program")


def add_label_noise(collection: Collection, factor: float) -> Collection:
    """The collection with its true labels annotated anew.

    Every work has its own random numbers, the same for all factors: what a small factor leaves out,
    a larger one leaves out too. `factor` multiplies the simulation's rates of mistakes; 0 gives the
    true labels. InputError: the collection has no `truth.jsonl`.
    """
    truth = imet_simulation.read_ground_truth(collection).targets  # (N, K)
    if factor == 0:
        return replace(collection, targets=truth)
    rates = {name: min(factor * rate, 1.0) for name, rate in Noise().asdict().items()}
    names, targets = collection.labels.names, np.zeros_like(truth)
    for row, work in enumerate(collection.ids):
        shown = tuple(names[k] for k in np.flatnonzero(truth[row]))
        if shown:
            annotated = annotate(shown, Noise(**rates), work_rng(0, str(work)), names)
            targets[row, [collection.labels.column(name) for name in annotated]] = True
    return replace(collection, targets=targets)
