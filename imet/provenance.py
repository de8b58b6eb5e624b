"""Where a number came from: profile, seed, device, commit, versions, date."""

from __future__ import annotations

import os
import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from imet.io import REPO

PACKAGES = (
    "torch", "torchvision", "timm", "openvino", "numba", "numpy", "scipy", "scikit-learn",
    "scikit-image", "pandas", "matplotlib", "jupyter-book",
)  # fmt: skip


@cache
def commit() -> str:
    """The commit, "+changes" if there are `changed_files`; IMET_COMMIT or "unknown" without git."""
    try:
        return _git("rev-parse", "--short=12", "HEAD") + ("+changes" if changed_files() else "")
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("IMET_COMMIT", "unknown")


def changed_files() -> list[str]:
    """Files of the two packages that differ from the commit: numbers depend on no others."""
    return _git("status", "--porcelain", "--", "imet", "imet_simulation").splitlines()


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(REPO), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()


@cache
def versions() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, where installed."""
    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        with suppress(PackageNotFoundError):
            installed[package] = version(package)
    return installed


@cache
def device_name(device: str) -> str:
    """A device in words: the GPU's name, or the processor's model and its core count."""
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return f"CPU, {_processor()}, {os.cpu_count()} cores"


def _processor() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if "model name" in line:
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def provenance(profile: str, seed: int, device: str) -> dict[str, Any]:
    """What stands beside every number, JSON-serialisable; the seed is the run's or the page's."""
    return {
        "profile": profile,
        "seed": seed,
        "device": device_name(device),
        "commit": commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
    }
