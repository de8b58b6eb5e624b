"""The content-aware crop against its slow twin, and what must hold for any picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracles import crop_box, crop_saliency
from torch import nn

from imet.crop import (
    POSTER,
    CropMethod,
    boxes_from_saliency,
    crop_boxes,
    feature_maps,
    layer_saliency,
    saliency,
    to_pixels,
)
from imet.models.backbones import Backbone, build_backbone
from imet.models.encoder import Encoder


class Small(nn.Module):
    """Ten convolutions with branches, in-place activations and a pool, as backbones have them."""

    def __init__(self) -> None:
        super().__init__()
        self.later = nn.Conv2d(4, 4, 3, padding=1)  # registered first, run last
        self.first = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(inplace=True))
        self.pool = nn.MaxPool2d(2)
        self.rest = nn.ModuleList(nn.Conv2d(4, 4, 3, padding=1) for _ in range(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.pool(self.first(x))
        for layer in self.rest:
            x = torch.relu_(layer(x)) + x
        return self.later(x)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return Encoder(Backbone(Small(), 4), [0.5] * 3, [0.5] * 3)


def on_a_ground(height=60, width=90, box=(30, 20, 60, 45), seed=0):
    """A checkered thing on a plain ground."""
    picture = np.full((height, width, 3), 180, np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = (
        np.random.default_rng(seed).integers(0, 2, (bottom - top, right - left, 1)) * 200
    )
    return picture


def views_of(*pictures):
    from imet.data.views import resize_view

    return torch.stack([resize_view(picture, 32) for picture in pictures])


def test_layers_come_in_the_order_in_which_they_run(encoder):
    names = [name for name, _ in feature_maps(encoder, views_of(on_a_ground()))]
    assert names == ["network.first.0", *(f"network.rest.{i}" for i in range(7))]
    modules = CropMethod(layers=4, reading="modules")
    names = [name for name, _ in feature_maps(encoder, views_of(on_a_ground()), modules)]
    assert names == ["network.first.0", "network.first.1", "network.pool", "network.rest.0"]


def test_a_network_with_fewer_layers_gives_those_it_has(encoder):
    found = feature_maps(encoder, views_of(on_a_ground()), CropMethod(layers=99))
    assert len(found) == 10
    assert found[-1][0] == "network.later"


def test_no_hook_stays_behind(encoder):
    saliency(encoder, views_of(on_a_ground()))
    assert not any(m._forward_hooks for m in encoder.modules())
    assert encoder.maps(views_of(on_a_ground())).shape == (1, 4, 16, 16)  # runs to its end


def test_maps_are_those_before_a_relu_in_place(encoder):
    _, maps = feature_maps(encoder, views_of(on_a_ground()), CropMethod(layers=1))[0]
    assert maps.min() < 0


@pytest.mark.parametrize("rim", [0.0, 0.04, 0.2])
def test_saliency_is_the_slow_one(encoder, rim):
    method = CropMethod(rim=rim)
    pictures = [on_a_ground(), on_a_ground(40, 40, (2, 3, 20, 12), 1)]
    views = views_of(*pictures)
    layers = [maps for _, maps in feature_maps(encoder, views, method)]
    found = saliency(encoder, views, method)
    for i in range(len(pictures)):
        slow = crop_saliency([maps[i].tolist() for maps in layers], 32, method.cutoff, rim)
        torch.testing.assert_close(found[i], torch.tensor(slow), atol=1e-4, rtol=0)


def test_vgg16_reads_its_first_eight_convolutions_or_modules():
    encoder = Encoder(build_backbone("vgg16", "random"), [0.5] * 3, [0.5] * 3)
    views = views_of(on_a_ground())
    names = [name for name, _ in feature_maps(encoder, views)]
    assert names == [f"network.{i}" for i in (0, 2, 5, 7, 10, 12, 14, 17)]
    modules = CropMethod(reading="modules")
    assert [name for name, _ in feature_maps(encoder, views, modules)] == [
        f"network.{i}" for i in range(8)
    ]


@pytest.mark.parametrize("name", ["efficientnet_lite0", "timm/test_resnet", "vgg16_bn"])
@pytest.mark.parametrize("leave_out", ["maps", "layers"])
def test_any_backbone_and_aspect_ratio(name, leave_out):
    encoder = Encoder(build_backbone(name, "random"), [0.5] * 3, [0.5] * 3)
    pictures = [
        on_a_ground(),
        on_a_ground(12, 300, (100, 2, 130, 10)),
        np.zeros((1, 1, 3), np.uint8),
    ]
    boxes = crop_boxes(encoder, pictures, 32, CropMethod(leave_out=leave_out), batch=2)
    for (left, top, right, bottom), picture in zip(boxes, pictures):
        assert 0 <= left < right <= picture.shape[1]
        assert 0 <= top < bottom <= picture.shape[0]


def test_the_batch_changes_nothing(encoder):
    pictures = [on_a_ground(seed=s, box=(10 + s, 5, 50, 40 + s)) for s in range(5)]
    one = crop_boxes(encoder, pictures, 32, batch=1)
    np.testing.assert_array_equal(one, crop_boxes(encoder, pictures, 32, batch=3))
    assert crop_boxes(encoder, [], 32).shape == (0, 4)


def test_the_box_holds_the_thing_and_little_else(encoder):
    thing = (30, 20, 60, 45)
    left, top, right, bottom = crop_boxes(encoder, [on_a_ground(box=thing)], 64)[0]
    assert left >= 18
    assert right <= 72
    assert abs(left - 30) <= 8
    assert abs(right - 60) <= 8
    assert abs(top - 20) <= 8
    assert abs(bottom - 45) <= 8


def test_a_plain_picture_is_kept_whole(encoder):
    flat = np.full((30, 50, 3), 128, np.uint8)
    assert crop_boxes(encoder, [flat], 32, CropMethod(rim=0.3)).tolist() == [[0, 0, 50, 30]]


def test_flat_maps_are_left_out():
    maps = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    maps[:, 1] *= 0.1
    maps[0, 2] = 7.0
    _, used = layer_saliency(maps, CropMethod(rim=0))
    assert used.tolist() == [[False, False, False], [True, False, True]] or used[1].tolist() == [
        True, False, True,
    ]  # fmt: skip
    _, everything = layer_saliency(maps, CropMethod(rim=0, leave_out="layers"))
    assert everything.all()


def test_scale_and_offset_of_a_layer_do_not_matter():
    maps = torch.randn(1, 5, 9, 7, generator=torch.Generator().manual_seed(1))
    found, used = layer_saliency(maps)
    other, other_used = layer_saliency(maps * 40 + 3)
    torch.testing.assert_close(found, other, atol=1e-4, rtol=0)
    assert torch.equal(used, other_used)


@settings(max_examples=60, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.just(2), st.integers(1, 9), st.integers(1, 9)),
           elements=st.sampled_from([0.0, 0.25, 0.5, 1.0])),
    st.sampled_from([0.0, 0.01, 0.1, 0.4]),
)  # fmt: skip
def test_boxes_are_the_slow_ones(maps, tail):
    found = boxes_from_saliency(maps, tail)
    height, width = maps.shape[1:]
    for box, one in zip(found, maps):
        assert (box * [width, height, width, height]).round(6).tolist() == list(crop_box(one, tail))
        assert box[0] < box[2]
        assert box[1] < box[3]


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0, 1), st.floats(0, 1))
def test_pixels_hold_the_box(height, width, a, b):
    low, high = sorted((a, b))
    left, top, right, bottom = to_pixels(np.array([low, low, high, high]), height, width)
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    assert left <= low * width + 1e-6 * width + 1e-6
    assert right >= min(high * width, width) - 1e-6 * width - 1e-6


@pytest.mark.parametrize(
    "bad", [{"layers": 0}, {"reading": "x"}, {"leave_out": "x"}, {"rim": 0.5}, {"tail": -0.1}]
)
def test_a_method_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        CropMethod(**bad)
    assert CropMethod() == POSTER
