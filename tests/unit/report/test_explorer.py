"""What the explorers of a page read: scores that survive packing, curves whose areas are known."""

from __future__ import annotations

import base64
import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from imet import runs
from imet.metrics import roc_auc_per_class
from imet.report.explorer import explorer_data, packed
from imet.report.pages import networks_of
from imet.runs import run


@given(arrays(np.float32, (3, 4), elements=st.floats(0, 1, width=32)))
def test_packed_scores_are_right_to_half_a_step(scores):
    read = np.frombuffer(base64.b64decode(packed(scores)), np.uint8).reshape(3, 4) / 255
    assert np.abs(read - scores).max() <= 0.5 / 255 + 1e-6


@pytest.fixture(scope="module")
def trained(small_collection, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setattr(runs, "collection_folder", lambda *_: small_collection)
        yield {"baseline": run("resnet50", "tiny", device="cpu")}


def test_data_are_those_of_the_run(trained):
    data, first = explorer_data(trained), trained["baseline"]
    json.dumps(data, allow_nan=False)
    targets = first.parts.test.targets
    assert [sorted(row) for row in data["works"]["test"]] == [
        np.flatnonzero(row).tolist() for row in targets
    ]
    model = data["models"]["baseline"]
    decided = first.predicted("test")
    assert model["decided"] == [np.flatnonzero(row).tolist() for row in decided]
    auc = roc_auc_per_class(first.scores("test"), targets)
    for area, packed_area in zip(auc, model["auc"]):
        if np.isnan(area):
            assert packed_area is None
        else:
            assert packed_area[0] == pytest.approx(area, abs=1e-3)
            assert packed_area[1] <= packed_area[0] <= packed_area[2]
    assert not any("::" in name for name in data["labels"])


def test_a_page_says_which_network_ran_under_a_documents_name(trained):
    first = trained["baseline"]
    assert networks_of([first]) == f"{first.recipe.backbone} in place of resnet50"
    own = dataclasses.replace(first, recipe=dataclasses.replace(first.recipe, backbone="resnet50"))
    assert networks_of([own]) == ""
