"""Devices, precision and processors, with GPUs imitated: what torch.cuda says is all there is."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from joblib.externals.loky.backend import context

from imet import devices
from imet.config import resolve
from imet.devices import (
    describe_precision,
    explain_full_memory,
    half_precision,
    open_fabric,
    processors,
    resolve_device,
)
from imet.io import InputError
from imet.models.backbones import build_backbone
from imet.models.encoder import Encoder
from imet.models.heads import LinearHead, Network

WHEELS = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
GPUS = {
    "Tesla T4": (7, 5),
    "Tesla P100-PCIE-16GB": (6, 0),
    "NVIDIA A100": (8, 0),
    "NVIDIA L4": (8, 9),
    "NVIDIA H100": (9, 0),
    "of the future": (13, 0),
}


@pytest.fixture
def gpu(monkeypatch, request):
    """A GPU of this name."""
    for name, answer in (
        ("is_available", True),
        ("device_count", 1),
        ("get_device_name", request.param),
        ("get_device_capability", GPUS[request.param]),
        ("get_arch_list", WHEELS),
    ):
        monkeypatch.setattr(torch.cuda, name, lambda *_, answer=answer: answer)
    return request.param


def imitated(*names):
    return pytest.mark.parametrize("gpu", names, indirect=True)


@imitated("Tesla T4", "NVIDIA A100", "NVIDIA L4", "NVIDIA H100", "of the future")
def test_gpus_with_kernels_are_taken(gpu):
    assert resolve_device("auto") == "cuda"
    assert resolve_device("cuda:0") == "cuda:0"


@imitated("Tesla P100-PCIE-16GB")
@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:0"])
def test_a_gpu_that_torch_was_not_built_for_is_refused_by_name(gpu, device):
    with pytest.raises(InputError, match=r"P100.*sm_60 GPU.*sm_75.*T4 ×2.*CUDA 12\.6.*DEVICE=cpu"):
        resolve_device(device)
    assert resolve_device("cpu") == "cpu"


@imitated("NVIDIA L4")
def test_code_for_sm_86_runs_on_sm_89(gpu, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_86"])
    assert resolve_device("auto") == "cuda"
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_90a"])
    with pytest.raises(InputError, match="sm_89"):
        resolve_device("auto")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["compute_80"])
    assert resolve_device("auto") == "cuda"


@imitated("Tesla T4")
def test_a_t4_computes_in_float16_and_scales_what_it_trains(gpu, monkeypatch):
    frozen, trained = resolve("resnet50", "kaggle"), resolve("vgg16", "kaggle")
    assert half_precision(frozen, "cuda") is torch.float16
    words = "network in float16, head and loss in float32"
    assert describe_precision(trained, "cuda") == words
    asked = []
    monkeypatch.setattr(devices, "_launched", lambda *settings: asked.append(settings))
    open_fabric(frozen, "cuda")
    open_fabric(trained, "cuda:0")
    assert [settings[:5] for settings in asked] == [
        ("cuda", "", 1, 1, "32-true"),
        ("cuda", "0", 1, 1, "16-mixed"),
    ]
    with pytest.raises(InputError, match="--devices 2: 1 GPUs are here"):
        open_fabric(trained, "cuda", devices=2)


@imitated("NVIDIA A100", "NVIDIA H100")
def test_newer_gpus_compute_in_bfloat16_without_a_scaler(gpu, monkeypatch):
    recipe = resolve("vgg16", "kaggle")
    assert half_precision(recipe, "cuda") is torch.bfloat16
    monkeypatch.setattr(devices, "_launched", lambda *settings: settings[4])
    assert open_fabric(recipe, "cuda") == "32-true"
    assert torch.get_float32_matmul_precision() == "high"
    torch.set_float32_matmul_precision("highest")
    named = {"32-true": None, "bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}
    for name, dtype in named.items():
        assert half_precision(resolve("vgg16", "kaggle", {"precision": name}), "cuda") is dtype


def test_a_cpu_computes_in_float32():
    recipe = resolve("vgg16", "kaggle")
    assert half_precision(recipe, "cpu") is None
    assert describe_precision(recipe, "cpu") == "float32"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_only_the_backbone_is_in_half_precision(dtype):
    """On a CPU, which has both types too: features, logits and gradients are float32."""
    encoder = Encoder(build_backbone("timm/test_resnet", "random"), [0.5] * 3, [0.5] * 3)
    head = LinearHead(encoder.backbone.width, 3)
    network = Network(head, encoder)
    generator = torch.Generator().manual_seed(0)
    views = torch.randint(0, 256, (4, 3, 64, 64), dtype=torch.uint8, generator=generator)
    exact = network({"views": views})
    seen = []
    encoder.backbone.register_forward_hook(lambda *parts: seen.append(parts[2].dtype))
    encoder.computes_in = dtype
    with torch.autocast("cpu", dtype):  # as around a network whose gradients are scaled
        logits = network({"views": views})
    assert seen == [dtype]
    assert logits.dtype == torch.float32
    assert 0 < (logits - exact).abs().max() < 0.02 * exact.abs().max()
    logits.sum().backward()
    assert head.fc.weight.grad.dtype == torch.float32


def test_a_full_gpu_is_answered_with_the_batch_to_try(tmp_path):
    recipe = resolve("vgg16_bn_6000", "kaggle")
    with (
        pytest.raises(InputError, match=r"batch_size=64.*eval_batch_size=16.*last\.pt") as caught,
        explain_full_memory(recipe, tmp_path),
    ):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
    assert "CUDA out of memory)" in str(caught.value)
    with pytest.raises(RuntimeError, match="other"), explain_full_memory(recipe, tmp_path):
        raise RuntimeError("other")


def test_features_are_float32_whatever_computed_them():
    encoder = Encoder(build_backbone("timm/test_resnet", "random"), [0.5] * 3, [0.5] * 3)
    encoder.computes_in = torch.bfloat16
    with torch.inference_mode():
        features = encoder(torch.zeros(1, 3, 64, 64, dtype=torch.uint8))
    assert features["pooled"].dtype == torch.float32
    assert np.isfinite(features["pooled"].numpy()).all()


CGROUP = "/sys/fs/cgroup/"


@pytest.mark.parametrize(
    ("files", "usable"),
    [
        ({"cpu.max": "150000 100000"}, 2),  # rounded up
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "max 100000"}, 8),
        ({"cpu.max": "1600000 100000"}, 8),  # no more than there are
        ({"cpu/cpu.cfs_quota_us": "300000", "cpu/cpu.cfs_period_us": "100000"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8),
        ({}, 8),
    ],
)
def test_a_containers_quota_of_processors_is_obeyed(files, usable, tmp_path, monkeypatch):
    """Files as a container of either version of control groups has them, under a root of ours."""
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{content}\n")

    def ours(path: object) -> str:
        return str(path).replace(CGROUP, f"{tmp_path}/")

    exists = os.path.exists
    monkeypatch.setattr(
        context, "open", lambda path: io.StringIO(Path(ours(path)).read_text()), raising=False
    )
    monkeypatch.setattr(os.path, "exists", lambda path: exists(ours(path)))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    monkeypatch.delenv("LOKY_MAX_CPU_COUNT", raising=False)
    assert processors() == usable
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(1))
    assert processors() == 1
