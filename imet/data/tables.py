"""Kaggle's tables as arrays: which works there are and which labels each carries.

`labels.csv` (`attribute_id,attribute_name`) names the columns, `train.csv` (`id,attribute_ids`)
the rows; pictures lie in `train/<id>.png`. Any folder in this layout is a collection, including
other label names, other counts and attribute ids with gaps. Tables are also read in the forms that
spreadsheets and pandas write: UTF-16, semicolons or tabs, `147.0` and `[3, 8]`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from imet.data.images import what_it_is
from imet.data.layout import composed, misplaced, picture_path
from imet.io import InputError
from imet.labels import LabelSpace
from imet.typing import Array

# --- Comma-separated tables read strictly

BYTE_ORDER_MARK = "\ufeff"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
NOT_TEXT = re.compile("[\0\udc80-\udcff]")  # "surrogateescape" turns other bytes into the latter


@dataclass(frozen=True)
class Problem:
    """One fault of a collection's folder: what is wrong, and what to do about it.

    Examples:
        >>> print(Problem(Path("train.csv"), 7, "the id is empty", "give the work an id"))
        train.csv, row 7: the id is empty; give the work an id
    """

    file: Path
    row: int | None  # line as an editor counts it (the header is 1); None for the whole file
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}" if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.message}; {self.remedy}"


def grouped(problems: Sequence[Problem]) -> list[Problem]:
    """Problems of one table, or of pictures, by row; those alike in many rows are said once.

    Alike are problems that differ in no more than a quoted value or another row they mention.
    """
    alike: dict[tuple[str, str], list[Problem]] = {}
    for problem in sorted(problems, key=lambda problem: problem.row or 0):
        kind = re.sub(r"(['\"]).*\1|\brow \d+", "", problem.message)
        alike.setdefault((kind, problem.remedy), []).append(problem)
    result: list[Problem] = []
    for first, *others in alike.values():
        more = len({(other.file, other.row) for other in others} - {(first.file, first.row)})
        words = f"{first.message}, here and in {more} more row{'s' * (more > 1)}"
        result += [replace(first, message=words)] if more else [first, *others]
    return result


def raise_first(problems: Sequence[Problem]) -> None:
    """Raise `InputError` for the first problem, if there is one, saying how many follow."""
    if problems:
        more = len(problems) - 1
        rest = f" (and {more} more: `imet data check` lists them all)" if more else ""
        raise InputError(f"{problems[0]}{rest}") from None


def read_columns(
    path: Path, wanted: Sequence[str]
) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Read named columns of a CSV file, which may be in any order among others.

    A byte order mark and any line ends are accepted, and blank lines are skipped; fields are
    separated by commas, or by what separates the names in the header. The file is UTF-8 or UTF-16.
    Rows come as (line, fields in the order of `wanted`); faulty rows are left out and named among
    the problems.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        message = "the file is missing" if missing else f"cannot be read ({error.strerror})"
        remedy = f"expected columns {','.join(wanted)}, as in Kaggle's iMet Collection 2019"
        if missing and (elsewhere := misplaced(path.parent, path.name)):
            message, remedy = f"{message}, but {elsewhere[0]}", elsewhere[1]
        return [], [Problem(path, None, message, remedy)]
    if other := what_it_is(data):
        what, _, remedy = other.rpartition("; ")
        remedy = remedy.replace("picture", "table").replace("JPEG or PNG", "CSV")
        return [], [Problem(path, None, f"this is {what}, not a CSV table", remedy)]
    if data.startswith(UTF16_MARKS) or b"\0" in data[:2]:
        order = "be" if data.startswith((b"\xfe", b"\0")) else "le"
        try:
            data = data.decode(f"utf-16-{order}").encode()
        except UnicodeError:
            return [], [Problem(path, None, "the file is damaged UTF-16", "save it as UTF-8")]
    text = data.decode("utf-8", errors="surrogateescape").removeprefix(BYTE_ORDER_MARK)
    problems: list[Problem] = []
    delimiter, skipped = _delimiter(text, wanted)
    lines = _records(path, text, problems, delimiter)
    if skipped:
        next(lines, None)
    line, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    for name in wanted:
        if names.count(name) != 1:
            fault = "stands there twice" if name in names else "is missing"
            remedy = f"the header must name {','.join(wanted)}; it reads {','.join(names)!r}"
            problems.append(Problem(path, line, f"column {name!r} {fault}", remedy))
            lines = iter(())
    rows: list[tuple[int, list[str]]] = []
    for line, fields in lines:
        sign = NOT_TEXT.search("".join(fields))
        if len(fields) != len(names):
            message = f"{len(fields)} fields where the header has {len(names)}"
            remedy = "separate values as in the header; quote fields that contain commas"
        elif sign:
            message = "a NUL byte" if sign[0] == "\0" else "bytes that are not UTF-8"
            remedy = "save the file as UTF-8 text"
        else:
            rows.append((line, [fields[names.index(name)] for name in wanted]))
            continue
        problems.append(Problem(path, line, message, remedy))
    return rows, problems


def _delimiter(text: str, wanted: Sequence[str]) -> tuple[str, bool]:
    """What separates fields, and whether the first line only says so (`sep=;`, as in Excel)."""
    first = re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]
    if said := re.fullmatch(r"\s*(\"?)sep=([^ \"])\1 *", first, re.IGNORECASE):
        return said[2], True
    for delimiter in (",", ";", "\t", "|"):
        names = [name.strip().strip('"') for name in first.split(delimiter)]
        if set(wanted) <= set(names):
            return delimiter, False
    return ",", False


def _records(
    path: Path, text: str, problems: list[Problem], delimiter: str
) -> Iterator[tuple[int, list[str]]]:
    """Records of CSV text with their lines; after a fault in quoting, the next line is read."""
    lines = [f"{line}\n" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    done = 0  # lines already read
    while done < len(lines):
        start = done
        numbers = range(start, len(lines))
        reader = csv.reader(map(lines.__getitem__, numbers), strict=True, delimiter=delimiter)
        try:
            for fields in reader:
                if fields:
                    yield done + 1, fields
                done = start + reader.line_num
        except csv.Error as error:
            remedy = "close the quote, or double a quote inside a quoted field"
            problems.append(Problem(path, done + 1, f"not valid CSV ({error})", remedy))
            done += 1


# --- Kaggle's tables as arrays


# An id becomes a file name, so it must not lead out of its folder on any system.
UNSAFE_ID = re.compile(r"[\x00-\x1f\x7f/\\]|^[A-Za-z]:|^\.{1,2}$|^\s|\s$")
LONGEST_ID = 250  # bytes: a file name of 255 minus its ending
INVISIBLE = "\ufeff\u200b\u00a0"  # what spreadsheets leave around a name
LIST_SIGNS = str.maketrans(dict.fromkeys("[](){},;|'\"", " "))  # as in "[3, 8]"


@lru_cache(10_000)  # all rows hold the same few labels
def whole_number(text: str) -> int | None:
    """The number in a field, "147", or "147.0" as pandas writes it; None for anything else.

    Examples:
        >>> whole_number("147.0"), whole_number(" 3"), whole_number("-1"), whole_number("2.5")
        (147, 3, None, None)
    """
    match = re.fullmatch(r"\s*([0-9]{1,18})(?:\.0*)?\s*", text)
    return int(match[1]) if match else None


@dataclass(frozen=True, eq=False)
class Collection:
    """N works with K labels.

    Ids are names, not numbers: in the real table 6,771 are shorter than 16 characters.
    """

    root: Path  # the folder in Kaggle's layout
    ids: Array  # (N,) str, in file order
    labels: LabelSpace  # the K columns, in the order of `labels.csv`
    targets: Array  # (N, K) bool, True where the work carries the label

    def __len__(self) -> int:
        return len(self.ids)

    def path(self, row: int) -> Path:
        """The picture of a row: `train/<id>.png`, or what `imet.data.layout` finds in its place."""
        return picture_path(self.root, str(self.ids[row]))


def read_collection(root: Path | str) -> Collection:
    """Read `train.csv` and `labels.csv` of a folder; pictures are not looked at.

    InputError: a table is missing or faulty; gives the first fault's file, row and remedy.
    """
    collection, problems = scan_tables(Path(root))
    raise_first(problems)
    return collection


def scan_tables(root: Path) -> tuple[Collection, list[Problem]]:
    """Read the tables and every problem in them; faulty rows are left out of the collection."""
    labels, label_problems, faulty = _scan_labels(root / "labels.csv")
    ids, targets, work_problems = _scan_works(root / "train.csv", labels, faulty)
    return Collection(root, ids, labels, targets), grouped(label_problems) + grouped(work_problems)


def _scan_labels(path: Path) -> tuple[LabelSpace, list[Problem], set[int]]:
    """The label space, the table's problems, and ids of faulty rows, which are named once."""
    rows, problems = read_columns(path, ("attribute_id", "attribute_name"))
    if not rows and not problems:
        problems.append(Problem(path, None, "no label in it", "give it one row per label"))
    seen_ids: dict[int, int] = {}
    seen_names: dict[str, int] = {}
    faulty: set[int] = set()
    for line, (number, raw_name) in rows:
        name = composed(raw_name.strip().strip(INVISIBLE))
        label = whole_number(number)
        if label is None:
            fault = f"attribute_id {number!r} is not a whole number", "use 0, 1, 2, …"
        elif label in seen_ids:
            before = f"attribute_id {label} stands in row {seen_ids[label]} already"
            fault = before, "give every label an id of its own"
        elif not name:
            fault = "the attribute_name is empty", "name it culture::… or tag::…"
        elif name in seen_names:
            form = "" if name.isascii() else " (perhaps with accents composed otherwise)"
            before = f"attribute_name {name!r} stands in row {seen_names[name]} already{form}"
            fault = before, "merge the labels or rename one"
        else:
            seen_ids[label] = seen_names[name] = line
            continue
        problems.append(Problem(path, line, *fault))
        if label is not None:
            faulty.add(label)
    ids = np.fromiter(seen_ids, np.int64, len(seen_ids))
    return LabelSpace(ids, tuple(seen_names)), problems, faulty


def _scan_works(
    path: Path, labels: LabelSpace, faulty: set[int]
) -> tuple[Array, Array, list[Problem]]:
    """Ids (N,), targets (N, K) and problems of `train.csv`.

    Where `labels.csv` is at fault, for one label or for all, no row is blamed for unknown labels.
    """
    rows, problems = read_columns(path, ("id", "attribute_ids"))
    if not rows and not problems:
        problems.append(Problem(path, None, "no work in it", "give it one row per work"))
    column_of = {label: k for k, label in enumerate(labels.ids.tolist())}
    first_line: dict[str, int] = {}
    sound: dict[str, list[int]] = {}  # id to columns
    for line, (raw_id, text) in rows:
        work = raw_id.strip(INVISIBLE)
        columns, label_faults = _label_columns(text, column_of, faulty)
        faults = id_faults(work, first_line) + label_faults
        problems += [Problem(path, line, message, remedy) for message, remedy in faults]
        first_line.setdefault(composed(work), line)
        if not faults:
            sound[work] = columns
    targets = np.zeros((len(sound), len(labels)), bool)  # (N, K)
    for row, columns in enumerate(sound.values()):
        targets[row, columns] = True
    return np.array(list(sound), dtype=np.str_), targets, problems


def id_faults(work_id: str, first_line: dict[str, int]) -> list[tuple[str, str]]:
    """What is wrong with a work's id, as (message, remedy)."""
    if not work_id:
        return [("the id is empty", "give the work the name of its picture")]
    if UNSAFE_ID.search(work_id):
        message = f"id {work_id!r} is refused: it does not name a file inside train/"
        return [(message, "use letters, digits, - and _, without separators or blanks at the ends")]
    if len(work_id.encode()) > LONGEST_ID:
        message = f"id {work_id[:20] + '…'!r} has {len(work_id.encode())} bytes"
        return [(message, f"file systems take names of up to {LONGEST_ID}: shorten it")]
    if composed(work_id) in first_line:
        message = f"id {work_id!r} stands in row {first_line[composed(work_id)]} already"
        return [(message, "give every work one row")]
    return []


def _label_columns(
    text: str, column_of: dict[int, int], faulty: set[int]
) -> tuple[list[int], list[tuple[str, str]]]:
    """Columns of a row's labels, and faults as (message, remedy)."""
    seen: list[int] = []
    faults: list[tuple[str, str]] = []
    words = text.translate(LIST_SIGNS).split()
    if not words:
        faults.append(("the label list is empty", "give the work a label or take its row out"))
    for word in words:
        label = whole_number(word)
        if label is None:
            remedy = "write ids of labels.csv, separated by one space"
            faults.append((f"label {word!r} is not a whole number", remedy))
        elif column_of and label not in column_of and label not in faulty:
            faults.append((f"label {label} is unknown", "add it to labels.csv or take it out"))
        elif label in seen:
            faults.append((f"label {word} stands there twice", "name every label once"))
        else:
            seen.append(label)
    return [column_of[label] for label in seen if label in column_of], faults
