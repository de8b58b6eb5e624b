"""Comma-separated tables read strictly: every fault of a file, with its row, in one pass."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imet.io import InputError

BYTE_ORDER_MARK = "\ufeff"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
UNDECODABLE = re.compile("[\udc80-\udcff]")  # what "surrogateescape" makes of bytes not UTF-8


@dataclass(frozen=True)
class Problem:
    """One fault of a collection's folder.

    Attributes:
        file: the file at fault.
        row: line of the file as an editor counts it (the header is 1); None for the whole file.
        message: what is wrong.
        remedy: what to do about it.

    Examples:
        >>> print(Problem(Path("train.csv"), 7, "the id is empty", "give the work an id"))
        train.csv, row 7: the id is empty; give the work an id
    """

    file: Path
    row: int | None
    message: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file}" if self.row is None else f"{self.file}, row {self.row}"
        return f"{where}: {self.message}; {self.remedy}"


def raise_first(problems: Sequence[Problem]) -> None:
    """Raise `InputError` for the first problem, saying how many follow; nothing if there is none.

    Raises:
        InputError: there is a problem.
    """
    if problems:
        more = len(problems) - 1
        rest = f" (and {more} more: `imet data check` lists them all)" if more else ""
        raise InputError(f"{problems[0]}{rest}") from None


def read_columns(
    path: Path, wanted: Sequence[str]
) -> tuple[list[tuple[int, list[str]]], list[Problem]]:
    """Read named columns of a CSV file, in any order, beside any others.

    A byte order mark and any line ends are accepted, blank lines skipped. Faulty rows are left out
    of the result and named among the problems.

    Args:
        path: the file, UTF-8.
        wanted: the columns' names.

    Returns:
        Rows as (line, fields in the order of `wanted`), and the problems found.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        missing = isinstance(error, FileNotFoundError)
        message = "the file is missing" if missing else f"cannot be read ({error.strerror})"
        remedy = f"expected columns {','.join(wanted)}, as in Kaggle's iMet Collection 2019"
        return [], [Problem(path, None, message, remedy)]
    if data.startswith(UTF16_MARKS):
        return [], [Problem(path, None, "the file is UTF-16", "save it as UTF-8")]
    text = data.decode("utf-8", errors="surrogateescape").removeprefix(BYTE_ORDER_MARK)
    problems: list[Problem] = []
    lines = _records(path, text, problems)
    line, header = next(lines, (1, []))
    names = [name.strip() for name in header]
    at = [names.index(name) for name in wanted if names.count(name) == 1]
    if len(at) < len(wanted):
        for name in wanted:
            if names.count(name) != 1:
                fault = "stands there twice" if name in names else "is missing"
                remedy = f"the header must name {','.join(wanted)}; it reads {','.join(names)!r}"
                problems.append(Problem(path, line, f"column {name!r} {fault}", remedy))
        return [], problems
    suspect = "\0" in text or not data.isascii()
    rows: list[tuple[int, list[str]]] = []
    for line, fields in lines:
        if len(fields) != len(names):
            message = f"{len(fields)} fields where the header has {len(names)}"
            remedy = "give every column a value; quote fields that contain commas"
            problems.append(Problem(path, line, message, remedy))
            continue
        text_fault = _text_fault(fields) if suspect else None
        if text_fault is not None:
            problems.append(Problem(path, line, text_fault, "save the file as UTF-8 text"))
            continue
        rows.append((line, [fields[column] for column in at]))
    return rows, problems


def _records(path: Path, text: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
    """Records of CSV text with their lines; after a fault in quoting it goes on with the next."""
    lines = [f"{line}\n" for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    done = 0  # lines behind us
    while done < len(lines):
        start = done
        reader = csv.reader(map(lines.__getitem__, range(start, len(lines))), strict=True)
        try:
            for fields in reader:
                if fields:
                    yield done + 1, fields
                done = start + reader.line_num
        except csv.Error as error:
            remedy = "close the quote, or double a quote inside a quoted field"
            problems.append(Problem(path, done + 1, f"not valid CSV ({error})", remedy))
            done += 1


def _text_fault(fields: Iterable[str]) -> str | None:
    """Why a record's text is not text, or None."""
    text = "".join(fields)
    if "\0" in text:
        return "a NUL byte"
    return "bytes that are not UTF-8" if UNDECODABLE.search(text) else None
