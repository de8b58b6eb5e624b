"""Features come from the views, and their key from all that they depend on."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from imet import cache as module
from imet.cache import FeatureSpec, extract_features
from imet.config import resolve
from imet.data.dataset import ViewLoader
from imet.data.parts import load_parts
from imet.models.encoder import Encoder
from imet.models.registry import build_encoder


def recipe(**changes):
    return resolve("resnet50", "tiny", {"input_size": 32, "stored": ""} | changes)


@pytest.fixture(scope="module")
def parts(small_collection):
    return load_parts(small_collection, recipe())


@pytest.fixture(scope="module")
def encoder():
    return build_encoder(recipe())


def test_features_are_those_of_the_views(parts, encoder, tmp_path):
    """Chunks of four works, the last one short."""
    part = parts.val
    assert len(part) % 4
    store = extract_features(part, FeatureSpec(recipe(), encoder, "cpu"), tmp_path, chunk=4)
    views = torch.cat(list(ViewLoader(part, recipe(), 2)(np.arange(len(part)))))
    with torch.inference_mode():
        wanted = encoder.eval()(views)["pooled"].unflatten(0, (len(part), 6)).numpy()
    assert store["pooled"].shape == wanted.shape
    assert store["pooled"].dtype == np.float16
    np.testing.assert_allclose(store["pooled"].astype(np.float32), wanted, rtol=2e-3, atol=2e-3)


def test_training_features_are_of_augmented_views(parts, encoder, tmp_path):
    part = parts.train
    store = extract_features(part, FeatureSpec(recipe(), encoder, "cpu"), tmp_path)
    views = next(iter(ViewLoader(part, recipe(), 1)([0])))
    with torch.inference_mode():
        wanted = encoder(views)["pooled"].numpy()
    np.testing.assert_allclose(store["pooled"][0], wanted, rtol=2e-3, atol=2e-3)


def test_a_store_is_found_again_and_shared_by_seeds(parts, encoder, tmp_path, monkeypatch):
    protocol = FeatureSpec(recipe(), encoder, "cpu")
    first = extract_features(parts.val, protocol, tmp_path)

    def refuse(*_):
        raise AssertionError("computed again")

    monkeypatch.setattr(module, "_encoder", refuse)
    for other in (recipe(seed=3), recipe(learning_rate=0.5, epochs=9), recipe(batch_size=2)):
        again = extract_features(parts.val, FeatureSpec(other, encoder, "cpu"), tmp_path)
        assert again.folder == first.folder


@pytest.mark.parametrize("name", ["train", "val"])
def test_the_key_names_all_that_features_depend_on(name, parts, encoder):
    part = getattr(parts, name)
    base = FeatureSpec(recipe(), encoder, "cpu").key(part)

    def key(part=part, encoder=encoder, **changes):
        return FeatureSpec(recipe(**changes), encoder, "cpu").key(part)

    other = Encoder(encoder.backbone, (0.1,) * 3, (0.2,) * 3)
    changed = [
        key(input_size=64),
        key(view_seed=1),
        key(views="one"),
        key(encoder=other),
        key(encoder=build_encoder(recipe(seed=1))),  # other random weights
        key(part=parts.test),
    ]
    augmentation = [key(flip=False), key(jitter_hue=0.1), key(jitter_saturation=0.1)]
    if name == "train":
        changed += augmentation
    else:  # evaluation is never augmented
        assert all(k == base for k in augmentation)
    assert all(k != base for k in changed)
    assert key(learning_rate=1.0, crop_targets="as_coded", loss="focal") == base


def test_validation_and_test_of_equal_pictures_would_share(parts, encoder):
    """The part's name is not in the key, its pictures are."""
    protocol = FeatureSpec(recipe(), encoder, "cpu")
    renamed = dataclasses.replace(parts.val, name="test")
    assert protocol.key(renamed) == protocol.key(parts.val)


def test_an_interrupted_extraction_ends_in_the_same_features(parts, encoder, tmp_path, monkeypatch):
    protocol = FeatureSpec(recipe(), encoder, "cpu")
    whole = extract_features(parts.train, protocol, tmp_path / "whole")

    class Dying(module.ViewLoader):
        def __call__(self, *args):
            yield next(super().__call__(*args))
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "ViewLoader", Dying)
        with pytest.raises(KeyboardInterrupt):
            extract_features(parts.train, protocol, tmp_path / "parts")
    resumed = extract_features(parts.train, protocol, tmp_path / "parts")
    assert np.array_equal(resumed["pooled"], whole["pooled"])
