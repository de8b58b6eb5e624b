"""Unpack an archive from others: no file lands outside its folder or grows without bound."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from pathlib import Path

from tqdm import tqdm

from imet.io import InputError

MOST_FILES = 1_000_000
MOST_TIMES = 20  # times the archive's own size; pictures hardly shrink, tables to a fifth
SMALL = 2**30  # bytes that any archive may unpack to
BLOCK = 2**20  # bytes read at a time


class Damaged(InputError):
    """An archive that cannot be read to its end."""


def unpack(archive: Path, out: Path, *, progress: bool = False) -> None:
    """Extract a zip archive into `out`; files written by an interrupted call are kept.

    All names are checked before anything is written.

    Args:
        archive: a zip file.
        out: the folder, created if missing.
        progress: show a progress bar.

    Raises:
        Damaged: the file is not a zip archive, or a file in it does not match its checksum.
        InputError: a name leads outside `out`, occurs twice, or is a link; a file needs a password;
            the content is larger than the archive's size explains, or than the disk holds.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = _entries(archive, opened)
            _refuse_bombs(archive, [entry for entry, _ in entries])
            out.mkdir(parents=True, exist_ok=True)
            _refuse_without_room(out, entries)
            bar = tqdm(entries, desc="unpacking", unit="file", disable=not progress)
            for entry, parts in bar:
                _write(opened, entry, out.joinpath(*parts))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise Damaged(f"{archive}: damaged, or no zip archive ({error}); fetch it again") from None


def _entries(
    archive: Path, opened: zipfile.ZipFile
) -> list[tuple[zipfile.ZipInfo, tuple[str, ...]]]:
    """Files of an archive with the parts of their paths."""
    entries: dict[tuple[str, ...], zipfile.ZipInfo] = {}
    for entry in opened.infolist():
        parts = _parts(archive, entry)
        if entry.is_dir() or not parts:
            continue
        if parts in entries:
            raise _refused(archive, entry, "stands there twice")
        entries[parts] = entry
    folders = {parts[:depth] for parts in entries for depth in range(1, len(parts))}
    for parts in folders & entries.keys():
        raise _refused(archive, entries[parts], "is a file and a folder")
    return [(entry, parts) for parts, entry in entries.items()]


def _parts(archive: Path, entry: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path of an entry below the folder it is unpacked into."""
    name = entry.orig_filename.replace("\\", "/")
    parts = name.split("/")
    if name.startswith("/") or ".." in parts or ":" in name or not name.isprintable():
        raise _refused(archive, entry, "would be written outside the folder")
    if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(archive, entry, "is a link or a device")
    if entry.flag_bits & 1:
        raise _refused(archive, entry, "needs a password")
    return tuple(part for part in parts if part not in ("", "."))


def _refused(archive: Path, entry: zipfile.ZipInfo, why: str) -> InputError:
    return InputError(
        f"{archive}: {entry.orig_filename!r} {why}, so nothing of it was unpacked; this is not the "
        "archive that it should be: delete it and fetch it again"
    )


def _refuse_bombs(archive: Path, entries: list[zipfile.ZipInfo]) -> None:
    """Refuse zip bombs, by the sizes that the archive states: no reader returns more."""
    size, total = archive.stat().st_size, sum(entry.file_size for entry in entries)
    if len(entries) > MOST_FILES or total > max(SMALL, MOST_TIMES * size):
        raise InputError(
            f"{archive}: {size:,} bytes would become {len(entries):,} files with {total:,} bytes, "
            "so nothing of it was unpacked; this is not the archive that it should be: delete it "
            "and fetch it again"
        )


def _refuse_without_room(out: Path, entries: list[tuple[zipfile.ZipInfo, tuple[str, ...]]]) -> None:
    missing = sum(e.file_size for e, parts in entries if not out.joinpath(*parts).exists())
    free = shutil.disk_usage(out).free
    if missing > free:
        raise InputError(
            f"{out}: {missing / 1e9:.1f} GB are to be unpacked and {free / 1e9:.1f} GB are free; "
            "free some space and run the same command again"
        )


def _write(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """Write one file, unless it exists with the right size and checksum.

    The file is not synced to the disk: the archive is kept until all of it is unpacked.
    """
    if path.is_file() and path.stat().st_size == entry.file_size and _checksum(path) == entry.CRC:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(".unpacking.tmp")
    with opened.open(entry) as source, open(temporary, "wb") as target:
        shutil.copyfileobj(source, target, BLOCK)
    os.replace(temporary, path)


def _checksum(path: Path) -> int:
    """CRC-32 of a file."""
    value = 0
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            value = zlib.crc32(block, value)
    return value
