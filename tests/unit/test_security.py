"""What SECURITY.md promises, where no other test has it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from lxml import html

from imet.data.check import check
from imet.data.tables import read_collection
from imet.download.met import read_ids
from imet.io import REPO, InputError
from imet.report.datasheet import sheet_links
from imet.report.tables import show

RUNS_CODE = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.load", "pickle.loads",
    "pickle.Unpickler", "marshal.loads", "shelve.open", "joblib.load", "yaml.load",
    "yaml.unsafe_load", "pd.read_pickle", "torch.jit.load", "torch.hub.load",
}  # fmt: skip
SOURCES = [
    path for folder in ("imet", "imet_simulation", "book") for path in (REPO / folder).rglob("*.py")
]


def calls(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Each call of a file: what is called, and its keywords as source text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [
        (ast.unparse(node.func), {k.arg or "**": ast.unparse(k.value) for k in node.keywords})
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(REPO)))
def test_nothing_is_called_that_runs_what_a_file_says(path):
    for name, keywords in calls(path):
        assert name not in RUNS_CODE, name
        assert keywords.get("shell", "False") == "False"
        assert keywords.get("allow_pickle", "False") == "False"
        if name == "torch.load":
            assert keywords.get("weights_only") == "True"


def test_the_rule_sees_what_it_should(tmp_path):
    (tmp_path / "bad.py").write_text("import torch\ntorch.load('x')\neval('1')\n")
    assert [name for name, _ in calls(tmp_path / "bad.py")] == ["torch.load", "eval"]


ESCAPES = ["../x", "..", "/etc/passwd", "a/../../x", "..\\x", "C:x", "a\0b", "a\nb", "\u202e/x"]


@pytest.mark.parametrize("work", ESCAPES)
def test_no_id_leaves_its_folder(work, tmp_path):
    (tmp_path / "labels.csv").write_text("attribute_id,attribute_name\n0,tag::men\n")
    quoted = work.replace('"', '""')
    (tmp_path / "train.csv").write_text(f'id,attribute_ids\n"{quoted}",0\n', newline="")
    with pytest.raises(InputError, match=r"train\.csv, row"):
        read_collection(tmp_path)
    assert any("train.csv" in str(problem.file) for problem in check(tmp_path, images=False))


@pytest.mark.parametrize("number", ["../1", "1/../../2", "-1", "1e3", "٣٣x"])
def test_no_manifest_names_anything_but_numbers(number, tmp_path):
    (tmp_path / "list.csv").write_text(f"object_id\n{number}\n")
    with pytest.raises(InputError, match="no object number"):
        read_ids(tmp_path / "list.csv")


HOSTILE = [
    "tag::<script>alert(1)</script>",
    "tag::<img src=x onerror=alert(1)>",
    'tag::"><svg onload=alert(1)>',
    "tag::</td></table><iframe src=//x>",
    "tag::&lt;b&gt; &amp; 'x'",
]


def test_names_are_text_in_every_table():
    frame = pd.DataFrame({name: [0.5] * len(HOSTILE) for name in HOSTILE}, index=HOSTILE)
    frame["text"] = HOSTILE
    frame.index.name = HOSTILE[0]
    for page in (show(frame).to_html(), sheet_links(dict.fromkeys(HOSTILE, "x.jpg"), "there")):
        tree = html.fromstring(f"<div>{page}</div>")
        assert not tree.xpath("//script | //img | //svg | //iframe | //*[@onload or @onerror]")
        assert "<script>alert(1)</script>" in tree.text_content()


OFFLINE = """
import sys

def heard(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        raise SystemExit(f"the network is used: {event} {arguments[1:]}")

sys.addaudithook(heard)
from pathlib import Path
from imet.predict import label_pictures
from imet.runs import run

settings = {"input_size": 32, "epochs": 1, "max_works": 40, "stored": ""}
made = run("resnet50", "tiny", device="cpu", data=sys.argv[1], overrides=settings)
predictions, problems = label_pictures([Path(sys.argv[1]) / "train"], made.folder)
print(len(predictions), len(problems))
"""


def test_a_run_and_its_predictions_use_no_network(small_collection, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", OFFLINE, str(small_collection)],
        capture_output=True,
        text=True,
        check=False,
        env=dict(os.environ) | {"IMET_HOME": str(tmp_path), "PYTHONPATH": str(REPO)},
    )
    assert ran.returncode == 0, ran.stderr[-2000:]
    assert ran.stdout.split() == ["60", "0"]


def test_the_promises_name_tests_that_exist():
    named = re.findall(r"`(tests/[\w/.]+)`", (REPO / "SECURITY.md").read_text(encoding="utf-8"))
    assert len(named) >= 8
    for name in named:
        assert (REPO / name).is_file(), name
