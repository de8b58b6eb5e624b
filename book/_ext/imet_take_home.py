"""Executed notebooks for reading in Jupyter, which does not resolve MyST: numbers are filled in.

Next to every chapter's page lies `notebooks/NAME.ipynb`: its code and outputs, and its prose as
plain Markdown. Roles become text or links, quotes block quotes, captions a cell below their figure,
and the works cited a list at the end. Figure numbers and page titles are those of the book.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from imet_lessons import parse_quiz
from imet_num import values_of
from imet_quotes import DOCUMENTS
from imet_references import author_year
from imet_values import UnknownValue
from pybtex.database import BibliographyData, parse_file
from pybtex.plugin import find_plugin
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]?(?P<argument>.*)\n"
    r"(?P<body>(?:.*\n)*?)(?P=fence)[ ]*$",
    re.MULTILINE,
)
OPTION = re.compile(r":(?P<key>[\w-]+):[ ]?(?P<value>.*)\n?")
ROLE = re.compile(r"\{(?P<name>[\w:-]+)\}`(?P<text>[^`]+)`")
TITLED = re.compile(r"(?P<title>.+?)\s*<(?P<target>[^>]+)>", re.DOTALL)
LABEL = re.compile(r"^\([\w-]+\)=\n", re.MULTILINE)
PAGE = re.compile(r"\]\(\.\./(?P<page>[\w-]+)\.md")
DEFINITION = re.compile(r"^(?P<term>\S.*)\n:[ ]+(?P<text>.*)$", re.MULTILINE)
BOXES = {"note", "tip", "warning", "important", "caution", "hint", "seealso", "admonition"}


@cache
def style_and_backend() -> tuple[Any, Any]:
    """Pybtex looks through all installed packages for each, so this is done once."""
    style, backend = ("pybtex.style.formatting", "plain"), ("pybtex.backends", "markdown")
    return find_plugin(*style)(), find_plugin(*backend)()


class TakeHome:
    """The prose of one chapter as plain Markdown.

    Args:
        app: Sphinx after a build; its environment knows titles, labels and figure numbers.
        docname: document name of the chapter, "notebooks/03_baseline".
        entries: entries of `references.bib`.
    """

    def __init__(self, app: Sphinx, docname: str, entries: BibliographyData) -> None:
        self.app, self.env, self.docname = app, app.env, docname
        self.page = docname.rsplit("/", 1)[-1]
        self.entries = entries
        self.cited: list[str] = []
        self.tables = [
            table
            for table in app.env.get_doctree(docname).findall(nodes.table)
            if "reported-table" in table["classes"]
        ]

    def markdown(self, text: str) -> str:
        """Text with every directive and role resolved; an unknown one is a warning."""
        text = FENCE.sub(self._directive, text + "\n").rstrip("\n")
        text = LABEL.sub("", text)
        text = PAGE.sub(rf"]({self.app.config.html_baseurl}\g<page>.html", text)
        text = DEFINITION.sub(r"**\g<term>**: \g<text>", text)
        return ROLE.sub(self._role, text)

    def references(self) -> str:
        """The works cited so far, as a list."""
        style, backend = style_and_backend()
        chosen = [self.entries.entries[key] for key in dict.fromkeys(self.cited)]
        texts = [entry.text.render(backend) for entry in style.format_entries(chosen)]
        return "\n".join("- " + " ".join(text.split()) for text in texts)

    # --- Roles -----------------------------------------------------------------------------------

    def _role(self, match: re.Match[str]) -> str:
        roles: dict[str, Callable[[str, str], str]] = {
            "num": self._num,
            "numref": self._numref,
            "doc": self._doc,
            "ref": self._ref,
            "term": lambda title, target: title or target,
            "cite": self._cite,
            "cite:p": self._cite,
            "cite:t": self._cite_in_text,
            "math": lambda title, target: f"${target}$",
        }
        name, text = match["name"], match["text"]
        if name not in roles:
            return self._unknown("role", name)
        titled = TITLED.fullmatch(text) if name not in ("num", "math") else None
        title, target = (titled["title"], titled["target"]) if titled else ("", text)
        return roles[name](" ".join(title.split()), " ".join(target.split()))

    def _num(self, title: str, target: str) -> str:
        try:
            return str(values_of(self.env).text(target, self.page)[0])
        except UnknownValue:  # the role has already warned
            return "?"

    def _numref(self, title: str, target: str) -> str:
        docname, node_id = self.env.get_domain("std").anonlabels.get(target, ("", ""))
        for kind, numbers in self.env.toc_fignumbers.get(docname, {}).items():
            if node_id in numbers:
                number = ".".join(map(str, numbers[node_id]))
                return str(title or self.app.config.numfig_format[kind]).replace("%s", number)
        return title or target

    def _doc(self, title: str, target: str) -> str:
        folder = self.docname.rsplit("/", 1)[0]
        docname = target.lstrip("/") if target.startswith("/") else f"{folder}/{target}"
        if docname.startswith(f"{folder}/../"):
            docname = docname.removeprefix(f"{folder}/../")
        if docname not in self.env.titles:
            return title or target
        return self._link(title or self.env.titles[docname].astext(), docname)

    def _ref(self, title: str, target: str) -> str:
        labels = self.env.get_domain("std").labels
        if target not in labels:
            return title or target
        docname, node_id, section = labels[target]
        return self._link(title or section, docname, node_id)

    def _link(self, title: str, docname: str, node_id: str = "") -> str:
        """Link to a chapter's notebook beside this one, or to a page of the published book."""
        if docname == self.docname:
            return title
        if docname.startswith("notebooks/"):
            return f"[{title}]({docname.removeprefix('notebooks/')}.ipynb)"
        anchor = f"#{node_id}" if node_id else ""
        return f"[{title}]({self.app.config.html_baseurl}{docname}.html{anchor})"

    def _cite(self, title: str, target: str) -> str:
        return "(" + "; ".join(", ".join(self._author_year(k)) for k in target.split(",")) + ")"

    def _cite_in_text(self, title: str, target: str) -> str:
        return " and ".join("{} ({})".format(*self._author_year(k)) for k in target.split(","))

    def _author_year(self, key: str) -> tuple[str, str]:
        key = key.strip()
        if key not in self.entries.entries:
            return key, "?"
        self.cited.append(key)
        return author_year(self.entries.entries[key])

    # --- Directives ------------------------------------------------------------------------------

    def _directive(self, match: re.Match[str]) -> str:
        name, argument, body = match["name"], match["argument"].strip(), match["body"]
        options = {}
        while option := OPTION.match(body):
            options[option["key"]] = option["value"]
            body = body[option.end() :]
        body = FENCE.sub(self._directive, body).strip("\n")
        if name == "quote-doc":
            who, authors, key = DOCUMENTS.get(argument, (argument, "", ""))
            source = ", ".join(filter(None, [authors, options.get("where", "")]))
            return _quoted(f"**{who}**\n\n{body}\n\n— {source} {{cite}}`{key}`")
        if name == "reported-table":
            return _markdown_table(self.tables.pop(0)) if self.tables else ""
        if name == "exercise":
            return f"**Exercise{'. ' + argument if argument else '.'}** {body}"
        if name == "solution":
            return f"<details><summary>Solution</summary>\n\n{body}\n\n</details>"
        if name == "goals":
            learn, need = re.split(r"\n\s*\n", body)
            text = f"**You will learn** {learn}\n\n**You need** {need}"
            return _quoted(text)
        if name == "quiz":
            question, answers = parse_quiz(body)
            asked = "\n".join(f"- {text}" for _, text, _ in answers)
            told = "\n".join(f"- {'✓' if ok else '✗'} {text}: {why}" for ok, text, why in answers)
            return (
                f"**{question}**\n\n{asked}\n\n"
                f"<details><summary>Answer</summary>\n\n{told}\n\n</details>"
            )
        if name == "math":
            return f"$$\n{body}\n$$"
        if name in BOXES:
            return _quoted(f"**{argument or name.capitalize()}**\n\n{body}")
        return self._unknown("directive", name)

    def _unknown(self, kind: str, name: str) -> str:
        logger.warning("take home: no %s `%s`", kind, name, location=self.docname, type="imet")
        return ""


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.splitlines())


def _markdown_table(table: nodes.table) -> str:
    """A table as Markdown; headings of two levels become one."""
    lines = []
    for row in table.findall(nodes.row):
        cells: list[str] = []
        for entry in row.findall(nodes.entry):
            text = "<br>".join(part.astext() for part in entry.findall(nodes.paragraph))
            cells += [text] * (1 + entry.get("morecols", 0))
        lines.append(cells)
    heads = len(list(next(iter(table.findall(nodes.thead))).findall(nodes.row)))
    head = [", ".join(filter(None, column)) for column in zip(*lines[:heads])]
    rows = [head, ["---"] * len(head), *lines[heads:]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in rows)


def take_home(app: Sphinx, docname: str, entries: BibliographyData) -> nbformat.NotebookNode:
    """The executed notebook of a chapter with its prose as plain Markdown."""
    prose = TakeHome(app, docname, entries)
    source = Path(app.env.doc2path(docname))
    notebook = nbformat.read(source, as_version=4)
    cells: list[nbformat.NotebookNode] = []
    for cell in notebook.cells:
        tags = set(cell.metadata.get("tags", []))
        if cell.cell_type == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(prose.markdown(cell.source)))
            continue
        if "remove-cell" in tags and "injected-parameters" not in tags:
            continue
        figure = cell.metadata.get("mystnb", {}).get("figure", {})
        cell.metadata = nbformat.from_dict({"tags": sorted(tags & {"parameters", "solution"})})
        cells.append(cell)
        if figure:
            text = f"**{{numref}}`{figure['name']}`.** {figure['caption']}"
            cells.append(nbformat.v4.new_markdown_cell(prose.markdown(text)))
    cells.insert(1, nbformat.v4.new_markdown_cell(_where_from(app, docname)))
    if prose.cited:
        text = f"## References\n\n{prose.references()}"
        cells.append(nbformat.v4.new_markdown_cell(text))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    notebook.cells = cells
    notebook.metadata.pop("jupytext", None)
    return notebook


def _where_from(app: Sphinx, docname: str) -> str:
    name = docname.removeprefix("notebooks/")
    results = Path(app.env.srcdir) / "_results" / f"{name}.json"
    source = json.loads(results.read_text(encoding="utf-8"))["provenance"]
    facts = ", ".join(f"{k} {source[k]}" for k in ("profile", "seed", "device", "commit", "date"))
    return (
        f"*Executed with {facts}.* It runs again in a checkout of the report, in Jupyter started "
        f"from the top folder; its source is `notebooks/{name}.py`, and "
        f"[its page]({app.config.html_baseurl}{docname}.html) has the same text."
    )


def write_all(app: Sphinx, error: Exception | None) -> None:
    """Write the notebooks once the pages are written."""
    if error or app.builder.format != "html":
        return
    entries = parse_file(Path(app.env.srcdir) / "references.bib")
    for docname in sorted(app.env.found_docs):
        if docname.startswith("notebooks/"):
            notebook = take_home(app, docname, entries)
            nbformat.validate(notebook)
            nbformat.write(notebook, Path(app.outdir) / f"{docname}.ipynb")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write every chapter's notebook at the end of a build."""
    app.connect("build-finished", write_all)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
