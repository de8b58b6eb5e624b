"""The documents' models by name: which features each reads and how its head is built."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from imet.config import Recipe
from imet.hog import BLOCK, CELL, hog_length
from imet.io import InputError
from imet.models.attn_cnn_rnn import AttnCnnRnn
from imet.models.backbones import DOCUMENTS_MEAN, DOCUMENTS_STD, Backbone, build_backbone
from imet.models.encoder import FEATURES, Encoder
from imet.models.heads import LinearHead, QueryDecoder, VggHead

Shapes = Mapping[str, Sequence[int]]  # of each feature of a view, without the batch


@dataclass(frozen=True)
class ModelSpec:
    """One of the documents' models."""

    features: tuple[str, ...]  # what its head reads of a view; see `imet.models.encoder.Encoder`
    head: Callable[[Recipe, Shapes, int], nn.Module]  # from a recipe, the features' shapes and K
    writes_paths: bool = False  # names labels one at a time, as AttnCNN-RNN does


def _linear(recipe: Recipe, shapes: Shapes, num_labels: int) -> nn.Module:
    standardise = recipe.hog_scaling == "standardised"
    return LinearHead(shapes["pooled"][-1], num_labels, _hog_width(shapes), standardise)


def _attn_cnn_rnn(recipe: Recipe, shapes: Shapes, num_labels: int) -> nn.Module:
    return AttnCnnRnn(
        num_labels,
        shapes["pooled"][-1],
        _hog_width(shapes),
        recipe.rnn_width,
        recipe.steps,
        attention_width=recipe.attention_width,
        attention=recipe.attention,
        recurrent=recipe.recurrent,
        gate=recipe.gate,
        dropout=recipe.dropout,
        standardise_hog="hog_cells" in shapes and recipe.hog_scaling == "standardised",
    )


def _vgg(recipe: Recipe, shapes: Shapes, num_labels: int) -> nn.Module:
    ((feature, shape),) = shapes.items()
    return VggHead(
        shape[-1], num_labels, recipe.head_units, recipe.fc6_units, recipe.dropout, feature
    )


def _query_decoder(recipe: Recipe, shapes: Shapes, num_labels: int) -> nn.Module:
    return QueryDecoder(num_labels, shapes["spatial"][-1], recipe.attention_width, recipe.dropout)


def _hog_width(shapes: Shapes) -> int:
    return hog_length(*shapes["hog_cells"][:2]) if "hog_cells" in shapes else 0


MODELS: dict[str, ModelSpec] = {
    "resnet50": ModelSpec(("pooled",), _linear),
    "resnet50_hog": ModelSpec(("pooled", "hog_cells"), _linear),
    "attn_cnn_rnn": ModelSpec(("pooled", "spatial"), _attn_cnn_rnn, writes_paths=True),
    "attn_cnn_rnn_hog": ModelSpec(
        ("pooled", "spatial", "hog_cells"), _attn_cnn_rnn, writes_paths=True
    ),
    "vgg16": ModelSpec(("grid",), _vgg),
    "vgg16_pooled": ModelSpec(("pooled",), _vgg),  # the same head on fewer inputs
    "query_decoder": ModelSpec(("spatial",), _query_decoder),  # of neither document
}


def model_spec(recipe: Recipe) -> ModelSpec:
    """The model that a recipe names; `InputError` for an unknown name lists the known ones."""
    if recipe.model not in MODELS:
        raise InputError(f"no model {recipe.model!r}; there are: {', '.join(MODELS)}")
    return MODELS[recipe.model]


def build_encoder(recipe: Recipe) -> Encoder:
    """A recipe's encoder, for the features that its model reads and those in `stored`."""
    names = {*model_spec(recipe).features, *recipe.stored.split()}
    where = f"recipe {recipe.name}: stored = {recipe.stored!r}"
    if not names <= set(FEATURES):
        raise InputError(f"{where}; there are: {', '.join(FEATURES)}")
    if "hog_cells" in names and recipe.input_size < CELL * BLOCK:
        raise InputError(
            f"{where}, input_size = {recipe.input_size}; hog_cells need {CELL * BLOCK} pixels or "
            "more, or leave them out"
        )
    backbone = build_backbone(recipe.backbone, recipe.weights, recipe.seed)
    mean, std = {
        "documents": (DOCUMENTS_MEAN, DOCUMENTS_STD),
        "as_coded": (DOCUMENTS_MEAN[::-1], DOCUMENTS_STD[::-1]),
        "backbone": (backbone.mean, backbone.std),
    }[recipe.normalisation]
    ordered = [name for name in FEATURES if name in names]
    return Encoder(backbone, mean, std, ordered, recipe.frozen, recipe.batch_norm == "training")


def feature_shapes(encoder: Encoder, side: int) -> dict[str, tuple[int, ...]]:
    """Shapes of an encoder's features for views of `side` pixels, without the batch."""
    device = encoder.mean.device
    with torch.inference_mode():
        features = encoder.eval()(torch.zeros(1, 3, side, side, dtype=torch.uint8, device=device))
    return {name: tuple(value.shape[1:]) for name, value in features.items()}


def build_head(
    recipe: Recipe, shapes: Shapes, num_labels: int, backbone: Backbone | None = None
) -> nn.Module:
    """The head of a recipe's model, its parameters drawn from the recipe's seed.

    `shapes` may have more features than the head reads. If the backbone has the ImageNet layer that
    VGG16's head starts from, it is moved to the head, so that 411 MB are not kept twice.
    """
    spec = model_spec(recipe)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        head = spec.head(recipe, {name: shapes[name] for name in spec.features}, num_labels)
    if isinstance(head, VggHead) and backbone is not None and backbone.fc6 is not None:
        head.load_fc6(backbone.fc6)
        backbone.fc6 = None
    return head
