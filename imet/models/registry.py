"""Networks: backbones and encoders, and the heads that the documents put on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from imet.config import Recipe
from imet.hog import BLOCK, CELL, hog_length
from imet.io import InputError
from imet.models.attn_cnn_rnn import AttnCnnRnn
from imet.models.backbones import DOCUMENTS_MEAN, DOCUMENTS_STD, Backbone, build_backbone
from imet.models.encoder import FEATURES as KNOWN
from imet.models.encoder import Encoder
from imet.models.heads import LinearHead, VggHead

RNN = ("pooled", "spatial")
FEATURES: dict[str, tuple[str, ...]] = {
    "resnet50": ("pooled",),
    "resnet50_hog": ("pooled", "hog_cells"),
    "attn_cnn_rnn": RNN,
    "attn_cnn_rnn_hog": (*RNN, "hog_cells"),
    "vgg16": ("grid",),
    "vgg16_pooled": ("pooled",),  # the same head on fewer inputs, for small profiles
}
"""The features that each of the documents' models reads."""

MODULES: dict[str, str] = {
    "resnet50": "imet.models.heads",
    "resnet50_hog": "imet.models.heads",
    "attn_cnn_rnn": "imet.models.attn_cnn_rnn",
    "attn_cnn_rnn_hog": "imet.models.attn_cnn_rnn",
    "vgg16": "imet.models.heads",
    "vgg16_pooled": "imet.models.heads",
}
"""The module that each head comes from."""


def writes_labels(recipe: Recipe) -> bool:
    """Whether a recipe's model gives labels one at a time, as AttnCNN-RNN does, or scores."""
    return MODULES[recipe.model] == "imet.models.attn_cnn_rnn"


def build_encoder(recipe: Recipe) -> Encoder:
    """The encoder of a recipe, with its weights and normalisation.

    It computes what the recipe's model reads and what the recipe has `stored` besides.
    """
    if recipe.model not in FEATURES:
        raise InputError(f"no model {recipe.model!r}; there are: {', '.join(FEATURES)}")
    names = [*FEATURES[recipe.model], *recipe.stored.split()]
    if unknown := set(names) - set(KNOWN):
        raise InputError(
            f"recipe {recipe.name}: stored = {recipe.stored!r}: no features "
            f"{', '.join(sorted(unknown))}; there are: {', '.join(KNOWN)}"
        )
    if "hog_cells" in names and recipe.input_size < CELL * BLOCK:
        raise InputError(
            f"recipe {recipe.name}: input_size = {recipe.input_size}, but HOG needs "
            f"{CELL * BLOCK} pixels or more; or leave hog_cells out of stored = {recipe.stored!r}"
        )
    backbone = build_backbone(recipe.backbone, recipe.weights, recipe.seed)
    mean, std = {
        "documents": (DOCUMENTS_MEAN, DOCUMENTS_STD),
        "as_coded": (DOCUMENTS_MEAN[::-1], DOCUMENTS_STD[::-1]),
        "backbone": (backbone.mean, backbone.std),
    }[recipe.normalisation]
    update_bn_stats = recipe.batch_norm == "training"
    ordered = [name for name in KNOWN if name in names]
    return Encoder(backbone, mean, std, ordered, recipe.frozen, update_bn_stats)


def feature_shapes(encoder: Encoder, side: int) -> dict[str, tuple[int, ...]]:
    """Shapes of an encoder's features of views of `side` pixels, without the batch."""
    device = encoder.mean.device
    with torch.inference_mode():
        found = encoder.eval()(torch.zeros(1, 3, side, side, dtype=torch.uint8, device=device))
    return {name: tuple(value.shape[1:]) for name, value in found.items()}


def build_head(
    recipe: Recipe,
    shapes: Mapping[str, Sequence[int]],
    num_labels: int,
    backbone: Backbone | None = None,
) -> nn.Module:
    """The head of a recipe's model, its parameters drawn from the recipe's seed.

    Args:
        recipe: names the model.
        shapes: of each feature, without the batch.
        num_labels: K.
        backbone: whose ImageNet layer VGG16's head starts from, where it has one; it is handed
            over, so that 411 MB are not kept twice.
    """
    if recipe.model.startswith("vgg16"):
        (feature,) = FEATURES[recipe.model]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(recipe.seed)
            head = VggHead(
                shapes[feature][-1], num_labels, recipe.head_units, recipe.fc6_units,
                recipe.dropout, feature,
            )  # fmt: skip
        if backbone is not None and backbone.fc6 is not None:
            head.load_fc6(backbone.fc6)
            backbone.fc6 = None
        return head
    width = shapes["pooled"][-1]
    reads_hog = "hog_cells" in FEATURES[recipe.model]
    hog = hog_length(*shapes["hog_cells"][:2]) if reads_hog else 0
    standardise = reads_hog and recipe.hog_scaling == "standardised"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        if not writes_labels(recipe):
            return LinearHead(width, num_labels, hog, standardise=standardise)
        return AttnCnnRnn(
            num_labels,
            width,
            hog,
            recipe.rnn_width,
            recipe.steps,
            attention_width=recipe.attention_width,
            attention=recipe.attention,
            recurrent=recipe.recurrent,
            gate=recipe.gate,
            dropout=recipe.dropout,
            standardise_hog=standardise,
        )
