"""Layers of VGG16 as published: shapes, parameters, receptive fields."""

from __future__ import annotations

import pytest
import torchvision

from imet.report.vgg_summary import vgg_layers


@pytest.mark.parametrize("name", ["vgg16", "vgg16_bn"])
def test_parameters_are_torchvision_s(name):
    import torch

    with torch.device("meta"):
        model = getattr(torchvision.models, name)()
    layers = vgg_layers(name, labels=1000, units=4096)  # torchvision's own stack
    assert sum(layer.parameters for layer in layers) == sum(p.numel() for p in model.parameters())


def test_known_numbers_of_vgg16():
    layers = vgg_layers("vgg16")
    assert [layer.kind for layer in layers].count("convolution") == 13
    assert [layer.kind for layer in layers].count("pool") == 5
    convolutions = [layer for layer in layers if layer.kind == "convolution"]
    # Receptive fields of VGG16 as commonly tabulated.
    assert [layer.field for layer in convolutions] == [
        3, 5, 10, 14, 24, 32, 40, 60, 76, 92, 132, 164, 196,
    ]  # fmt: skip
    assert layers[17].shape == (512, 7, 7)
    assert layers[17].field == 212
    assert layers[17].stride == 32


def test_a_field_is_what_changes_an_output():
    """A pixel inside the field of an output changes it, one outside does not."""
    import torch

    torch.manual_seed(0)
    network = torchvision.models.vgg16().features[:8].double()  # two blocks less their last pool
    (layer,) = [found for found in vgg_layers() if found.name == "features.7"]
    x = torch.rand(1, 3, 48, 48, dtype=torch.double, requires_grad=True)
    network(x)[0, :, 12, 12].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero()
    assert int(rows.max() - rows.min()) + 1 == layer.field


def test_both_readings():
    widths = [layer.shape for layer in vgg_layers(units=6000) if layer.kind == "linear"]
    assert widths == [(4096,), (6000,), (1103,)]
    other = [layer for layer in vgg_layers(fc6_units=0) if layer.kind == "linear"]
    assert other[0].parameters == 25088 * 5000 + 5000
