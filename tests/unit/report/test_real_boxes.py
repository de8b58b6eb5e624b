"""Boxes of a folder of its own, scored with models that were trained on another collection."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from imet.data.boxes import read_boxes
from imet.data.tables import read_collection
from imet.report import real_boxes
from imet.runs import run
from imet_simulation import read_ground_truth, simulate

SMALL = {
    "epochs": 1, "most_beams": 1, "rnn_width": 16, "attention_width": 16, "learning_rate": 0.01,
    "gamma": 1e-6,
}  # fmt: skip
"""A low γ keeps every step, so that a network that has learnt nothing names some things."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    data = tmp_path_factory.mktemp("drawn") / "drawings"
    simulate(data, works=120, side=64, seed=4, workers=1, progress=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(tmp_path_factory.mktemp("home")))
        yield {
            name: run(name, "tiny", device="cpu", data=data, overrides=changes)
            for name, changes in (("attn_cnn_rnn", SMALL), ("resnet50", {}), ("vgg16", {}))
        }


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """Other drawings, with the boxes of the drawing program."""
    root = tmp_path_factory.mktemp("marked") / "paintings"
    simulate(root, works=24, side=80, seed=5, workers=1, progress=False)
    collection = read_collection(root)
    truth = read_ground_truth(collection)
    with open(root / "boxes.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("id", "label", "left", "top", "right", "bottom"))
        for row, work in enumerate(collection.ids):
            for tag, box in zip(truth.tags[row], truth.boxes[row], strict=True):
                if tag >= 0:
                    rows.writerow((work, collection.labels.names[tag], *box.tolist()))
    return root


def test_pictures_stand_in_the_run_s_labels(trained, marked, monkeypatch):
    monkeypatch.setattr(real_boxes, "LEAST", 2)
    rnn = trained["attn_cnn_rnn"]
    part, boxes, counts = real_boxes.with_labels_of(rnn, marked)
    theirs, names = read_collection(marked), rnn.parts.labels.names
    train = dict(zip(names, rnn.parts.train.targets.sum(0).tolist(), strict=True))
    assert counts == {name: train.get(name, 0) for name in theirs.labels.names}
    assert sum(count >= 2 for count in counts.values()) >= 3
    for k, name in enumerate(names):
        expected = (
            theirs.targets[:, theirs.labels.names.index(name)]
            if train[name] >= 2 and name in theirs.labels.names
            else np.zeros(len(theirs), bool)
        )
        assert np.array_equal(part.targets[:, k], expected)
    before = read_boxes(theirs)
    for row in range(len(theirs)):
        for old, new in zip(before.tags[row], boxes.tags[row], strict=True):
            name = theirs.labels.names[old]
            assert (names[new] if new >= 0 else None) == (name if counts[name] >= 2 else None)


def test_scores_are_complete_and_consistent(trained, marked, monkeypatch):
    monkeypatch.setattr(real_boxes, "LEAST", 1)
    crops = real_boxes.crop_rows(trained["vgg16"], marked, "cpu")
    boxes = read_boxes(read_collection(marked))
    assert crops["boxes"] == sum(map(len, boxes.boxes))
    low, middle, high = crops["share_of_picture"]
    assert 0 < low <= middle <= high <= 1
    assert crops["kept"]["whole picture"] == crops["area"]["whole picture"] == 1
    assert crops["under half"]["works"] < crops["all"]["works"] <= 24
    iou = crops["all"]["iou"]
    for name, less in crops["all"]["crop_less"].items():
        difference = iou["content-aware crop"]["value"] - iou[name]["value"]
        assert less["value"] == pytest.approx(difference)
        assert less["low"] <= less["value"] <= less["high"]
    hits = real_boxes.attention_scores(trained["attn_cnn_rnn"], trained["resnet50"], marked, "cpu")
    assert hits["scored"] >= hits["works"] >= 2
    assert set(hits["attention_less"]) == {"Grad-CAM of the baseline", "centre", "even"}
    assert all(0 <= each["value"] <= 1 for each in hits["hit"].values())
    assert not set(hits["labels"]) & set(hits["untestable"])
