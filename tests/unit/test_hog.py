"""HOG against scikit-image's, on every kind of picture and size."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from oracles_paper import skimage_hog

from imet import hog as module
from imet.hog import hog_blocks, hog_cells, hog_image, hog_length


def pictures(kind: str, side: tuple[int, int], seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shape = (2, *side, 3)
    if kind == "random":
        return rng.integers(0, 256, shape, dtype=np.uint8)
    if kind == "saturated":
        return (rng.integers(0, 2, shape) * 255).astype(np.uint8)
    if kind == "flat":
        return np.full(shape, 137, np.uint8)
    if kind == "grey":
        return rng.integers(0, 256, (*shape[:3], 1), dtype=np.uint8).repeat(3, -1)
    if kind == "smooth":  # gradients of one or two grey levels: ties between channels and angles
        y, x = np.mgrid[: side[0], : side[1]]
        return (
            np.stack([(x + y) // 3, x // 2, 255 - y // 2], -1).astype(np.uint8)[None].repeat(2, 0)
        )
    raise ValueError(kind)


KINDS = ["random", "saturated", "flat", "grey", "smooth"]
SIDES = [(224, 224), (64, 64), (96, 96), (128, 128), (448, 448), (57, 75), (49, 600)]


def hog(images: torch.Tensor) -> torch.Tensor:
    return hog_blocks(hog_cells(images))


def planar(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2)


@pytest.mark.parametrize("side", SIDES, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_equals_scikit_image(kind: str, side: tuple[int, int]) -> None:
    images = pictures(kind, side)
    ours = hog(planar(images)).numpy()
    peer = np.stack([skimage_hog(image) for image in images])
    assert ours.shape == peer.shape == (2, hog_length(side[0] // 16, side[1] // 16))
    assert np.abs(ours - peer).max() <= 1e-6


@pytest.mark.parametrize("kind", KINDS)
def test_torch_path_equals_compiled_path(kind: str) -> None:
    images = planar(pictures(kind, (96, 130)))
    cells = hog_cells(images)
    torch.testing.assert_close(module._cells_torch(images), cells, atol=1e-4, rtol=1e-6)
    blocks = module._blocks_torch(cells)
    torch.testing.assert_close(blocks, hog_blocks(cells), atol=1e-6, rtol=0)


@settings(max_examples=40, deadline=None)
@given(
    hnp.arrays(
        np.uint8,
        st.tuples(st.just(1), st.integers(48, 70), st.integers(48, 70), st.just(3)),
        elements=st.sampled_from([0, 1, 3, 4, 5, 7, 250, 255]),  # Pythagorean ties among them
        fill=st.sampled_from([0, 5]),
    )
)
def test_equals_scikit_image_on_few_levels(images: np.ndarray) -> None:
    assert np.abs(hog(planar(images))[0].numpy() - skimage_hog(images[0])).max() <= 1e-6


def test_every_integer_gradient_falls_in_the_bin_of_its_angle() -> None:
    """Central pixels carry each (dx, dy) once; the cell must put it where arctan2 does."""
    dx, dy = np.meshgrid(np.arange(-255, 256, 15), np.arange(-255, 256, 15))
    dx, dy = dx.ravel(), dy.ravel()
    images = np.zeros((len(dx), 1, 48, 48), np.uint8)
    images[:, 0, 24, 23], images[:, 0, 24, 25] = np.maximum(-dx, 0), np.maximum(dx, 0)
    images[:, 0, 23, 24], images[:, 0, 25, 24] = np.maximum(-dy, 0), np.maximum(dy, 0)
    cells = hog_cells(torch.from_numpy(images))[:, 1, 1].numpy()  # (n, 8)
    peer = np.stack([skimage_hog(i.transpose(1, 2, 0).repeat(3, -1), cells=True) for i in images])
    np.testing.assert_allclose(cells, peer[:, 1, 1], atol=1e-4)


def test_threads_and_memory_layout_do_not_matter() -> None:
    images = planar(pictures("random", (64, 64)))  # a channels-last view
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        together = hog_cells(images)
        torch.set_num_threads(1)
        assert torch.equal(together, torch.cat([hog_cells(image[None]) for image in images]))
        assert torch.equal(together, hog_cells(images.contiguous()))
    finally:
        torch.set_num_threads(threads)


def test_cached_half_precision_cells_stay_close() -> None:
    cells = hog_cells(planar(pictures("random", (224, 224))))
    assert (hog_blocks(cells.half()) - hog_blocks(cells)).abs().max() < 2e-4


def test_empty_batch() -> None:
    assert hog(torch.zeros(0, 3, 64, 64, dtype=torch.uint8)).shape == (0, hog_length(4, 4))


def test_grey_channel_equals_three_equal_ones() -> None:
    images = planar(pictures("grey", (64, 64)))
    assert torch.equal(hog(images[:, :1]), hog(images))


@pytest.mark.parametrize(
    "images",
    [torch.zeros(1, 3, 47, 64, dtype=torch.uint8), torch.zeros(1, 3, 64, 64), torch.zeros(64, 64)],
    ids=["small", "float", "no batch"],
)
def test_refuses(images: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="HOG"):
        hog_cells(images)


def test_picture_shows_the_edge() -> None:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 40:] = 200  # a vertical edge inside the third column of cells
    picture = hog_image(image)
    assert picture[:, 32:48].max() > 0
    assert picture[:, :32].max() == 0
