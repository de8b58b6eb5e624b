"""Directives for a chapter's readers: `goals` opens the chapter, `quiz` asks at its end.

    ```{goals}
    how a split can be recovered; why it matters.

    {doc}`01_data_exploration`.
    ```

    ```{quiz}
    What is dropped with a rare label?
    - [x] every work that carries it :: Yes, and with the work its other labels.
    - [ ] the label alone :: Then no work would be lost. It is the works that go.
    ```

A quiz works from disk and without a mouse: it has radio buttons, and a reason for every answer.
Without scripts, all reasons are shown.
"""

from __future__ import annotations

import json
import re
import textwrap
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from imet_values import page_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WORDS_A_MINUTE = 130  # dense prose, read to be understood
FIGURE_MINUTES = 1
EXERCISE_MINUTES = {"1": 5, "2": 10, "3": 20}  # by level
LEVEL = re.compile(r"Level (\d)")
NEEDED = re.compile(r"\{doc\}`([\w/]+)`")
ANSWER = re.compile(r"- \[(?P<right>[ x])\] (?P<text>.*?) :: (?P<why>.*)", re.DOTALL)


def parse_quiz(text: str) -> tuple[str, list[tuple[bool, str, str]]]:
    """Parse a question and its answers, each right or wrong, with a reason.

    Raises:
        ValueError: fewer than two answers, not exactly one right, or an answer without a reason.

    Examples:
        >>> parse_quiz("What?\\n- [x] a :: yes\\n- [ ] b :: no,\\n  never")
        ('What?', [(True, 'a', 'yes'), (False, 'b', 'no, never')])
    """
    question, *answers = re.split(r"\n(?=- \[)", text.strip())
    parsed = []
    for answer in answers:
        match = ANSWER.fullmatch(" ".join(answer.split()))
        if match is None:
            raise ValueError(f"an answer is `- [x] text :: reason`, not {answer!r}")
        parsed.append((match["right"] == "x", match["text"], match["why"]))
    if len(parsed) < 2 or sum(right for right, _, _ in parsed) != 1:
        raise ValueError(f"{question!r} needs two answers at least, one of them right")
    return " ".join(question.split()), parsed


class Goals(SphinxDirective):
    """What a chapter teaches and what it takes for granted, in two paragraphs; then its times."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        texts = re.split(r"\n\s*\n", "\n".join(self.content).strip())
        if len(texts) != 2:
            raise self.error("goals: two paragraphs, what one will learn and what one needs")
        needs = self.env.__dict__.setdefault("imet_needs", {})
        needs[self.env.docname] = NEEDED.findall(texts[1])
        box = nodes.container(classes=["goals"])
        for title, text in zip(("You will learn", "You need"), texts):
            text = f"**{title}** {' '.join(text.split())}"
            self.state.nested_parse(StringList([text], self.get_location()), self.lineno, box)
        box += goals_time("")
        return [box]


class chapter_graph(nodes.General, nodes.Element):
    """Placeholder, filled once all chapters are read."""


class ChapterGraph(SphinxDirective):
    """Which chapter needs which, read from their goals: a picture whose boxes are links."""

    def run(self) -> list[nodes.Node]:
        return [chapter_graph("")]


def implied(needs: dict[str, list[str]], name: str, before: str) -> bool:
    """Whether `before` is also needed by another chapter that `name` needs, directly or not."""
    nearer, seen = [n for n in needs[name] if n != before], set()
    while nearer:
        seen.add(other := nearer.pop())
        nearer += [n for n in needs.get(other, []) if n not in seen]
    return before in seen


def direct(needs: dict[str, list[str]]) -> dict[str, list[str]]:
    """What each chapter needs itself, without what its other needs already imply.

    Examples:
        >>> direct({"a": [], "b": ["a"], "c": ["a", "b"]})
        {'a': [], 'b': ['a'], 'c': ['b']}
    """
    return {
        name: [b for b in before if b in needs and not implied(needs, name, b)]
        for name, before in needs.items()
    }


def depths(needs: dict[str, list[str]]) -> dict[str, int]:
    """Number of chapters that come before each one, along the longest chain of needs.

    A chapter that needs none stands right above the first that needs it, to keep lines short.

    Examples:
        >>> depths({"a": [], "b": ["a"], "c": ["a", "b", "d"], "d": []})
        {'a': 0, 'b': 1, 'c': 2, 'd': 1}
    """
    depth = dict.fromkeys(needs, 0)
    for _ in needs:
        for name, before in needs.items():
            depth[name] = max([depth[name], *(depth[b] + 1 for b in before if b in depth)])
    first = {n: min([d for m, d in depth.items() if n in needs[m]], default=1) for n in needs}
    return {n: first[n] - 1 if not needs[n] else depth[n] for n in needs}


def in_rows(needs: dict[str, list[str]], sweeps: int = 4) -> list[list[str]]:
    """Chapters by depth, each row ordered so that few lines cross.

    Each chapter moves to the mean place of those it needs, then of those that need it, in turn.
    """
    depth = depths(needs)
    rows = [[n for n in sorted(needs) if depth[n] == d] for d in sorted(set(depth.values()))]
    for sweep in range(2 * sweeps + 1):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            at = {n: (i + 0.5) / len(each) for each in rows for i, n in enumerate(each)}
            key = {}
            for name in row:
                tied = needs[name] if sweep % 2 == 0 else [m for m in needs if name in needs[m]]
                places = [at[n] for n in tied if n in at] or [at[name]]
                key[name] = sum(places) / len(places)
            row.sort(key=key.__getitem__)
    return rows


def graph_svg(needs: dict[str, list[str]], titles: dict[str, str], links: dict[str, str]) -> str:
    """The graph as SVG: a row for each depth, arrows from a chapter down to those that need it.

    No arrow is drawn where others already lead there; titles end at their first comma.
    """
    needs = direct(needs)
    rows = in_rows(needs)
    wide, high, gap, between, margin = 124, 46, 36, 10, 4
    side = max(len(row) for row in rows) * (wide + between) - between + 2 * margin
    place = {
        name: (side * (i + 0.5) / len(row), d * (high + gap) + high / 2 + margin)
        for d, row in enumerate(rows)
        for i, name in enumerate(row)
    }
    depth = {name: d for d, row in enumerate(rows) for name in row}
    parts = []
    for name, before in needs.items():
        for other in before:
            (x1, y1), (x2, y2) = place[other], place[name]
            way, y = f"M{x1:.0f} {y1 + high / 2:.0f}", y1 + high / 2
            for d in range(depth[other] + 1, depth[name]):  # between the boxes of rows in between
                gaps = [side * i / len(rows[d]) for i in range(1, len(rows[d]))] or [side / 4]
                straight = x1 + (x2 - x1) / (depth[name] - d + 1)
                x = min((abs(x - straight), x) for x in gaps)[1]
                way += bend(x1, y, x, y + gap) + f"V{y + gap + high:.0f}"
                x1, y = x, y + gap + high
            way += bend(x1, y, x2, y2 - high / 2 - 1)  # the tip touches the box
            parts.append(f'<path d="{way}"/>')
    for name, (x, y) in place.items():
        words = textwrap.wrap(named(name, titles), 20)[:3]
        text = "".join(
            f'<tspan x="{x:.0f}" y="{y + 11 - 7 * len(words) + 14 * k:.0f}">{escape(word)}</tspan>'
            for k, word in enumerate(words)
        )
        parts.append(
            f'<a href="{escape(links[name])}"><rect x="{x - wide / 2:.0f}" y="{y - high / 2:.0f}" '
            f'width="{wide}" height="{high}" rx="3"/><text>{text}</text></a>'
        )
    height = len(rows) * (high + gap) - gap + 2 * margin
    label = "Chapters as boxes, each below those that it needs, with arrows from them to it."
    tip = (
        '<defs><marker id="needs" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><polygon points="0,0 8,4 0,8"/></marker></defs>'
    )
    return (
        f'<svg class="chapter-graph" viewBox="0 0 {side} {height}" role="group" '
        f'aria-label="{label}">'
        f"{tip}{''.join(parts)}</svg>"
    )


def bend(x1: float, y1: float, x2: float, y2: float) -> str:
    """A curve from one point down to another, vertical at both: the rest of an SVG path.

    Examples:
        >>> bend(0, 0, 8, 10)
        'C0 5 8 5 8 10'
    """
    middle = (y1 + y2) / 2
    return f"C{x1:.0f} {middle:.0f} {x2:.0f} {middle:.0f} {x2:.0f} {y2:.0f}"


def named(name: str, titles: dict[str, str]) -> str:
    """Number and short title of a chapter.

    Examples:
        >>> named("11_predictions", {"11_predictions": "Predictions, and more"})
        '11 Predictions'
    """
    return f"{page_of(name).partition('_')[0]} {titles[name].partition(',')[0]}"


def graph_list(needs: dict[str, list[str]], titles: dict[str, str], links: dict[str, str]) -> str:
    """The same in words, for screens too small to read the picture's letters."""
    needs = direct(needs)
    link = {n: f'<a href="{escape(links[n])}">{escape(named(n, titles))}</a>' for n in needs}
    lines = []
    for name in sorted(needs):
        before = ", ".join(link[b] for b in needs[name])
        lines.append(f"<li>{link[name]}{' needs ' + before if before else ''}</li>")
    return f'<ul class="chapter-list">{"".join(lines)}</ul>'


def draw_graph(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the picture where the directive stood."""
    for mark in list(doctree.findall(chapter_graph)):
        chapters = {name for name in app.env.found_docs if name.startswith("notebooks/")}
        names = {name.rsplit("/", 1)[-1]: name for name in chapters}
        goals = app.env.__dict__.get("imet_needs", {})
        needs = {  # a chapter without goals needs none
            name: [names[n] for n in goals.get(name, ()) if n in names] for name in sorted(chapters)
        }
        titles = {name: app.env.titles[name].astext() for name in needs}
        links = {name: app.builder.get_relative_uri(docname, name) for name in needs}
        drawn = [draw(needs, titles, links) for draw in (graph_svg, graph_list) if needs]
        mark.replace_self(nodes.raw("", "".join(drawn), format="html"))


class goals_time(nodes.paragraph):
    """Placeholder, filled once the whole page is read."""


def levels_of(doctree: nodes.Element) -> list[str]:
    """The level of each exercise, as its title states it."""
    asked = [n for n in doctree.findall(nodes.Element) if "exercise" in n.get("classes", [])]
    matches = [LEVEL.search(n.astext()) for n in asked]
    return [match[1] if match else "2" for match in matches]


def fill_times(app: Sphinx, doctree: nodes.document) -> None:
    """Fill in times: reading by words and figures, exercises by level, running by the build."""
    marks = list(doctree.findall(goals_time))
    if not marks:
        return
    prose = [n for n in doctree.findall(nodes.paragraph) if not isinstance(n, goals_time)]
    figures = len(list(doctree.findall(nodes.figure)))
    words = sum(len(n.astext().split()) for n in prose)
    minutes = max(round(words / WORDS_A_MINUTE + figures * FIGURE_MINUTES), 1)
    levels = levels_of(doctree)
    path = Path(app.env.srcdir) / "_results" / "_times.json"
    seconds = json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.is_file() else {}
    ran, *_ = seconds.get(page_of(app.env.docname), [None])
    parts = [f" about {minutes} minutes to read"]
    if levels:
        more = sum(EXERCISE_MINUTES[level] for level in levels)
        parts.append(f"{more} more for {len(levels)} exercises")
    if ran is not None:
        parts.append(f"and {max(round(ran / 60, 1), 0.1):.1f} minutes ran here")
    for mark in marks:
        mark.replace_self(
            nodes.paragraph(
                "", "", nodes.strong("", "It takes"), nodes.Text(", ".join(parts) + ".")
            )
        )


class Quiz(SphinxDirective):
    """One question with several answers, one of them right, and a reason for each."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        try:
            question, answers = parse_quiz("\n".join(self.content))
        except ValueError as error:
            raise self.error(f"quiz: {error}") from error
        number = self.env.new_serialno("quiz")
        name = escape(f"{page_of(self.env.docname)}-{number}")
        box: list[nodes.Node] = [self.raw('<form class="quiz"><fieldset><legend>')]
        box += [*self.inline(question), self.raw("</legend>")]
        for right, text, why in answers:
            kind = "right" if right else "wrong"
            box.append(
                self.raw(f'<div class="answer {kind}"><label><input type="radio" name="{name}"> ')
            )
            box += [*self.inline(text), self.raw('</label><p class="why" role="status">')]
            sign = "✓ " if right else "✗ "
            box += [nodes.Text(sign), *self.inline(why), self.raw("</p></div>")]
        box.append(self.raw("</fieldset></form>"))
        return [quiz_node("", *box)]

    def raw(self, html: str) -> nodes.raw:
        return nodes.raw("", html, format="html")

    def inline(self, text: str) -> list[nodes.Node]:
        holder = nodes.container()
        self.state.nested_parse(StringList([text], self.get_location()), self.lineno, holder)
        return list(holder.children[0].children) if holder.children else [nodes.Text(text)]


class quiz_node(nodes.General, nodes.Element):
    """A node written as its children, with nothing around them."""


def nothing(translator: Any, node: nodes.Node) -> None:
    """Write nothing."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directives."""
    app.add_node(quiz_node, html=(nothing, nothing))
    app.add_directive("goals", Goals)
    app.add_directive("quiz", Quiz)
    app.add_directive("chapter-graph", ChapterGraph)
    app.connect("doctree-resolved", draw_graph)
    app.connect("doctree-read", fill_times, priority=900)
    app.add_js_file("quiz.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
