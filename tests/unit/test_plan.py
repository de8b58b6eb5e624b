"""The plan's counts against networks whose numbers are known, and its refusals."""

from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest
import torch
from typer.testing import CliRunner

from imet import plan
from imet.cli import app
from imet.config import get_profile, resolve
from imet.io import InputError
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


def test_too_little_disk_memory_or_time_is_refused_with_what_would_do(monkeypatch):
    costs = [of("resnet50"), of("attn_cnn_rnn", view_mode="fixed")]
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(1e12)))
    require(costs, "cpu")
    with pytest.raises(InputError, match=r"2\.\d hours.*--hours 2 .*PROFILE=stored.*attn_cnn_rnn"):
        require(costs, "cpu", hours=2)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=int(20e9)))
    with pytest.raises(InputError, match=r"135\.6 GB.*20\.0 GB; attn_cnn_rnn.*IMET_HOME"):
        require(costs, "cpu")
    require(costs[:1], "cpu")
    gpu = SimpleNamespace(total_memory=int(4e9))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: gpu)
    with pytest.raises(InputError, match=r"vgg16_bn_6000 needs about .*4\.0 GB.*--devices 3"):
        require([of("vgg16_bn_6000")], "cuda")


def test_the_command_prints_both_ways():
    arguments = ["plan", "resnet50", "vgg16", "--device", "T4"]
    lines = CliRunner().invoke(app, arguments).output.splitlines()
    assert [line.split()[-1] for line in lines[1:3]] == ["resnet50", "vgg16"]
    assert "estimated, measured on none" in lines[3]
    (fresh, stored), (_, none) = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert (fresh["stored"], stored["stored"], none) == (False, True, None)
    refused = CliRunner().invoke(app, ["plan", "resnet51"])
    assert refused.exit_code == 2
