"""What a chapter is for its readers: `goals` opens it, `quiz` asks at its end.

    ```{goals}
    :learn: how a split can be recovered; why it matters
    :need: {doc}`01_data_exploration`
    ```

    ```{quiz}
    What is dropped with a rare label?
    - [x] every work that carries it :: Yes, and with the work its other labels.
    - [ ] the label alone :: Then no work would be lost. It is the works that go.
    ```

A quiz works from disk and without a mouse: radio buttons, and a reason behind every answer. Without
scripts all reasons are shown.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from imet_values import page_of
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

WORDS_A_MINUTE = 180
EXERCISE_MINUTES = 10
ANSWER = re.compile(r"- \[(?P<right>[ x])\] (?P<text>.*?) :: (?P<why>.*)", re.DOTALL)


def parse_quiz(text: str) -> tuple[str, list[tuple[bool, str, str]]]:
    """Question and answers, each right or wrong, with its reason.

    Raises:
        ValueError: not two answers at least, not one right one, or an answer without a reason.

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
    """What a chapter teaches, what it takes for granted and how long it takes."""

    option_spec: ClassVar = {
        "learn": directives.unchanged_required,
        "need": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        box = nodes.container(classes=["goals"])
        for title, key in (("You will learn", "learn"), ("You need", "need")):
            text = f"**{title}** {self.options[key]}"
            self.state.nested_parse(StringList([text], self.get_location()), self.lineno, box)
        box += goals_time("")
        return [box]


class goals_time(nodes.paragraph):
    """Filled once the whole page is read."""


def fill_times(app: Sphinx, doctree: nodes.document) -> None:
    """Reading time from the page's words, exercises from their number, the run from the build."""
    marks = list(doctree.findall(goals_time))
    if not marks:
        return
    prose = [n for n in doctree.findall(nodes.paragraph) if not isinstance(n, goals_time)]
    minutes = max(round(sum(len(n.astext().split()) for n in prose) / WORDS_A_MINUTE), 1)
    exercises = sum("exercise" in n.get("classes", []) for n in doctree.findall(nodes.Element))
    path = Path(app.env.srcdir) / "_results" / "_times.json"
    seconds = json.loads(path.read_text(encoding="utf-8"))["seconds"] if path.is_file() else {}
    ran = seconds.get(page_of(app.env.docname))
    parts = [f" about {minutes} minutes to read"]
    if exercises:
        parts.append(f"{exercises * EXERCISE_MINUTES} more for {exercises} exercises")
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
    """Its children, with nothing around them."""


def nothing(translator: Any, node: nodes.Node) -> None:
    """Write nothing."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register both directives."""
    app.add_node(quiz_node, html=(nothing, nothing))
    app.add_directive("goals", Goals)
    app.add_directive("quiz", Quiz)
    app.connect("doctree-read", fill_times, priority=900)
    app.add_js_file("quiz.js", loading_method="defer")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
