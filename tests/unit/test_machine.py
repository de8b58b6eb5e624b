"""What `make machine`, `make wheels` and `make env MACHINE_TORCH=1` find and install."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import machine
import pins
import pytest
import torch
from packaging.requirements import Requirement

from imet import devices
from imet.io import REPO, InputError

T4 = "Tesla T4, 550.54.15, 7.5, 15360"
WHEELS = ["sm_75", "sm_80", "sm_86", "sm_90", "compute_120"]


def script(path: Path, body: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def nvidia_smi(folder: Path, *lines: str) -> None:
    said = "\n".join(lines)
    script(folder / "nvidia-smi", f"cat << 'END'\n{said}\nEND")


def gpu(name: str = "Tesla T4", capability: tuple[int, int] = (7, 5)) -> machine.GPU:
    return machine.GPU(name, "550.54.15", capability, 16e9)


def a_torch(version: str = "2.12.1", cuda: str | None = "13.0", seen: bool = True) -> Any:
    of_cuda = SimpleNamespace(is_available=lambda: seen, get_arch_list=lambda: WHEELS)
    return SimpleNamespace(__version__=version, version=SimpleNamespace(cuda=cuda), cuda=of_cuda)


def said(found: list[machine.GPU], of_torch: Any) -> tuple[str, str, str]:
    lines, warnings, faults = machine.describe(REPO, found, of_torch)
    return "\n".join(lines), "\n".join(warnings), "\n".join(faults)


def test_gpus_are_those_that_the_driver_lists(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    nvidia_smi(tmp_path, T4, "Tesla P100-PCIE-16GB, 535.1, 6.0, 16384")
    found = machine.find_gpus()
    assert [each.name for each in found] == ["Tesla T4", "Tesla P100-PCIE-16GB"]
    assert [each.capability for each in found] == [(7, 5), (6, 0)]
    assert found[0].driver == "550.54.15"
    assert found[0].memory == 15 * 2**30
    script(tmp_path / "nvidia-smi", "echo NVIDIA-SMI has failed; exit 9")
    assert machine.find_gpus() == []
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert machine.find_gpus() == []


def test_a_gpu_that_torch_serves_is_no_fault():
    lines, warnings, faults = said([gpu(), gpu()], a_torch())
    assert "GPU 1        Tesla T4, 16.0 GB, compute capability 7.5, driver 550.54.15" in lines
    assert "torch        2.12.1, CUDA 13.0" in lines
    assert "GB free for" in lines
    assert (warnings, faults) == ("", "")


def test_what_makes_a_gpu_useless_is_named():
    old = gpu("Tesla P100-PCIE-16GB", (6, 0))
    assert (
        "Tesla P100-PCIE-16GB is an sm_60 GPU, and torch 2.12.1 serves sm_75, sm_80"
        in said([gpu(), old], a_torch())[2]
    )
    assert "may want a newer driver than 550.54.15" in said([gpu()], a_torch(seen=False))[2]
    assert "built without CUDA" in said([gpu()], a_torch(cuda=None, seen=False))[2]


def test_a_torch_that_is_old_or_missing_is_named():
    assert "torch 2.10.0 is older than 2.11" in said([], a_torch("2.10.0"))[1]
    assert said([], a_torch("2.11.0+cu128"))[1] == ""
    missing = said([], ModuleNotFoundError("No module named 'torch'"))
    assert "torch is missing" in missing[1]
    assert "cannot be imported (libcudart.so" in said([], OSError("libcudart.so.13"))[1]
    assert "take DEVICE=cpu" in missing[0]
    assert missing[2] == ""


def test_little_shared_memory_is_named(monkeypatch):
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda _: range(4))
    for free, warned in ((64e6, True), (1e9, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        assert ("--shm-size=4g" in said([], a_torch())[1]) == warned


@pytest.mark.parametrize("built", [WHEELS, ["sm_50", "sm_60", "sm_90a"], ["compute_70"], []])
def test_the_check_before_the_installation_is_that_of_the_run(built, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: built)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "a GPU")
    for capability in [(major, minor) for major in range(5, 14) for minor in (0, 2, 5, 6, 9)]:
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, c=capability: c)
        try:
            devices._require_kernels(0)
        except InputError:
            assert not machine.served(built, capability)
        else:
            assert machine.served(built, capability)


def test_it_needs_nothing_installed_and_fails_where_the_gpu_is_useless(tmp_path):
    command = [sys.executable, "-I", "-S", str(REPO / "book" / "tools" / "machine.py"), "/"]
    bare = subprocess.run(command, capture_output=True, text=True, check=True, env={"PATH": ""})
    assert "torch is missing" in bare.stdout
    nvidia_smi(tmp_path, T4)
    (tmp_path / "torch.py").write_text(
        "from types import SimpleNamespace as S\n__version__ = '2.12.1'\n"
        "version, cuda = S(cuda='13.0'), S(is_available=lambda: False)\n"
    )
    here = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(tmp_path)}
    command[1:3] = ["-S"]
    useless = subprocess.run(command, capture_output=True, text=True, check=False, env=here)
    assert useless.returncode == 1
    assert "error: torch 2.12.1 sees no GPU, and the driver sees Tesla T4" in useless.stdout


def test_make_shows_it_before_anything_is_installed(tmp_path):
    command = ["make", "-C", str(REPO), "machine", f"VENV={tmp_path}", f"PYTHON={sys.executable}"]
    shown = subprocess.run(
        command, capture_output=True, text=True, check=False,
        env={**os.environ, "IMET_HOME": str(tmp_path / "home")},
    )  # fmt: skip
    assert f"GB free for {tmp_path}/home" in shown.stdout
    assert "processors " in shown.stdout


# --- Packages without torch ----------------------------------------------------------------------

PINNED = (REPO / "requirements.txt").read_text(encoding="utf-8")


def requirements(text: str) -> dict[str, Requirement]:
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line[:1].strip()]
    return {r.name: r for r in (Requirement(line.split("--hash")[0]) for line in lines)}


def test_all_but_torch_stays_pinned_with_its_hashes():
    kept = pins.pins(PINNED)
    names, everything = set(requirements(kept)), set(requirements(PINNED))
    gone = everything - names
    assert {"torch", "torchvision", "triton", "nvidia-cudnn-cu13", "cuda-toolkit"} <= gone
    assert all(re.match("torch|torchvision|triton|nvidia-|cuda-", name) for name in gone)
    assert {"lightning-fabric", "timm", "numpy", "jupyter-book"} <= names
    blocks = kept.replace("\\\n", " ").splitlines()
    assert all("--hash=sha256:" in block for block in blocks if block[:1].strip())


@pytest.mark.parametrize(("python", "scipy"), [("3.11", "1.17.1"), ("3.12", "1.18.1")])
def test_another_python_s_versions_are_chosen_by_its_own_markers(python, scipy):
    chosen = pins.pins(PINNED, python)
    found = requirements(chosen)
    assert str(found["scipy"].specifier) == f"=={scipy}"
    assert not [r for r in found.values() if r.marker]
    assert not {"appnope", "colorama", "pycparser", "cffi"} & set(found)
    assert "pexpect" in found
    assert chosen.count("\nscipy==") == 1


def checkout(folder: Path, requirements: str) -> Path:
    """A project that `make env` installs, whose own wheel lies beside it."""
    for name in ("Makefile", "book/tools/pins.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPO / name, folder / name)
    own = wheel(folder, "project")
    (folder / "requirements.txt").write_text(requirements)
    (folder / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "project"\nversion = "1.0"\n'
    )
    (folder / "backend.py").write_text(
        "import shutil\ndef build_editable(target, *_):\n"
        f"    shutil.copy({str(own)!r}, target)\n    return {own.name!r}\n"
    )
    return folder


def wheel(folder: Path, name: str) -> Path:
    """A package of one empty module."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": "",
        f"{about}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{about}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{about}/RECORD"] = "".join(f"{file},,\n" for file in files)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def line(path: Path) -> str:
    return f"{path.stem.split('-')[0]}==1.0 \\\n    --hash=sha256:{sha256(path)}\n"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def make_env(here: Path, *settings: str, **more: str) -> subprocess.CompletedProcess[str]:
    python = Path(sys.base_prefix) / "bin" / "python3"
    command = ["make", "-C", str(here), "env", f"PYTHON={python}", "MACHINE_TORCH=1", *settings]
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "VENV"))} | more
    return subprocess.run(command, capture_output=True, text=True, env=kept, check=False)


def test_the_machine_s_torch_stays_and_the_rest_comes_from_a_folder(tmp_path):
    wheels = tmp_path / "a folder of wheels"
    needed = line(wheel(wheels, "needed_here"))
    pinned = f"{needed}torch==9.9 \\\n    --hash=sha256:{'0' * 64}\n"  # there is no such torch
    here = checkout(tmp_path / "here", pinned)
    made = make_env(here, f"WHEELS={wheels}")
    assert made.returncode == 0, made.stderr
    found = subprocess.run(
        [str(here / ".venv" / "bin" / "python"), "-c", "import needed_here, project"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    settings = (here / ".venv" / "pyvenv.cfg").read_text()
    assert "include-system-site-packages = true" in settings
    assert "needed_here" in (here / ".venv" / "pins.txt").read_text()
    assert make_env(here).stdout.count("pip install") == 0  # it is ready


def test_a_folder_of_wheels_is_all_that_is_asked(tmp_path):
    packed = wheel(tmp_path / "index" / "needed-here", "needed_here")
    page = packed.with_name("index.html")
    page.write_text(f'<!DOCTYPE html><html><a href="{packed.name}">{packed.name}</a></html>')
    here = checkout(tmp_path / "here", line(packed))
    index = {"PIP_INDEX_URL": (tmp_path / "index").as_uri()}
    (tmp_path / "wheels").mkdir()
    refused = make_env(here, f"WHEELS={tmp_path / 'wheels'}", **index)
    assert "No matching distribution found for needed_here==1.0" in refused.stderr
    assert make_env(here, **index).returncode == 0


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path):
    other = line(wheel(tmp_path / "wheels", "needed_here")).replace("sha256:", "sha256:0")[:-2]
    here = checkout(tmp_path / "here", f"{other}\n")
    made = make_env(here, f"WHEELS={tmp_path / 'wheels'}")
    assert made.returncode != 0
    assert "HASHES" in made.stderr
    assert not list((here / ".venv").glob(".ready*"))


def test_wheels_are_asked_for_another_python_and_processor(tmp_path):
    here = checkout(tmp_path / "here", PINNED)
    log = tmp_path / "log"
    python = script(
        tmp_path / "there" / "bin" / "python",
        f'case "$*" in *pins.py*) exec {sys.executable} "$@" ;; esac\necho "$*" >> {log}',
    )
    command = ["make", "-C", str(here), "wheels", "SHARED=1", f"VENV={python.parent.parent}"]
    subprocess.run([*command, "FOR=3.13", "ARCH=aarch64"], check=True, capture_output=True)
    asked = log.read_text()
    for words in (
        "-m pip download", "--no-deps", "--require-hashes", "--only-binary=:all:",
        "--python-version 3.13", "--platform manylinux_2_28_aarch64", "--dest build/wheels",
    ):  # fmt: skip
        assert words in asked
    assert "x86_64" not in asked
    assert (here / "build" / "pins.txt").read_text() == pins.pins(PINNED, "3.13", "aarch64")
