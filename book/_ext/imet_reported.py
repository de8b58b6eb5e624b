"""The directive `reported-table`: a document's table, with our numbers in extra columns.

    ```{reported-table} paper Table 1
    :metrics: f2 f1 precision recall
    :ours: 03_baseline/rows.{model}.{split}.{metric}
    :recorded: recorded/full_runs/{model}.{split}.{metric}
    ```

Reported values come from `reported.csv`. A value of ours is a number or
`{"value": …, "low": …, "high": …}`; a missing value is a dash.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from imet_num import values_of
from imet_values import UnknownValue, as_printed, find, page_of, read_reported, write
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
NAMES = {
    "f2": "F2",
    "f1": "F1",
    "precision": "Precision",
    "recall": "Recall",
    "auc": "Avg. AUC",
    "loss": "Loss",
    "batch_size": "Batch size",
    "learning_rate": "Learning rate",
    "step_factor": "Step factor",
    "step_epochs": "Step, epochs",
}
MODELS = {
    "resnet50": "baseline",
    "resnet50_hog": "ResNet50 + HOG",
    "attn_cnn_rnn": "AttnCNN-RNN",
    "attn_cnn_rnn_hog": "AttnCNN-RNN + HOG",
    "vgg16": "row 1",
    "vgg16_bn_step10": "row 2",
    "vgg16_bn_step15": "row 3",
    "vgg16_bn_6000": "row 4",
}
SPLITS = {"val": "validation", "test": "test", "train": "training"}
DASH = "–"


def cell_text(value: Any, spec: str) -> str:
    """A value of ours as text, with its interval, if any, on a second line."""
    if isinstance(value, dict) and "value" in value:
        text = write(value["value"], spec)
        if value.get("low") is not None and value.get("high") is not None:
            text += f"\n[{write(value['low'], spec)}, {write(value['high'], spec)}]"
        return text
    return write(value, spec)


def entry(text: str, column: str, more: int = 0) -> nodes.entry:
    """One table cell; the kind of its column is `what`, `reported`, `ours` or `recorded`."""
    cell = nodes.entry(classes=[column], **({"morecols": more} if more else {}))
    value, _, interval = text.partition("\n")
    cell += nodes.paragraph("", value)
    if interval:
        cell += nodes.paragraph("", interval, classes=["interval"])
    return cell


class ReportedTable(SphinxDirective):
    """Rows of `reported.csv` for one document and place, beside our own numbers."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec: ClassVar = {
        "metrics": directives.unchanged_required,
        "ours": directives.unchanged,
        "recorded": directives.unchanged,
        "models": directives.unchanged,
        "format": directives.unchanged,
        "caption": directives.unchanged,
        "name": directives.unchanged,
    }

    def run(self) -> list[nodes.Node]:
        document, _, where = self.arguments[0].partition(" ")
        source = Path(self.env.srcdir) / "reported.csv"
        self.env.note_dependency(str(source))
        reported = [
            row
            for row in read_reported(source)
            if row["document"] == document and row["where"] == where and row["row"]
        ]
        metrics = self.options.get("metrics", "f2").split()
        models = self.options.get("models", "").split() or list(
            dict.fromkeys(row["model"] for row in reported)
        )
        rows = list(
            dict.fromkeys(
                (row["row"], row["model"], row["split"])
                for model in models
                for row in reported
                if row["model"] == model
            )
        )
        value = {(row["model"], row["split"], row["metric"]): row["value"] for row in reported}
        unknown = [m for m in models if m not in {row["model"] for row in reported}]
        if not rows or unknown:
            raise self.error(f"reported.csv has no {', '.join(unknown)} in {document}, {where}")

        sources = ["reported"] + [k for k in ("ours", "recorded") if self.options.get(k)]
        titles = {"reported": "reported", "ours": "this build", "recorded": "recorded run"}
        filled = dict.fromkeys(sources, 0)
        spec = self.options.get("format", ".3f")

        body = []
        for name, model, split in rows:
            line = nodes.row()
            line += entry(f"{name}, {SPLITS.get(split, split)}", "what")
            for metric in metrics:
                for kind in sources:
                    if kind == "reported":
                        text = as_printed(value.get((model, split, metric), DASH))
                    else:
                        text = self.ours(kind, model, split, metric, spec)
                    filled[kind] += text != DASH
                    line += entry(text, kind)
            body.append(line)
        for kind in sources[1:]:
            if not filled[kind]:
                logger.warning(
                    "reported-table: no value for `%s`", self.options[kind],
                    location=self.get_location(), type="imet",
                )  # fmt: skip
        return [self.table(metrics, sources, titles, body)]

    def ours(self, kind: str, model: str, split: str, metric: str, spec: str) -> str:
        """One value of this build or of a recorded run, or a dash."""
        reference = self.options[kind].format(model=model, split=split, metric=metric)
        values = values_of(self.env)
        page, key = values.split(reference, page_of(self.env.docname))
        self.env.note_dependency(str(values.file_of(page)))
        try:
            return cell_text(find(values.of(page), key), spec)
        except UnknownValue:
            return DASH

    def table(
        self, metrics: list[str], sources: list[str], titles: dict[str, str], body: list[nodes.row]
    ) -> nodes.Element:
        """The table with two levels of headings: metric, then whose number it is."""
        columns = 1 + len(metrics) * len(sources)
        group = nodes.tgroup(cols=columns)
        for _ in range(columns):
            group += nodes.colspec(colwidth=1)
        top, below = nodes.row(), nodes.row()
        top += entry("", "what")
        below += entry("Model, split", "what")
        for metric in metrics:
            top += entry(NAMES.get(metric, metric), "metric", more=len(sources) - 1)
            for kind in sources:
                below += entry(titles[kind], kind)
        head = nodes.thead()
        head += [top, below] if len(sources) > 1 else [top]
        group += head
        rows = nodes.tbody()
        rows += body
        group += rows
        table = nodes.table(classes=["reported-table"])
        if "caption" in self.options:
            title, _ = self.state.inline_text(self.options["caption"], self.lineno)
            table += nodes.title(self.options["caption"], "", *title)
        table += group
        if "name" in self.options:
            self.add_name(table)
        box = nodes.container(classes=["table-scroll"])
        box += table
        return box


class ReportedList(SphinxDirective):
    """Rows of `reported.csv` outside the documents' tables, by document, then status."""

    required_arguments = 2

    def run(self) -> list[nodes.Node]:
        document, status = self.arguments
        source = Path(self.env.srcdir) / "reported.csv"
        self.env.note_dependency(str(source))
        rows = [
            row
            for row in read_reported(source)
            if row["document"] == document and row["status"] == status and not row["row"]
        ]
        if not rows:
            raise self.error(f"reported.csv has no {status} rows of {document}")
        group = nodes.tgroup(cols=4)
        for width in (30, 14, 16, 40):
            group += nodes.colspec(colwidth=width)
        head, line = nodes.thead(), nodes.row()
        line += [entry(t, "what") for t in ("What", "Value", "Where", "Note")]
        head += line
        body = nodes.tbody()
        for row in rows:
            metric = NAMES.get(row["metric"], row["metric"])
            model = MODELS.get(row["model"], row["model"])
            what = ", ".join(filter(None, [metric, model, SPLITS.get(row["split"], "")]))
            line = nodes.row()
            line += entry(what, "what")
            line += entry(as_printed(row["value"], metric), "value")
            line += [entry(row["where"], "where"), entry(row["note"], "note")]
            body += line
        group += head
        group += body
        table = nodes.table("", group, classes=["reported-list"])
        return [nodes.container("", table, classes=["table-scroll"])]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("reported-table", ReportedTable)
    app.add_directive("reported-list", ReportedList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
