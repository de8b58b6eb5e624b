"""Public-domain works of the Metropolitan Museum, from its open-access API, in Kaggle's layout.

The museum publishes records and pictures of these works under CC0: a table of all objects
(`MetObjects.csv`), and a record and a picture of each. Labels are spelled as in the iMet
Collection: `culture::` comes from the record's culture or else from the artist's nationality, and
`tag::` from the record's tags.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image
from tqdm import tqdm

from imet.data.images import decode_image, what_it_is
from imet.download.polite import Gone, Polite, full_disk_explained
from imet.io import InputError, atomic_path, clear_temporary, file_lock, read_json, write_csv

API = "https://collectionapi.metmuseum.org/public/collection/v1"
TABLES = (
    "https://media.githubusercontent.com/media/metmuseum/openaccess/master/MetObjects.csv",
    "https://raw.githubusercontent.com/metmuseum/openaccess/master/MetObjects.csv",
)
SHORTER_SIDE, QUALITY = 300, 90  # pixels, JPEG
MANIFEST = ("id", "object_id", "title", "licence", "address", "picture", "sha256", "date")
DOUBT = re.compile(r"\b(possibly|probably|perhaps|attributed to|after|style of)\b|[?\[\]]")


def download(
    out: Path,
    *,
    works: int = 2000,
    seed: int = 0,
    ids: Sequence[int] | None = None,
    labels: Mapping[int, Sequence[str]] | None = None,
    polite: Polite | None = None,
    progress: bool = True,
) -> dict[str, int]:
    """Fetch works into `out`; an interrupted download is resumed, a finished one left as it is.

    Works are in the public domain and have a picture and at least one tag. They are taken in an
    order that depends only on the seed, or as listed in `ids`, until there are enough. Each is
    stored as `train/met<object number>.jpg`, with a shorter side of at most 300 pixels.

    Args:
        out: output folder; receives `labels.csv`, `train.csv`, `train/`, `manifest.csv` (object
            number, title, licence, addresses, checksum and date of each work) and `skipped.csv`.
        works: number of works, if `ids` is not given.
        seed: seed of the order.
        ids: object numbers of the works to fetch instead.
        labels: labels by object number, to replace the records', which the museum keeps improving.
        polite: sends the requests.
        progress: show a bar with the time left.

    Returns:
        For each reason, the number of objects that were passed over.

    Raises:
        InputError: the museum's server cannot be reached; no work is left to fetch; the disk is
            full.
    """
    polite = polite or Polite()
    cache = out / ".download"
    (out / "train").mkdir(parents=True, exist_ok=True)
    cache.mkdir(exist_ok=True)
    skipped: dict[int, str] = {}
    rows: list[dict[str, Any]] = []
    with full_disk_explained(out), file_lock(cache / "lock"):
        for folder in (out, out / "train", cache):
            clear_temporary(folder)
        order = list(ids) if ids is not None else _order(cache, seed, polite)
        enough = len(order) if ids is not None else works
        with tqdm(total=enough, desc="works", unit="work", disable=not progress) as bar:
            for number in order:
                if len(rows) == enough:
                    break
                try:
                    record = _record(cache, number, polite)
                    rows.append(_stored(out, record, polite, (labels or {}).get(number)))
                    bar.update()
                except _Unusable as reason:
                    skipped[number] = str(reason)
                    bar.set_postfix(passed_over=len(skipped))
        write_csv(out / "skipped.csv", ("object_id", "reason"), sorted(skipped.items()))
        if not rows:
            raise InputError(f"{out}: none of {len(order)} objects can be used; see skipped.csv")
        _write_tables(out, rows)
    return dict(Counter(sorted(skipped.values())))


class _Unusable(Exception):
    """Why an object is passed over."""


# --- Which objects -------------------------------------------------------------------------------


def read_ids(path: Path) -> list[int]:
    """Read object numbers from a file: one per line, or the column `object_id` of a CSV table.

    Raises:
        InputError: the file is missing, or a line holds no number.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeError) as error:
        raise InputError(f"{path}: cannot be read ({error}); name a list of numbers") from None
    if lines and "object_id" in lines[0]:
        texts = [row["object_id"] or "" for row in csv.DictReader(lines)]
        first = 2
    else:
        texts, first = lines, 1
    numbers = []
    for line, text in enumerate(texts, first):
        if text.strip():
            if not text.strip().isdigit():
                raise InputError(f"{path}, row {line}: {text!r} is no object number; use digits")
            numbers.append(int(text))
    return list(dict.fromkeys(numbers))


def read_labels(path: Path) -> dict[int, list[str]]:
    """Read the labels of objects from a table with the columns `object_id` and `labels`.

    Labels are separated by bars, as in "culture::french|tag::men"; a file without these columns
    gives none.
    """
    with path.open(encoding="utf-8-sig", newline="") as handle:
        rows = csv.DictReader(handle)
        if not {"object_id", "labels"} <= set(rows.fieldnames or ()):
            return {}
        return {int(row["object_id"]): row["labels"].split("|") for row in rows}


def _order(cache: Path, seed: int, polite: Polite) -> list[int]:
    """Numbers of public-domain objects with a tag, in an order decided by the seed."""
    table = cache / "MetObjects.csv"
    if not table.exists():
        content = _table(polite)
        with atomic_path(table) as temporary:
            temporary.write_bytes(content)
    with table.open(encoding="utf-8-sig", newline="") as handle:
        numbers = sorted(
            int(row["Object ID"])
            for row in csv.DictReader(handle)
            if row["Is Public Domain"].strip().lower() == "true" and row["Tags"].strip()
        )
    return [numbers[k] for k in np.random.default_rng(seed).permutation(len(numbers))]


def _table(polite: Polite) -> bytes:
    """The museum's table of objects; a pointer file in its place is not accepted."""
    seen = "nothing there"
    named = os.environ.get("IMET_MET_TABLE")
    for place in [named] if named else TABLES:
        try:
            content = polite.get(place) if "://" in place else Path(place).read_bytes()
        except Gone:
            continue
        header = content[:4000].decode("utf-8", "replace").partition("\n")[0]
        if "Object ID" in header and "Tags" in header:
            return content
        seen = (what_it_is(content) or "no table of objects").partition("; ")[0]
    raise InputError(
        f"MetObjects.csv: the museum's repository gives {seen}; fetch the table by hand from "
        "github.com/metmuseum/openaccess and name it in IMET_MET_TABLE, or fetch a list with --ids"
    )


# --- One object ----------------------------------------------------------------------------------


def _record(cache: Path, number: int, polite: Polite) -> dict[str, Any]:
    """The museum's record of an object, from the cache if it was fetched before."""
    file = cache / f"{number}.json"
    if file.exists():
        return dict(read_json(file))
    base = os.environ.get("IMET_MET_API", API).rstrip("/")
    try:
        record = _readable(polite, f"{base}/objects/{number}", lambda text: dict(json.loads(text)))
    except Gone:
        raise _Unusable("the museum has no such object (any more)") from None
    if record is None:
        raise _Unusable("its record cannot be read")
    with atomic_path(file) as temporary:
        temporary.write_text(json.dumps(record), encoding="utf-8")
    return record


Content = TypeVar("Content")


def _readable(polite: Polite, url: str, read: Callable[[bytes], Content]) -> Content | None:
    """What `read` makes of an address's content; None if it is unreadable three times.

    An answer that was cut off may state the length of what is left of it.
    """
    for _ in range(3):
        content = polite.get(url)
        with suppress(ValueError, TypeError):
            return read(content)
    return None


def labels_of(record: dict[str, Any]) -> list[str]:
    """Label names of a museum's record, in the spelling of the iMet Collection.

    The culture is the record's, or else the artist's nationality. Places after a comma become
    labels of their own, "or" is kept, and words of doubt and brackets are left out.

    Examples:
        >>> labels_of({"culture": "Italian, Florence", "tags": [{"term": "Men"}]})
        ['culture::italian', 'culture::florence', 'tag::men']
        >>> labels_of({"artistNationality": "French or German", "tags": None})
        ['culture::french or german']
    """
    text = str(record.get("culture") or record.get("artistNationality") or "")
    text = DOUBT.sub(" ", re.sub(r"\(.*?\)", " ", text.lower()))
    parts = (" ".join(part.split()) for part in re.split(r"[,;|/]", text))
    cultures = [f"culture::{part}" for part in parts if part]
    terms = [tag.get("term") for tag in record.get("tags") or [] if isinstance(tag, dict)]
    tags = [f"tag::{' '.join(str(term).lower().split())}" for term in terms if term]
    return list(dict.fromkeys(cultures + tags))


def _stored(
    out: Path, record: dict[str, Any], polite: Polite, labels: Sequence[str] | None
) -> dict[str, Any]:
    """Fetch and store an object's picture; returns its manifest row with its labels."""
    if record.get("isPublicDomain") is not True:
        raise _Unusable("not stated to be in the public domain")
    url = str(record.get("primaryImageSmall") or record.get("primaryImage") or "")
    names = labels_of(record) if labels is None else list(labels)
    if not url:
        raise _Unusable("no picture")
    if labels is None and not any(label.startswith("tag::") for label in names):
        raise _Unusable("no tag")
    number = int(record["objectID"])
    work = f"met{number:06}"
    file = out / "train" / f"{work}.jpg"
    if not file.exists():
        try:
            picture = _readable(polite, url, partial(decode_image, name=url))
        except Gone:
            raise _Unusable("its picture is gone") from None
        if picture is None:
            raise _Unusable("its picture cannot be read")
        with atomic_path(file) as temporary:
            temporary.write_bytes(encode(picture))
    content = file.read_bytes()
    changed = datetime.fromtimestamp(file.stat().st_mtime, UTC).date().isoformat()
    return {
        "id": work,
        "object_id": number,
        "title": " ".join(str(record.get("title") or "").split()),
        "licence": "CC0",
        "address": record.get("objectURL", ""),
        "picture": url,
        "sha256": hashlib.sha256(content).hexdigest(),
        "date": changed,
        "labels": names,
    }


def encode(picture: np.ndarray) -> bytes:
    """Encode a picture (H, W, 3) uint8 as JPEG, with a shorter side of at most 300 pixels."""
    image = Image.fromarray(picture)
    scale = min(1.0, SHORTER_SIDE / min(image.size))
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


# --- Tables --------------------------------------------------------------------------------------


def _write_tables(out: Path, rows: list[dict[str, Any]]) -> None:
    rows = sorted(rows, key=lambda row: row["id"])
    names = sorted({label for row in rows for label in row["labels"]})
    number = {name: k for k, name in enumerate(names)}
    ids_of = ((row["id"], " ".join(str(number[n]) for n in row["labels"])) for row in rows)
    write_csv(out / "labels.csv", ("attribute_id", "attribute_name"), enumerate(names))
    write_csv(out / "manifest.csv", MANIFEST, ([row[key] for key in MANIFEST] for row in rows))
    write_csv(
        out / "train.csv", ("id", "attribute_ids"), ids_of
    )  # last: it marks the folder as complete
