"""Files: atomic writes, checksums, locks.

Everything the project writes goes through here, so that a killed run never leaves a file that
looks finished.
"""

from __future__ import annotations

import csv
import errno
import hashlib
import json
import os
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from imet.typing import Array

REPO = Path(__file__).resolve().parent.parent
"""Root of the checkout (the package is installed editable)."""


def home() -> Path:
    """Folder of `runs/`, `features/` and `data/`: the checkout, or what IMET_HOME names."""
    return Path(os.environ.get("IMET_HOME") or REPO)


class InputError(ValueError):
    """Bad input. The message names the file, the row where there is one, and the remedy."""


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place when the block ends without error.

    The file is synced before it is moved and its folder afterwards, so a power cut leaves the old
    file or the new one, and files written later never lie beside an older state.

    Examples:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_path(folder / "a.txt") as temporary:
        ...     _ = temporary.write_text("whole")
        >>> (folder / "a.txt").read_text(), len(list(folder.iterdir()))
        ('whole', 1)
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        if os.name == "posix":  # Windows cannot open folders
            _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clear_temporary(folder: Path) -> None:
    """Delete temporary files that killed writers left in a folder; its lock must be held."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities raise ValueError.

    Numbers that JSON cannot hold must be turned into None by the caller, who knows what they mean.
    """
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_npy(path: Path | str, array: Array) -> None:
    """Write an array as NumPy does, atomically."""
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        np.save(file, array)


def write_csv(path: Path | str, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table with Unix line ends, atomically."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a broken one raises `InputError` that names it."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:  # not JSON, or not text
        raise InputError(
            f"{path}: not valid JSON ({error}); delete it to have it made again"
        ) from error


def digest(*parts: Any, size: int = 8) -> str:
    """Hex digest of bytes, strings and JSON-serialisable values, each kept apart from the next.

    Examples:
        >>> digest("a", {"b": 1}) == digest("a", {"b": 1}), digest("ab") == digest("a", "b")
        (True, False)
    """
    state = hashlib.blake2b(digest_size=size)
    for part in parts:
        if isinstance(part, bytes):
            data = part
        elif isinstance(part, str):
            data = part.encode()
        else:
            data = json.dumps(part, sort_keys=True, allow_nan=False, default=str).encode()
        state.update(len(data).to_bytes(8, "little") + data)
    return state.hexdigest()


def file_sha256(path: Path | str) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.EIO)
"""What drives without locks answer, such as some that lie on another machine."""
PATIENCE = 5.0
"""Seconds of waiting for a lock before it is said what is waited for."""


@contextmanager
def file_lock(path: Path | str) -> Iterator[None]:
    """Hold a lock beside `path`, one process at a time; it is released when its holder dies."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    notice = threading.Timer(PATIENCE, _say_what_is_waited_for, [path])
    notice.daemon = True
    notice.start()
    try:
        lock = _acquire(path)
    finally:
        notice.cancel()
    try:
        yield
    finally:
        lock.release()


def is_locked(path: Path | str) -> bool:
    """Whether a process holds the lock of `path` at this moment."""
    try:
        with FileLock(f"{path}.lock", timeout=0):
            return Path(f"{path}.holder").exists()
    except Timeout:
        return True
    except OSError:  # a drive without locks
        return Path(f"{path}.holder").exists()


def _acquire(path: Path) -> BaseFileLock:
    """Acquire a system lock or, on a drive without such locks, a file that names its holder."""
    try:
        lock: BaseFileLock = FileLock(f"{path}.lock")
        lock.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        lock = SoftFileLock(f"{path}.holder")
        lock.acquire()
    return lock


def _say_what_is_waited_for(path: Path) -> None:
    print(
        f"waiting for {path}.lock: another process works on the same; if there is none, its drive "
        "does not answer: set IMET_HOME to a folder on another one",
        file=sys.stderr,
    )
