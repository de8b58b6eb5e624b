"""Files beside the code agree with it: environment, citation, licence, workflows, contents."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import environment
import mutants
import pytest
import yaml
from museum import open_museum

from imet.config import get_profile
from imet.data.tables import read_collection
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
    heading = re.findall(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)[0]
    assert heading.startswith(citation["version"])
    assert ("unreleased" in heading) == ("date-released" not in citation)
    assert text("LICENSE").startswith("MIT License")


@pytest.mark.parametrize("name", ["test", "book", "audit"])
def test_workflows_are_sound_and_read_only_by_default(name: str) -> None:
    workflow = yaml.safe_load(text(f".github/workflows/{name}.yml"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["runs-on"] == "ubuntu-latest"
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)


def test_every_workflow_is_among_them() -> None:
    names = {path.stem for path in (REPO / ".github" / "workflows").iterdir()}
    assert names == {"test", "book", "audit"}


def test_the_audit_reads_the_pins_and_runs_when_they_change() -> None:
    workflow = yaml.safe_load(text(".github/workflows/audit.yml"))
    started = workflow[True]  # YAML 1.1 reads `on` so
    assert started["push"] == {"branches": ["main"], "paths": ["requirements.txt"]}
    assert started["schedule"][0]["cron"].split()[2:4] == ["*", "*"]
    (run,) = [s["run"] for s in workflow["jobs"]["audit"]["steps"] if "run" in s]
    assert "pip-audit" in run
    assert run.endswith("-r requirements.txt")


# --- Ends of lines -------------------------------------------------------------------------------


def git(*arguments: object) -> str:
    command = ["git", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_no_file_has_windows_line_ends_even_in_a_clone_that_asks_for_them(tmp_path: Path) -> None:
    if not (REPO / ".git").exists():
        pytest.skip("no clone of a repository")
    clone = tmp_path / "clone"
    git("clone", "-q", "--depth", "1", "-c", "core.autocrlf=true", REPO.as_uri(), clone)
    for folder in (REPO, clone):
        lines = git("-C", folder, "ls-files", "--eol").splitlines()
        assert len(lines) > 200
        crlf = [line for line in lines if line.split()[0] in ("i/crlf", "i/mixed")]
        if folder == clone:
            crlf += [line for line in lines if line.split()[1] in ("w/crlf", "w/mixed")]
        assert crlf == []
    for name in ("Makefile", ".ci/run", "imet/cli.py", "book/tools/build.py"):
        assert b"\r" not in (clone / name).read_bytes()


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


def checkout_with(folder: Path, venv: Path) -> Path:
    """Enough of a checkout for `make env`, and an environment that another folder made."""
    folder.mkdir(exist_ok=True)
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(REPO / name, folder / name)
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").write_text("#!/bin/sh\nexit 0\n")
    (venv / "bin" / "python").chmod(0o755)
    (venv / ".ready-1").touch()
    return folder


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ) | environment,
    )


def pretended_python(folder: Path) -> Path:
    """A script that makes environments of itself; what it was asked for and its settings go to
    `log` beside it."""
    script = folder / "python"
    log = folder / "log"
    script.write_text(
        "#!/bin/sh\n"
        f"env >> '{log}'; echo \"asked: $*\" >> '{log}'\n"
        'if [ "$1 $2" = "-m venv" ]; then\n'
        '  mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; cp "$0" "$3/bin/uv"\n'
        "fi\n"
    )
    script.chmod(0o755)
    return script


def ready(folder: Path) -> list[Path]:
    return list((folder / ".venv").glob(".ready-*"))


@pytest.mark.parametrize("name", ["plain", "a b (c) [d] é"])
@pytest.mark.parametrize("left", ["nothing", "half", "no Python"])
def test_a_half_made_environment_is_made_anew(tmp_path: Path, name: str, left: str) -> None:
    here = checkout_with(tmp_path / name, tmp_path / "elsewhere")
    python = pretended_python(tmp_path)
    if left != "nothing":
        assert make(here, "env", f"PYTHON={python}").returncode == 0
        (here / ".venv" / "left").touch()
        if left == "half":
            ready(here)[0].unlink()
        else:
            (here / ".venv" / "bin" / "python").unlink()
            (here / ".venv" / "bin" / "python").symlink_to(tmp_path / "gone")
    made = make(here, "env", f"PYTHON={python}")
    assert made.returncode == 0, made.stderr
    assert ("it is made anew" in made.stdout) == (left != "nothing")
    assert len(ready(here)) == 1
    assert not (here / ".venv" / "left").exists()
    again = make(here, "env", f"PYTHON={python}")
    assert "made anew" not in again.stdout
    assert "pip" not in again.stdout


def test_settings_for_other_installations_do_not_count_here(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    foreign = {"PIP_TARGET": "/x", "PIP_USER": "1", "PIP_NO_BINARY": ":all:", "UV_PYTHON": "2.7"}
    foreign |= {"UV_SYSTEM_PYTHON": "1", "PYTHONPATH": "/x", "PYTHONHOME": "/x"}
    sources = {"PIP_FIND_LINKS": "/wheels", "UV_DEFAULT_INDEX": "file:///i", "PIP_CERT": "/c.pem"}
    made = make(here, "env", f"PYTHON={pretended_python(tmp_path)}", **foreign, **sources)
    assert made.returncode == 0, made.stderr
    seen = (tmp_path / "log").read_text()
    assert "asked: pip install" in seen  # by uv
    for name, value in foreign.items():
        assert f"\n{name}={value}\n" not in seen
    for name, value in sources.items():
        assert f"\n{name}={value}\n" in seen


@pytest.mark.parametrize(("version", "fits"), [("3,10", 0), ("3,11", 1), ("3,13", 1), ("3,14", 0)])
def test_an_unsupported_python_is_refused_first(tmp_path: Path, version: str, fits: bool) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    (here / "notebooks").mkdir()
    (here / "notebooks" / "01_x.py").touch()
    (here / "imet").mkdir()
    (here / "imet" / "code_digest.py").touch()
    python = tmp_path / "python"
    pretend = f"import sys; sys.version_info = ({version}, 0); exec(sys.argv[1])"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$2"\n')
    python.chmod(0o755)
    for target in ("env", "book"):
        made = make(here, target, f"PYTHON={python}")
        assert ("Python 3.11 to 3.13 is needed" in made.stderr) != fits
        assert made.returncode != 0  # this Python cannot make an environment, either
    assert not ready(here)


def test_a_folder_of_pictures_may_have_blanks_in_its_name(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    (tmp_path / "my pictures (1) [b]").mkdir()
    planned = make(here, "-n", "help", f"DATA={tmp_path / 'my pictures (1) [b]'}")
    assert planned.returncode == 0, planned.stderr
    profile = next((here / "profiles").glob("my-pictures--1---b-*.toml"))
    settings = tomllib.loads(profile.read_text())
    assert settings["folder"] == str(tmp_path / "my pictures (1) [b]")


@pytest.mark.parametrize("home", ["", "my home (2)"])
def test_a_readers_profile_lies_where_runs_do_and_is_a_parameter(tmp_path: Path, home: str) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    folder = (tmp_path / home if home else here) / "profiles"
    folder.mkdir(parents=True)
    environment = {"IMET_HOME": str(folder.parent)} if home else {}
    assert "choose sample" in make(here, "-n", "help", "PROFILE=mine", **environment).stderr

    def parameters() -> str:
        listed = make(here, "-pn", "help", "PROFILE=mine", **environment).stdout
        return next(line for line in listed.splitlines() if line.startswith("PARAMETERS :="))

    (folder / "mine.toml").write_text('data = "simulated"\nworks = 100\n')
    before = parameters()
    assert "profile=mine seed=0" in before
    (folder / "mine.toml").write_text('data = "simulated"\nworks = 200\n')
    assert parameters() != before
    make(here, "-n", "help", f"DATA={tmp_path}", **environment)
    assert len(list(folder.glob("*.toml"))) == 2


def test_an_environment_that_was_copied_with_its_checkout_is_made_anew(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "copy", tmp_path / "copy" / ".venv")
    made = make(here, "env", "PYTHON=false")
    assert made.returncode != 0
    assert "was made for another folder" in made.stdout
    assert not (here / ".venv").exists()


def test_a_folder_that_is_no_environment_is_never_cleared(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    (here / "precious").mkdir()
    (here / "precious" / "work.txt").write_text("mine")
    made = make(here, "env", "VENV=precious", "PYTHON=false")
    assert made.returncode != 0
    assert "VENV=precious holds something else than an environment" in made.stderr
    assert (here / "precious" / "work.txt").read_text() == "mine"
    for begun in ("pyvenv.cfg", "bin/python"):  # but what a broken-off installation left is
        place = here / "begun" / begun
        place.parent.mkdir(parents=True)
        place.touch()
        assert "is not whole" in make(here, "env", "VENV=begun", "PYTHON=false").stdout
        assert not (here / "begun").exists()


def test_another_checkouts_environment_is_refused_and_left_alone(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "there" / ".venv")
    made = make(here, "env", f"VENV={tmp_path / 'there' / '.venv'}")
    assert made.returncode != 0
    assert "belongs to another checkout" in made.stderr
    assert sorted(p.name for p in (tmp_path / "there" / ".venv").iterdir()) == [".ready-1", "bin"]


MARKER = """
import os, sys
print("code of", os.path.dirname(__file__), os.environ.get("PYTHONPATH"), file=sys.stderr)
"""


def copied_checkout(folder: Path) -> Path:
    """A copy of the code that says on stderr where it ran, with a script that runs `imet`."""
    checkout_with(folder, folder / ".venv")
    shutil.copytree(REPO / "imet", folder / "imet", ignore=shutil.ignore_patterns("__pycache__"))
    with (folder / "imet" / "__init__.py").open("a", encoding="utf-8") as code:
        code.write(MARKER)
    script = folder / ".venv" / "bin" / "imet"
    script.write_text(f"#!{sys.executable}\nfrom imet.cli import main\nmain()\n")
    script.chmod(0o755)
    return folder


def test_a_shared_environment_runs_the_code_here(tmp_path: Path) -> None:
    here = copied_checkout(tmp_path / "here")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    (pictures / "labels.csv").write_text("attribute_id,attribute_name\n0,tag::a\n")
    (pictures / "train.csv").write_text("id,attribute_ids\nw,0\n")
    made = make(here, "data", "SHARED=1", f"VENV={sys.prefix}", f"DATA={pictures}")
    assert made.returncode == 0, made.stderr
    assert f"code of {here / 'imet'} {here}\n" in made.stderr
    assert "pip" not in made.stdout
    assert not (tmp_path / "here" / "data").exists()


def test_a_copied_environments_command_does_not_run_the_old_code(tmp_path: Path) -> None:
    """The script of a copied .venv starts the Python of the old one, whose `imet` is the old."""
    here = copied_checkout(tmp_path / "copy")

    def run(code: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [".venv/bin/imet", "recipes", "resnet50"],
            cwd=here,
            env=os.environ | {"PYTHONPATH": str(code)},
            capture_output=True,
            text=True,
            check=False,
        )

    refused = run(REPO)
    assert (refused.returncode, refused.stdout) == (2, "")
    script = here / ".venv" / "bin" / "imet"
    assert refused.stderr == (
        f"imet: {script} would run the code of {REPO}; run `make env` in {here} first\n"
    )
    own = run(here)
    assert own.returncode == 0, own.stderr
    assert f"code of {here / 'imet'} " in own.stderr
    installed = here / ".venv" / "lib" / "site-packages"  # by `pip install .`
    shutil.copytree(here / "imet", installed / "imet")
    assert run(installed).returncode == 0


@pytest.mark.parametrize("tool", ["execute", "build"])
def test_no_page_is_made_with_another_checkouts_code(tmp_path: Path, tool: str) -> None:
    copy = tmp_path / "book" / "tools" / f"{tool}.py"
    shutil.copytree(REPO / "book" / "tools", copy.parent)
    arguments = ["x.py", "--out", "x.ipynb"] if tool == "execute" else ["--notebooks", "x"]
    arguments += [] if tool == "execute" else ["--results", "x", "--out", "x"]
    ran = subprocess.run(
        [sys.executable, str(copy), *arguments], capture_output=True, text=True, check=False
    )
    assert ran.returncode != 0
    assert f"would run the code of {REPO}" in ran.stderr


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    made = make(REPO, "-n", "book", f"DATA={tmp_path / 'nowhere'}")
    assert made.returncode != 0
    assert "no such folder" in made.stderr


# --- What the book's workflow runs, on this machine ----------------------------------------------


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """A checkout as the workflow has it, with a list of three works."""
    here = tmp_path / "checkout"
    (here / "results" / "met").mkdir(parents=True)
    for name in ("imet", "imet_simulation", "pyproject.toml"):
        (here / name).symlink_to(REPO / name)
    (here / ".venv").symlink_to(sys.prefix)
    (here / ".ci").mkdir()
    shutil.copy(REPO / ".ci" / "photographs", here / ".ci")
    (here / "results" / "met" / "works.csv").write_text("object_id\n4\n5\n6\n")
    return here


def step(here: Path, name: str, **environment: str) -> dict[str, str]:
    """Outputs of a step of the workflow, run as it stands there."""
    workflow = yaml.safe_load(text(".github/workflows/book.yml"))
    (run,) = [s["run"] for s in workflow["jobs"]["build"]["steps"] if s.get("id") == name]
    outputs = here / "outputs.txt"
    outputs.write_text("")
    known = {"GITHUB_OUTPUT": str(outputs), "IMET_HOME": str(here), "GITHUB_RUN_ID": "7"}
    known["PYTHONPATH"] = str(here)
    subprocess.run(
        ["bash", "-e", "-c", run], cwd=here, check=True, env=dict(os.environ) | known | environment
    )
    return dict(line.split("=") for line in outputs.read_text().splitlines())


def test_the_workflow_makes_the_book_on_photographs_where_it_has_them(runner: Path) -> None:
    whole = {"profile": "met", "state": "whole"}
    with open_museum() as museum:
        assert step(runner, "photographs", IMET_MET_API=museum.url) == whole
    assert read_collection(runner / "data" / "met").ids.tolist() == [f"met00000{n}" for n in "456"]
    nobody = "http://127.0.0.1:9"
    assert step(runner, "photographs", IMET_MET_API=nobody) == whole  # from the cache


def test_the_workflow_falls_back_on_the_drawn_book(runner: Path) -> None:
    part = {"profile": "sample", "state": "part-7-1"}
    nobody = {"IMET_MET_API": "http://127.0.0.1:9", "LONGEST": "5s"}
    assert step(runner, "photographs", **nobody) == part
    with open_museum() as museum:
        museum.faults["/objects/6"] = [403]  # half a minute is more than there is
        assert step(runner, "photographs", IMET_MET_API=museum.url, LONGEST="15s") == part
        assert len(list((runner / "data" / "met" / "train").iterdir())) <= 2
        assert step(runner, "photographs", IMET_MET_API=museum.url)["profile"] == "met"
        assert museum.asked["/pictures/4.jpg"] == 1


def test_the_workflows_steps_fit_each_other() -> None:
    steps = yaml.safe_load(text(".github/workflows/book.yml"))["jobs"]["build"]["steps"]
    uses = {str(s.get("uses", s.get("run"))).partition("@")[0]: s for s in steps}
    order = list(uses)
    restore, save = uses["actions/cache/restore"], uses["actions/cache/save"]
    assert restore["with"]["path"] == save["with"]["path"] == get_profile("met").folder
    assert "results/met/works.csv" in restore["with"]["key"]
    assert save["with"]["key"].startswith(restore["with"]["restore-keys"])
    assert order.index("make env") < order.index("actions/cache/restore")
    book = "make book PROFILE=${{ steps.photographs.outputs.profile }}"
    assert order.index("actions/cache/save") < order.index(book)


def test_files_of_the_future_are_made_again_once_the_clock_was_set_back(tmp_path: Path) -> None:
    here = checkout_with(tmp_path / "here", tmp_path / "elsewhere")
    made = here / "build" / "tiny" / "notebooks"
    made.mkdir(parents=True)
    for name, ahead in (("old", -3600), ("future", 3600)):
        (made / f"{name}.ipynb").touch()
        os.utime(made / f"{name}.ipynb", (time.time() + ahead,) * 2)
    make(here, "-n", "notebooks", "PROFILE=tiny")
    assert [path.name for path in made.iterdir()] == ["old.ipynb"]


def test_modules_that_are_mutated_have_their_tests():
    for module, tests in mutants.TESTS.items():
        assert all((REPO / file).exists() for file in (module, *tests))
