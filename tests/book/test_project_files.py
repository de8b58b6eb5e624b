"""Files beside the code agree with it: environment, citation, licence, workflows, contents."""

from __future__ import annotations

import re
import tomllib

import environment
import pytest
import yaml

from imet.io import REPO


def text(name: str) -> str:
    return (REPO / name).read_text(encoding="utf-8")


def test_environment_has_the_versions_of_the_requirements() -> None:
    made = environment.environment(text("pyproject.toml"), text("requirements.txt"))
    assert text("environment.yml") == made, "run python book/tools/environment.py"
    listed = yaml.safe_load(made)["dependencies"][-1]["pip"]
    pinned = set(re.findall(r"^([a-z0-9.-]+==[^ ;]+)", text("requirements.txt"), re.MULTILINE))
    versions = [entry.partition(" ;")[0] for entry in listed if "==" in entry]
    assert len(versions) > 40
    assert set(versions) <= pinned


def test_environment_misses_no_direct_dependency() -> None:
    with pytest.raises(ValueError, match="torch of pyproject"):
        environment.environment(text("pyproject.toml"), "numpy==1.0")


def test_citation_and_licence_agree_with_the_project() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["license"] == project["license"] == "MIT"
    assert citation["version"] == project["version"]
    assert {"title", "message", "authors"} <= set(citation)
    assert text("LICENSE").startswith("MIT License")


@pytest.mark.parametrize("name", ["test", "book"])
def test_workflows_are_sound_and_read_only_by_default(name: str) -> None:
    workflow = yaml.safe_load(text(f".github/workflows/{name}.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)


def test_contents_name_pages_that_exist() -> None:
    toc = yaml.safe_load(text("book/_toc.yml"))
    files = [c["file"] for part in toc["parts"] for c in part["chapters"]]
    for name in [toc["root"], *files]:
        page = f"{name}.py" if name.startswith("notebooks/") else f"book/{name}.md"
        assert (REPO / page).is_file(), page


def test_every_notebook_is_in_the_contents() -> None:
    toc = text("book/_toc.yml")
    for path in (REPO / "notebooks").glob("[0-9]*.py"):
        assert f"notebooks/{path.stem}\n" in toc, path.name
