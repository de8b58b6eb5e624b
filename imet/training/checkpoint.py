"""Checkpoints: plain state dicts, written atomically, loaded without running code."""

from __future__ import annotations

import zlib
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile, ZipFile

import torch

from imet.io import InputError, atomic_path

DAMAGED = (RuntimeError, ValueError, EOFError, OSError, UnpicklingError, BadZipFile, zlib.error)
"""What reading a damaged checkpoint raises."""


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a dictionary of tensors and plain values; a killed writer leaves the old file."""
    with atomic_path(path) as temporary:
        try:
            with open(temporary, "wb") as file:  # a path's name would be written into the file
                torch.save(state, file)
        except RuntimeError as error:  # torch raises this on a full disk
            raise OSError(f"{path} cannot be written ({error}); is the disk full?") from error


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint; a damaged one raises `InputError` that names it."""
    try:
        with ZipFile(path) as archive:
            if record := archive.testzip():  # torch writes checksums but does not check them
                raise BadZipFile(f"wrong checksum of {record}")
        return torch.load(path, map_location="cpu", weights_only=True)
    except DAMAGED as error:
        raise InputError(f"{path}: not a readable checkpoint ({error}); delete it") from error


def rng_states() -> dict[str, Any]:
    """States of torch's generators, on the CPU and on every CUDA device."""
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_rng_states(states: dict[str, Any]) -> None:
    """Restore the states that `rng_states` took in this process."""
    torch.set_rng_state(states["torch"])
    if states["cuda"] and torch.cuda.device_count() == len(states["cuda"]):
        torch.cuda.set_rng_state_all(states["cuda"])
