"""Attention and crops scored on boxes that people drew, on pictures that no model was trained on.

    python -m imet.report.real_boxes FOLDER [--profile met] [--device auto]

The folder is a collection with `boxes.csv`; the recorded one is 195 Christian paintings of the
IconArt set (Gonthier et al. 2018), with the boxes of Red Hen Lab's art tagging project (CC BY 4.0).
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pandas as pd
import typer

from imet.crop import crop_boxes
from imet.data.boxes import Boxes, scan_boxes
from imet.data.images import read_image
from imet.data.parts import Part
from imet.data.tables import read_collection
from imet.inspection import head_weights, steps_of
from imet.io import InputError, read_json, write_json
from imet.labels import LabelSpace
from imet.predict import load_network
from imet.provenance import changed_files, provenance
from imet.report.attention import score_maps
from imet.report.crop_rivals import centre_box, crop_scores, hull, otsu_box, spectral_residual_box
from imet.report.studies import full_length, results_file
from imet.report.tables import with_interval
from imet.runs import Run, resolve_device, run
from imet.statistics import mean_interval, simultaneous_intervals
from imet.typing import Array

LEAST = 20
"""Training works that a label needs to be tested."""
SAME_THING = {
    "tag::angel": "tag::angels",
    "tag::baby": "tag::infants",
    "tag::book": "tag::books",
    "tag::christ": "tag::christ",
    "tag::cross": "tag::cross",
    "tag::crown": "tag::crowns",
    "tag::flower": "tag::flowers",
    "tag::fort": "tag::castles",
    "tag::fruit": "tag::fruit",
    "tag::mary": "tag::virgin mary",
    "tag::person": "tag::human figures",
    "tag::saint": "tag::saints",
    "tag::sheep": "tag::sheep",
    "tag::staff": "tag::staffs",
}
"""Labels of the boxes to the museum's."""


def with_labels_of(trained: Run, root: Path) -> tuple[Part, Boxes, dict[str, int]]:
    """A collection with boxes as test works of a run, in the run's labels.

    Returns all works as a part whose columns are the run's labels; their boxes, labelled with these
    columns or -1; and for each label of the boxes its number of training works, 0 if none.
    """
    collection = read_collection(root)
    boxes, _ = scan_boxes(collection)  # main names the faulty ones
    names = trained.parts.labels.names
    column_of = {name: k for k, name in enumerate(names)}
    train = trained.parts.train.targets.sum(0)  # (K,)
    matched = [column_of.get(SAME_THING.get(name, name), -1) for name in collection.labels.names]
    counts = {n: int(train[k]) if k >= 0 else 0 for n, k in zip(collection.labels.names, matched)}
    columns = np.array([k if k >= 0 and train[k] >= LEAST else -1 for k in matched])  # (L,)
    targets = np.zeros((len(collection), len(train)), bool)
    for label in np.flatnonzero(columns >= 0):
        targets[:, columns[label]] |= collection.targets[:, label]
    labels = LabelSpace(np.arange(len(names)), names, trained.parts.labels.culture_kinds)
    translated = dataclasses.replace(collection, labels=labels, targets=targets)
    part = Part(translated, np.arange(len(collection)), np.arange(len(names)), "test")
    tags = tuple(columns[of_work] for of_work in boxes.tags)
    return part, dataclasses.replace(boxes, tags=tags), counts


def attention_scores(rnn: Run, baseline: Run, root: Path, device: str) -> dict[str, Any]:
    """How often the highest region lies on the thing: attention, Grad-CAM, a central blob, chance.

    Only labels that the model names correctly are scored; a work's labels are averaged first.
    """
    part, boxes, counts = with_labels_of(rnn, root)
    works = np.arange(len(part))
    steps = steps_of(rnn, part, works, device)
    named = steps.labels[:, 0]  # (N, T), of the resized view
    right = steps.kept[:, 0] & np.take_along_axis(part.targets, named, 1)
    scores = score_maps(
        part, works, steps, right, boxes, head_weights(baseline), rnn.recipe.input_size
    )
    if scores["work"].nunique() < 2:
        raise InputError(
            f"{rnn.folder}: names fewer than two works' things in {root}; train longer"
        )
    by_work = scores.pivot_table(values="hit", index="work", columns="map")
    others = [name for name in by_work if name != "attention"]
    pairs = np.stack([by_work["attention"] - by_work[name] for name in others])
    less = dict(zip(others, simultaneous_intervals(pairs)))
    return {
        "labels": {name: count for name, count in counts.items() if count >= LEAST},
        "untestable": {name: count for name, count in counts.items() if count < LEAST},
        "works": len(by_work),
        "scored": int((scores["map"] == "attention").sum()),
        "hit": {name: with_interval(mean_interval(by_work[name].to_numpy())) for name in by_work},
        "attention_less": {name: with_interval(interval) for name, interval in less.items()},
    }


def crop_rows(tuned: Run, root: Path, device: str) -> dict[str, Any]:
    """IoU of crops with the smallest box around everything marked, and their other scores.

    Also the number of boxes, and the quartiles of their areas as shares of the pictures.
    """
    collection = read_collection(root)
    boxes = scan_boxes(collection)[0].boxes
    rows = [row for row in range(len(collection)) if len(boxes[row])]
    marked = [boxes[row] for row in rows]
    pictures = [read_image(collection.path(row)) for row in rows]
    network, recipe, *_ = load_network(tuned.folder, device)
    assert network.encoder is not None
    by_network = crop_boxes(network.encoder, pictures, recipe.input_size, device=device)
    crops: dict[str, Any] = {
        "content-aware crop": by_network,
        "centre crop": [centre_box(*picture.shape[:2]) for picture in pictures],
        "Otsu": [otsu_box(picture) for picture in pictures],
        "spectral residual": [spectral_residual_box(picture) for picture in pictures],
        "whole picture": [np.array([0, 0, *picture.shape[1::-1]]) for picture in pictures],
    }
    around = np.array([hull(each) for each in marked])
    area = np.array([np.prod(picture.shape[:2]) for picture in pictures])
    loose = np.prod(around[:, 2:] - around[:, :2], axis=1) < area / 2
    scores = {}
    for name, several in crops.items():
        works = zip(several, marked, pictures, strict=True)
        scores[name] = pd.DataFrame([crop_scores(c, b, *p.shape[:2]) for c, b, p in works])
    share = np.concatenate([(b[:, 2:] - b[:, :2]).prod(1) / a for b, a in zip(marked, area)])
    return {
        "boxes": len(share),
        "share_of_picture": np.quantile(share, (0.25, 0.5, 0.75)).tolist(),
        "all": _iou(scores, np.ones(len(rows), bool)),
        "under half": _iou(scores, loose),
        "kept": {name: float(table["kept"].mean()) for name, table in scores.items()},
        "area": {name: float(table["area"].mean()) for name, table in scores.items()},
    }


def _iou(scores: dict[str, pd.DataFrame], chosen: Array) -> dict[str, Any]:
    iou = {name: table["iou"].to_numpy()[chosen] for name, table in scores.items()}
    first, *others = iou
    less = simultaneous_intervals(np.stack([iou[first] - iou[name] for name in others]))
    return {
        "works": int(chosen.sum()),
        "iou": {name: with_interval(mean_interval(values)) for name, values in iou.items()},
        "crop_less": {name: with_interval(each) for name, each in zip(others, less)},
    }


def main(
    folder: Annotated[Path, typer.Argument(help="A collection with boxes.csv.")],
    profile: Annotated[str, typer.Option(help="Profile that the models are trained on.")] = "met",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Score attention and crops of a profile's models on a folder's boxes, and record it."""
    if changed := changed_files():
        typer.secho(f"not recorded: commit these first: {', '.join(changed)}", err=True)
        raise typer.Exit(2)
    device = resolve_device(device)
    rnn, baseline = (
        run(name, profile, device=device, overrides=full_length(name, profile))
        for name in ("attn_cnn_rnn", "resnet50")
    )
    tuned = run("vgg16", profile, device=device)
    _, left_out = scan_boxes(read_collection(folder))
    for problem in left_out:
        typer.secho(f"left out: {problem}", err=True)
    values = {
        "left_out": len(left_out),
        "attention": attention_scores(rnn, baseline, folder, device),
        "crop": crop_rows(tuned, folder, device),
        "runs": {each.recipe.name: read_json(each.folder / "key.json")["source"]
                 for each in (rnn, baseline, tuned)},
    }  # fmt: skip
    source = provenance(profile, 0, device) | {
        "command": f"python -m imet.report.real_boxes FOLDER --profile {profile}"
    }
    write_json(results_file("boxes", profile), {"provenance": source, "values": values})
    typer.echo(results_file("boxes", profile))


if __name__ == "__main__":
    typer.run(main)
