"""Views to features: frozen means frozen, and OpenVINO gives the same numbers as PyTorch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from imet.hog import hog_blocks, hog_cells
from imet.models.backbones import Backbone, build_backbone
from imet.models.encoder import Encoder, OpenVinoEncoder

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.3, 0.4)


def views(count: int, size: int = 64, seed: int = 0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    array = rng.integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    return torch.from_numpy(array)


def random_encoder(names=("pooled",), frozen=True) -> Encoder:
    """A small network whose batch norm has statistics of its own, so that its mode matters."""
    backbone = build_backbone("timm/test_resnet", "random")
    generator = torch.Generator().manual_seed(1)
    for module in backbone.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2, generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)
    return Encoder(backbone, MEAN, STD, names, frozen)


def test_bytes_are_normalised_by_channel():
    encoder = Encoder(Backbone(nn.Identity(), 3), MEAN, STD)
    white = torch.full((1, 3, 2, 2), 255, dtype=torch.uint8)
    expected = [(1 - m) / s for m, s in zip(MEAN, STD)]
    torch.testing.assert_close(encoder(white)["pooled"], torch.tensor([expected]))
    black = torch.zeros((1, 3, 2, 2), dtype=torch.uint8)
    expected = [-m / s for m, s in zip(MEAN, STD)]
    torch.testing.assert_close(encoder(black)["pooled"], torch.tensor([expected]))


def test_features_come_from_the_same_maps():
    encoder = random_encoder(("pooled", "spatial"))
    batch = views(3)
    maps = encoder.maps(batch)  # (B, D, h, w)
    found = encoder(batch)
    assert list(found) == ["pooled", "spatial"]
    b, d, h, w = maps.shape
    assert found["pooled"].shape == (b, d)
    assert found["spatial"].shape == (b, h * w, d)
    torch.testing.assert_close(found["spatial"].mean(1), found["pooled"])
    torch.testing.assert_close(found["spatial"][1, w + 1], maps[1, :, 1, 1])  # row by row


def test_the_hog_vector_is_that_of_the_views():
    encoder = random_encoder(("pooled", "hog_cells"))
    batch = views(2, size=224)
    found = hog_blocks(encoder(batch)["hog_cells"])
    torch.testing.assert_close(found, hog_blocks(hog_cells(batch)), check_dtype=False)
    assert found.shape == (2, 10_368)


def test_a_frozen_encoder_stays_as_it_is_while_its_head_trains():
    encoder = random_encoder()
    network = nn.Sequential(encoder)  # as a part of what is trained
    network.train()
    assert encoder.training
    assert not any(module.training for module in encoder.backbone.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    found = encoder(views(4))["pooled"]
    assert not found.requires_grad
    for name, value in encoder.state_dict().items():
        assert torch.equal(value, before[name]), name
    network.eval()
    assert torch.equal(encoder(views(4))["pooled"], found)


def test_a_trainable_encoder_trains_its_batch_norm_too():
    encoder = random_encoder(frozen=False).train()
    assert all(module.training for module in encoder.backbone.modules())
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    encoder(views(4))["pooled"].sum().backward()
    untrained = {n for n, p in encoder.named_parameters() if p.grad is None}
    assert untrained == {f"backbone.network.model.fc.{n}" for n in ("weight", "bias")}  # unused
    after = encoder.state_dict()
    assert any(not torch.equal(after[n], v) for n, v in before.items() if "running_mean" in n)


def test_no_gradient_is_made_where_none_is_asked_for():
    with torch.no_grad():
        assert not random_encoder(frozen=False)(views(1))["pooled"].requires_grad


@pytest.fixture(scope="module")
def compiled() -> tuple[Encoder, OpenVinoEncoder]:
    encoder = random_encoder(("pooled", "spatial"))
    return encoder, OpenVinoEncoder(encoder, batch=4, size=64)


@pytest.mark.parametrize("count", [1, 3, 4])
def test_the_compiled_encoder_gives_the_same_numbers(compiled, count):
    """A short last batch included."""
    encoder, fast = compiled
    batch = views(count, seed=count)
    with torch.inference_mode():
        wanted = encoder.eval()(batch)
    found = fast(batch)
    assert list(found) == list(wanted)
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-4, atol=1e-4)


def test_a_second_batch_does_not_overwrite_the_first(compiled):
    _, fast = compiled
    first = fast(views(4, seed=1))["spatial"]
    kept = first.clone()
    fast(views(4, seed=2))
    assert torch.equal(first, kept)


def test_channels_last_views_are_read_right(compiled):
    encoder, fast = compiled
    batch = views(4).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        wanted = encoder.eval()(batch)["pooled"]
    torch.testing.assert_close(fast(batch)["pooled"], wanted, rtol=1e-4, atol=1e-4)


def test_more_views_than_a_batch_are_refused(compiled):
    with pytest.raises(ValueError, match="broadcast"):
        compiled[1](views(5))


def test_nothing_is_reported_to_a_server():
    """openvino reports its use by a package of its own, which must never be loaded."""
    code = """
import sys
from imet.models.backbones import build_backbone
from imet.models.encoder import OpenVinoEncoder, Encoder
encoder = Encoder(build_backbone("timm/test_resnet", "random"), [0.5] * 3, [0.5] * 3)
OpenVinoEncoder(encoder, 1, 64)
loaded = [n for n, m in sys.modules.items() if n.startswith("openvino_telemetry") and m is not None]
assert "openvino" in sys.modules
print(loaded)
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
