"""The linear head and the network around it."""

from __future__ import annotations

import pytest
import torch

from imet.config import resolve
from imet.io import InputError
from imet.models.encoder import Encoder
from imet.models.heads import LinearHead, Network
from imet.models.registry import MODELS, build_encoder, build_head


def test_the_head_is_the_paper_s_linear_layer():
    head = LinearHead(5, 3)
    pooled = torch.rand(2, 5)
    wanted = pooled @ head.fc.weight.T + head.fc.bias
    torch.testing.assert_close(head({"pooled": pooled, "hog": torch.rand(2, 7)}), wanted)


def test_hog_stands_after_the_pooled_features():
    head = LinearHead(5, 3, hog_width=4)
    pooled, hog = torch.rand(2, 5), torch.rand(2, 4)
    wanted = torch.cat([pooled, hog], 1) @ head.fc.weight.T + head.fc.bias
    torch.testing.assert_close(head({"pooled": pooled, "hog": hog}), wanted)


@pytest.fixture(scope="module")
def recipe():
    return resolve("resnet50", "tiny")


def test_pictures_and_stored_features_give_the_same_logits(recipe):
    encoder = build_encoder(recipe)
    views = torch.randint(0, 256, (3, 3, 64, 64), dtype=torch.uint8)
    features = encoder(views)
    head = build_head(recipe, {"pooled": features["pooled"].shape[1:]}, 4)
    logits = Network(head, encoder)({"views": views})
    assert logits.shape == (3, 4)
    torch.testing.assert_close(Network(head)(features), logits)


def test_a_network_without_encoder_refuses_pictures():
    with pytest.raises(ValueError, match="stored features"):
        Network(LinearHead(4, 3))({"views": torch.zeros(1, 3, 4, 4)})


def test_the_head_is_drawn_from_the_seed_alone(recipe):
    state = torch.get_rng_state()
    first = build_head(recipe, {"pooled": (4,)}, 3).fc.weight
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(7)
    assert torch.equal(first, build_head(recipe, {"pooled": (4,)}, 3).fc.weight)
    other = resolve("resnet50", "tiny", {"seed": 1})
    assert not torch.equal(first, build_head(other, {"pooled": (4,)}, 3).fc.weight)


def test_normalisation_follows_the_recipe(recipe):
    documents = build_encoder(resolve("resnet50", "tiny", {"normalisation": "documents"}))
    assert documents.mean.flatten().tolist() == pytest.approx([0.6473, 0.6115, 0.5658])
    assert documents.std.flatten().tolist() == pytest.approx([0.2507, 0.2501, 0.2533])
    reversed_ = build_encoder(resolve("resnet50", "tiny", {"normalisation": "as_coded"}))
    assert reversed_.mean.flatten().tolist() == pytest.approx([0.5658, 0.6115, 0.6473])
    assert reversed_.std.flatten().tolist() == pytest.approx([0.2533, 0.2501, 0.2507])
    own = build_encoder(recipe)
    assert own.mean.flatten().tolist() == pytest.approx(list(own.backbone.mean))


@pytest.mark.parametrize("mode", ["evaluation", "training"])
def test_statistics_move_in_training_alone_and_only_as_coded(mode):
    encoder = build_encoder(resolve("resnet50", "tiny", {"batch_norm": mode}))
    views = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8)

    def statistics() -> list[torch.Tensor]:
        return [b.clone() for name, b in encoder.named_buffers() if "running" in name]

    before = statistics()
    encoder.eval()(views)
    assert all(torch.equal(a, b) for a, b in zip(before, statistics(), strict=True))
    encoder.train()(views)
    moved = [not torch.equal(a, b) for a, b in zip(before, statistics(), strict=True)]
    assert all(moved) if mode == "training" else not any(moved)


def test_a_standardised_descriptor_has_mean_zero_and_deviation_one():
    head = LinearHead(2, 3, hog_width=4, standardise=True).train()
    hog = torch.randn(64, 4) * 5 + 3
    pooled = torch.rand(64, 2)
    scaled = (hog - hog.mean(0)) / (hog.var(0, unbiased=False) + 1e-5).sqrt()
    wanted = torch.cat([pooled, scaled], 1) @ head.fc.weight.T + head.fc.bias
    torch.testing.assert_close(head({"pooled": pooled, "hog": hog}), wanted)


def test_every_model_reads_features_that_there_are():
    for spec in MODELS.values():
        assert set(spec.features) <= {"pooled", "spatial", "hog_cells", "grid"}


def test_an_unknown_model_is_refused():
    with pytest.raises(InputError, match=r"no model 'resnet51'; there are: .*resnet50"):
        build_encoder(resolve("resnet50", "tiny", {"model": "resnet51"}))


def test_frozen_is_what_the_recipe_says(recipe):
    assert isinstance(build_encoder(recipe), Encoder)
    assert not any(p.requires_grad for p in build_encoder(recipe).parameters())
    tuned = build_encoder(resolve("resnet50", "tiny", {"frozen": False}))
    assert all(p.requires_grad for p in tuned.parameters())
