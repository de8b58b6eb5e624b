"""Networks: backbones and encoders, and the heads that the documents put on them."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from imet.config import Recipe
from imet.io import InputError
from imet.models.backbones import DOCUMENTS_MEAN, DOCUMENTS_STD, build_backbone
from imet.models.classifiers import LinearHead
from imet.models.encoder import Encoder

FEATURES: dict[str, tuple[str, ...]] = {"resnet50": ("pooled",)}
"""The features that each of the documents' models reads."""

MODULES: dict[str, str] = {"resnet50": "imet.models.classifiers"}
"""The module that each head comes from."""


def build_encoder(recipe: Recipe) -> Encoder:
    """The encoder of a recipe, with its weights and normalisation."""
    if recipe.model not in FEATURES:
        raise InputError(f"no model {recipe.model!r}; there are: {', '.join(FEATURES)}")
    backbone = build_backbone(recipe.backbone, recipe.weights, recipe.seed)
    mean, std = (
        (DOCUMENTS_MEAN, DOCUMENTS_STD)
        if recipe.normalisation == "documents"
        else (backbone.mean, backbone.std)
    )
    return Encoder(backbone, mean, std, FEATURES[recipe.model], recipe.frozen)


def build_head(recipe: Recipe, widths: Mapping[str, int], num_labels: int) -> nn.Module:
    """The head of a recipe's model, its parameters drawn from the recipe's seed.

    Args:
        recipe: names the model.
        widths: last dimension of each feature.
        num_labels: K.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return LinearHead(widths["pooled"], num_labels)
