"""The plan's counts against networks whose numbers are known, and its refusals."""

from __future__ import annotations

import dataclasses
import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from imet import plan
from imet.cache import FeatureSpec
from imet.cli import app
from imet.config import get_profile, resolve
from imet.data.parts import load_parts
from imet.io import InputError, digest
from imet.models.registry import build_encoder
from imet.plan import KAGGLE, cost, require, sizes_of

FULL = KAGGLE["kept"]


def of(name: str, device: str = "T4", devices: int = 1, **changes):
    return cost(resolve(name, "kaggle", changes), FULL, device, devices)


def test_operations_are_those_of_the_networks():
    """torchvision states 4.09 and 15.47 · 10⁹ multiplications and additions, the latter with its
    own three fully connected layers, which are 0.12."""
    resnet = plan._network(resolve("resnet50", "kaggle"), 1077)
    assert resnet["forward"] == pytest.approx(2 * 4.09e9, rel=0.01)
    assert resnet["head"] == 2 * 2048 * 1077
    assert resnet["trained"] == 2049 * 1077
    assert resnet["parameters"] == 23_508_032 + 2049 * 1077
    vgg = plan._network(resolve("vgg16", "kaggle"), 1103)
    assert vgg["forward"] == pytest.approx(2 * (15.47e9 - 0.124e9), rel=0.01)
    assert vgg["trained"] == vgg["parameters"] > 140e6
    assert plan._network(resolve("attn_cnn_rnn", "kaggle"), 1077)["features"] == 50 * 2048


def test_what_is_kept_for_the_backward_pass():
    layer = torch.nn.Sequential(torch.nn.Linear(10, 20), torch.nn.Sigmoid(), torch.nn.Linear(20, 5))
    assert plan._kept(layer, torch.zeros(3, 10)) == 4 * 3 * (10 + 20)


def test_fresh_and_stored_views():
    fresh, stored = of("resnet50"), of("resnet50", view_mode="fixed")
    assert not fresh.stored
    assert stored.stored
    assert fresh.views == 6 * (15 * (87_360 + 10_920) + 2 * 10_920)
    assert stored.views == 6 * 109_200
    assert stored.disk - fresh.disk == 655_200 * 2048 * 2
    assert stored.hours < fresh.hours / 5
    assert of("resnet50", devices=2).hours == pytest.approx(fresh.hours / 2, rel=0.1)
    assert not of("resnet50_as_coded", view_mode="fixed").stored
    assert of("vgg16_bn_6000", devices=4).memory < of("vgg16_bn_6000").memory / 2


def test_views_of_evaluation_are_counted_by_themselves():
    sizes = (80, 10, 10, 30)
    plain = resolve("resnet50", "kaggle", {"epochs": 2})
    one = resolve("resnet50", "kaggle", {"epochs": 2, "eval_views": "one"})
    evaluated = 2 * 10 + 10 + 10
    assert cost(plain, sizes, "T4").views == 6 * (2 * 80 + evaluated)
    assert cost(one, sizes, "T4").views == 6 * 2 * 80 + evaluated


def test_sizes_are_counted_recorded_or_estimated(tmp_path, monkeypatch, small_collection):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    monkeypatch.delenv("IMET_DATA", raising=False)
    kaggle = get_profile("kaggle")
    assert sizes_of(kaggle, resolve("vgg16", "kaggle"))[0] == KAGGLE["all"]
    small = sizes_of(get_profile("small"), resolve("resnet50", "small"))
    assert small == ((4000, 500, 500, 1077), "recorded of the real tables")
    assert sizes_of(get_profile("tiny"), resolve("resnet50", "tiny"))[1] == "estimated"
    assert not (tmp_path / "data").exists()
    monkeypatch.setenv("IMET_DATA", str(small_collection))
    counted = sizes_of(kaggle, resolve("resnet50", "kaggle"))
    assert counted == ((48, 6, 6, 10), "counted")


def test_the_real_tables_have_the_recorded_sizes(real_tables, monkeypatch):
    monkeypatch.setenv("IMET_DATA", str(real_tables))
    for name, kind in (("resnet50", "kept"), ("vgg16", "all")):
        sizes = sizes_of(get_profile("kaggle"), resolve(name, "kaggle"))
        assert sizes == (KAGGLE[kind], "counted")


def test_a_probe_measures_this_machine():
    forward, training = plan.rates("timm/test_resnet", 64, "cpu")
    assert 1e6 < forward < 1e15
    assert training == forward
    stored = plan.rates("timm/test_resnet", 64, "cpu", compiled=True)
    assert stored[0] > stored[1]


def test_too_little_disk_memory_or_time_is_refused_with_what_would_do(tmp_path, monkeypatch):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    costs = [of("resnet50"), of("attn_cnn_rnn", view_mode="fixed")]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(1e12)))
    require(costs, "cpu")
    with pytest.raises(InputError, match=r"2\.\d hours.*--hours 2 .*PROFILE=stored.*attn_cnn_rnn"):
        require(costs, "cpu", hours=2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(20e9)))
    with pytest.raises(InputError, match=r"135\.5 GB.*20\.0 GB; attn_cnn_rnn.*IMET_HOME"):
        require(costs, "cpu")
    require(costs[:1], "cpu")
    gpu = SimpleNamespace(total_memory=int(4e9))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    with pytest.raises(InputError, match=r"vgg16_bn_6000 needs about .*4\.0 GB.*--devices 3"):
        require([of("vgg16_bn_6000")], "cuda")


def test_features_that_runs_share_and_passing_checkpoints_count_once():
    stored = [of("resnet50", view_mode="fixed", **c) for c in ({}, {"crop_targets": "as_coded"})]
    features = 655_200 * 2048 * 2
    assert [each.features for each in stored] == [features, features]
    alone, both = plan.disk(stored[:1]), plan.disk(stored)
    assert alone == stored[0].disk
    assert both - alone == stored[1].disk - features - stored[1].last
    other = of("resnet50", view_mode="fixed", view_seed=1)
    assert plan.disk([*stored, other]) - both == other.disk - other.last
    trained = of("vgg16")
    assert trained.last == pytest.approx(
        3 * 4 * plan._network(resolve("vgg16", "kaggle"), FULL[3])["trained"]
    )
    assert plan.disk([trained, *stored]) == both + trained.disk - max(e.last for e in stored)


def test_the_plan_tells_stored_features_apart_as_the_cache_does(small_collection, monkeypatch):
    monkeypatch.setenv("IMET_DATA", str(small_collection))
    changes = [
        {},
        {"crop_targets": "as_coded"},
        {"labels": "all"},
        {"views": "one"},
        {"flip": False},
    ]
    changes += [{"view_seed": 1}, {"split_seed": 1}, {"label_noise": -1.0}, {"stored": "pooled"}]
    changes += [{"input_size": 96, "stored": ""}, {"loss": "focal"}]
    pairs = set()
    for name in ("resnet50", "resnet50_hog", "attn_cnn_rnn"):
        for change in changes:
            recipe = resolve(name, "tiny", change)
            parts, encoder = load_parts(small_collection, recipe), build_encoder(recipe)
            six = dataclasses.replace(recipe, views="six", eval_views="same")
            keys = [FeatureSpec(six, encoder, "cpu").key(part) for part in parts.values()]
            sizes = (*map(len, parts.values()), len(parts.labels))
            pairs.add((digest(keys, sorted(encoder.names)), plan._store(recipe, sizes)))
    ours, theirs = zip(*pairs)
    assert len(set(ours)) == len(set(theirs)) == len(pairs) > 5


def test_a_quota_counts_and_what_is_already_there(tmp_path, monkeypatch):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(1e12)))
    costs = [of("resnet50", view_mode="fixed")]  # 3.3 GB, 2.7 of them features
    monkeypatch.setenv("IMET_DISK", "3")
    with pytest.raises(InputError, match=r"3\.3 GB .* has 3\.0 GB"):
        require(costs, "cpu")
    for name, size in (("features", 2e9), ("runs", 1e8)):
        (tmp_path / name / "a").mkdir(parents=True)
        with open(tmp_path / name / "a" / "x", "wb") as file:
            file.truncate(int(size))
    with pytest.raises(InputError, match=r"need 1\.3 GB .* has 0\.9 GB"):
        require(costs, "cpu")
    monkeypatch.setenv("IMET_DISK", "4")
    require(costs, "cpu")
    monkeypatch.setenv("IMET_DISK", "much")
    with pytest.raises(InputError, match="IMET_DISK=much: write a number of GB"):
        require(costs, "cpu")


def test_the_command_prints_both_ways():
    arguments = ["plan", "resnet50", "vgg16", "--device", "T4"]
    lines = CliRunner().invoke(app, arguments).output.splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["resnet50", "vgg16"]
    assert "estimated, measured on none" in lines[3]
    assert lines[4].startswith("in all ")
    assert lines[4].endswith(" GB of disk, views as in kaggle")
    of_one = CliRunner().invoke(app, ["plan", "--device", "T4", "--chapters", "13"]).output
    assert [line.split()[-1] for line in of_one.splitlines()[1:-2]] == [
        "vgg16", "vgg16_bn_step15", "vgg16_bn_step10", "vgg16_bn_6000",
    ]  # fmt: skip
    (fresh, stored), (_, none) = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert (fresh["stored"], stored["stored"], none) == (False, True, None)
    refused = CliRunner().invoke(app, ["plan", "resnet51"])
    assert refused.exit_code == 2
