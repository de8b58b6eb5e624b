"""The directive `model-cards`: one small card for each row of a document's tables.

    ```{model-cards} paper
    ```

A card says what ran in this build, read from the run's own files (`_results/_cards.json`, which
`build.py` writes). A row that this build has not run says so.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from imet_reported import DASH
from imet_values import read_reported, write
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

METRIC_ON_CARDS = {
    "F2": "f2",
    "F1": "f1",
    "precision": "precision",
    "recall": "recall",
    "macro AUC": "auc_macro",
    "loss": "loss",
}
NETWORKS = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "resnet50": "ResNet50",
    "vgg16": "VGG16",
    "vgg16_bn": "VGG16_bn",
    "tiny": "a shrunken network",
}
PICTURES = {
    "simulated": "Drawn pictures",
    "kaggle": "Kaggle's photographs",
    "folder": "A folder of pictures",
}
LOSSES = {"weighted_bce": "class-weighted cross-entropy", "focal": "focal loss"}
COMMON = "As for all rows: {ref}`what holds for every card <model-cards-common>`."


def estimate(part: dict[str, Any], measure: str) -> str:
    """A value with its interval, which does not break, if it has one; a dash for none.

    Examples:
        >>> estimate({"f2": {"value": 0.5, "low": 0.25, "high": 0.75}, "loss": 62.08}, "f2")
        '0.500 [0.250,\\xa00.750]'
        >>> estimate({"loss": 62.08}, "loss"), estimate({}, "auc_macro")
        ('62.08', '–')
    """
    value = part.get(measure)
    if isinstance(value, dict):
        ends = [value["low"], value["high"]]
        interval = write(ends, ".3f").replace(" ", "\N{NO-BREAK SPACE}")
        return f"{write(value['value'], '.3f')} {interval}"
    if value is None:
        return DASH
    return write(float(value), ".4g" if measure == "loss" else ".3f")


def network(recipe: dict[str, Any], documents: str) -> str:
    """What computed the features, and what the document has in its place."""
    name = NETWORKS.get(recipe["backbone"], recipe["backbone"])
    weights = {"imagenet": "ImageNet weights", "random": "random weights"}
    text = f"{name} with {weights.get(recipe['weights'], 'weights of a folder')}, "
    text += "frozen" if recipe["frozen"] else "fine-tuned"
    text += f", pictures of {recipe['input_size']} pixels"
    if recipe["backbone"] != documents:
        text += f". The document has {NETWORKS.get(documents, documents)}"
    return text + f". Head: `{recipe['model']}`."


def data(card: dict[str, Any]) -> str:
    """Pictures, works of each part, labels and views."""
    works, recipe = card["metrics"]["works"], card["recipe"]
    views = {"six": "six views", "one": "one view"}[recipe["views"]]
    return (
        f"{PICTURES[card['pictures']]} (profile `{card['profile']}`); "
        f"{works['train']:,} training, {works['val']:,} validation "
        f"and {works['test']:,} test works; {card['metrics']['labels']:,} labels; "
        f"{views} of a work."
    )


def failures(card: dict[str, Any]) -> list[str]:
    """What this row is known to do badly, as far as the run's files tell."""
    metrics, given = card["metrics"], card["given"]
    test, gain = metrics["test"], metrics["test"]["gain_over_floor"]
    ends = [gain["low"], gain["high"]]
    empty = f"{given['empty']:,} get none" if given["empty"] else "every one gets some"
    told = [
        f"Of {metrics['labels']:,} labels {given['never']:,} are given to no test work and "
        f"{given['half']:,} to more than half of them.",
        f"A test work is given {test['predicted_labels']:.1f} labels on average; {empty}.",
        f"On test works F2 differs from the floor of a model that does not look by "
        f"{write(gain['value'], '+.3f')} {write(ends, '+.3f')}: {write(ends, 'verdict')}.",
    ]
    if test["auc_macro"] is not None:
        labels = f"{test['auc_classes']:,} labels"
        told.append(f"AUC is a mean over {labels}. Test works cannot measure the rest.")
    if metrics["best_epoch"] == card["recipe"]["epochs"]:
        told.append("The epoch that was kept is the last one: more training might still help.")
    if metrics["rule"].get("at_edge"):
        told.append("The decision rule stands at the edge of what was searched.")
    return told


def body(card: dict[str, Any]) -> str:
    """A card as MyST text: a definition list with a table of scores in it."""
    metrics, recipe = card["metrics"], card["recipe"]
    scores = "\n".join(
        f"  | {name} | {estimate(metrics['val'], key)} | {estimate(metrics['test'], key)} |"
        for name, key in METRIC_ON_CARDS.items()
    )
    loss = LOSSES.get(recipe["loss"], recipe["loss"])
    kept = f"epoch {metrics['best_epoch']} was kept, for its F2 on validation"
    failing = "\n".join(f"  {line}" for line in failures(card))
    source = metrics["provenance"]
    return f"""
Network
: {network(recipe, card["documents_backbone"])}

Data
: {data(card)}

Training
: {recipe["epochs"]} epochs with {loss}; {kept}.

Decision
: {card["rule"][:1].upper()}{card["rule"][1:]}. Tuned on validation.

Scores
: | | validation | test |
  |---|---|---|
{scores}

Failures
:{failing[1:]}

Use, misuse
: {COMMON}

Run
: `{card["run"]}`, seed {source["seed"]}, commit {source["commit"]}.
"""


class ModelCards(SphinxDirective):
    """A section with a card for each model in the tables of one document."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        document = self.arguments[0]
        path = Path(self.env.srcdir) / "_results" / "_cards.json"
        reported = Path(self.env.srcdir) / "reported.csv"
        for file in (path, reported):
            self.env.note_dependency(str(file))
        cards = json.loads(path.read_text(encoding="utf-8"))
        names: dict[str, str] = {}
        for row in read_reported(reported):
            if row["document"] == document and row["row"]:
                names.setdefault(row["model"], row["row"])
        if not names:
            raise self.error(f"reported.csv has no rows of {document}")
        return [self.card(model, name, cards.get(model)) for model, name in names.items()]

    def card(self, model: str, title: str, card: dict[str, Any] | None) -> nodes.section:
        """One card as a section of its own."""
        section = nodes.section("", nodes.title("", title), ids=[f"card-{model.replace('_', '-')}"])
        section["classes"].append("model-card")
        text = body(card) if card else "This build has not run this row."
        lines = StringList(text.splitlines(), self.get_location())
        self.state.nested_parse(lines, self.content_offset, section)
        return section


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("model-cards", ModelCards)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
