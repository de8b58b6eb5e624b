"""Label any picture file with a finished run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from imet.config import Recipe
from imet.data.images import read_image
from imet.data.layout import pictures_in
from imet.data.views import make_views, view_kinds, views_seen, work_rng
from imet.devices import resolve_device
from imet.evaluation import compute_outputs
from imet.io import InputError, digest, read_json, write_csv
from imet.models.heads import Network
from imet.models.registry import build_encoder, build_head, feature_shapes
from imet.runs import read_metrics
from imet.thresholds import Rule, rule_from_json
from imet.training.checkpoint import load_checkpoint
from imet.typing import Array


def load_network(folder: Path, device: str = "cpu") -> tuple[Network, Recipe, list[str], Rule]:
    """Load a finished run's network, recipe, label names and decision rule, else InputError."""
    needed = ("config.json", "labels.json", "best.pt", "metrics.json")
    if missing := [name for name in needed if not (folder / name).exists()]:
        raise InputError(
            f"{folder} is no finished run: {', '.join(missing)} missing; `imet run RECIPE` prints "
            "the folder of a finished one"
        )
    metrics = read_metrics(folder, needed[:-1])
    config = read_json(folder / "config.json")
    config.pop("profile", None)
    try:
        recipe = Recipe(**config)
    except ValueError as error:
        raise InputError(
            f"{folder}/config.json was written by another version ({error}); run the recipe again"
        ) from error
    names = read_json(folder / "labels.json")["names"]
    encoder = build_encoder(dataclasses.replace(recipe, stored=""))  # only what the model reads
    head = build_head(recipe, feature_shapes(encoder, recipe.input_size), len(names))
    network = Network(head, encoder)
    best = folder / "best.pt"
    # A run on cached features kept its head only; its encoder is the frozen one built above.
    lent = encoder.state_dict(prefix="encoder.") if recipe.frozen else {}
    try:
        network.load_state_dict(lent | load_checkpoint(best)["model"])
    except (RuntimeError, KeyError, InputError) as error:
        raise InputError(f"{best}: damaged, or of another network ({error}); run again") from error
    return network.to(resolve_device(device)).eval(), recipe, names, rule_from_json(metrics["rule"])


def label_pictures(
    images: Sequence[Path],
    folder: Path,
    device: str = "cpu",
    work_ids: Sequence[str] | None = None,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Label picture files, or folders of them, as on the test split: views, mean, threshold.

    A picture's content places its crops: the same bytes get the same scores under any name. With
    `work_ids`, crops are placed as the run did for these works. `folder` is a finished run's.

    Returns:
        One dictionary per picture: image, and labels, each {name, score, predicted}, best first;
        and a message for each picture that was not read.
    """
    network, recipe, names, rule = load_network(folder, device)
    predictions, problems = [], []
    for number, path in enumerate(_files(images)):
        try:
            picture = read_image(path)
        except InputError as error:  # one bad file does not cost the others
            problems.append(str(error))
            continue
        work = work_ids[number] if work_ids else digest(picture.shape, picture.tobytes())
        scores, predicted = _label(network, recipe, rule, picture, work)
        labels = [
            {"name": names[k], "score": float(scores[k]), "predicted": bool(predicted[k])}
            for k in np.argsort(-scores, kind="stable")
        ]
        predictions.append({"image": str(path), "labels": labels})
    return predictions, problems


def _files(images: Sequence[Path]) -> list[Path]:
    return [p for path in images for p in (pictures_in(path) if path.is_dir() else [path])]


def _label(
    network: Network, recipe: Recipe, rule: Rule, picture: Array, work: str
) -> tuple[Array, Array]:
    """Scores and labels, both (K,), of a picture that gets the views of a test work."""
    one = views_seen(recipe, training=False) == "one"
    kinds = view_kinds(True, True, train=False)[: 1 if one else None]
    rng = work_rng(recipe.view_seed, work)  # places the crops
    views = make_views(picture, kinds, rng, recipe.input_size)  # (V, 3, S, S)
    device = next(network.parameters()).device
    batch = {"views": views.to(device), "works": torch.zeros(1, dtype=torch.long)}
    outputs = compute_outputs(network, recipe, partial(list, [batch]), 1, [rule.search])
    return outputs.scores[0], rule.decide(outputs)[0]


def write_submission(images: Sequence[Path], folder: Path, out: Path, device: str = "cpu") -> int:
    """Write the competition's table, id and attribute_ids, for pictures named by their work's id.

    Crops are placed as the run places those of its test works; labels are those over its threshold.
    Returns the number of works. InputError: a picture that cannot be read, since the competition
    refuses a table that lacks works.
    """
    network, recipe, _, rule = load_network(folder, device)
    ids = np.array(read_json(folder / "labels.json")["ids"])
    rows = []
    for path in tqdm(_files(images), "labelled", unit="work", disable=None):
        _, predicted = _label(network, recipe, rule, read_image(path), path.stem)
        rows.append((path.stem, " ".join(map(str, ids[predicted]))))
    write_csv(out, ("id", "attribute_ids"), rows)
    return len(rows)
