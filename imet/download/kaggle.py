"""Download the iMet Collection 2019 from Kaggle with `kagglehub`, unpack it and check it.

`kagglehub` finds the reader's credentials and asks Kaggle for the data. Kaggle answers with a
temporarily signed address of one archive that holds all files. The archive is fetched, unpacked
next to its destination, and moved there as a whole.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import file_digest, md5
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from tqdm import tqdm

from imet.data.check import check
from imet.data.tables import Problem
from imet.download.polite import (
    ATTEMPTS,
    BLOCKED,
    TIMEOUT,
    Again,
    Unreachable,
    full_disk_explained,
    retry_after,
    seconds_to_wait,
)
from imet.download.unpack import Damaged, unpack
from imet.io import InputError, clear_temporary, file_lock, read_json, write_json

COMPETITION = "imet-2019-fgvc6"
PAGE = f"https://www.kaggle.com/competitions/{COMPETITION}"
SETTINGS = "https://www.kaggle.com/settings"
BLOCK = 2**20  # bytes
REFUSALS = {  # HTTP status to (what it means, what to do)
    401: (
        "Kaggle does not know these credentials",
        f"make a new token at {SETTINGS} and put it where the old one is",
    ),
    403: (
        "Kaggle does not give the data to this account, whose owner has not accepted the rules",
        f"sign in, accept them at {PAGE}/rules and run the same command again",
    ),
    404: (f"Kaggle has no data of {COMPETITION} (any more)", f"look at {PAGE}/data"),
}


def download(
    out: Path, *, sleep: Callable[[float], None] = time.sleep, progress: bool = True
) -> list[Problem]:
    """Fetch the collection into `out` and check it; an interrupted download is resumed.

    Args:
        out: a new or empty folder; receives `train.csv`, `labels.csv`, `train/` and whatever else
            the archive holds. A complete collection is only checked.
        sleep: function that waits for a number of seconds.
        progress: show progress bars.

    Returns:
        Problems found in the folder, as `imet data check` reports them.

    Raises:
        InputError: `kagglehub` or credentials are missing, Kaggle refuses the data or cannot be
            reached, the disk is full, `out` holds something else, or the archive is damaged.
    """
    cache = out / ".download"
    archive, ready = cache / "archive.zip", cache / "ready"
    if not (out / "train.csv").exists() and not archive.exists() and not ready.exists():
        _refuse_without_credentials()
    with full_disk_explained(out):
        cache.mkdir(parents=True, exist_ok=True)
        with file_lock(cache / "lock"):
            clear_temporary(cache)
            others = {path.name for path in out.iterdir()} - {cache.name}
            if not ready.exists() and "train.csv" not in others:
                if others:
                    raise InputError(
                        f"{out}: {min(others)} lies there already; name a new or empty folder"
                    )
                if not archive.exists():
                    _fetch(archive, sleep, progress)
                _make_ready(archive, ready, progress)
            if ready.exists():
                _move(ready, out)
            archive.unlink(missing_ok=True)
            shutil.rmtree(cache / "unpacked", ignore_errors=True)
    return check(out)


# --- Credentials, and Kaggle's answer ------------------------------------------------------------


def _refuse_without_credentials() -> None:
    try:
        from kagglehub.config import get_kaggle_credentials
    except ImportError:
        raise InputError(
            "kagglehub is not installed, which speaks to Kaggle; install it with "
            f"`{sys.executable} -m pip install kagglehub`"
        ) from None
    remedy = (
        f"make a token at {SETTINGS} and put it into KAGGLE_API_TOKEN or ~/.kaggle/access_token, "
        "or an older key into ~/.kaggle/kaggle.json or KAGGLE_USERNAME and KAGGLE_KEY"
    )
    try:
        credentials = get_kaggle_credentials()
    except (ValueError, TypeError, OSError) as error:
        raise InputError(f"Kaggle's credentials cannot be read: {error}; {remedy}") from None
    if credentials is None:
        raise InputError(f"no credentials of Kaggle are there; {remedy}")


class _InTime(HTTPAdapter):
    """Gives up on a server that falls silent; `kagglehub` would wait forever."""

    def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]
        return super().send(request, **{**options, "timeout": TIMEOUT})


@contextmanager
def _answer() -> Iterator[requests.Response]:
    """Ask Kaggle for the archive; yields the answer, of which nothing has been read yet.

    Raises:
        InputError: Kaggle refuses.
        Again: Kaggle is busy, or cannot be reached.
    """
    from kagglehub.clients import build_kaggle_client
    from kagglesdk.competitions.types.competition_api_service import ApiDownloadDataFilesRequest

    wish = ApiDownloadDataFilesRequest()
    wish.competition_name = COMPETITION
    with build_kaggle_client() as client:
        session = client.http_client()._init_session()
        for scheme in ("http://", "https://"):
            session.mount(scheme, _InTime())
        try:
            answer = client.competitions.competition_api_client.download_data_files(wish)
        except requests.HTTPError as error:
            if error.response is None:
                raise Again(f"no answer ({error})") from None
            raise _refusal(error.response) from None
        except requests.RequestException as error:
            raise Again(f"no answer ({type(error).__name__})") from None
        with answer:
            yield answer


def _refusal(answer: requests.Response) -> Exception:
    """The error that a status other than 200 means."""
    status = answer.status_code
    if answer.history:  # from the file store, not Kaggle: its signed address expires
        return Again(f"the store answered {status}")
    try:
        status = int(answer.json()["code"])
        reason = f": {answer.json()['message']}"
    except (ValueError, KeyError, TypeError):
        reason = ""
    if status in REFUSALS:
        meaning, remedy = REFUSALS[status]
        return InputError(f"{meaning} ({status}{reason}); {remedy}")
    if status == 429:
        return Again("too many requests (429)", retry_after(answer))
    return Again(f"answered {status}")


# --- The archive ---------------------------------------------------------------------------------


def _fetch(archive: Path, sleep: Callable[[float], None], progress: bool) -> None:
    """Fetch the archive; only attempts that make no progress count as failures in a row."""
    part = archive.with_suffix(".part")
    vain = 0
    while not archive.exists():
        before = _size(part)
        try:
            with _answer() as answer:
                _transfer(answer, part, progress)
            os.replace(part, archive)
        except Again as error:
            vain = 1 if _size(part) > before else vain + 1
            if vain == ATTEMPTS:
                raise Unreachable(
                    f"Kaggle: {error}, {vain} times; what was fetched is kept, and the same "
                    "command goes on: try again later"
                ) from None
            sleep(seconds_to_wait(error, vain))


def _transfer(answer: requests.Response, part: Path, progress: bool) -> None:
    """Fetch the missing part of the archive and check it against the stated size and checksum.

    Raises:
        Again: the transfer was cut off.
        InputError: the checksum is wrong, or the archive does not fit on the disk.
    """
    from kagglehub.integrity import get_md5_checksum_from_response, to_b64_digest

    if "text/html" in answer.headers.get("Content-Type", ""):
        raise Again("a web page in place of the archive", BLOCKED)
    size = int(answer.headers.get("Content-Length", -1))  # bytes
    checksum = get_md5_checksum_from_response(answer)
    facts = {"size": size, "etag": answer.headers.get("ETag"), "md5": checksum}
    note = part.with_suffix(".json")
    # Start over if this is not the archive that was begun, or if its size is unknown.
    if size < 0 or not note.exists() or read_json(note) != facts:
        part.unlink(missing_ok=True)
    write_json(note, facts)
    free = shutil.disk_usage(part.parent).free
    if size - _size(part) > free:
        raise InputError(
            f"{part.parent}: {(size - _size(part)) / 1e9:.1f} GB are to be fetched, about as much "
            f"unpacked, and {free / 1e9:.1f} GB are free; free some space or name another folder"
        )
    try:
        if _size(part) != size:
            _append(answer, part, size, progress)
    except requests.RequestException as error:
        raise Again(f"the transfer was cut ({type(error).__name__})") from None
    length = _size(part)
    if size not in (-1, length):
        if length > size:
            part.unlink()
        raise Again(f"{length:,} bytes instead of {size:,}")
    if checksum:
        with open(part, "rb") as file:
            state = file_digest(file, lambda: md5(usedforsecurity=False))
        if to_b64_digest(state) != checksum:
            part.unlink()
            raise InputError(
                f"{part}: its checksum is not the one that Kaggle states, so it was deleted; run "
                "the same command again to fetch it anew"
            )


def _append(answer: requests.Response, part: Path, size: int, progress: bool) -> None:
    """Write an answer to a file, resuming at the end of the file if the server allows it."""
    start = _size(part)
    if start:
        rest = {"Range": f"bytes={start}-", "Accept-Encoding": "identity"}
        answer.close()
        answer = requests.get(answer.url, headers=rest, stream=True, timeout=TIMEOUT)
        answer.raise_for_status()
        if answer.status_code != 206:
            start = 0
        elif not answer.headers.get("Content-Range", "").startswith(f"bytes {start}-"):
            raise Again("another part than the one asked for")
    with (
        answer,
        open(part, "ab" if start else "wb") as file,
        tqdm(
            total=size if size > 0 else None,
            initial=start,
            desc=COMPETITION,
            unit="B",
            unit_scale=True,
            disable=not progress,
        ) as bar,
    ):
        for block in answer.iter_content(BLOCK):
            file.write(block)
            bar.update(len(block))


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


# --- From the archive to the folder --------------------------------------------------------------


def _make_ready(archive: Path, ready: Path, progress: bool) -> None:
    """Unpack the archive, and the archives inside it, into a folder in Kaggle's layout."""
    folder = ready.with_name("unpacked")
    try:
        unpack(archive, folder, progress=progress)
        for inner in sorted(folder.rglob("*.zip")):
            _unpack_beside(inner, progress)
    except Damaged as error:
        archive.unlink()
        shutil.rmtree(folder, ignore_errors=True)
        raise InputError(f"{error}: run the same command again") from None
    root = folder
    while not (root / "train.csv").exists():  # one folder too high
        inside = [path for path in root.iterdir() if path.is_dir()]
        if len(inside) != 1:
            raise InputError(f"{archive}: no train.csv in it; look at {PAGE}/data")
        root = inside[0]
    os.replace(root, ready)


def _unpack_beside(inner: Path, progress: bool) -> None:
    """Unpack `train.csv.zip` to `train.csv`, and `train.zip` into `train/`."""
    place = inner.parent if Path(inner.stem).suffix else inner.with_suffix("")
    unpack(inner, place, progress=progress)
    inner.unlink()


def _move(ready: Path, out: Path) -> None:
    """Move all entries into place, the table of works last: it marks the folder as complete."""
    for path in sorted(ready.iterdir(), key=lambda path: path.name == "train.csv"):
        os.replace(path, out / path.name)
    ready.rmdir()
