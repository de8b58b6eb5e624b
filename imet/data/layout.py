"""Where a collection's files lie: Kaggle's layout, and what is one step away from it.

Kaggle's layout is `train.csv`, `labels.csv` and `train/<id>.png`. Pictures are also found in
`train/train/`, as some archives unpack, and beside the tables; with any usual ending, in capitals
or not; and whether or not the file system composes accents.
"""

from __future__ import annotations

import os
import unicodedata
from functools import lru_cache
from pathlib import Path

from imet.io import InputError

ENDINGS = (
    ".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif", ".jp2", ".ppm",
    ".heic",
)  # fmt: skip
"""Of pictures, the first choice first; the last is refused with its remedy."""


def composed(text: str) -> str:
    """Text with composed accents (NFC): the same name, however it was typed.

    Examples:
        >>> composed("e\\u0301") == "\\u00e9"
        True
    """
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def picture_path(root: Path, work_id: str) -> Path:
    """The picture of a work; `train/<id>.png` if there is none at all."""
    usual = [root / "train" / f"{work_id}{ending}" for ending in ENDINGS[:3]]
    for path in usual:
        if path.exists():
            return path
    for folder in (root / "train", root / "train" / "train", root):
        try:
            changed = folder.stat().st_mtime_ns
        except OSError:
            continue
        name = _pictures(folder, changed).get(composed(work_id))
        if name is not None:
            return folder / name
    return usual[0]


@lru_cache(maxsize=8)
def _pictures(folder: Path, changed: int) -> dict[str, str]:
    """Composed ids mapped to file names, for a folder as it was when it was last changed."""
    pictures = []
    for name in os.listdir(folder):
        stem, ending = os.path.splitext(name)
        if ending.lower() in ENDINGS:
            pictures.append((ENDINGS.index(ending.lower()), name, composed(stem)))
    return {stem: name for _, name, stem in sorted(pictures, reverse=True)}  # the first choice last


SYSTEM_FOLDERS = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}


def pictures_in(folder: Path, leave_out: Path | None = None) -> list[Path]:
    """List the pictures, by their ending, in a folder and all folders below it, sorted.

    Files that systems leave beside pictures are skipped (names that begin with a dot, thumbnails,
    bins and archives' side files), and so is the folder `leave_out`, such as an earlier run's
    output. Linked folders are followed, each folder once. InputError: there is no picture; the
    message says where pictures are instead, if they are near.
    """
    pictures: list[Path] = []
    seen = {leave_out.resolve()} if leave_out is not None else set()
    todo = [folder]
    while todo:
        here = todo.pop()
        if here.resolve() in seen:
            continue
        seen.add(here.resolve())
        for path in sorted(here.iterdir()):
            if path.name.startswith(".") or path.name in SYSTEM_FOLDERS:
                continue
            if path.is_dir():
                todo.append(path)
            elif path.suffix.lower() in ENDINGS:
                pictures.append(path)
    if not pictures:
        elsewhere = misplaced(folder, "train")
        more = f", but {elsewhere[0]}; {elsewhere[1]}" if elsewhere else f" ({', '.join(ENDINGS)})"
        raise InputError(f"{folder}: no picture in this folder{more}")
    return sorted(pictures)


def misplaced(root: Path, name: str) -> tuple[str, str] | None:
    """Find where "train.csv", "labels.csv" or "train" lies instead of in the folder `root`.

    Returns what was seen and what to do about it; None if nothing is near.
    """
    if not root.is_dir():
        return None
    stem = name.removesuffix(".csv")
    near = {f"{name}{ending}": "unpack {}" for ending in (".zip", ".tar", ".tar.gz", ".gz", ".7z")}
    near |= {f"{stem}{ending}": f"save {{}} as {name}" for ending in (".xlsx", ".xls", ".ods")}
    for other, remedy in near.items():
        if (root / other).exists():
            return f"{other} lies there", remedy.format(root / other)
    entries = sorted(root.iterdir())
    for path in entries:
        if path.name.lower() == name and path.name != name:
            return f"{path.name} lies there", f"rename it to {name}"
    folders = [
        path for path in entries if (path / name).exists() and (path / "labels.csv").exists()
    ]
    if folders:
        return f"it lies in {folders[0]}", f"name that folder instead of {root}"
    if name.endswith(".csv") and (root.parent / name).exists():
        return f"it lies in {root.parent}", f"name that folder instead of {root}"
    archives = sorted(path.name for path in root.glob("*.zip"))
    if archives:
        return f"{', '.join(archives[:3])} lies there", f"unpack it in {root}"
    return None
