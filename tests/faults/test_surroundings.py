"""Commands on machines that lack something: each works, or ends with one sentence.

Folders are made read-only by mounting them so in a namespace of the command's own, since a
superuser may write anywhere; without the right to do that those tests are skipped, or fail
where IMET_REQUIRE_MOUNTS is set. Tests that mount nothing always run.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from imet.io import REPO

SMALL = ("stored=", "input_size=32", "epochs=1", "max_works=40", "workers=0")
IMET = (sys.executable, "-m", "imet.cli")


def mounting() -> list[str]:
    """A command in front of others that gives them mounts of their own."""
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if shutil.which(command[0]):
            tried = subprocess.run(
                [*command, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True
            )
            if not tried.returncode:
                return command
    if os.environ.get("IMET_REQUIRE_MOUNTS"):
        pytest.fail("no right to mount anything, and IMET_REQUIRE_MOUNTS is set")
    pytest.skip("no right to mount anything")


def read_only(*folders: Path) -> str:
    """Shell commands that make folders read-only."""
    return "".join(
        f"mount --bind {path} {path} && mount -o remount,bind,ro {path} && "
        for path in (shlex.quote(str(folder)) for folder in folders)
    )


def shell(prepare: str, *command: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command after mounts, if `prepare` makes any, with what it printed."""
    script = prepare + shlex.join(str(part) for part in command)
    return subprocess.run(
        [*(mounting() if prepare else []), "bash", "-c", script],
        capture_output=True,
        text=True,
        check=False,
        cwd=REPO,
        timeout=300,
        env=dict(os.environ)
        | {"PYTHONPATH": str(REPO), "PYTHONDONTWRITEBYTECODE": "1"}
        | environment,
    )


def test_only_what_mounts_needs_the_right_to_mount(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    monkeypatch.delenv("IMET_REQUIRE_MOUNTS", raising=False)
    assert shell("", "echo", "ran").stdout == "ran\n"
    with pytest.raises(pytest.skip.Exception, match="no right"):
        shell(read_only(REPO), "echo", "ran")
    monkeypatch.setenv("IMET_REQUIRE_MOUNTS", "1")
    with pytest.raises(pytest.fail.Exception, match="IMET_REQUIRE_MOUNTS"):
        shell(read_only(REPO), "echo", "ran")


def run_command(data: Path, *changes: str) -> list[object]:
    settings = [part for change in (*SMALL, *changes) for part in ("--set", change)]
    return [
        *IMET,
        "run",
        "resnet50",
        "--profile",
        "tiny",
        "--device",
        "cpu",
        "--data",
        data,
        *settings,
    ]


@pytest.fixture(scope="module")
def finished(small_collection: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Home of a finished run, and what the command printed."""
    home = tmp_path_factory.mktemp("home")
    ran = shell("", *run_command(small_collection), IMET_HOME=str(home))
    assert ran.returncode == 0, ran.stderr
    return home, ran.stdout


def test_nothing_can_be_written_and_a_finished_run_is_read(
    finished: tuple[Path, str], small_collection: Path, tmp_path: Path
) -> None:
    """Checkout, environment, home, cache, data and runs on a read-only disk."""
    home, printed = finished
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    places = read_only(REPO, Path(sys.prefix), home, small_collection, nowhere)
    settings = {"IMET_HOME": str(home), "HOME": str(nowhere), "XDG_CACHE_HOME": str(nowhere)}
    ran = shell(places, *run_command(small_collection), **settings)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == printed
    folder = printed.split()[-1]
    picture = small_collection / "train" / "w0.png"
    labelled = shell(places, *IMET, "predict", picture, "--run", folder, **settings)
    assert labelled.returncode == 0, labelled.stderr
    assert "style::red" in labelled.stdout


def test_an_unfinished_run_on_a_read_only_disk_ends_with_one_sentence(
    small_collection: Path, tmp_path: Path
) -> None:
    ran = shell(read_only(tmp_path), *run_command(small_collection), IMET_HOME=str(tmp_path))
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "IMET_HOME" in ran.stderr.splitlines()[-1]
    assert str(tmp_path) in ran.stderr.splitlines()[-1]


def test_a_read_only_data_folder_is_enough(small_collection: Path, tmp_path: Path) -> None:
    places = read_only(small_collection)
    ran = shell(places, *run_command(small_collection), IMET_HOME=str(tmp_path))
    assert ran.returncode == 0, ran.stderr
    for command in (("data", "facts"), ("data", "check")):
        assert shell(places, *IMET, *command, small_collection).returncode == 0


def test_little_shared_memory_costs_processes_and_not_the_run(
    small_collection: Path, tmp_path: Path
) -> None:
    """As in a container: loader processes hand their batches over in /dev/shm."""
    place = "mount -t tmpfs -o size=3m none /dev/shm && "
    large = ("view_mode=fresh", "workers=2", "batch_size=4", "input_size=192", "eval_batch_size=4")
    ran = shell(place, *run_command(small_collection, *large), IMET_HOME=str(tmp_path))
    assert ran.returncode == 0, ran.stderr[-2000:]


def test_a_dead_proxy_stops_nothing_that_is_local(small_collection: Path, tmp_path: Path) -> None:
    dead = "http://127.0.0.1:9"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    settings = dict.fromkeys(names, dead) | {"IMET_HOME": str(tmp_path / "home")}
    ran = shell("", *run_command(small_collection), **settings)
    assert ran.returncode == 0, ran.stderr
    notebook = tmp_path / "one.py"
    notebook.write_text('# %% tags=["parameters"]\nx = 1\n\n# %%\nprint(x + 1)\n')
    tool = REPO / "book" / "tools" / "execute.py"
    ran = shell("", sys.executable, tool, notebook, "--out", tmp_path / "one.ipynb", **settings)
    assert ran.returncode == 0, ran.stderr


def test_a_dead_proxy_is_named_before_anything_is_waited_for(tmp_path: Path) -> None:
    ran = shell(
        "",
        *(*IMET, "data", "download", "met", tmp_path / "met", "--works", "1"),
        https_proxy="http://127.0.0.1:9",
    )
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr
    assert "https_proxy" in ran.stderr


@pytest.mark.parametrize("room", ["100k", "400k", "2m"])
def test_a_real_disk_that_is_full_is_one_sentence_and_nothing_is_lost(
    room: str, small_collection: Path, tmp_path: Path
) -> None:
    """A small disk for everything that is written; the command goes on where there is room."""
    place = tmp_path / "place"
    place.mkdir()
    kept = tmp_path / "kept"
    mount = f"mount -t tmpfs -o size={room} none {place} && "
    command = shlex.join(str(part) for part in run_command(small_collection, "frozen=false"))
    script = f"{command}; code=$?; cp -r {place} {kept}; exit $code"
    ran = shell(mount, "bash", "-c", script, IMET_HOME=str(place))
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert not list(kept.rglob("*.tmp"))
    again = shell("", *run_command(small_collection, "frozen=false"), IMET_HOME=str(kept))
    assert again.returncode == 0, again.stderr


def test_drawing_on_a_full_disk_goes_on_where_there_is_room(tmp_path: Path) -> None:
    place, kept = tmp_path / "place", tmp_path / "kept"
    place.mkdir()
    options = ("--works", "40", "--seed", "3", "--workers", "2")
    draw = shlex.join([*IMET, "data", "simulate", str(place), *options])
    script = f"{draw}; code=$?; cp -r {place} {kept}; exit $code"
    ran = shell(f"mount -t tmpfs -o size=1m none {place} && ", "bash", "-c", script)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    for out in (kept, tmp_path / "whole"):
        assert shell("", *IMET, "data", "simulate", out, *options).returncode == 0
    pictures = sorted(path.name for path in (kept / "train").iterdir())
    assert len(pictures) == 40
    for name in ("train.csv", "truth.jsonl", *(f"train/{picture}" for picture in pictures)):
        assert (kept / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_processor_quota_is_obeyed(small_collection: Path, tmp_path: Path) -> None:
    """One of many processors may be used: no more processes and threads than that are started."""
    asked = "import joblib; print(joblib.cpu_count())"
    ran = shell("", "taskset", "-c", "0", sys.executable, "-c", asked)
    assert ran.stdout == "1\n"
    slow = ("taskset", "-c", "0", *run_command(small_collection))
    assert shell("", *slow, IMET_HOME=str(tmp_path)).returncode == 0
