"""Recipes and profiles: nothing unknown passes, nothing is silently ignored."""

from __future__ import annotations

import ast
import dataclasses
import math
import sys
from pathlib import Path

import pytest

from imet.config import (
    Profile,
    Recipe,
    _files,
    get_profile,
    recipe_names,
    resolve,
)
from imet.io import InputError

PACKAGE = Path(__file__).resolve().parents[2] / "imet"
FIELDS = [field.name for field in dataclasses.fields(Recipe)]
CHOICES: dict[str, tuple[str, ...]] = {
    "batch_norm": ("evaluation", "training"),
    "normalisation": ("documents", "as_coded", "backbone"),
    "hog_scaling": ("none", "standardised"),
    "label_order": ("free", "frequent_first", "rare_first"),
    "labels": ("kept", "all"),
    "views": ("six", "one"),
    "view_mode": ("fresh", "fixed"),
    "eval_views": ("same", "six", "one"),
    "crop_targets": ("as_written", "as_coded", "all"),
    "optimizer": ("adam", "sgd"),
    "schedule": ("cosine", "step"),
    "loss": ("weighted_bce", "bce", "focal", "asymmetric", "soft_f2"),
    "loss_reduction": ("sum_classes", "mean"),
    "reduce_views": ("mean_scores", "mean_logits"),
    "stop_mode": ("terminate", "mask"),
    "combine": ("union", "vote", "mean"),
    "precision": ("auto", "32-true", "bf16-mixed", "16-mixed"),
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
DESCRIPTIONS = {"name", "title", "document", "reported"}


@pytest.fixture
def toml(tmp_path, monkeypatch):
    """Write recipes and profiles into a folder that stands in for the package's."""
    for kind in ("recipes", "profiles"):
        (tmp_path / kind).mkdir()
    monkeypatch.setattr("imet.config.HERE", tmp_path)

    def write(kind: str, name: str, text: str) -> None:
        (tmp_path / kind / f"{name}.toml").write_text(text, encoding="utf-8")

    write("profiles", "p", 'data = "kaggle"')
    return write


@pytest.fixture(autouse=True)
def no_profiles_of_the_readers(monkeypatch, tmp_path):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))


def test_every_recipe_resolves_on_every_profile():
    assert set(_files("profile")) == {"sample", "tiny", "small", "kaggle", "stored", "met"}
    assert "resnet50" in recipe_names()
    for profile in _files("profile"):
        for name in recipe_names():
            recipe = resolve(name, profile)
            assert recipe.name == name
            of_neither = name == "query_decoder"
            assert recipe.document in (("",) if of_neither else ("paper", "poster"))
            assert recipe.title


def test_a_folder_of_the_readers_is_a_profile_of_its_own(tmp_path):
    (tmp_path / "profiles").mkdir()
    text = 'data = "folder"\nfolder = "/somewhere"\nbased_on = "tiny"\n'
    (tmp_path / "profiles" / "mine-1.toml").write_text(text)
    assert "mine-1" in _files("profile")
    mine, tiny = get_profile("mine-1"), get_profile("tiny")
    assert (mine.data, mine.folder, mine.works) == ("folder", "/somewhere", 0)
    assert mine.backbones == tiny.backbones
    for name in recipe_names():
        assert resolve(name, "mine-1") == resolve(name, "tiny")


def test_sections_of_recipes_hold_for_profiles_based_on_another():
    assert resolve("resnet50", "met") == resolve("resnet50", "sample")
    assert resolve("resnet50", "met").learning_rate != resolve("resnet50", "kaggle").learning_rate


@pytest.mark.parametrize(
    "text", ['data = "folder"', 'data = "kaggle"\nfolder = "x"', 'data = "photographs"']
)
def test_profiles_that_make_no_sense_are_refused(tmp_path, text):
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles" / "mine.toml").write_text(text)
    with pytest.raises(InputError, match="profile mine"):
        get_profile("mine")


def test_the_kaggle_profile_gives_the_papers_baseline():
    recipe = resolve("resnet50", "kaggle")
    expected = {
        "model": "resnet50",
        "backbone": "resnet50",
        "weights": "imagenet",
        "frozen": True,
        "input_size": 224,
        "normalisation": "documents",
        "labels": "kept",
        "rare_below": 3,
        "split_seed": 231,
        "max_works": 0,
        "views": "six",
        "eval_views": "same",
        "view_mode": "fresh",
        "crop_targets": "as_written",
        "flip": True,
        "jitter_hue": 0.05,
        "jitter_saturation": 0.05,
        "batch_size": 32,
        "epochs": 15,
        "optimizer": "adam",
        "learning_rate": 1e-4,
        "weight_decay": 1e-5,
        "schedule": "cosine",
        "loss": "weighted_bce",
        "positive_weight_clip": 10.0,
        "loss_reduction": "sum_classes",
        "reduce_views": "mean_scores",
        "threshold_high": 0.5,
    }
    assert {key: getattr(recipe, key) for key in expected} == expected


RNN = {
    "learning_rate": 5e-4,
    "epochs": 25,
    "gradient_clip": 5.0,
    "steps": 10,
    "rnn_width": 512,
    "attention_width": 512,
    "dropout": 0.5,
}
HOG = {"learning_rate": 5e-5, "epochs": 25, "gradient_clip": 0.0}
AS_WRITTEN = {
    "labels": "kept",
    "crop_targets": "as_written",
    "loss_reduction": "sum_classes",
    "batch_norm": "evaluation",
    "normalisation": "documents",
    "reduce_views": "mean_scores",
    "threshold_high": 0.5,
    "threshold_power": 0.0,
    "stop_mode": "terminate",
    "keep_first": False,
    "combine": "union",
    "label_order": "free",
    "hog_scaling": "none",
}
AS_CODED = {
    "labels": "all",
    "crop_targets": "as_coded",
    "loss_reduction": "mean",
    "batch_norm": "training",
    "normalisation": "as_coded",
}
SCORES_AS_CODED = AS_CODED | {"reduce_views": "mean_logits", "threshold_high": 1.0}
PATHS_AS_CODED = AS_CODED | {"gamma": 2.5, "beams": 5, "stop_mode": "mask", "keep_first": True}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("resnet50_hog", AS_WRITTEN | HOG),
        ("attn_cnn_rnn", AS_WRITTEN | RNN),
        ("attn_cnn_rnn_hog", AS_WRITTEN | RNN),
        ("attn_cnn_rnn_448", AS_WRITTEN | RNN | {"input_size": 448}),
        ("resnet50_as_coded", SCORES_AS_CODED | {"learning_rate": 1e-4, "epochs": 15}),
        ("resnet50_hog_as_coded", SCORES_AS_CODED | HOG | {"threshold_power": 0.05}),
        ("attn_cnn_rnn_as_coded", PATHS_AS_CODED | RNN),
        ("attn_cnn_rnn_hog_as_coded", PATHS_AS_CODED | RNN),
    ],
)
def test_the_papers_other_rows_have_its_numbers(name, expected):
    """On the kaggle profile; what all of them share beside."""
    shared = {
        "backbone": "resnet50",
        "weights": "imagenet",
        "frozen": True,
        "input_size": 224,
        "views": "six",
        "eval_views": "same",
        "view_mode": "fresh",
        "batch_size": 32,
        "optimizer": "adam",
        "weight_decay": 1e-5,
        "schedule": "cosine",
        "loss": "weighted_bce",
        "positive_weight_clip": 10.0,
        "document": "paper",
    }
    found = dataclasses.asdict(resolve(name, "kaggle"))
    expected = shared | expected
    assert {key: found[key] for key in expected} == expected


def test_as_coded_twins_differ_in_what_the_code_does_otherwise_alone():
    """On every profile, so that a comparison of twins compares nothing else."""
    named = {"name", "title", "reported"}
    allowed = {*SCORES_AS_CODED, *PATHS_AS_CODED, "threshold_power"}
    for profile in _files("profile"):
        for name in recipe_names():
            if f"{name}_as_coded" not in recipe_names():
                continue
            written = dataclasses.asdict(resolve(name, profile))
            coded = dataclasses.asdict(resolve(f"{name}_as_coded", profile))
            differing = {key for key in written if written[key] != coded[key]} - named
            if profile == "stored":  # what moves in training, as coded, cannot be stored
                differing -= {"view_mode", "stored"}
            assert differing <= allowed, f"{name} on {profile}"


def test_only_data_and_length_differ_on_the_small_profile():
    small, kaggle = (dataclasses.asdict(resolve("resnet50", p)) for p in ("small", "kaggle"))
    differing = {key for key in small if small[key] != kaggle[key]}
    assert differing == {"max_works", "view_mode"}
    assert small["max_works"] == 5000


@pytest.mark.parametrize("name", ["sample", "tiny"])
def test_simulated_profiles_need_no_download(name):
    profile = get_profile(name)
    assert profile.data == "simulated"
    assert profile.works == {"sample": 1600, "tiny": 120}[name]
    for recipe in recipe_names():
        resolved = resolve(recipe, name)
        assert resolved.backbone == "efficientnet_lite0" or resolved.weights == "random"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: resolve("resnet5"), r"no recipe 'resnet5'; there are: .*resnet50"),
        (lambda: resolve("resnet50", "big"), r"no profile 'big'; there are: kaggle, .*tiny"),
        (lambda: get_profile("../recipes/resnet50"), "no profile"),
        (lambda: resolve("resnet50", overrides={"epoch": 3}), "unknown key epoch; .*epochs"),
        (lambda: resolve("resnet50", overrides={"name": "x"}), "name"),
        (lambda: resolve("resnet50", overrides={"epochs": "many"}), "epochs = many: expected int"),
        (
            lambda: resolve("resnet50", overrides={"epochs": "1.5"}),
            "epochs = 1.5; it should be a valid integer",
        ),
        (
            lambda: resolve("resnet50", overrides={"epochs": True}),
            "epochs = True; it should be a valid integer",
        ),
        (lambda: resolve("resnet50", overrides={"epochs": "3\nx=1"}), "expected int"),
        (lambda: resolve("resnet50", overrides={"flip": "False"}), "expected bool, true or false"),
        (lambda: resolve("resnet50", overrides={"flip": 1}), "it should be a valid boolean"),
        (
            lambda: resolve("resnet50", overrides={"loss": 3}),
            "loss = 3; it should be 'weighted_bce'",
        ),
        (
            lambda: resolve("resnet50", overrides={"learning_rate": True}),
            "it should be a valid number",
        ),
    ],
)
def test_bad_names_keys_and_types_are_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()


@pytest.mark.parametrize("field", sorted(CHOICES))
def test_a_value_outside_the_choices_is_refused_with_them(field):
    with pytest.raises(
        InputError, match=rf"{field} = 'nonsense'; it should be '{CHOICES[field][0]}'"
    ):
        resolve("resnet50", overrides={field: "nonsense"})
    for allowed in CHOICES[field]:
        assert getattr(resolve("resnet50", overrides={field: allowed}), field) == allowed


@pytest.mark.parametrize("field", sorted(RANGES))
def test_a_number_out_of_range_is_refused(field):
    low, high = RANGES[field]
    kind = type(getattr(resolve("resnet50"), field))
    bad = [kind(low - 1)] + ([kind(high * 2 + 1)] if high < 2**33 else [])
    if kind is float:
        bad += [float("nan"), float("inf")]
    for value in bad:
        with pytest.raises(InputError, match=rf"resnet50: {field} = "):
            resolve("resnet50", overrides={field: value})


def test_every_number_of_a_recipe_has_a_range():
    numbers = {f.name for f in dataclasses.fields(Recipe) if type(f.default) in (int, float)}
    assert numbers == set(RANGES)


def test_a_search_without_thresholds_is_refused():
    for high, step in ((0.01, 0.01), (0.5, 0.0), (0.0, 0.0), (0.1, 0.2)):
        with pytest.raises(InputError, match="threshold"):
            resolve("resnet50", overrides={"threshold_high": high, "threshold_step": step})
    resolve("resnet50", overrides={"threshold_high": 0.02, "threshold_step": 0.01})


def test_text_from_the_command_line_becomes_the_fields_type():
    recipe = resolve(
        "resnet50",
        "kaggle",
        {"epochs": "3", "learning_rate": "1e-2", "flip": "false", "loss": "focal", "momentum": "0"},
    )
    assert (recipe.epochs, recipe.learning_rate, recipe.flip) == (3, 0.01, False)
    assert (recipe.loss, recipe.momentum) == ("focal", 0.0)
    assert isinstance(recipe.momentum, float)


def test_layers_lie_over_each_other_in_the_stated_order(toml):
    toml("profiles", "p", 'data = "kaggle"\n[recipe]\nepochs = 2\nbatch_size = 2\nseed = 2\n')
    toml(
        "recipes",
        "r",
        "epochs = 1\nbatch_size = 1\nseed = 1\nstep_epochs = 1\n"
        "[profile.p]\nbatch_size = 3\nseed = 3\n",
    )
    recipe = resolve("r", "p", {"seed": 4})
    assert (recipe.input_size, recipe.step_epochs) == (224, 1)  # default, recipe
    assert (recipe.epochs, recipe.batch_size, recipe.seed) == (
        2,
        3,
        4,
    )  # profile, section, override


def test_a_profile_exchanges_the_backbone_unless_one_is_asked_for(toml):
    toml("profiles", "p", 'data = "simulated"\nworks = 9\n[backbones]\nvgg16 = "timm/x"\n')
    toml("recipes", "r", 'backbone = "vgg16"')
    assert resolve("r", "p").backbone == "timm/x"
    assert resolve("r", "p", {"backbone": "vgg16"}).backbone == "vgg16"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epoch = 1", "recipe r: unknown key epoch"),
        ('epochs = "1.5"', "epochs = 1.5; it should be a valid integer"),
        ("[profile.q]\nepochs = 1", "no profile q"),
        ("[profile.p]\nepoch = 1", "unknown key epoch"),
        ("epochs = ", r"r\.toml"),
        ('name = "other"', "name"),
    ],
)
def test_a_faulty_recipe_file_is_refused(toml, text, message):
    toml("recipes", "r", text)
    with pytest.raises(InputError, match=message):
        resolve("r", "p")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('data = "kaggle"\nwork = 3', "profile q: unknown key work"),
        ('data = "kaggle"\n[recipe]\nepoch = 3', "unknown key epoch"),
        ("works = 3", "data"),
        ('data = "kagle"', "simulated"),
        ('data = "simulated"\nworks = "many"', "works"),
    ],
)
def test_a_faulty_profile_file_is_refused(toml, text, message):
    toml("profiles", "q", text)
    toml("recipes", "r", "")
    with pytest.raises(InputError, match=message):
        resolve("r", "q")


def _attributes_read(*left_out: str) -> set[str]:
    return {
        node.attr
        for path in PACKAGE.rglob("*.py")
        if path.name not in left_out
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    }


def test_no_field_is_silently_ignored():
    read = _attributes_read("config.py")
    assert [f for f in FIELDS if f not in DESCRIPTIONS and f not in read] == []
    read = _attributes_read()
    assert {f.name for f in dataclasses.fields(Profile)} - read <= {"note"}


def test_recipes_and_profiles_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        resolve("resnet50").epochs = 3
