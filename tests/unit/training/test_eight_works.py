"""Every model learns eight works by heart through the project's own loss, loop and rule."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from imet.config import resolve
from imet.decoding import decode, tune_path_rule
from imet.evaluation import compute_logits
from imet.metrics import best_threshold
from imet.models.heads import Network
from imet.models.registry import MODELS, build_head
from imet.thresholds import average_views
from imet.training.criterion import make_criterion
from imet.training.loop import fit

WORKS, LABELS, STEPS = 8, 11, 4
LEARNING = {
    "epochs": 80,
    "batch_size": WORKS,
    "optimizer": "adam",
    "weight_decay": 0.0,
    "dropout": 0.0,
    "rnn_width": 32,
    "attention_width": 16,
    "steps": STEPS,
    "head_units": 64,
    "fc6_units": 64,
    "schedule": "cosine",
}
NAMES = (
    "resnet50",
    "resnet50_as_coded",
    "resnet50_hog",
    "resnet50_hog_as_coded",
    "attn_cnn_rnn",
    "attn_cnn_rnn_as_coded",
    "attn_cnn_rnn_hog",
    "attn_cnn_rnn_hog_as_coded",
    "ablation",
    "vgg16",
)


def eight_works() -> tuple[dict[str, torch.Tensor], np.ndarray]:
    """Random features of one view per work, and one to four labels each."""
    generator = torch.Generator().manual_seed(0)
    spatial = torch.randn(WORKS, 1, 9, 12, generator=generator)
    features = {
        "spatial": spatial,
        "pooled": spatial.mean(2),
        "grid": torch.randn(WORKS, 1, 40, generator=generator),
        "hog_cells": torch.rand(WORKS, 1, 4, 4, 8, generator=generator),
    }
    rng = np.random.default_rng(0)
    targets = np.zeros((WORKS, LABELS), bool)
    for row in targets:
        row[rng.choice(LABELS, rng.integers(1, STEPS + 1), replace=False)] = True
    return features, targets


@pytest.mark.parametrize("name", NAMES)
def test_it_learns_eight_works_by_heart(name, tmp_path):
    rate = {"resnet50": 0.1, "vgg16": 0.003}.get(
        name.removesuffix("_as_coded").removesuffix("_hog"), 0.02
    )
    recipe = resolve(name, "tiny", LEARNING | {"learning_rate": rate})
    features, targets = eight_works()
    shapes = {key: tuple(value.shape[2:]) for key, value in features.items()}
    network = Network(build_head(recipe, shapes, LABELS))
    criterion = make_criterion(recipe, targets, "cpu")
    flat = {key: value.flatten(0, 1) for key, value in features.items()}
    batch = {**flat, "targets": torch.from_numpy(targets).float(), "works": torch.arange(WORKS)}

    def validate(model: torch.nn.Module) -> dict[str, float]:
        if MODELS[recipe.model].writes_paths:
            paths = decode(model, [batch], WORKS)
            rule, _ = tune_path_rule(
                {1: paths}, targets, targets.mean(0), mode=recipe.stop_mode,
                keep_first=recipe.keep_first,
            )  # fmt: skip
            return {"val_f2": float(rule.f_beta or 0)}
        logits = compute_logits(model, [batch], WORKS)
        return {"val_f2": best_threshold(average_views(logits, recipe.reduce_views), targets)[1]}

    fabric = Fabric(accelerator="cpu", devices=1)
    history, _ = fit(network, lambda *_: [batch], criterion, validate, recipe, tmp_path, fabric)
    assert history[0]["val_f2"] < 0.95
    assert history[-1]["val_f2"] == pytest.approx(1)
    assert history[-1]["train_loss"] < history[0]["train_loss"] / 4
