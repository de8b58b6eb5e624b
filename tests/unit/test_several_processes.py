"""Two processes on a CPU give the numbers of one: shares of batches, sums, gathered scores."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import draw_collection

from imet.batches import Batches
from imet.config import resolve
from imet.data.parts import load_parts
from imet.io import InputError
from imet.models.registry import build_encoder

pytestmark = pytest.mark.slow
SETTINGS = {"dropout": 0, "epochs": 2, "workers": 0, "stored": "", "learning_rate": 0.02}
RECIPES = {
    "resnet50": {"batch_size": 5, "view_mode": "fresh"},  # shares of 3 and 2 works
    "resnet50_hog": {"batch_size": 47},  # stored features; one work for two in the last batch
    "attn_cnn_rnn": {"batch_size": 5, "rnn_width": 16, "attention_width": 16, "most_beams": 2},
}
DIFFERENCE = 2e-4  # of losses and scores: sums in another order, and Adam after some steps


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return draw_collection(tmp_path_factory.mktemp("several") / "drawn", 60)


def command(recipe: str, data: Path, *more: str, **changes) -> list[str]:
    arguments = ["run", recipe, "--profile", "tiny", "--data", str(data), "--device", "cpu", *more]
    for key, value in (SETTINGS | changes).items():
        arguments += ["--set", f"{key}={value}"]
    return arguments


def start(arguments: list[str], home: Path, *tool: str) -> subprocess.Popen[str]:
    """`imet`, or another tool with its arguments."""
    return subprocess.Popen(
        [sys.executable, *(tool or ("-m", "imet.cli")), *arguments],
        env={**os.environ, "IMET_HOME": str(home), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    try:
        output, _ = process.communicate(timeout=600)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    assert process.returncode == 0, output
    return output


def numbers(home: Path) -> tuple[list[dict[str, float]], dict[str, np.ndarray], dict]:
    (run,) = (home / "runs" / "tiny").glob("*/")
    history = [json.loads(line) for line in (run / "history.jsonl").open()]
    scores = {part: np.load(run / f"scores_{part}.npy") for part in ("val", "test")}
    return history, scores, json.loads((run / "metrics.json").read_text())


def assert_close(ours, theirs) -> None:
    for entry, other in zip(ours[0], theirs[0], strict=True):
        for key in ("train_loss", "val_loss"):
            assert entry[key] == pytest.approx(other[key], rel=DIFFERENCE)
    for part in ours[1]:
        np.testing.assert_allclose(ours[1][part], theirs[1][part], atol=DIFFERENCE)


@pytest.mark.parametrize("recipe", RECIPES)
def test_two_processes_give_the_numbers_of_one(recipe, folder, tmp_path):
    changes = RECIPES[recipe]
    finished(start(command(recipe, folder, **changes), tmp_path / "one"))
    output = finished(start(command(recipe, folder, "--devices", "2", **changes), tmp_path / "two"))
    one, two = numbers(tmp_path / "one"), numbers(tmp_path / "two")
    assert_close(two, one)
    assert (one[2]["devices"], two[2]["devices"]) == (1, 2)
    assert output.count("epoch 1 of 2") == 1, "only the first process speaks"
    assert output.count("test f2") == 1
    names = [p.name for p in (tmp_path / "two" / "runs" / "tiny").rglob("*") if p.is_file()]
    assert len(names) == len(set(names))
    assert not [name for name in names if name.endswith(".tmp")]


def test_under_torchrun_killed_and_resumed(folder, tmp_path):
    """Bit for bit: what two processes add up does not depend on when."""
    script = tmp_path / "short.py"
    script.write_text(
        "import sys\nfrom imet.training import loop\nfrom imet import cli\n"
        "loop.CHECKPOINT_SECONDS = 0\nsys.argv[0] = 'imet'\ncli.main()\n"
    )
    arguments = command("resnet50", folder, "--devices", "2", batch_size=5, view_mode="fresh")

    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script))

    def begin(home: Path) -> subprocess.Popen[str]:
        return start(arguments, home, *torchrun)

    finished(begin(tmp_path / "calm"))
    process = begin(tmp_path / "rough")
    deadline, killed = time.monotonic() + 300, []
    while not killed and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.02)
        for file in (tmp_path / "rough").glob("runs/tiny/*/last.pt"):
            if torch.load(file)["steps"] in (3, 4, 5, 6):
                # torchrun's workers are sessions of their own, and outlive it if it is killed alone
                killed = [process.pid, *descendants(process.pid)]
                for pid in killed:
                    with suppress(ProcessLookupError):  # its parent's end was its own
                        os.kill(pid, signal.SIGKILL)
    assert len(killed) >= 3, "both workers are killed in the middle of the run"
    assert process.wait() == -signal.SIGKILL
    assert not list((tmp_path / "rough").rglob("metrics.json"))
    finished(begin(tmp_path / "rough"))
    calm, rough = numbers(tmp_path / "calm"), numbers(tmp_path / "rough")
    assert rough[0] == calm[0]
    assert all(np.array_equal(rough[1][part], calm[1][part]) for part in calm[1])


def descendants(pid: int) -> list[int]:
    """Processes that a process started, and what those started."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for each in lists for child in each.read_text().split()]
    return children + [below for child in children for below in descendants(child)]


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("rank", [0, 1])
def test_all_stop_where_one_fails(rank, folder, tmp_path):
    recipe = resolve("resnet50", "tiny", {"input_size": 64})
    train = load_parts(folder, recipe).train
    order = np.random.default_rng([0, 0]).permutation(len(train))
    copy = shutil.copytree(folder, tmp_path / "copy")
    picture = copy / "train" / f"{train.collection.ids[train.rows[order[rank]]]}.png"
    picture.write_bytes(picture.read_bytes()[:200])
    arguments = command("resnet50", copy, "--devices", "2", batch_size=6, view_mode="fresh")
    process = start(arguments, tmp_path / "home")
    output, _ = process.communicate(timeout=300)
    assert process.returncode != 0
    assert f"{picture.name}: the picture is truncated" in output
    deadline = time.monotonic() + 60
    while alive(process.pid) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive(process.pid), "a process was left behind"


def test_shares_deal_every_work_once_in_the_order_of_one_process(folder):
    recipe = resolve("resnet50", "tiny", {"batch_size": 47, "view_mode": "fresh", "workers": 0})
    parts, encoder = load_parts(folder, recipe), build_encoder(recipe)
    alone = [batch["works"] for batch in Batches(recipe, parts, encoder, "cpu").training(0)]
    for ranks in (2, 3):
        each = [
            list(Batches(recipe, parts, encoder, "cpu", rank, ranks).training(0))
            for rank in range(ranks)
        ]
        for batch, whole in zip(zip(*each, strict=True), alone, strict=True):
            dealt = [b["works"] for b in batch if b["share"] > 0]
            assert sorted(torch.cat(dealt).tolist()) == sorted(whole.tolist())
            assert sum(float(b["share"]) for b in batch) == pytest.approx(ranks)
        works = [
            b["works"]
            for rank in range(ranks)
            for b in Batches(recipe, parts, encoder, "cpu", rank, ranks).evaluation(parts.val)
        ]
        assert sorted(torch.cat(works).tolist()) == list(range(len(parts.val)))
    with pytest.raises(InputError, match="batch_size = 47 cannot be shared by 48 devices"):
        Batches(recipe, parts, encoder, "cpu", 0, 48).prepare()
