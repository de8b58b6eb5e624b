"""Recipes and profiles: everything a run depends on, as plain frozen values.

A *recipe* (`imet/recipes/*.toml`) is one row of the documents' tables, with the documents'
numbers. A *profile* (`imet/profiles/*.toml`) says on which data, which backbone and for how long.
`resolve` lays one over the other:

    Recipe defaults < recipe < profile < recipe's [profile.NAME] section < overrides

An unknown key, or a value of the wrong type or out of range, raises; nothing is silently ignored.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, ValidationError
from pydantic.dataclasses import dataclass

from imet.io import InputError, home

HERE = Path(__file__).resolve().parent
STRICT = ConfigDict(extra="forbid", strict=True)

Count = Annotated[int, Field(ge=1)]
CountOrNone = Annotated[int, Field(ge=0)]
Seed = Annotated[int, Field(ge=0, le=2**32 - 1)]
Share = Annotated[float, Field(ge=0, le=1)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True, config=STRICT)
class Recipe:
    """One run, resolved. Comments name the source of a default where it is not the paper."""

    name: str
    title: str = ""
    document: str = ""  # "paper" or "poster"
    reported: str = ""  # prefix of its rows in book/reported.csv

    # model
    model: str = "resnet50"  # the documents' name
    backbone: str = "resnet50"  # what really computes the features on this profile
    weights: str = "imagenet"  # "imagenet", "random", or a folder that holds the file
    frozen: bool = True
    batch_norm: Literal["evaluation", "training"] = "evaluation"  # frozen; as coded statistics move
    input_size: Annotated[int, Field(ge=16)] = 224  # pixels
    normalisation: Literal["documents", "as_coded", "backbone"] = "documents"  # as coded: BGR order
    hog_scaling: Literal["none", "standardised"] = "none"  # by training mean and standard deviation

    # AttnCNN-RNN
    steps: Count = 10  # T
    rnn_width: Count = 512  # as coded
    attention_width: Count = 512  # as coded
    dropout: Share = 0.5
    attention: bool = True  # false: the mean feature instead of z
    recurrent: bool = True  # false: every step sees what the first one sees
    gate: bool = True  # as coded: sigmoid gate on z
    label_order: Literal["free", "frequent_first", "rare_first"] = "free"  # or teacher forcing

    # data
    labels: Literal["kept", "all"] = "kept"  # without the rare ones, or all 1,103 columns
    drop_rare: bool = True  # drop works that carry a label used fewer than `rare_below` times
    rare_below: CountOrNone = 3
    culture_kinds: str = "culture"  # kinds of labels taken for culture, separated by commas
    split_seed: Seed = 231
    view_seed: Seed = 0  # crops, flips and jitter; apart from `seed`, so that seeds share features
    max_works: CountOrNone = 0  # 0: all; else a seeded sample of each part of the split, 8:1:1
    views: Literal["six", "one"] = "six"  # six: resize and five crops, or six resizes; one: resize
    eval_views: Literal["same", "six", "one"] = "same"  # of validation and test works
    view_mode: Literal["fresh", "fixed"] = "fresh"  # new crops in each epoch, or once, to be stored
    # as coded: crops train on none; all: on every label of their work, which neither document does
    crop_targets: Literal["as_written", "as_coded", "all"] = "as_written"
    flip: bool = True
    jitter_hue: Annotated[float, Field(ge=0, le=0.5)] = 0.05  # as coded
    jitter_saturation: Share = 0.05  # as coded

    # training
    batch_size: Count = 32  # works, so 192 views
    epochs: Count = 15  # as coded
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1e-4  # as coded
    momentum: Share = 0.9  # sgd only
    weight_decay: Weight = 1e-5
    schedule: Literal["cosine", "step"] = "cosine"  # step: × step_factor every step_epochs
    step_epochs: Count = 10
    step_factor: Share = 0.1
    gradient_clip: Weight = 0.0  # 0: none
    loss: Literal["weighted_bce", "bce", "focal", "asymmetric", "soft_f2"] = "weighted_bce"
    positive_weight_clip: Weight = 10.0
    loss_reduction: Literal["sum_classes", "mean"] = "sum_classes"  # Eq. 7; the mean as coded
    focal_gamma: Weight = 2.0
    focal_alpha: Share = 0.0  # weight of positives; 0: none
    # simulated works: factor on the annotator's rates of mistakes; below 0, labels stay as they are
    label_noise: Annotated[float, Field(ge=-1, allow_inf_nan=False)] = -1.0

    # VGG16's head; its dropout is `dropout`
    fc6_units: CountOrNone = 4096  # of the first layer, which keeps its ImageNet weights; 0: none
    head_units: Count = 5000  # of the intermediate layer

    # evaluation
    reduce_views: Literal["mean_scores", "mean_logits"] = "mean_scores"  # the logits as coded
    threshold_high: Share = 0.5  # the grid search covers (0, threshold_high)
    threshold_step: Share = 0.01
    threshold_power: Share = 0.0  # thresholds scale with the labels' proportion to this power
    beams: CountOrNone = 0  # K of beam search; 0: chosen on validation
    most_beams: Count = 10  # the widest search that is tried
    gamma: Weight = 0.0  # of the path threshold; 0: chosen on validation; 2.5 as coded
    stop_mode: Literal["terminate", "mask"] = "terminate"  # where P_t is too low; mask as coded
    keep_first: bool = False  # as coded: a path always gives its first label
    combine: Literal["union", "vote", "mean"] = "union"  # labels of a work from its views' paths

    # machine
    stored: str = ""  # features computed beside the model's own, for other recipes to read
    seed: Seed = 0
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"] = "auto"  # of the network
    eval_batch_size: Count = 32  # works
    workers: Annotated[int, Field(ge=-1)] = -1  # loader processes; -1: from the number of cores

    def __post_init__(self) -> None:
        if not 0 < 2 * self.threshold_step <= self.threshold_high:
            raise InputError(
                f"recipe {self.name}: the threshold search covers (0, threshold_high) and needs "
                f"0 < 2 · threshold_step ({self.threshold_step}) <= threshold_high "
                f"({self.threshold_high})"
            )


@dataclass(frozen=True, config=STRICT)
class Profile:
    """What recipes run on: data, backbones and values that differ."""

    name: str  # sample, tiny, small, kaggle or met, or a file of the reader's own
    data: Literal["simulated", "kaggle", "folder"]  # kaggle: the competition's files
    folder: str = ""  # of "folder" data, in Kaggle's layout; a relative path starts at IMET_HOME
    based_on: str = ""  # a profile whose values and recipes' sections hold if this one has none
    works: int = 0  # how many works to simulate
    collection_seed: int = 0  # of the simulated collection
    backbones: dict[str, str] = dataclasses.field(default_factory=dict)  # documents' name to ours
    recipe: dict[str, Any] = dataclasses.field(default_factory=dict)  # laid over every recipe
    note: str = ""  # one sentence for the pages made with it

    def __post_init__(self) -> None:
        if (self.data == "folder") != bool(self.folder):
            raise InputError(
                f"profile {self.name}: data = 'folder' goes with a folder, no other does"
            )
        if self.works < (self.data == "simulated"):
            raise InputError(f"profile {self.name}: works = {self.works!r}; how many to simulate")


def recipe_names() -> list[str]:
    """Names of all recipes, sorted."""
    return sorted(_files("recipe"))


def _files(kind: str) -> dict[str, Path]:
    folders = [HERE / f"{kind}s"]
    if kind == "profile":
        folders.insert(0, home() / "profiles")  # none of ours can be replaced
    return {path.stem: path for folder in folders for path in folder.glob("*.toml")}


def get_profile(name: str) -> Profile:
    """Read a profile; an unknown name raises `InputError` with the known ones.

    Examples:
        >>> get_profile("sample").data
        'simulated'
    """
    table = _read("profile", name)
    if table.get("based_on"):
        table = _read("profile", table["based_on"]) | {"works": 0} | table
    return _build(Profile, f"profile {name}", {"name": name} | table)


def resolve(
    name: str, profile: str = "sample", overrides: Mapping[str, Any] | None = None
) -> Recipe:
    """Resolve the recipe `name` on a profile, with overrides on top.

    `name` and `profile` are files in `imet/recipes` and `imet/profiles`, without their ending;
    `overrides` maps fields to values; strings are read as TOML unless the field is a string.
    InputError: unknown recipe, profile or key, a value of the wrong type or out of range.

    Examples:
        >>> resolve("resnet50", "kaggle").learning_rate
        0.0001
        >>> resolve("resnet50", "kaggle", {"epochs": "3"}).epochs
        3
    """
    table = _read("recipe", name)
    sections = table.pop("profile", {})
    if unknown := set(sections) - set(_files("profile")):
        raise InputError(f"recipe {name}: no profile {', '.join(sorted(unknown))}")
    chosen, overrides = get_profile(profile), overrides or {}
    values = table | chosen.recipe | sections.get(profile, sections.get(chosen.based_on, {}))
    if "name" in {*values, *overrides}:
        raise InputError(f"recipe {name}: its name is its file's and cannot be set")
    backbone = values.get("backbone", Recipe.backbone)
    values |= {"name": name, "backbone": chosen.backbones.get(backbone, backbone), **overrides}
    return _build(Recipe, f"recipe {name}", {k: _parsed(k, v) for k, v in values.items()})


def _read(kind: str, name: str) -> dict[str, Any]:
    files = _files(kind)
    if name not in files:
        raise InputError(f"no {kind} {name!r}; there are: {', '.join(sorted(files))}")
    try:
        return tomllib.loads(files[name].read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{files[name]}: {error}") from error


def _parsed(key: str, value: Any) -> Any:
    """Read text from the command line as a TOML value, unless the field is text itself."""
    kind = type(getattr(Recipe, key, ""))
    if kind is str or not isinstance(value, str):
        return value
    try:
        (parsed,) = tomllib.loads(f"value = {value}").values()
        return parsed
    except ValueError:
        hint = ", true or false" if kind is bool else ""
        raise InputError(f"{key} = {value}: expected {kind.__name__}{hint}") from None


def _build(kind: Any, where: str, values: Mapping[str, Any]) -> Any:
    """Build a recipe or profile from these values; `InputError` explains the first fault."""
    try:
        return kind(**values)
    except ValidationError as error:
        fault = error.errors()[0]
    if fault["type"] == "value_error":  # of __post_init__
        raise fault["ctx"]["error"]
    known = [field.name for field in dataclasses.fields(kind)]
    if unknown := sorted(set(values) - set(known)):
        keys, known_keys = ", ".join(unknown), ", ".join(known)
        raise InputError(f"{where}: unknown key {keys}; the keys are: {known_keys}")
    key = fault["loc"][0]
    if fault["type"] == "missing_argument":
        raise InputError(f"{where}: {key} is missing")
    message = fault["msg"].replace("Input", "it", 1)
    raise InputError(f"{where}: {key} = {fault['input']!r}; {message}")
