"""Where a number came from."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import datetime

import pytest
import torch

from imet import provenance as module
from imet.provenance import commit, provenance, versions


@pytest.fixture(autouse=True)
def _forget():
    yield
    module.commit.cache_clear()


def test_it_is_whole_and_fits_json():
    found = provenance("tiny", 3, "cpu")
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert list(found) == ["profile", "seed", "device", "commit", "date", "versions"]
    assert (found["profile"], found["seed"]) == ("tiny", 3)
    assert re.match(r"CPU, .+, \d+ cores", found["device"])
    assert datetime.fromisoformat(found["date"]).utcoffset().total_seconds() == 0
    assert found["versions"]["torch"].startswith(torch.__version__.split("+")[0])
    assert {"python", "numpy", "timm", "openvino"} <= set(versions())


def test_the_commit_says_when_the_packages_differ(tmp_path, monkeypatch):
    def git(*arguments):
        name = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *name, *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "imet").mkdir()
    (tmp_path / "imet" / "a").write_text("1")
    (tmp_path / "results").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    monkeypatch.setattr(module, "REPO", tmp_path)
    commit.cache_clear()
    clean = commit()
    assert re.fullmatch(r"[0-9a-f]{12}", clean)
    (tmp_path / "results").write_text("2")  # no number depends on it
    commit.cache_clear()
    assert commit() == clean
    (tmp_path / "imet" / "a").write_text("2")
    commit.cache_clear()
    assert commit() == clean + "+changes"


def test_without_git_it_is_unknown_or_named(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "REPO", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    commit.cache_clear()
    assert commit() == "unknown"
    monkeypatch.setenv("PATH", str(tmp_path))  # no git at all
    monkeypatch.setenv("IMET_COMMIT", "abc")
    commit.cache_clear()
    assert commit() == "abc"
