"""Where a collection lies, or what to do where there is none."""

from __future__ import annotations

import pytest

from imet.code_digest import source_digest
from imet.config import get_profile
from imet.data.source import collection_folder
from imet.io import InputError


def test_a_folder_given_is_taken_on_every_profile(small_collection):
    for name in ("sample", "tiny", "small", "kaggle"):
        assert collection_folder(get_profile(name), small_collection) == small_collection


def test_the_environment_names_the_real_collection_only(small_collection, monkeypatch, tmp_path):
    monkeypatch.setenv("IMET_DATA", str(small_collection))
    assert collection_folder(get_profile("kaggle")) == small_collection
    other = tmp_path / "other"
    with pytest.raises(InputError, match="other"):
        collection_folder(get_profile("kaggle"), other)


@pytest.mark.parametrize("name", ["small", "kaggle"])
def test_a_missing_collection_says_how_to_get_it(name, monkeypatch, tmp_path):
    monkeypatch.delenv("IMET_DATA", raising=False)
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    with pytest.raises(InputError) as caught:
        collection_folder(get_profile(name))
    message = str(caught.value)
    assert str(tmp_path / "data" / "kaggle") in message
    for part in ("train.csv", "labels.csv", "--data", "IMET_DATA", "PROFILE=sample", name):
        assert part in message


def test_simulated_profiles_draw_their_own(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(
        "imet_simulation.simulate", lambda out, **k: drawn.append((out, k)), raising=True
    )
    monkeypatch.setenv("IMET_HOME", str(tmp_path))
    folder = collection_folder(get_profile("tiny"))
    assert folder == tmp_path / "data" / "tiny"
    source = source_digest("imet_simulation")
    assert drawn == [(folder, {"works": 120, "seed": 0, "source": source})]


def test_a_wrong_folder_blames_the_folder_that_was_named(tmp_path):
    """On a simulated profile too: what is missing is the reader's folder, not Kaggle's."""
    with pytest.raises(InputError, match="nowhere"):
        collection_folder(get_profile("sample"), tmp_path / "nowhere")
