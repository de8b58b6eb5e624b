"""What this machine has and what it lacks, before hours are spent on it: `make machine`.

    python3 -P book/tools/machine.py [FOLDER]     whose disk will hold runs and features

Only the standard library is needed; torch is inspected if it is installed. The exit code is 1 if
there is a GPU that cannot be used.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

OLDEST = (2, 11)
"""Of torch: the oldest that the tests were run with."""
SHARED_MEMORY = "/dev/shm"
ENOUGH_SHARED = 120e6
"""Bytes of shared memory for each process that cuts views: four batches of 32 works, six views."""


class GPU(NamedTuple):
    """A graphics processor, as its driver describes it."""

    name: str
    driver: str
    capability: tuple[int, int]  # compute capability, (7, 5) for a T4
    memory: float  # bytes


def find_gpus() -> list[GPU]:
    """GPUs that `nvidia-smi` lists; none if it is missing or fails."""
    fields = "name,driver_version,compute_cap,memory.total"
    command = ["nvidia-smi", f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return []
    gpus = []
    for line in listed.stdout.splitlines():
        name, driver, capability, memory = (field.strip() for field in line.split(","))
        major, minor = map(int, capability.split("."))
        gpus.append(GPU(name, driver, (major, minor), float(memory) * 2**20))
    return gpus


def find_torch() -> Any:
    """The installed torch, or the error that importing it gives."""
    try:
        import torch
    except (ImportError, OSError) as error:  # none, or one whose libraries are missing
        return error
    return torch


def served(built: list[str], capability: tuple[int, int]) -> bool:
    """Whether a torch built for these architectures has code for a GPU.

    Code for sm_XY runs on GPUs of the same X and at least that Y; compute_XY is compiled for newer
    ones. `imet.devices` makes the same check later, and a test compares the two.
    """
    major, minor = capability
    for kind, _, digits in (name.partition("_") for name in built):
        number = int("".join(c for c in digits if c.isdigit()))
        if kind == "sm" and number // 10 == major and number % 10 <= minor:
            return True
        if kind == "compute" and number <= 10 * major + minor:
            return True
    return False


def describe(folder: Path, gpus: list[GPU], torch: Any) -> tuple[list[str], list[str], list[str]]:
    """Lines on the machine, warnings, and faults that make its GPU useless."""
    lines, warnings, faults = [], [], []
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    lines.append(f"processors   {cpus}")
    lines.append(f"Python       {sys.version.split()[0]}, {sys.executable}")
    here = next(path for path in (folder, *folder.parents) if path.exists())
    lines.append(f"disk         {shutil.disk_usage(here).free / 1e9:,.1f} GB free for {folder}")
    if os.path.isdir(SHARED_MEMORY):
        shared = shutil.disk_usage(SHARED_MEMORY).free
        lines.append(f"{SHARED_MEMORY}     {shared / 1e9:,.1f} GB free")
        if shared < cpus * ENOUGH_SHARED:
            warnings.append(
                f"{SHARED_MEMORY} is small for {cpus} processes that cut views, and fewer will be "
                f"started; a container gets more with --shm-size={cpus}g or --ipc=host"
            )
    for number, gpu in enumerate(gpus):
        major, minor = gpu.capability
        lines.append(
            f"GPU {number}        {gpu.name}, {gpu.memory / 1e9:.1f} GB, compute capability "
            f"{major}.{minor}, driver {gpu.driver}"
        )
    if not gpus:
        lines.append("GPU          none: take DEVICE=cpu")
    if isinstance(torch, Exception):
        lines.append("torch        none")
        kind = "cannot be imported" if not isinstance(torch, ModuleNotFoundError) else "is missing"
        warnings.append(f"torch {kind} ({torch}): `make env` without MACHINE_TORCH installs one")
        return lines, warnings, faults
    version = str(torch.__version__)
    lines.append(f"torch        {version}, CUDA {torch.version.cuda or 'none'}")
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        warnings.append(
            f"torch {version} is older than {oldest}, the oldest that was tried: `make env` "
            "without MACHINE_TORCH installs a newer one"
        )
    if not gpus:
        return lines, warnings, faults
    if not torch.cuda.is_available():
        reason = f"its CUDA {torch.version.cuda} may want a newer driver than {gpus[0].driver}"
        reason = reason if torch.version.cuda else "it was built without CUDA"
        faults.append(f"torch {version} sees no GPU, and the driver sees {gpus[0].name}: {reason}")
        return lines, warnings, faults
    built = torch.cuda.get_arch_list()
    for gpu in gpus:
        if not served(built, gpu.capability):
            faults.append(
                f"{gpu.name} is an sm_{gpu.capability[0]}{gpu.capability[1]} GPU, and torch "
                f"{version} serves {', '.join(built) or 'none'} only: choose another GPU"
            )
    return lines, warnings, faults


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0] if arguments else ".").resolve()
    lines, warnings, faults = describe(folder, find_gpus(), find_torch())
    print(*lines, *(f"beware: {text}" for text in warnings), sep="\n")
    print(*(f"error: {text}" for text in faults), sep="\n", end="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
