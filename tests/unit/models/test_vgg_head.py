"""The poster's head, and VGG16 itself from picture to metrics on tiny pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from imet import runs
from imet.config import resolve
from imet.models.backbones import build_backbone
from imet.models.heads import VggHead
from imet.models.registry import build_encoder, build_head, feature_shapes

POSTER = {
    "vgg16": ("vgg16", 10, 0.001, 10, 5000),
    "vgg16_bn_step10": ("vgg16_bn", 128, 0.01, 10, 5000),
    "vgg16_bn_step15": ("vgg16_bn", 128, 0.01, 15, 5000),
    "vgg16_bn_6000": ("vgg16_bn", 128, 0.01, 15, 6000),
}


@pytest.mark.parametrize("name", POSTER)
def test_the_kaggle_profile_gives_the_poster_s_table(name):
    backbone, batch, rate, step, units = POSTER[name]
    recipe = resolve(name, "kaggle")
    expected = {
        "document": "poster",
        "reported": f"poster.{name}",
        "model": "vgg16",
        "backbone": backbone,
        "weights": "imagenet",
        "frozen": False,
        "input_size": 224,
        "labels": "all",
        "views": "one",
        "view_mode": "fresh",
        "flip": True,
        "jitter_hue": 0.0,
        "jitter_saturation": 0.0,
        "optimizer": "sgd",
        "momentum": 0.9,
        "weight_decay": 0.0,
        "schedule": "step",
        "step_factor": 0.1,
        "step_epochs": step,
        "epochs": 3 * step,
        "batch_size": batch,
        "learning_rate": rate,
        "loss": "focal",
        "focal_gamma": 2.0,
        "focal_alpha": 0.0,
        "loss_reduction": "sum_classes",
        "fc6_units": 4096,
        "head_units": units,
        "dropout": 0.5,
        "precision": "auto",
        "threshold_high": 0.5,
        "threshold_step": 0.01,
    }
    assert {key: getattr(recipe, key) for key in expected} == expected


def test_the_reported_rows_are_the_recipes():
    from imet.report.reported import reported_numbers

    for row in reported_numbers():
        field = row["metric"]
        if row["document"] == "poster" and row["row"] and field not in ("auc", "f2", "loss"):
            assert getattr(resolve(row["model"], "kaggle"), field) == float(row["value"])


@pytest.mark.parametrize(
    ("fc6", "units", "wanted"),
    [
        (4096, 5000, [(4096, 25088), (5000, 4096), (1103, 5000)]),
        (4096, 6000, [(4096, 25088), (6000, 4096), (1103, 6000)]),
        (0, 5000, [(5000, 25088), (1103, 5000)]),
    ],
)
def test_shapes_of_both_readings(fc6, units, wanted):
    with torch.device("meta"):
        head = VggHead(25088, 1103, units, fc6)
    shapes = [tuple(layer.weight.shape) for layer in head.layers if isinstance(layer, nn.Linear)]
    assert shapes == wanted
    assert not isinstance(head.layers[-1], nn.Dropout)


def test_fc6_is_taken_over_where_it_fits():
    fc6 = nn.Linear(6, 4).state_dict()
    kept = VggHead(6, 3, units=5, fc6_units=4)
    kept.load_fc6(fc6)
    assert torch.equal(kept.layers[0].weight, fc6["weight"])
    other = VggHead(6, 3, units=4, fc6_units=0)  # the same shape, but not that layer
    before = other.layers[0].weight.clone()
    other.load_fc6(fc6)
    assert torch.equal(other.layers[0].weight, before)


def test_the_grid_is_what_torchvision_s_vgg16_flattens():
    """Encoder and head give what torchvision's own forward gives with the same layers."""
    import torchvision

    torch.manual_seed(0)
    whole = torchvision.models.vgg16().eval()
    recipe = resolve("vgg16", "kaggle", {"weights": "random", "fc6_units": 4096, "head_units": 8})
    encoder = build_encoder(recipe)
    encoder.backbone.network.load_state_dict(whole.features.state_dict())
    assert feature_shapes(encoder, 64) == {"grid": (25088,)}
    views = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    with torch.no_grad():
        images = (views.float() / 255 - encoder.mean) / encoder.std
        wanted = whole.avgpool(whole.features(images)).flatten(1)
        found = encoder.eval()(views)["grid"]
        torch.testing.assert_close(found, wanted)
        encoder.backbone.fc6 = whole.classifier[0].state_dict()
        head = build_head(recipe, {"grid": (25088,)}, 3, encoder.backbone).eval()
        fc6 = whole.classifier[:2](wanted)  # with its ReLU
        torch.testing.assert_close(head.layers[:2](found), fc6)
    assert encoder.backbone.fc6 is None


def test_channels_of_both_networks():
    for name, convolutions in (("vgg16", 13), ("vgg16_bn", 13)):
        backbone = build_backbone(name, "random")
        assert sum(isinstance(m, nn.Conv2d) for m in backbone.modules()) == convolutions
        assert sum(isinstance(m, nn.BatchNorm2d) for m in backbone.modules()) == (
            13 if name == "vgg16_bn" else 0
        )
        assert backbone.fc6 is None


@pytest.mark.parametrize(("name", "frozen"), [("vgg16", False), ("vgg16_bn_step10", True)])
def test_vgg16_itself_from_pictures_to_metrics(
    name, frozen, small_collection, tmp_path, monkeypatch
):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    changes = {
        "model": "vgg16",
        "backbone": resolve(name, "kaggle").backbone,
        "frozen": frozen,
        "stored": "",
        "input_size": 32,
        "epochs": 1,
        "fc6_units": 24,
        "head_units": 20,
    }
    made = runs.run(name, "tiny", device="cpu", data=small_collection, overrides=changes)
    state = torch.load(made.folder / "best.pt", weights_only=True)["model"]
    assert state["head.layers.0.weight"].shape == (24, 25088)
    first = "encoder.backbone.network.0.weight"
    assert (first in state) == (not frozen)
    if not frozen:
        start = build_backbone("vgg16", "random", seed=0).network[0].weight
        assert not torch.equal(state[first], start)
    assert np.isfinite(made.scores("test")).all()
    assert made.metrics["val"]["loss"] == made.history[0]["val_loss"] > 0
