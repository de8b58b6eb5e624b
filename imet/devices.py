"""The machine: its device, precision and processes, and the message when its memory is full."""

from __future__ import annotations

import atexit
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import joblib
import torch
import torch.distributed as distributed
from lightning_fabric import Fabric
from lightning_fabric.strategies import DDPStrategy

from imet.config import Recipe
from imet.io import InputError

PATIENCE = timedelta(days=7)
"""Processes wait so long for one another: one of them may compute features for hours."""


def resolve_device(device: str = "auto") -> str:
    """Resolve "auto" to "cpu" or "cuda"; `InputError` if a device is missing or not supported.

    Examples:
        >>> resolve_device("cpu")
        'cpu'
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = device.partition(":")[0]
    if kind not in ("cpu", "cuda"):
        raise InputError(f"device {device!r}; choose auto, cpu or cuda")
    if kind == "cuda":
        if not torch.cuda.is_available():
            raise InputError(f"device {device!r}: torch sees no CUDA device here; use auto or cpu")
        _require_kernels(torch.device(device).index or 0)
    return device


def _require_kernels(index: int) -> None:
    """Raise if the installed torch was built without code for this GPU: it would fail later.

    Code for sm_XY runs on GPUs with the same X and at least that Y; compute_XY is compiled for
    newer GPUs when it is first used.
    """
    major, minor = torch.cuda.get_device_capability(index)
    built = torch.cuda.get_arch_list()
    for kind, _, digits in (name.partition("_") for name in built):
        number = int("".join(c for c in digits if c.isdigit()))
        if kind == "sm" and number // 10 == major and number % 10 <= minor:
            return
        if kind == "compute" and number <= 10 * major + minor:
            return
    raise InputError(
        f"{torch.cuda.get_device_name(index)} is an sm_{major}{minor} GPU, and torch "
        f"{torch.__version__} serves {', '.join(built) or 'none'} only; take a newer GPU (on "
        "Kaggle T4 ×2), a torch for CUDA 12.6, which serves sm_50 to sm_90, or DEVICE=cpu"
    )


def half_precision(recipe: Recipe, device: str) -> torch.dtype | None:
    """The type in which a recipe's network computes: bfloat16, float16, or None for float32.

    "auto" takes bfloat16 where a GPU has it (compute capability 8 and above), float16 on older
    ones, which only emulate it, and float32 on a CPU. Heads, losses and weights are always float32.
    """
    precision = recipe.precision
    if precision == "auto" and device.startswith("cuda"):
        newer = torch.cuda.get_device_capability(device)[0] >= 8
        precision = "bf16-mixed" if newer else "16-mixed"
    return {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}.get(precision)


def describe_precision(recipe: Recipe, device: str) -> str:
    """The precision in words, as it stands beside a run's numbers.

    Examples:
        >>> from imet.config import resolve
        >>> describe_precision(resolve("resnet50"), "cpu")
        'float32'
    """
    half = half_precision(recipe, device)
    tf32 = device.startswith("cuda") and torch.cuda.get_device_capability(device)[0] >= 8
    rest = "float32 with TF32 products" if tf32 else "float32"
    name = str(half).removeprefix("torch.")
    return f"network in {name}, head and loss in {rest}" if half else rest


def open_fabric(recipe: Recipe, device: str, devices: int = 1, nodes: int = 1) -> Fabric:
    """Lightning Fabric on `devices` of each of `nodes` machines, with its processes started.

    It includes the scaler that float16 gradients of a trained network need.
    """
    kind, _, index = device.partition(":")
    if kind == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, where the GPU has it
        torch.backends.cudnn.allow_tf32 = True
        if devices > torch.cuda.device_count():
            raise InputError(f"--devices {devices}: {torch.cuda.device_count()} GPUs are here")
    scaled = half_precision(recipe, device) is torch.float16 and not recipe.frozen
    precision = "16-mixed" if scaled else "32-true"
    idle = not (recipe.attention and recipe.recurrent and recipe.gate)  # weights that learn nothing
    return _launched(kind, index, devices, nodes, precision, idle)


@cache  # processes are started once
def _launched(
    kind: str, index: str, devices: int, nodes: int, precision: Any, idle: bool
) -> Fabric:
    chosen: Any = [int(index)] if index else devices
    if devices * nodes == 1:
        return Fabric(accelerator=kind, devices=chosen, precision=precision)
    several = DDPStrategy(timeout=PATIENCE, find_unused_parameters=idle)
    fabric = Fabric(
        accelerator=kind, devices=chosen, num_nodes=nodes, precision=precision, strategy=several
    )
    fabric.launch()
    atexit.register(_end_all, getattr(fabric.strategy.launcher, "procs", []))
    return fabric


def _end_all(started: list[Any]) -> None:
    """End the processes that this one started: if it failed, they might wait for days."""
    for process in started:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


Piece = TypeVar("Piece")


def gathered(pieces: list[Piece]) -> list[Piece]:
    """The pieces of all processes, in the order of processes; with one process, its own pieces."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return pieces
    everyone: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyone, pieces)
    return [piece for each in everyone for piece in each]


@contextmanager
def explain_full_memory(recipe: Recipe, folder: Path) -> Iterator[None]:
    """If a GPU runs out of memory, raise `InputError` with what to change and what is kept."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        half, half_judged = (max(1, n // 2) for n in (recipe.batch_size, recipe.eval_batch_size))
        raise InputError(
            f"{recipe.name}: the GPU's memory does not hold {recipe.batch_size} works of a batch "
            f"({str(error).partition('.')[0]}); take --set batch_size={half}, a run of its own, or "
            f"more --devices. In validation, --set eval_batch_size={half_judged} goes on with "
            f"this run. Finished runs are kept, and {folder / 'last.pt'} if it is there"
        ) from error


def processors() -> int:
    """Number of processors that this process may use, by its affinity and its container's quota."""
    return joblib.cpu_count()
