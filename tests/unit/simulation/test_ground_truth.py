"""Truth of a simulated collection: labels before the noise, boxes inside the pictures."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from imet.data.tables import read_collection
from imet.io import InputError
from imet_simulation.ground_truth import has_ground_truth, read_ground_truth


@pytest.fixture
def simulated(small_collection, tmp_path):
    """A label table with a truth in which every work shows one label more than it was given."""
    for name in ("train.csv", "labels.csv"):
        shutil.copy(small_collection / name, tmp_path / name)
    collection = read_collection(tmp_path)
    lines = []
    for row in np.random.default_rng(0).permutation(len(collection)).tolist():
        given = [collection.labels.names[k] for k in np.flatnonzero(collection.targets[row])]
        more = collection.labels.names[row % len(collection.labels)]
        boxes = {} if row % 4 == 0 else {more: [[row, 2, row + 5, 9]] * (1 + row % 3)}
        lines.append(
            {
                "id": str(collection.ids[row]),
                "labels": [*given, more, "tag::unknown to the table"],
                "boxes": boxes,
                "composition": f"kind {row}",
                "height": 300,
                "width": 300 + row,
            }
        )
    path = tmp_path / "truth.jsonl"
    path.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    return collection, path


def test_truth_stands_in_the_collection_s_order(simulated):
    collection, _ = simulated
    truth = read_ground_truth(collection)
    for row in range(len(collection)):
        wanted = collection.targets[row].copy()
        wanted[row % len(collection.labels)] = True
        assert truth.targets[row].tolist() == wanted.tolist()
        assert truth.composition[row] == f"kind {row}"
        assert truth.boxes[row].shape == (0 if row % 4 == 0 else 1 + row % 3, 4)
        assert (truth.boxes[row][:, 0] == row).all()


def test_a_missing_file_or_work_is_named(simulated):
    collection, path = simulated
    assert has_ground_truth(collection.root)
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[1:]))
    with pytest.raises(InputError, match="1 works missing"):
        read_ground_truth(collection)
    path.unlink()
    assert not has_ground_truth(collection.root)
    with pytest.raises(InputError, match=r"truth\.jsonl is missing"):
        read_ground_truth(collection)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "x"'])
def test_a_faulty_line_is_named(simulated, line):
    collection, path = simulated
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], line, *lines[1:]]))
    with pytest.raises(InputError, match=r"truth\.jsonl, line 2"):
        read_ground_truth(collection)


def test_every_box_knows_its_label(simulated):
    collection, _ = simulated
    truth = read_ground_truth(collection)
    for row in range(len(collection)):
        label = row % len(collection.labels)
        assert truth.sizes[row].tolist() == [300, 300 + row]
        assert truth.tags[row].tolist() == [label] * len(truth.boxes[row])
        assert np.array_equal(truth.boxes_of(row, label), truth.boxes[row])
        assert truth.boxes_of(row, (label + 1) % len(collection.labels)).shape == (0, 4)
