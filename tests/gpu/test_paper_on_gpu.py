"""HOG, the head and its decoders on a CUDA device against the CPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imet.decoding import beam_search, decode_greedy
from imet.hog import hog_blocks, hog_cells
from imet.losses import weighted_bce_loss
from imet.models.attn_cnn_rnn import AttnCnnRnn
from imet.training.criterion import Criterion

LOSS = Criterion(weighted_bce_loss)
pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.mark.parametrize("levels", [256, 2, 1])
def test_hog(levels: int) -> None:
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, levels, (4, 3, 224, 224)).astype(np.uint8))
    cells, on_gpu = hog_cells(images), hog_cells(images.cuda())
    torch.testing.assert_close(on_gpu.cpu(), cells, atol=1e-3, rtol=1e-5)
    torch.testing.assert_close(hog_blocks(on_gpu).cpu(), hog_blocks(cells), atol=1e-5, rtol=0)


def test_head_and_decoders() -> None:
    torch.manual_seed(0)
    head = AttnCnnRnn(labels=50, feature_dim=32, width=16, steps=5)
    for weight in head.parameters():
        weight.data.mul_(3)
    features = {"spatial": torch.randn(6, 49, 32), "pooled": torch.randn(6, 32)}
    greedy, beams = decode_greedy(head, features), beam_search(head, features, 4)
    loss = LOSS(head.eval()(features), {"targets": torch.ones(6, 50)})
    head.cuda()
    moved = {name: x.cuda() for name, x in features.items()}
    assert (decode_greedy(head, moved).labels == greedy.labels).all()
    assert (beam_search(head, moved, 4).labels == beams.labels).all()
    on_gpu = LOSS(head(moved), {"targets": torch.ones(6, 50, device="cuda")})
    assert on_gpu.item() == pytest.approx(loss.item(), rel=1e-4)
    on_gpu.backward()


def test_bf16_training_step() -> None:
    torch.manual_seed(0)
    head = AttnCnnRnn(labels=50, feature_dim=32, width=16, steps=5).cuda()
    features = {
        "spatial": torch.randn(6, 49, 32, device="cuda", dtype=torch.half),
        "pooled": torch.randn(6, 32, device="cuda", dtype=torch.half),
    }
    with torch.autocast("cuda", torch.bfloat16):
        loss = LOSS(head(features).float(), {"targets": torch.ones(6, 50, device="cuda")})
    loss.backward()
    assert all(torch.isfinite(w.grad).all() for w in head.parameters())
