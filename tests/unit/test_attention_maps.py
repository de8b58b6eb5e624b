"""Attention on the view: sums, places, hits against loops over pixels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imet.inspection import (
    boxes_on_view,
    centre_prior,
    class_activation_map,
    inside,
    normalised_entropy,
    pointing_game,
    upsample_attention,
)


@settings(max_examples=30)
@given(st.integers(1, 7), st.integers(7, 40), st.sampled_from([0.0, 3.0]))
def test_maps_keep_their_sum(rows, side, sigma):
    weights = np.random.default_rng(rows).dirichlet(np.ones(rows * rows), 3)
    found = upsample_attention(weights, side, sigma)
    assert found.shape == (3, side, side)
    np.testing.assert_allclose(found.sum((1, 2)), 1, rtol=1e-9 if sigma == 0 else 1e-6)


def test_a_region_covers_its_own_pixels():
    found = upsample_attention(np.eye(49)[8], 224)  # second row, second column
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (32, 63, 32, 63)
    assert len(rows) == 32 * 32


def test_regions_that_are_no_square_are_refused():
    with pytest.raises(ValueError, match="50"):
        upsample_attention(np.ones(50), 224)


def test_entropy_is_one_where_even_and_zero_where_sure():
    weights = np.array([np.full(49, 1 / 49), np.eye(49)[3]])
    np.testing.assert_allclose(normalised_entropy(weights), [1, 0], atol=1e-12)


@settings(max_examples=30)
@given(st.integers(0, 10**6))
def test_scores_of_a_map_against_a_loop(seed):
    rng = np.random.default_rng(seed)
    side = 12
    weights = rng.random((side, side))
    left, top = rng.integers(0, 9, 2)
    boxes = np.array([[left, top, left + rng.integers(1, 4), top + 2], [0, 0, 1, 12]])
    mass = area = 0.0
    hit = False
    for y in range(side):
        for x in range(side):
            within = any(a <= x + 0.5 < c and b <= y + 0.5 < d for a, b, c, d in boxes.tolist())
            area += within / side**2
            mass += weights[y, x] * within
            if weights[y, x] == weights.max():
                hit = within
    found = pointing_game(weights, boxes)
    assert found["area"] == pytest.approx(area)
    assert found["mass"] == pytest.approx(mass / weights.sum())
    assert found["hit"] == float(hit)


def test_an_even_map_gets_the_area():
    boxes = np.array([[0, 0, 5, 10]])
    found = pointing_game(np.ones((10, 10)), boxes)
    assert found == {"hit": 0.5, "mass": 0.5, "area": 0.5}
    assert pointing_game(np.zeros((10, 10)), boxes)["mass"] == 0.5


def test_boxes_are_squeezed_with_the_picture():
    found = boxes_on_view(np.array([[100, 0, 200, 300]]), 300, 600, 224)
    np.testing.assert_allclose(found, [[224 / 6, 0, 224 / 3, 224]])
    assert inside(found, 224)[:, 40].all()
    assert not inside(found, 224)[:, 30].any()


def test_the_centre_prior_is_highest_in_the_middle():
    found = centre_prior(9)
    assert found.sum() == pytest.approx(1)
    assert np.unravel_index(found.argmax(), found.shape) == (4, 4)


def test_grad_cam_of_a_linear_layer_is_what_gradients_give():
    generator = torch.Generator().manual_seed(0)
    spatial = torch.randn(49, 6, generator=generator, requires_grad=True)
    weight = torch.randn(6, generator=generator)
    (spatial.mean(0) @ weight).backward()
    assert spatial.grad is not None
    alpha = spatial.grad.sum(0)  # Grad-CAM: gradients summed over positions weigh the channels
    wanted = (spatial.detach() @ alpha).clamp(min=0).numpy()
    np.testing.assert_allclose(
        class_activation_map(spatial.detach().numpy(), weight.numpy()), wanted, rtol=1e-4, atol=1e-6
    )
    assert class_activation_map(np.ones((4, 2)), -np.ones(2)).tolist() == [1, 1, 1, 1]
