"""VGG16 with mixed precision and channels-last memory, and the crop, on a CUDA device."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from imet import runs
from imet.crop import saliency
from imet.models.backbones import build_backbone
from imet.models.encoder import Encoder

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


def test_vgg16_is_fine_tuned_in_mixed_precision(small_collection, tmp_path, monkeypatch):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    changes = {
        "model": "vgg16",
        "backbone": "vgg16_bn",
        "stored": "",
        "input_size": 64,
        "epochs": 2,
        "fc6_units": 64,
        "head_units": 32,
    }
    scores = {}
    for precision in ("auto", "32-true"):
        made = runs.run(
            "vgg16", "tiny", device="cuda", data=small_collection,
            overrides=changes | {"precision": precision},
        )  # fmt: skip
        assert np.isfinite([entry["train_loss"] for entry in made.history]).all()
        scores[precision] = made.scores("test")
    assert 0 < np.abs(scores["auto"] - scores["32-true"]).max() < 0.1


def test_the_crop_sees_the_same():
    encoder = Encoder(build_backbone("vgg16", "random"), [0.5] * 3, [0.5] * 3)
    views = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    wanted = saliency(encoder, views)
    found = saliency(encoder.cuda(), views.cuda()).cpu()
    torch.testing.assert_close(found, wanted, atol=2e-2, rtol=0)
