"""Files: atomic writes, checksums, locks.

Everything the project writes goes through here, so that a killed run never leaves a file that
looks finished.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from filelock import FileLock

REPO = Path(__file__).resolve().parent.parent
"""Root of the checkout (the package is installed editable)."""


def home() -> Path:
    """Folder of `runs/`, `features/` and `data/`: the checkout, or what IMET_HOME names."""
    return Path(os.environ.get("IMET_HOME") or REPO)


class InputError(ValueError):
    """Bad input. The message names the file, the row where there is one, and the remedy."""


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; move it into place when the block ends well.

    The file is synced before it is moved, so a power cut leaves the old file or the new one.

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
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def clear_temporary(folder: Path) -> None:
    """Delete what killed writers left in a folder, whose lock must be held."""
    for path in folder.glob(".*.tmp"):
        path.unlink(missing_ok=True)


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically; NaN and infinities raise ValueError.

    Numbers that JSON cannot hold must be turned into None by the caller, who knows what they mean.
    """
    text = json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


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
    except ValueError as error:  # no JSON, or no text
        raise InputError(
            f"{path}: not valid JSON ({error}); delete it to have it made again"
        ) from error


def digest(*parts: Any, size: int = 8) -> str:
    """Hex digest of bytes, strings and JSON-able values, each kept apart from its neighbours.

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


def file_lock(path: Path | str) -> FileLock:
    """A lock beside `path` that two processes take in turn; released when its holder dies."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(str(path) + ".lock")
