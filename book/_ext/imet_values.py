"""Values of results files: find one by its key, write it in a format.

A results file is JSON, `{"provenance": {...}, "values": {...}}`. A page's own file carries the
page's name; `03_baseline/test.f2` reads another page's, `recorded/NAME/key` a recorded study's and
`reported/KEY` the documents' own numbers in `reported.csv`. Nothing here depends on Sphinx.
"""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

FORMAT = re.compile(r"verdict|[<>=^+\- ]*[0-9]*[,_]?(\.[0-9]+)?[deEfgG%n]?")


POWER = re.compile(r"(?<=\d)e([+-]?)0*(\d+)$")
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "+")


class UnknownValue(KeyError):
    """A key that no results file has."""

    def __str__(self) -> str:
        return str(self.args[0])


def find(values: Any, key: str) -> Any:
    """Follow `key`, parts joined by dots, through nested mappings and lists.

    A name may itself contain dots: the longest name that fits is taken at every level.

    Examples:
        >>> find({"test": {"f2": 0.5}, "curve": [1, 2]}, "test.f2")
        0.5
        >>> find({"top": {"a.b": 3}}, "top.a.b"), find({"curve": [1, 2]}, "curve.1")
        (3, 2)
    """
    parts = key.split(".")
    if isinstance(values, list):
        if parts[0].isdigit() and int(parts[0]) < len(values):
            item = values[int(parts[0])]
            return find(item, ".".join(parts[1:])) if parts[1:] else item
    elif isinstance(values, dict):
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if name in values:
                rest = ".".join(parts[length:])
                return find(values[name], rest) if rest else values[name]
        near = ", ".join(list(values)[:12])
        raise UnknownValue(f"no value `{key}`; here are: {near}")
    raise UnknownValue(f"no value `{key}`")


def lookup(values: Any, text: str) -> tuple[Any, str, str]:
    """Split `key:format` and find the key; give value, key and format.

    Label names hold colons (`counts.tag::men`), so the whole text is tried as a key first.

    Examples:
        >>> lookup({"counts": {"tag::men": 19970}}, "counts.tag::men:,d")
        (19970, 'counts.tag::men', ',d')
        >>> lookup({"counts": {"tag::men": 19970}}, "counts.tag::men")
        (19970, 'counts.tag::men', '')
    """
    try:
        return find(values, text), text, ""
    except UnknownValue as error:
        key, colon, spec = text.rpartition(":")
        if not colon or not FORMAT.fullmatch(spec):
            raise
        try:
            return find(values, key), key, spec
        except UnknownValue:
            raise UnknownValue(str(error).replace(f"`{text}`", f"`{key}`")) from error


def write(value: Any, spec: str) -> str:
    r"""Format one value for prose: real minus signs, intervals in brackets, yes and no.

    `verdict` says what the interval of a difference does, so that no sentence can claim more.

    Examples:
        >>> write(-0.0514, "+.3f"), write([0.25, 0.5], ".2f"), write(True, "")
        ('−0.051', '[0.25, 0.50]', 'yes')
        >>> write(0.1234, ".1%"), write(109237, ",d"), write("adam", ""), write(-2.5e-07, ".0e")
        ('12.3\xa0%', '109,237', 'adam', '−2×10⁻⁷')
        >>> [write(ends, "verdict") for ends in ([0.01, 0.2], [-0.2, -0.01], [-0.001, 0.033])]
        ['a gain', 'a loss', 'too little to tell from none']
    """
    if value is None:
        raise ValueError("the value is null, which is no number")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if spec == "verdict" and not isinstance(value, str):
        if not isinstance(value, list) or len(value) != 2:
            raise ValueError("has no verdict: it is no interval")
        low, high = value
        return "a gain" if low > 0 else "a loss" if high < 0 else "too little to tell from none"
    if isinstance(value, list):
        return "[" + ", ".join(write(item, spec) for item in value) + "]"
    if isinstance(value, dict):
        raise ValueError(f"is a group of values ({', '.join(list(value)[:8])}), not one")
    if isinstance(value, str):
        return value
    if spec.endswith("d") and isinstance(value, float):
        if not value.is_integer():
            raise ValueError(f"{value} is not whole; use a format like .1f")
        value = int(value)
    text = format(value, spec) if spec else str(value)
    text = POWER.sub(lambda m: "×10" + (m[1] + m[2]).translate(RAISED), text)
    return re.sub(r"(?<=\d)%$", "\N{NO-BREAK SPACE}%", text).replace("-", "\N{MINUS SIGN}")


def read_results(path: Path) -> dict[str, Any]:
    """Read one results file; if it is missing, raise an `UnknownValue` that names it."""
    if not path.is_file():
        raise UnknownValue(f"no results file for `{path.stem}`")
    return json.loads(path.read_text(encoding="utf-8"))


def read_reported(path: Path) -> list[dict[str, str]]:
    """Rows of `reported.csv`, every field a string."""
    with open(path, newline="", encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def number(text: str) -> Any:
    """A reported value as a number if it is one, else unchanged.

    Examples:
        >>> number("0.327"), number("32"), number("x0.1 / 10 epochs")
        (0.327, 32, 'x0.1 / 10 epochs')
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def as_printed(text: str, what: str = "") -> str:
    """A reported value as a page prints it: with commas, powers of ten and all printed digits.

    `what` is the value's name: ids of classes count nothing and have no commas.

    Examples:
        >>> as_printed("10368"), as_printed("1e-05"), as_printed("0.410"), as_printed("-0.1")
        ('10,368', '1×10⁻⁵', '0.410', '−0.1')
        >>> as_printed("1092", "class id of women"), as_printed("x0.1")
        ('1092', 'x0.1')
    """
    value = number(text)
    if isinstance(value, str) or what.startswith("class id"):
        return text
    if isinstance(value, int):
        return write(value, ",d")
    return write(value, "") if "e" in text else text.replace("-", "\N{MINUS SIGN}")


class Values:
    """The results files of one book, read once each; remembers which files were asked for."""

    def __init__(self, source: Path):
        self.source = source
        self._read: dict[Path, Any] = {}

    def file_of(self, page: str) -> Path:
        """The file that holds a page's values."""
        if page == "reported":
            return self.source / "reported.csv"
        return self.source / "_results" / f"{page}.json"

    def of(self, page: str) -> Any:
        """All values of a page, `reported` or `recorded/NAME`."""
        path = self.file_of(page)
        if path not in self._read:
            if page == "reported":
                rows = read_reported(path)
                self._read[path] = {row["key"]: number(row["value"]) for row in rows}
            else:
                content = read_results(path)
                self._read[path] = content.get("values", content)
        return self._read[path]

    def split(self, text: str, page: str) -> tuple[str, str]:
        """The page that a reference names, or else `page`, and the rest of the reference."""
        name, slash, rest = text.rpartition("/")
        return (name, rest) if slash else (page, text)

    def is_earlier(self, page: str, key: str) -> bool:
        """Whether a recorded value was neither made nor verified with the present code."""
        path = self.source / "_results" / "_earlier.json"
        if path not in self._read:
            self._read[path] = read_results(path) if path.is_file() else {}
        return any(f"{key}.".startswith(f"{name}.") for name in self._read[path].get(page, []))

    def text(self, reference: str, page: str) -> tuple[str, str, str]:
        """Resolve `[page/]key[:format]`: the text to print, the page and the key."""
        name, rest = self.split(reference, page)
        value, key, spec = lookup(self.of(name), rest)
        try:
            return write(value, spec), name, key
        except ValueError as error:
            raise UnknownValue(f"`{name}/{key}`: {error}") from error


def page_of(docname: str) -> str:
    """A page's name: the last part of its document name."""
    return docname.rsplit("/", 1)[-1]
