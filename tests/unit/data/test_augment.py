"""Batched flip and jitter against torchvision, one picture at a time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms.v2 import functional as F

from imet.data.augment import _augment_with_torch, augment, draw_augmentation

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch_of(count: int, height: int = 17, width: int = 23, seed: int = 0) -> torch.Tensor:
    shape = (count, 3, height, width)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator(seed))


def draw(count: int, seed: int = 0, **settings) -> dict[str, torch.Tensor]:
    settings = {"flip": True, "hue": 0.05, "saturation": 0.05} | settings
    return draw_augmentation(count, **settings, rng=np.random.default_rng(seed))


def jitter_of(
    saturation: float, hue: float, saturation_first: bool, count: int = 1
) -> dict[str, torch.Tensor]:
    """The same jitter of each view, none mirrored."""
    return {
        "mirrored": torch.zeros(count, dtype=torch.bool),
        "saturation": torch.full((count,), saturation),
        "hue": torch.full((count,), hue),
        "saturation_first": torch.full((count,), saturation_first),
    }


WAYS = [augment, _augment_with_torch]  # the latter is the way of other devices, on the CPU


def torchvision_jitter(view: torch.Tensor, drawn: dict[str, torch.Tensor], b: int) -> torch.Tensor:
    """(3, H, W) floats in [0, 255] by torchvision's functions on a float picture."""
    steps = [
        lambda x: F.adjust_saturation(x, float(drawn["saturation"][b])),
        lambda x: F.adjust_hue(x, float(drawn["hue"][b])),
    ]
    picture = view.double() / 255
    for step in steps if drawn["saturation_first"][b] else steps[::-1]:
        picture = step(picture)
    return 255 * picture


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("hue", "saturation"), [(0.05, 0.05), (0.5, 0.9), (0, 0.3), (0.2, 0)])
def test_jitter_is_torchvisions_rounded_once(way, hue, saturation, layout):
    batch = batch_of(12).contiguous(memory_format=layout)
    jitter = draw(12, 1, flip=False, hue=hue, saturation=saturation)
    assert 0 < jitter["saturation_first"].sum() < 12  # both orders occur
    out = way(batch, jitter)
    assert out.dtype == torch.uint8
    for b in range(12):
        expected = torchvision_jitter(batch[b], jitter, b)
        assert (out[b].double() - expected).abs().max() <= 0.5 + 1e-3


@pytest.mark.parametrize("way", WAYS)
def test_every_grey_and_every_pure_colour(way):
    greys = torch.arange(256, dtype=torch.uint8).view(1, 1, 256, 1).expand(1, 3, 256, 1)
    jitter = jitter_of(1.05, -0.05, True)
    assert (way(greys, jitter).int() - greys.int()).abs().max() <= 1
    colours = torch.cartesian_prod(*[torch.tensor([0, 127, 255], dtype=torch.uint8)] * 3)  # (27, 3)
    batch = colours.T.reshape(1, 3, 1, 27)
    for shift in (-0.5, -0.3, 0.0, 0.05, 1 / 6, 0.5):
        for first in (True, False):
            jitter = jitter_of(0.7, shift, first)
            expected = torchvision_jitter(batch[0], jitter, 0)
            assert (way(batch, jitter)[0].double() - expected).abs().max() <= 0.5 + 1e-3


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 9),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    seed=st.integers(0, 99),
    layout=st.sampled_from(LAYOUTS),
)
def test_both_ways_agree_on_any_shape(count, height, width, seed, layout):
    batch = batch_of(count, height, width, seed).contiguous(memory_format=layout)
    drawn = draw(count, seed, hue=0.5, saturation=0.5)
    compiled, plain = augment(batch, drawn), _augment_with_torch(batch, drawn)
    assert compiled.shape == batch.shape
    assert bool(((compiled.int() - plain.int()).abs() <= 1).all())


def test_mirrored_views_are_jittered_mirrors():
    batch = batch_of(6, 16, 9)
    jitter = draw(6, 2, flip=False)
    mirrored = torch.tensor([True, False, True, True, False, False])
    turned = torch.where(mirrored[:, None, None, None], batch.flip(-1), batch)
    expected = _augment_with_torch(turned, jitter).int()
    both = jitter | {"mirrored": mirrored}
    assert (augment(batch, both).int() - expected).abs().max() <= 1
    assert torch.equal(_augment_with_torch(batch, both).int(), expected)


def test_no_jitter_changes_no_byte():
    batch = batch_of(4, 64, 64)
    for first in (True, False):
        assert torch.equal(augment(batch, jitter_of(1.0, 0.0, first, 4)), batch)


def test_jitter_is_close_to_pillows():
    y, x = np.mgrid[:64, :64]
    picture = np.stack([3 * x, 2 * y + 60, 255 - 2 * x], axis=2).clip(0, 255).astype(np.uint8)
    ours = augment(torch.from_numpy(picture).permute(2, 0, 1)[None], jitter_of(1.05, 0.05, True))[0]
    pillow = F.adjust_hue(F.adjust_saturation(Image.fromarray(picture), 1.05), 0.05)
    difference = ours.permute(1, 2, 0).numpy().astype(int) - np.asarray(pillow)
    assert np.abs(difference).mean() < 2  # Pillow keeps hue in 8 bits
    assert np.abs(ours.permute(1, 2, 0).numpy().astype(int) - picture).mean() > 4


def test_drawn_jitters_are_uniform_and_in_either_order():
    drawn = draw(20_000, hue=0.05, saturation=0.1)
    for values, middle, reach in ((drawn["hue"], 0, 0.05), (drawn["saturation"], 1, 0.1)):
        assert values.min() >= middle - reach - 1e-6
        assert values.max() <= middle + reach + 1e-6
        scaled = (values - middle) / reach
        assert scaled.mean().abs() < 0.03
        assert (scaled.std() - 3**-0.5).abs() < 0.01
    assert (drawn["saturation_first"].float().mean() - 0.5).abs() < 0.02
    assert draw(9, hue=0, saturation=2)["saturation"].min() >= 0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_flip_mirrors_some_views_and_leaves_the_input_alone(layout):
    batch = batch_of(40).contiguous(memory_format=layout)
    before = batch.clone()
    drawn = draw(40, hue=0, saturation=0)
    out = augment(batch, drawn)
    assert torch.equal(batch, before)
    assert out.is_contiguous(memory_format=torch.channels_last)
    expected = [view.flip(-1) if flip else view for view, flip in zip(batch, drawn["mirrored"])]
    assert torch.equal(out, torch.stack(expected))
    assert 8 < drawn["mirrored"].sum() < 32
    assert not draw(40, flip=False)["mirrored"].any()


def test_the_number_of_threads_changes_nothing():
    batch, threads = batch_of(13, 32, 32), torch.get_num_threads()
    results = []
    try:
        for number in (1, 3):
            torch.set_num_threads(number)
            results.append(augment(batch, draw(13)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_the_work_s_generator_decides():
    batch = batch_of(6)
    first = augment(batch, draw(6, 1))
    assert torch.equal(first, augment(batch, draw(6, 1)))
    assert not torch.equal(first, augment(batch, draw(6, 2)))


@pytest.mark.parametrize(
    "wrong", [torch.zeros(2, 3, 4, 4), torch.zeros(3, 4, 4, dtype=torch.uint8)]
)
def test_wrong_input_is_refused(wrong):
    with pytest.raises(ValueError, match="expected uint8"):
        augment(wrong, draw(len(wrong)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_equals_cpu():
    batch = batch_of(16, 64, 64)
    cpu = augment(batch, draw(16))
    cuda = augment(batch.cuda(), draw(16))
    assert cuda.device.type == "cuda"
    assert (cuda.cpu().int() - cpu.int()).abs().max() <= 1
