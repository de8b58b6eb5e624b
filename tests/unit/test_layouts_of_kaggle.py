"""What Kaggle's tools leave is read, or named with its remedy, by every command that meets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from imet.cli import app

REPO = Path(__file__).resolve().parents[2]
RUN = ["--profile", "tiny", "--device", "cpu", "--set", "input_size=32", "--set", "stored="]


def imet(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def pack(file: Path, *, keep: bool = False) -> None:
    """Put a file or folder into `<its name>.zip` beside it."""
    with zipfile.ZipFile(f"{file}.zip", "w") as archive:
        for path in sorted(file.rglob("*")) if file.is_dir() else [file]:
            archive.write(path, path.relative_to(file.parent))
    if not keep:
        shutil.rmtree(file) if file.is_dir() else file.unlink()


def nested(root: Path) -> Path:
    (root / "train").rename(root / "aside")
    (root / "train").mkdir()
    (root / "aside").rename(root / "train" / "train")
    return root


def flat(root: Path) -> Path:
    for path in (root / "train").iterdir():
        path.rename(root / path.name)
    (root / "train").rmdir()
    return root


def packed_tables(root: Path) -> Path:
    pack(root / "train.csv")
    return root


def packed_pictures(root: Path) -> Path:
    pack(root / "train")
    return root


def too_high(root: Path) -> Path:
    return root.parent


def too_low(root: Path) -> Path:
    return root / "train"


@pytest.fixture
def root(small_collection, tmp_path) -> Path:
    return shutil.copytree(small_collection, tmp_path / "above" / "imet-2019-fgvc6")


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Runs and features go elsewhere."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def ran(small_collection) -> Path:
    """The run of the folder as it should be."""
    result = imet("run", "resnet50", "--data", small_collection, *RUN)
    assert result.exit_code == 0, result.output
    return Path(result.stdout.splitlines()[-1])


@pytest.fixture
def checkout(tmp_path) -> Path:
    """What `make book` needs of this checkout, with a build folder of its own."""
    here = tmp_path / "checkout"
    here.mkdir()
    for name in ("imet", "imet_simulation", "notebooks", "book", "results", "pyproject.toml"):
        (here / name).symlink_to(REPO / name)
    shutil.copy(REPO / "Makefile", here)
    return here


def make(here: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "IMET_"))}
    command = ["make", "-C", str(here), "SHARED=1", f"VENV={sys.prefix}", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


READ = pytest.mark.parametrize("layout", [nested, flat])
NAMED = pytest.mark.parametrize(
    ("layout", "message"),
    [
        (packed_tables, "train.csv.zip lies there; unpack {folder}/train.csv.zip"),
        (packed_pictures, "train.zip lies there; unpack {folder}/train.zip"),
        (too_high, "it lies in {root}; name that folder instead of {folder}"),
        (too_low, "it lies in {root}; name that folder instead of {folder}"),
    ],
)


@READ
def test_check_and_run_read_it_as_if_it_lay_right(root, ran, layout):
    folder = layout(root)
    assert imet("data", "check", folder).exit_code == 0
    result = imet("run", "resnet50", "--data", folder, *RUN)
    assert Path(result.stdout.splitlines()[-1]) == ran  # the same key


def looked_through(here: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """What `make book DATA=folder` does first."""
    assert make(here, "help", f"DATA={folder}").returncode == 0
    (profile,) = (here / "profiles").iterdir()
    return make(here, f"build/{profile.stem}/checked", f"DATA={folder}")


@READ
def test_make_book_takes_it(root, checkout, layout):
    looked = looked_through(checkout, layout(root))
    assert looked.returncode == 0, looked.stderr
    assert "0 problems" in looked.stderr
    assert len(list(checkout.glob("build/*/checked"))) == 1


@NAMED
def test_check_run_and_facts_name_it(root, ran, layout, message):
    folder = layout(root)
    message = message.format(folder=folder, root=root)
    for command, status in (
        (["data", "check", folder], 1),
        (["run", "resnet50", "--data", folder, *RUN], 2),
    ):
        result = imet(*command)
        assert result.exit_code == status, result.output
        assert message in result.output


@NAMED
def test_make_book_names_it(root, checkout, layout, message):
    folder = layout(root)
    stopped = looked_through(checkout, folder)
    assert stopped.returncode != 0
    assert message.format(folder=folder, root=root) in stopped.stdout
    assert "Traceback" not in stopped.stderr


def test_make_book_looks_before_anything_is_executed(root, checkout):
    stopped = make(checkout, "book", f"DATA={packed_pictures(root)}")
    assert stopped.returncode != 0
    assert "train.zip lies there" in stopped.stdout
    assert not list(checkout.glob("build/*/notebooks"))


@pytest.mark.parametrize("layout", [nested, flat, packed_tables, too_high, too_low])
def test_predict_finds_the_pictures(root, ran, layout):
    result = imet("predict", layout(root), "--run", ran, "--device", "cpu", "--top", 1)
    assert result.exit_code == 0, result.output
    assert result.stdout.count(".png") == 60


def test_predict_and_crop_name_packed_pictures(root, ran, tmp_path):
    folder = packed_pictures(root)
    for command in (["predict", folder], ["crop", folder, "--out", tmp_path / "out"]):
        result = imet(*command, "--run", ran, "--device", "cpu")
        assert result.exit_code == 2
        assert f"train.zip lies there; unpack {folder}/train.zip" in result.output
