"""The files for Kaggle, Colab and Slurm, executed with what those machines have imitated."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import jupytext
import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from PIL import Image

from imet.config import get_profile
from imet.data.source import collection_folder
from imet.io import REPO

CLOUD = REPO / "notebooks" / "cloud"
SERVER = CLOUD / "server.sbatch"
COPIED = ("imet", "imet_simulation", "book", "results", "notebooks")
FILES = ("Makefile", "pyproject.toml", "requirements.txt", "CHANGELOG.md", "CITATION.cff")
pytestmark = pytest.mark.slow


def script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


@pytest.fixture(scope="module")
def code(tmp_path_factory) -> Path:
    """The code as it is attached to a notebook."""
    here = tmp_path_factory.mktemp("attached") / "imet"
    left_out = shutil.ignore_patterns("_build", "__pycache__", ".*")
    for name in COPIED:
        shutil.copytree(REPO / name, here / name, ignore=left_out)
    for name in FILES:
        shutil.copy(REPO / name, here / name)
    return here


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """The pictures of the tiny profile, which take long to draw; to be linked, not written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(tmp_path_factory.mktemp("drawn")))
        return collection_folder(get_profile("tiny")).parent


@pytest.fixture
def tools(tmp_path) -> Path:
    """A folder of programs that stand before the real ones."""
    (tmp_path / "tools").mkdir()
    return tmp_path / "tools"


def surroundings(tools: Path, **more: str) -> dict[str, str]:
    """Nothing of the caller's settings; the packages of this environment are the machine's."""
    ours = r"(MAKE|IMET_|SLURM_|GPUS$|VENV$|PROFILE$|DEVICE|CHAPTERS$|HOURS$|SEED$|WHEELS$)"
    kept = {name: value for name, value in os.environ.items() if not re.match(ours, name)}
    kept["PATH"] = f"{tools}:{kept['PATH']}"
    return kept | {"SHARED": "1", "IPYTHONDIR": str(tools / "ipython")} | more


def hurried(tools: Path) -> str:
    """An environment whose Python leaves out what prints alone: each start of torch takes long."""
    passed_over = '*" plan "* | *" --list "* | *" predict "* | -c*'
    script(
        tools / "bin" / "python",
        f'case "$*" in {passed_over}) ;; *) exec {sys.executable} "$@" ;; esac',
    )
    return str(tools)


def with_pictures(home: Path, drawn: Path) -> Path:
    home.mkdir()
    (home / "data").symlink_to(drawn)
    return home


def executed(name: str, tools: Path, **parameters: object) -> str:
    """What a notebook prints, run from top to bottom with other parameters."""
    notebook = jupytext.read(CLOUD / f"{name}.py")
    (first,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    known = {node.targets[0] for node in ast.parse(first.source).body}  # type: ignore[attr-defined]
    names = {leaf.id for node in known for leaf in ast.walk(node) if isinstance(leaf, ast.Name)}
    assert set(parameters) <= names, "a parameter that the notebook does not have"
    first.source += "".join(f"\n{key} = {value!r}" for key, value in parameters.items())
    client = NotebookClient(notebook, timeout=240, kernel_name="python3")
    client.execute(env=surroundings(tools, PYTHONPATH=str(tools)), cwd=str(tools))
    return printed(notebook)


def printed(notebook: nbformat.NotebookNode) -> str:
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    return "".join(o.get("text", "") for o in outputs)  # a stream comes in pieces


def said(error: CellExecutionError) -> str:
    """A failed cell and what it had printed, in one piece."""
    return re.sub(r"\n?-+ stdout -+\n", "", str(error))


def stop_in_time(tools: Path) -> None:
    """A session whose hours end when training has ended: what it made is there, not the book."""
    script(
        tools / "timeout",
        'while [[ $1 == --* ]]; do shift; done; echo "session of $1"; shift; "$@"; exit 124',
    )


def done(home: Path) -> list[str]:
    return sorted(path.parent.name[:-13] for path in home.glob("runs/tiny/*/metrics.json"))


@pytest.fixture
def kaggle(tmp_path, code, tools, drawn) -> dict[str, object]:
    """Parameters that put Kaggle's folders below one of the test's own."""
    test = tmp_path / "input" / "imet-2019-fgvc6" / "test"
    test.mkdir(parents=True)
    with_pictures(tmp_path / "working", drawn)
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        pixels = rng.integers(0, 255, (60, 50, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(test / f"{name}.png")
    return {
        "profile": "tiny", "chapters": "02b", "device": "cpu", "devices": 1, "code": str(code),
        "data": str(test.parent), "earlier": str(tmp_path / "input" / "imet-on-kaggle"),
        "kept": str(tmp_path / "working"), "passing": str(tmp_path / "temp"), "venv": sys.prefix,
    }  # fmt: skip


def read_only(folder: Path) -> None:
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def test_kaggle_goes_on_from_the_session_before_and_hands_over_one_file(
    kaggle, tools, tmp_path, drawn
):
    stop_in_time(tools)
    first = executed("kaggle", tools, **kaggle | {"venv": hurried(tools)})
    assert "session of 11h" in first
    assert "This session's time is over" in first
    assert done(tmp_path / "working") == ["resnet50"]
    assert not (tmp_path / "working" / "imet-book.zip").exists()

    (tmp_path / "working" / "data").unlink()
    (tmp_path / "working").rename(kaggle["earlier"])
    with_pictures(tmp_path / "working", drawn)
    shutil.rmtree(tmp_path / "temp")
    read_only(Path(str(kaggle["earlier"])))
    (tools / "timeout").unlink()
    second = executed("kaggle", tools, **kaggle | {"chapters": "02b 03"})
    assert re.search(r"^done, .*resnet50 \(views=one\)", second, re.MULTILINE)
    assert re.search(r"^to do +resnet50$", second, re.MULTILINE)
    assert "runs of profile tiny: 1 done, 1 to do" in second
    assert done(tmp_path / "working") == ["resnet50", "resnet50"]
    pages = zipfile.ZipFile(tmp_path / "working" / "imet-book.zip").namelist()
    chapters = [page for page in pages if re.match(r"html/notebooks/\d", page)]
    assert sorted(page.split("/")[-1] for page in chapters if page.endswith(".html")) == [
        "02b_what_a_view_shows.html", "03_baseline.html",
    ]  # fmt: skip
    assert {"html/index.html", "html/cloud.html"} <= set(pages)
    table = (tmp_path / "working" / "submission.csv").read_text().splitlines()
    assert [row.partition(",")[0] for row in table] == ["id", "one", "two"]


def test_kaggle_s_plan_refuses_what_its_disk_does_not_hold(kaggle, tools, tmp_path):
    with pytest.raises(CellExecutionError) as stopped:
        executed("kaggle", tools, **kaggle | {"room": 1e-6, "venv": hurried(tools)})
    told = said(stopped.value)
    # Output comes in pieces, and blanks at their ends are lost.
    refusal = r"therunsneed[\d.]+GBonthediskof.*working,whichhas"
    assert re.search(refusal, re.sub(r"\s", "", told))
    assert "touch finished" in told  # the cell that trains
    assert done(tmp_path / "working") == []


def test_kaggle_stops_at_a_gpu_that_cannot_be_used(kaggle, tools):
    script(tools / "nvidia-smi", 'echo "Tesla P100-PCIE-16GB, 535.1, 6.0, 16384"')
    script(tools / "python", f'PYTHONPATH={tools / "stub"} exec {sys.executable} "$@"')
    stub = tools / "stub" / "torch.py"
    stub.parent.mkdir()
    stub.write_text(
        "from types import SimpleNamespace as S\n__version__, version = '2.12.1', S(cuda='13.0')\n"
        "cuda = S(is_available=lambda: True, get_arch_list=lambda: ['sm_75', 'sm_80'])\n"
    )
    (tools / "bin").mkdir()
    (tools / "bin" / "python").symlink_to(tools / "python")
    with pytest.raises(CellExecutionError) as stopped:
        executed("kaggle", tools, **kaggle | {"venv": str(tools)})
    fault = "error: Tesla P100-PCIE-16GB is an sm_60 GPU, and torch 2.12.1 serves sm_75"
    assert fault in said(stopped.value)


def test_colab_goes_on_with_the_runs_on_the_drive(code, tools, tmp_path, drawn):
    (tools / "google" / "colab").mkdir(parents=True)
    (tools / "google" / "colab" / "__init__.py").write_text(
        "from types import SimpleNamespace as S\n"
        "drive = S(mount=lambda place: print('mounted', place), flush_and_unmount=lambda: None)\n"
        "userdata = S(get={'KAGGLE_API_TOKEN': 'a-token'}.__getitem__)\n"
    )
    drive, left = tmp_path / "drive", tmp_path / "drive" / "runs" / "tiny" / "resnet50-1.holder"
    left.parent.mkdir(parents=True)
    left.touch()
    settings = {
        "profile": "tiny", "chapters": "02b", "device": "cpu", "drive": str(drive),
        "code": str(code), "venv": hurried(tools),
    }  # fmt: skip
    root, again = tmp_path / "session 1", tmp_path / "session 2"
    for each in (root, again):
        (each / "imet-2019-fgvc6").mkdir(parents=True)
        (each / "imet-2019-fgvc6" / ".whole").touch()
        with_pictures(each / "imet-home", drawn)
    stop_in_time(tools)
    assert "time is over" in executed("colab", tools, root=str(root), **settings)
    assert not left.exists()
    assert done(drive) == ["resnet50"]

    (tools / "timeout").unlink()
    shutil.rmtree(root)
    script(  # the book itself is made in the test of Kaggle's notebook
        tools / "make",
        'case "$*" in *" book") mkdir -p book/_build/html; touch book/_build/html/index.html ;;\n'
        f'*) exec {shutil.which("make")} "$@" ;; esac',
    )
    second = executed("colab", tools, root=str(again), **settings)
    assert "runs of profile tiny: 1 done, 0 to do" in second
    assert "html/index.html" in zipfile.ZipFile(drive / "imet-book.zip").namelist()


# --- A server ------------------------------------------------------------------------------------


@pytest.fixture
def slurm(tmp_path, tools, drawn) -> dict[str, str]:
    """What Slurm gives a job, and programs in the place of its own; they write to `log`."""
    log = tmp_path / "log"
    script(
        tools / "scontrol",
        f'echo "scontrol $*" >> {log}; case $2 in hostnames) echo 127.0.0.1; echo other ;; esac',
    )
    script(
        tools / "srun",
        f'echo "srun $*" >> {log}; trap "kill \\$(jobs -p); wait" TERM\n'
        "while [[ $1 == --* ]]; do shift; done\n"
        'for node in $(seq "$SLURM_JOB_NUM_NODES"); do "$@" & started+=($!); done\n'
        'for process in "${started[@]}"; do wait "$process" || failed=$?; done; exit ${failed:-0}',
    )
    script(tools / "python", f'echo "python $*" >> {log}')  # the check and the plan
    with_pictures(tmp_path / "home", drawn)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    activate = f'export PATH="{tools}:{sys.prefix}/bin:$PATH"\n'
    (tmp_path / "venv" / "bin" / "activate").write_text(activate)
    return surroundings(
        tools, SLURM_JOB_ID="7", SLURM_JOB_NUM_NODES="2", SLURM_GPUS_ON_NODE="1",
        SLURM_JOB_NODELIST="n[1-2]", SLURM_SUBMIT_DIR=str(REPO), VENV=str(tmp_path / "venv"),
        IMET_HOME=str(tmp_path / "home"), PROFILE="tiny", DEVICE="cpu", CHAPTERS="02b",
        OMP_NUM_THREADS="1",
    )  # fmt: skip


def begin(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        ["bash", str(SERVER)], env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def test_the_job_says_what_slurm_must_do():
    subprocess.run(["bash", "-n", str(SERVER)], check=True)
    options = re.findall(r"^#SBATCH (--\S+)$", SERVER.read_text(), re.MULTILINE)
    assert {"--requeue", "--ntasks-per-node=1", "--signal=B:USR1@300"} <= set(options)
    assert any(option.startswith("--time=") for option in options)
    assert any(option.startswith("--gres=gpu:") for option in options)


def test_two_machines_of_a_job_train_together(slurm, tmp_path):
    output, _ = (job := begin(slurm)).communicate(timeout=200)
    assert job.returncode == 0, output
    assert "All runs are done" in output
    (metrics,) = (tmp_path / "home").glob("runs/tiny/*/metrics.json")
    assert json.loads(metrics.read_text())["devices"] == 2
    log = (tmp_path / "log").read_text()
    assert f"python -P book/tools/machine.py {tmp_path}/home\n" in log
    assert "imet.cli plan --profile tiny --chapters 02b --device cpu --devices 2\n" in log
    assert "--nnodes=2 --nproc-per-node=1" in log
    assert "--rdzv-endpoint=127.0.0.1:20007" in log
    assert "requeue" not in log


def test_a_job_whose_time_is_over_is_queued_again(slurm, tools, tmp_path):
    script(
        tools / "torchrun",
        f"trap 'kill $!; echo stopped >> {tmp_path}/log; exit 143' TERM; touch {tmp_path}/begun\n"
        "sleep 60 & wait",
    )
    job = begin(slurm | {"SLURM_JOB_NUM_NODES": "1"})
    while not (tmp_path / "begun").exists() and job.poll() is None:
        time.sleep(0.1)
    job.send_signal(signal.SIGUSR1)
    try:
        output, _ = job.communicate(timeout=30)
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    assert job.returncode == 0, output
    assert (tmp_path / "log").read_text().endswith("stopped\nscontrol requeue 7\n")
    assert "All runs are done" not in output


def test_a_job_that_fails_is_not_queued_again(slurm, tools, tmp_path):
    script(tools / "torchrun", f'echo "torchrun $*" >> {tmp_path}/log; exit 3')
    more = {"CACHE_VIEWS": "1", "GPUS": "4", "HOURS": "5"}
    output, _ = (job := begin(slurm | more)).communicate(timeout=60)
    assert job.returncode == 3, output
    log = (tmp_path / "log").read_text()
    assert "requeue" not in log
    for words in ("--profile tiny --chapters 02b", "--devices 4 --num-nodes 2 --cache-views"):
        assert words in log
    assert "--hours 5" in log
    assert "--rdzv-endpoint=127.0.0.1:20007" in log


# --- What the other notebooks' tools must not take them for --------------------------------------


@pytest.mark.parametrize("name", ["kaggle", "colab"])
def test_they_are_pairs_with_short_cells_and_no_chapters(name):
    path = CLOUD / f"{name}.py"
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    assert jupytext.writes(notebook, fmt="py:percent") == text
    assert notebook.metadata["jupytext"]["formats"] == "ipynb,py:percent"
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert max(len(cell.splitlines()) for cell in cells) <= 15
    assert name not in (REPO / "book" / "_toc.yml").read_text()
    listed = subprocess.run(
        ["make", "-C", str(REPO), "-pn", "help", "SHARED=1", f"VENV={sys.prefix}"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    (notebooks,) = re.findall(r"^NOTEBOOKS := (.*)$", listed, re.MULTILINE)
    assert "notebooks/03_baseline.py" in notebooks
    assert "cloud" not in notebooks


def test_nothing_of_this_machine_is_written_down():
    for path in CLOUD.iterdir():
        if path.is_file() and path.suffix != ".ipynb":
            assert not re.search(r"/home/|/tmp/|/Users/|/root/", path.read_text(encoding="utf-8"))
