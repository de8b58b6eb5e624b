"""One notebook, atomically."""

from __future__ import annotations

import argparse
import base64
import errno
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import execute
import kernels
import nbformat
import numpy as np
import papermill
import pytest
from PIL import Image

from imet.io import REPO, InputError

HEADER = """\
# %% tags=["parameters"]
profile = "sample"
seed = 0

"""
TOOL = REPO / "book" / "tools" / "execute.py"


def script(folder: Path, body: str) -> Path:
    path = folder / "09_try.py"
    path.write_text(HEADER + body)
    return path


def command(source: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, str(TOOL), str(source), "--out", str(out), *more]


def run(source: Path, out: Path, *more: str) -> subprocess.CompletedProcess[str]:
    home = source.parent / "home"
    home.mkdir()
    environment = {**os.environ, "HOME": str(home)}
    return subprocess.run(
        command(source, out, *more), capture_output=True, text=True, timeout=120, env=environment
    )


@pytest.mark.slow
def test_a_notebook_is_executed_with_its_parameters_by_this_python(tmp_path: Path) -> None:
    out = tmp_path / "made" / "09_try.ipynb"
    body = """\
# %%
import os, sys
print(sys.executable, profile, seed, os.getcwd(), sep="|")
print("noise", file=sys.stderr)
import time
while time.process_time() < 2:
    pass

# %%
from imet.report.plots.curves import training_curves
training_curves([{"train_loss": 1.0}])
"""
    made = run(script(tmp_path, body), out, "-p", "profile=tiny", "-p", "seed=7")
    assert made.returncode == 0, made.stderr
    assert "ERROR" not in made.stdout + made.stderr
    assert "09_try done in 0:" in made.stdout
    notebook = nbformat.read(out, as_version=4)
    text = json.dumps(notebook)
    assert f"{sys.executable}|tiny|7|{REPO}" in text
    assert "noise" not in text.replace('print(\\"noise\\"', "")
    assert '"papermill"' not in text
    assert "execution_start" not in text
    hidden = [c for c in notebook.cells if "remove-cell" in c.metadata.get("tags", [])]
    assert [set(c.metadata.tags) & execute.HIDDEN_TAGS for c in hidden] == [
        {"parameters"},
        {"injected-parameters"},
    ]
    pictures = [o for c in notebook.cells for o in c.get("outputs", []) if "image/png" in
                o.get("data", {})]  # fmt: skip
    assert len(pictures) == 1, "a figure is shown once"
    made_here = {path.name for path in out.parent.iterdir()}
    assert made_here == {"09_try.ipynb", "09_try.ipynb.lock", "09_try.times"}
    seconds, processor_seconds = map(float, out.with_suffix(".times").read_text().split())
    assert seconds > 1
    assert processor_seconds > 2, "the kernel's work counts"
    assert not [p for p in tmp_path.rglob("*") if p.name in {".ipython", ".jupyter", "kernels"}]


def test_outputs_show_plain_numbers_of_four_digits(tmp_path: Path) -> None:
    body = """
import numpy as np
from imet.statistics import Interval
from imet.thresholds import GlobalThreshold
{"a": np.float64(0.2599707), "b": (np.float32(248.91766), np.int64(3), 2 / 3), "c": np.ones(1) / 3}
# %%
rule = GlobalThreshold(f_beta=0.5, at_edge=True, threshold=1 / 7)
Interval(0.30531457, 0.27165314, 0.34044639), rule
"""
    out = tmp_path / "09_try.ipynb"
    made = run(script(tmp_path, body), out, "-p", "profile=tiny", "-p", "seed=7")
    assert made.returncode == 0, made.stderr
    said = [
        " ".join(o["data"]["text/plain"].split())
        for cell in nbformat.read(out, as_version=4).cells
        for o in cell.get("outputs", [])
    ]
    assert said == [
        "{'a': 0.26, 'b': (248.9, 3, 0.6667), 'c': array([0.3333])}",
        "(Interval(value=0.3053, low=0.2717, high=0.3404), "
        "GlobalThreshold(f_beta=0.5, at_edge=True, threshold=0.1429))",
    ]


def test_an_unknown_parameter_fails_before_anything_runs(tmp_path: Path) -> None:
    out = tmp_path / "09_try.ipynb"
    out.write_text("an earlier success")
    made = run(script(tmp_path, "# %%\n1 / 0\n"), out, "-p", "sede=1")
    assert made.returncode == 2
    assert "no parameter named sede" in made.stderr
    assert "profile, seed" in made.stderr
    assert not out.exists()


@pytest.mark.slow
def test_a_failing_cell_leaves_no_notebook(tmp_path: Path) -> None:
    out = tmp_path / "09_try.ipynb"
    made = run(script(tmp_path, "# %%\nraise RuntimeError('planted')\n"), out)
    assert made.returncode == 1
    assert "planted" in made.stderr
    assert not out.exists()


@pytest.mark.parametrize("kind", [".times", ".ipynb"])
def test_a_full_disk_is_one_sentence_and_leaves_no_half_notebook(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = script(tmp_path, "# %%\n1\n"), tmp_path / "made" / "09_try.ipynb"
    replace = os.replace

    def full(old: Path, new: Path) -> None:
        if Path(new) == out.with_suffix(kind):
            raise OSError(errno.ENOSPC, "No space left on device", str(new))
        replace(old, new)

    monkeypatch.setattr("os.replace", full)
    monkeypatch.setattr(execute, "private_kernel", lambda folder: {})
    monkeypatch.setenv(kernels.PROCESSORS, str(tmp_path / "seconds"))
    monkeypatch.setattr(
        papermill, "execute_notebook", lambda plain, *_, **__: nbformat.read(plain, as_version=4)
    )
    options = argparse.Namespace(source=source, out=out, parameter=[], timeout=None)
    assert execute._execute(options) == 1
    (sentence,) = capsys.readouterr().err.splitlines()
    assert sentence.startswith(f"{source}: failed, nothing written: ")
    assert "No space left on device" in sentence
    assert not out.exists()
    assert not list(out.parent.glob(".*"))


@pytest.mark.slow
def test_a_cell_that_takes_too_long_leaves_no_notebook(tmp_path: Path) -> None:
    out = tmp_path / "09_try.ipynb"
    source = script(tmp_path, "# %%\nimport time; time.sleep(60)\n")
    made = run(source, out, "--timeout", "1")
    assert made.returncode == 1
    assert not out.exists()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_an_interruption_leaves_no_notebook(tmp_path: Path, number: signal.Signals) -> None:
    out, started = tmp_path / "09_try.ipynb", tmp_path / "started"
    body = (
        f"# %%\nimport os, pathlib, time\npathlib.Path({str(started)!r}).write_text(str("
        "os.getpid()))\ntime.sleep(90)\n"
    )
    process = subprocess.Popen(command(script(tmp_path, body), out), stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    assert started.exists()
    time.sleep(0.2)
    process.send_signal(number)
    assert process.wait(30) != 0
    assert not out.exists()
    kernel = int(started.read_text())
    deadline = time.monotonic() + 30
    while _alive(kernel) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(kernel), "the kernel outlived its caller"


def _alive(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0), ("1e-3", 1e-3), ("true", True), ("None", None), ("cpu", "cpu"), ("[1, 2]", [1, 2])],
)
def test_parameter_values_keep_their_kind(text: str, value: object) -> None:
    assert execute.parse_parameters([f"x={text}"]) == {"x": value}


def test_a_parameter_is_written_as_name_and_value() -> None:
    with pytest.raises(InputError, match="name=value"):
        execute.parse_parameters(["seed"])


def test_a_missing_notebook_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such notebook"):
        execute.read_notebook(tmp_path / "none.py")


CAPTION = """\
# %% tags=["hide-input"]
1

# %% [markdown]
# ```{caption} fig-one
# :alt: A one,
#   alone.
# The number {num}`x:d`,
# once.
# ```
"""


def test_a_caption_names_the_figure_above(tmp_path):
    notebook = execute.read_notebook(script(tmp_path, CAPTION + "\n# %%\n2\n"))
    assert [cell.cell_type for cell in notebook.cells] == ["code", "code", "code"]
    assert notebook.cells[1].metadata["mystnb"] == {
        "figure": {"name": "fig-one", "caption": "The number {num}`x:d`, once."},
        "image": {"alt": "A one, alone."},
    }


def test_a_caption_without_a_figure_is_refused(tmp_path):
    source = script(tmp_path, "# %% [markdown]\n# Text.\n\n" + CAPTION.partition("1\n\n")[2])
    with pytest.raises(InputError, match=r"09_try\.py, cell 2: the caption of fig-one must stand"):
        execute.read_notebook(source)


@pytest.mark.parametrize(
    ("cell", "typeset"),
    [
        ("<td>-0.012</td>", '<td class="number">−0.012</td>'),
        (
            '<td id="T_1" class="data row0" >+0.016\n[-0.001, +0.033]</td>',
            '<td id="T_1" class="number data row0" >+0.016\n'
            '<span class="interval">[−0.001, +0.033]</span></td>',
        ),
        (
            "<td>0.5 [0.4, 0.6]</td>",
            '<td class="number">0.5\n<span class="interval">[0.4, 0.6]</span></td>',
        ),
        ("<td>12 %</td>", '<td class="number">12 %</td>'),
        ("<td>–</td>", '<td class="number">–</td>'),
        ("<td>1e-05</td>", '<td class="number">1e-05</td>'),
        ("<td>2019-11-25</td>", "<td>2019-11-25</td>"),
        ("<td>T = 5, no -dash</td>", "<td>T = 5, no -dash</td>"),
        ("<td>3 of 7</td>", "<td>3 of 7</td>"),
    ],
)
def test_numbers_of_tables_have_minus_signs_and_are_marked(cell: str, typeset: str) -> None:
    assert execute.CELL.sub(execute.typeset, cell) == typeset


def test_printed_numbers_have_minus_signs_and_words_their_hyphens(tmp_path: Path) -> None:
    notebook = execute.read_notebook(script(tmp_path, "# %%\nprint(1)\n"))
    text = "CNN-RNN, 2026-11-27: -0.150 [-0.179, -.121], 1e-05, --x\n"
    notebook.cells[-1].outputs = [nbformat.v4.new_output("stream", name="stdout", text=text)]
    said = execute.finish(notebook).cells[-1].outputs[0].text
    assert said == "CNN-RNN, 2026-11-27: −0.150 [−0.179, −.121], 1e-05, --x\n"


def test_a_solution_is_folded(tmp_path: Path) -> None:
    body = '# %% tags=["solution"]\n1 + 1\n'
    notebook = execute.finish(execute.read_notebook(script(tmp_path, body)))
    assert notebook.cells[1].metadata["tags"] == ["solution", "hide-cell"]


@pytest.mark.slow
def test_a_killed_chapter_names_the_run_it_was_training(tmp_path: Path) -> None:
    out, home = tmp_path / "09_try.ipynb", tmp_path / "home"
    body = """\
# %%
import os, signal
from imet import runs
from imet.training import loop
loop.CHECKPOINT_SECONDS = 0
real = loop.save_checkpoint
def dies(path, state):
    real(path, state)
    if state.get("steps") == 2:
        os.kill(os.getpid(), signal.SIGKILL)
loop.save_checkpoint = dies
runs.run("resnet50", "tiny", device="cpu", overrides={"batch_size": 8})
"""
    source = script(tmp_path, body)
    environment = {**os.environ, "IMET_HOME": str(home)}
    killed = subprocess.run(
        command(source, out), capture_output=True, text=True, timeout=300, env=environment
    )
    assert killed.returncode == 1
    (folder,) = (home / "runs" / "tiny").glob("resnet50-*/")
    sentence = f"{folder.name} was not finished; its checkpoint is {folder / 'last.pt'}"
    assert f"{sentence}, and the same command goes on" in killed.stderr
    source.write_text(source.read_text().replace('state.get("steps") == 2', "False"))
    again = subprocess.run(
        command(source, out), capture_output=True, text=True, timeout=300, env=environment
    )
    assert again.returncode == 0, again.stderr
    assert (folder / "metrics.json").exists()


def figure(pixels: np.ndarray) -> nbformat.NotebookNode:
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG")
    data = {"image/png": base64.b64encode(png.getvalue()).decode()}
    size = {"image/png": {"width": 300}}
    return nbformat.v4.new_output("display_data", data=data, metadata=size)


def test_a_large_figure_becomes_a_jpeg_and_a_small_one_stays(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 600, 3), np.uint8)
    cell = nbformat.v4.new_code_cell()
    smooth = np.repeat(np.repeat(noise[:50, :50], 12, 0), 12, 1)
    cell.outputs = [figure(noise), figure(smooth)]
    notebook = execute.read_notebook(script(tmp_path, "# %%\n1\n"))
    notebook.cells.append(cell)
    large, small = execute.finish(notebook).cells[-1].outputs
    assert list(large.data) == list(large.metadata) == ["image/jpeg"]
    assert large.metadata["image/jpeg"] == {"width": 300}
    picture = Image.open(io.BytesIO(base64.b64decode(large.data["image/jpeg"])))
    assert picture.size == (600, 600)
    assert np.abs(np.asarray(picture, float) - noise).mean() < 10
    assert list(small.data) == ["image/png"]
