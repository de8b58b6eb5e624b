"""Model cards say what ran, and name a row that did not run."""

from __future__ import annotations

from typing import Any

import imet_cards
import pytest

F2 = {"value": 0.5, "low": 0.4, "high": 0.6}


def card(**changes: Any) -> dict[str, Any]:
    part = dict.fromkeys(("f2", "f1", "precision", "recall"), F2)
    test = part | {
        "auc_macro": 0.8,
        "auc_classes": 7,
        "predicted_labels": 2.5,
        "gain_over_floor": {"value": 0.1, "low": -0.1, "high": 0.2},
    }
    metrics = {
        "works": {"train": 1000, "val": 100, "test": 100},
        "labels": 9,
        "best_epoch": 2,
        "rule": {"rule": "global", "at_edge": False},
        "val": part | {"auc_macro": None, "loss": 62.076},
        "test": test,
        "provenance": {"seed": 3, "commit": "abc"},
    }
    recipe = {
        "backbone": "efficientnet_lite0",
        "weights": "imagenet",
        "frozen": True,
        "input_size": 224,
        "model": "resnet50",
        "views": "six",
        "epochs": 3,
        "loss": "focal",
    }
    made = {
        "recipe": recipe,
        "documents_backbone": "resnet50",
        "profile": "sample",
        "pictures": "simulated",
        "run": "resnet50-0",
        "metrics": metrics,
        "rule": "score ≥ 0.1",
        "given": {"never": 4, "half": 1, "empty": 0},
    }
    return made | changes


def test_a_card_has_network_data_rule_and_scores_with_intervals() -> None:
    text = imet_cards.body(card())
    assert "EfficientNet-Lite0 with ImageNet weights, frozen, pictures of 224 pixels" in text
    assert "The document has ResNet50." in text
    assert "1,000 training, 100 validation and 100 test works; 9 labels; six views" in text
    assert "3 epochs with focal loss; epoch 2 was kept" in text
    assert ": Score ≥ 0.1. Tuned on validation." in text
    assert "| F2 | 0.500 [0.400,\N{NO-BREAK SPACE}0.600] |" in text
    assert "| loss | 62.08 | – |" in text
    assert "| macro AUC | – | 0.800 |" in text
    assert "seed 3, commit abc" in text


def test_a_card_claims_no_gain_that_its_interval_does_not_hold() -> None:
    told = " ".join(imet_cards.failures(card()))
    assert "too little to tell from none" in told
    assert "Of 9 labels 4 are given to no test work and 1 to more than half" in told
    assert "last one" not in told
    assert "edge" not in told


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("best_epoch", 3, "the last one"), ("rule", {"at_edge": True}, "edge of what was searched")],
)
def test_a_card_says_where_training_or_search_ended_early(key: str, value: Any, words: str) -> None:
    row = card()
    row["metrics"][key] = value
    assert words in " ".join(imet_cards.failures(row))


def test_works_without_any_label_are_counted() -> None:
    given = {"never": 4, "half": 1, "empty": 6}
    assert "6 get none" in " ".join(imet_cards.failures(card(given=given)))
