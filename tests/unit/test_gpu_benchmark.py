"""The benchmark of a GPU, tried on a CPU with a small network."""

from __future__ import annotations

import itertools
import json

import pytest
import torch

from benchmarks import gpu
from imet.config import get_profile, resolve
from imet.data.check import check
from imet.data.parts import load_parts

TINY = get_profile("tiny")
SMALL = TINY.recipe | {"backbone": TINY.backbones["resnet50"], "view_mode": "fresh"}
SMALL |= {"workers": 0, "batch_size": 4}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    return gpu.pictures(tmp_path / "noise", 60)


def test_pictures_are_a_sound_collection_and_are_drawn_once(folder):
    assert check(folder) == []
    parts = load_parts(folder, resolve("resnet50", "kaggle", {"drop_rare": False, **SMALL}))
    assert sum(map(len, parts.values())) == 60
    path = folder / "train" / f"{7:016x}.jpg"
    before = path.stat().st_mtime_ns
    gpu.pictures(folder, 60)
    assert path.stat().st_mtime_ns == before


def test_a_rate_counts_the_views_of_batches_after_the_warm_up(monkeypatch):
    clock = itertools.count(0, 1)
    monkeypatch.setattr(gpu.time, "perf_counter", lambda: next(clock))
    seen = []
    batch = {"targets": torch.zeros(6, 2)}
    value = gpu.rate(seen.append, itertools.repeat(batch), 4.5, "cpu")
    assert len(seen) == gpu.WARM_UP + 4
    assert value == pytest.approx(24 / 6)


def test_all_rates_on_a_small_network(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(gpu, "LABELS", 40)
    monkeypatch.setattr(gpu, "CULTURES", 20)
    monkeypatch.setattr(gpu, "resolve", lambda name, profile, _: resolve(name, profile, SMALL))
    values = gpu.measured(tmp_path / "again", 60, "cpu", 0.01, {})
    assert list(values) == ["resnet50", "vgg16_bn_step10", "attn_cnn_rnn"]
    extraction = values["resnet50"]["views_per_second"]
    assert set(extraction["as_run"]) == {"fed", "device", "both"}
    assert values["resnet50"]["largest_relative_difference"] == 0  # float32 on a CPU
    for row in values.values():
        for rates in row["views_per_second"].values():
            for each in rates.values() if isinstance(rates, dict) else [rates]:
                assert each > 0
    assert any((tmp_path / "features").glob("pixels-train-*"))


def test_a_cpu_is_printed_and_not_recorded(folder, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(gpu, "RESULTS", tmp_path / "gpu.json")
    monkeypatch.setattr(gpu, "measured", lambda *a: {"given": a[2], "changes": a[4]})
    gpu.main([str(tmp_path), "--device", "cpu", "--set", "batch_size=2"])
    assert json.loads(capsys.readouterr().out) == {"given": "cpu", "changes": {"batch_size": 2}}
    assert not gpu.RESULTS.exists()
    monkeypatch.setattr(gpu, "resolve_device", lambda device: "cuda")
    monkeypatch.setattr(gpu, "changed_files", lambda: ["M imet/io.py"])
    with pytest.raises(SystemExit, match="commit these first"):
        gpu.main([str(tmp_path)])
