"""Recipes and profiles: everything a run depends on, as plain frozen values.

A *recipe* (`imet/recipes/*.toml`) is one row of the documents' tables, with the documents'
numbers. A *profile* (`imet/profiles/*.toml`) says on which data, with which backbone and how long.
`resolve` lays one over the other:

    Recipe defaults < recipe < profile < recipe's [profile.NAME] section < overrides

An unknown key or a value of the wrong type raises; nothing is silently ignored.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imet.io import InputError

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Recipe:
    """One run, resolved. The comment gives the source of a default: the paper unless said."""

    name: str
    title: str = ""
    document: str = ""  # "paper" or "poster"
    reported: str = ""  # prefix of its rows in book/reported.csv

    # model
    model: str = "resnet50"  # the documents' name
    backbone: str = "resnet50"  # what really computes the features on this profile
    weights: str = "imagenet"  # "imagenet", "random", or a folder that holds the file
    frozen: bool = True
    batch_norm: str = "evaluation"  # of a frozen backbone; "training" as coded: statistics move
    input_size: int = 224  # pixels
    normalisation: str = "documents"  # training mean/std; "as_coded" in BGR order; the "backbone"'s
    hog_scaling: str = "none"  # or "standardised": HOG values by their training mean and deviation

    # AttnCNN-RNN
    steps: int = 10  # T
    rnn_width: int = 512  # as coded
    attention_width: int = 512  # as coded
    dropout: float = 0.5
    attention: bool = True  # false: the mean feature instead of z
    recurrent: bool = True  # false: every step sees what the first one sees
    gate: bool = True  # as coded: sigmoid gate on z
    label_order: str = "free"  # or "frequent_first", "rare_first": teacher forcing in that order

    # data
    labels: str = "kept"  # "kept": without the rare ones; "all": 1,103 columns
    drop_rare: bool = True  # drop works that carry a label used fewer than `rare_below` times
    rare_below: int = 3
    split_seed: int = 231
    view_seed: int = 0  # crops, flips and jitter; apart from `seed`, so that seeds share features
    max_works: int = 0  # 0: all; else a seeded sample of each part of the split, 8:1:1
    views: str = "six"  # "six": one resize and five crops, or six resizes; "one": the resize
    view_mode: str = "fresh"  # "fresh" crops each epoch, or "fixed" ones that can be cached
    crop_targets: str = "as_written"  # or "as_coded": every crop trains on no label at all
    flip: bool = True
    jitter_hue: float = 0.05  # as coded
    jitter_saturation: float = 0.05  # as coded

    # training
    batch_size: int = 32  # works, so 192 views
    epochs: int = 15  # as coded
    optimizer: str = "adam"
    learning_rate: float = 1e-4  # as coded
    momentum: float = 0.9  # sgd only
    weight_decay: float = 1e-5
    schedule: str = "cosine"  # or "step": × step_factor every step_epochs
    step_epochs: int = 10
    step_factor: float = 0.1
    gradient_clip: float = 0.0  # 0: none
    loss: str = "weighted_bce"
    positive_weight_clip: float = 10.0
    loss_reduction: str = "sum_classes"  # over classes, as Eq. 7 is written; "mean" as coded
    focal_gamma: float = 2.0
    focal_alpha: float = 0.0  # weight of positives; 0: none
    label_noise: float = -1.0  # ≥ 0: true labels with annotators' mistakes times this (simulated)

    # VGG16's head; its dropout is `dropout`
    fc6_units: int = 4096  # of the first layer, which keeps its ImageNet weights; 0: there is none
    head_units: int = 5000  # of the intermediate layer

    # evaluation
    reduce_views: str = "mean_scores"  # as written; "mean_logits" as coded
    threshold_high: float = 0.5  # the grid search covers (0, threshold_high)
    threshold_step: float = 0.01
    threshold_power: float = 0.0  # thresholds scale with the labels' proportion to this power
    beams: int = 0  # K of beam search; 0: chosen on validation
    most_beams: int = 10  # the widest search that is tried
    gamma: float = 0.0  # of the path threshold; 0: chosen on validation; 2.5 as coded
    stop_mode: str = "terminate"  # where P_t is too low; "mask" as coded
    keep_first: bool = False  # as coded: a path always gives its first label
    combine: str = "union"  # labels of a work from its views' paths; or "vote", "mean"

    # machine
    stored: str = ""  # features computed beside the model's own, for other recipes to read
    seed: int = 0
    precision: str = "32-true"  # Lightning Fabric's names
    eval_batch_size: int = 32  # works
    workers: int = -1  # data-loading processes; -1: from the number of cores

    def __post_init__(self) -> None:
        for field, allowed in CHOICES.items():
            value = getattr(self, field)
            if value not in allowed:
                raise InputError(
                    f"recipe {self.name}: {field} = {value!r}; choose from {', '.join(allowed)}"
                )
        for field, (low, high) in RANGES.items():
            if not low <= (value := getattr(self, field)) <= high:  # NaN too
                upper = "" if high in (math.inf, FINITE) else f" and at most {high:g}"
                raise InputError(
                    f"recipe {self.name}: {field} = {value}; it must be finite and "
                    f"at least {low:g}{upper}"
                )
        if not self.learning_rate > 0:
            raise InputError(f"recipe {self.name}: learning_rate = {self.learning_rate}; above 0")
        if not 0 < 2 * self.threshold_step <= self.threshold_high:
            raise InputError(
                f"recipe {self.name}: the threshold search covers (0, threshold_high) and needs "
                f"0 < 2 · threshold_step ({self.threshold_step}) <= threshold_high "
                f"({self.threshold_high})"
            )


CHOICES: dict[str, tuple[str, ...]] = {
    "batch_norm": ("evaluation", "training"),
    "normalisation": ("documents", "as_coded", "backbone"),
    "hog_scaling": ("none", "standardised"),
    "label_order": ("free", "frequent_first", "rare_first"),
    "labels": ("kept", "all"),
    "views": ("six", "one"),
    "view_mode": ("fresh", "fixed"),
    "crop_targets": ("as_written", "as_coded"),
    "optimizer": ("adam", "sgd"),
    "schedule": ("cosine", "step"),
    "loss": ("weighted_bce", "bce", "focal", "asymmetric", "soft_f2"),
    "loss_reduction": ("sum_classes", "mean"),
    "reduce_views": ("mean_scores", "mean_logits"),
    "stop_mode": ("terminate", "mask"),
    "combine": ("union", "vote", "mean"),
    "precision": ("32-true", "bf16-mixed", "auto"),  # auto: bf16-mixed on a GPU
}
FINITE = sys.float_info.max
RANGES: dict[str, tuple[float, float]] = {
    "batch_size": (1, math.inf),
    "eval_batch_size": (1, math.inf),
    "epochs": (1, math.inf),
    "step_epochs": (1, math.inf),
    "input_size": (16, math.inf),
    "rare_below": (0, math.inf),
    "max_works": (0, math.inf),
    "workers": (-1, math.inf),
    "seed": (0, 2**32 - 1),
    "view_seed": (0, 2**32 - 1),
    "split_seed": (0, 2**32 - 1),
    "jitter_hue": (0, 0.5),
    "jitter_saturation": (0, 1),
    "learning_rate": (0, FINITE),
    "momentum": (0, 1),
    "weight_decay": (0, FINITE),
    "step_factor": (0, 1),
    "gradient_clip": (0, FINITE),
    "positive_weight_clip": (0, FINITE),
    "focal_gamma": (0, FINITE),
    "focal_alpha": (0, 1),
    "label_noise": (-1, FINITE),
    "fc6_units": (0, math.inf),
    "head_units": (1, math.inf),
    "threshold_high": (0, 1),
    "threshold_step": (0, 1),
    "threshold_power": (0, 1),
    "steps": (1, math.inf),
    "rnn_width": (1, math.inf),
    "attention_width": (1, math.inf),
    "dropout": (0, 1),
    "beams": (0, math.inf),
    "most_beams": (1, math.inf),
    "gamma": (0, FINITE),
}


@dataclass(frozen=True)
class Profile:
    """What the same code runs on.

    Attributes:
        name: sample, tiny, small or kaggle.
        data: "simulated", or "kaggle" for a folder in Kaggle's layout that the reader has.
        works: how many works to simulate (simulated data only).
        collection_seed: seed of the simulated collection.
        backbones: the documents' backbone name to the one used here.
        recipe: values laid over every recipe.
        note: one sentence for the pages made with it.
    """

    name: str
    data: str = ""
    works: int = 0
    collection_seed: int = 0
    backbones: Mapping[str, str] = dataclasses.field(default_factory=dict)
    recipe: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    note: str = ""

    def __post_init__(self) -> None:
        if self.data not in ("simulated", "kaggle"):
            raise InputError(f"profile {self.name}: data = {self.data!r}; simulated or kaggle")
        if type(self.works) is not int or self.works < (self.data == "simulated"):
            raise InputError(f"profile {self.name}: works = {self.works!r}; how many to simulate")


def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(path.stem for path in (HERE / "recipes").glob("*.toml"))


def profile_names() -> list[str]:
    """Names of all profiles, sorted."""
    return sorted(path.stem for path in (HERE / "profiles").glob("*.toml"))


def get_profile(name: str) -> Profile:
    """Read a profile; an unknown name raises `InputError` with the known ones.

    Examples:
        >>> get_profile("sample").data
        'simulated'
    """
    table = _read("profiles", name, profile_names())
    _check_keys(table, Profile, f"profile {name}")
    return Profile(**({"name": name} | table))


def resolve(
    name: str, profile: str = "sample", overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """The resolved recipe `name` on a profile, with overrides on top.

    Args:
        name: a file in `imet/recipes`, without its ending.
        profile: a file in `imet/profiles`, without its ending.
        overrides: field to value; strings are read as TOML values where the field is no string.

    Raises:
        InputError: unknown recipe, profile or key, a value of the wrong type or out of range.

    Examples:
        >>> resolve("resnet50", "kaggle").learning_rate
        0.0001
        >>> resolve("resnet50", "kaggle", {"epochs": "3"}).epochs
        3
    """
    table = _read("recipes", name, recipe_names())
    sections = table.pop("profile", {})
    chosen = get_profile(profile)
    values: dict[str, Any] = table | dict(chosen.recipe) | sections.get(profile, {})
    unknown = set(sections) - set(profile_names())
    if unknown:
        raise InputError(f"recipe {name}: no profile {', '.join(sorted(unknown))}")
    backbone = values.get("backbone", Recipe.backbone)
    values["backbone"] = chosen.backbones.get(backbone, backbone)
    if "name" in values or "name" in (overrides or {}):
        raise InputError(f"recipe {name}: its name is its file's and cannot be set")
    values |= {"name": name} | dict(overrides or {})
    _check_keys(values, Recipe, f"recipe {name}")
    types = {field.name: str(field.type) for field in dataclasses.fields(Recipe)}
    return Recipe(**{key: _typed(key, value, types[key]) for key, value in values.items()})


def _read(kind: str, name: str, known: list[str]) -> dict[str, Any]:
    if name not in known:
        raise InputError(f"no {kind[:-1]} {name!r}; there are: {', '.join(known)}")
    path = HERE / kind / f"{name}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: {error}") from error


def _check_keys(table: Mapping[str, Any], kind: type, where: str) -> None:
    known = [field.name for field in dataclasses.fields(kind)]
    unknown = sorted(set(table) - set(known))
    if unknown:
        raise InputError(
            f"{where}: unknown key {', '.join(unknown)}; the keys are: {', '.join(known)}"
        )


def _typed(key: str, value: Any, kind: str) -> Any:
    """`value` as the field's type; text from the command line is read as a TOML value."""
    if isinstance(value, str) and kind != "str":
        try:
            (value,) = tomllib.loads(f"value = {value}").values()
        except ValueError:
            hint = {"bool": ", true or false"}.get(kind, "")
            raise InputError(f"{key} = {value}: expected {kind}{hint}") from None
    if kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value).__name__ != kind:
        raise InputError(f"{key} = {value!r}: expected {kind}, got {type(value).__name__}")
    return value
