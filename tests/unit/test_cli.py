"""What others script against: keys, columns, exit codes, and errors without a traceback."""

from __future__ import annotations

import csv
import errno
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from imet import runs
from imet.cli import app
from imet.config import recipe_names
from imet.data.split import part_names, split_collection
from imet.data.tables import read_collection
from imet.predict import label_pictures

FACTS = [
    "rows",
    "labels",
    "culture",
    "tag",
    "mean_labels",
    "max_labels",
    "rare_labels",
    "kept_works",
    "kept_labels",
    "ids_not_16_characters",
    "split",
    "labels_present",
    "max_labels_per_split",
    "counts",
]


def imet(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(a) for a in arguments])


def ok(*arguments: object) -> str:
    result = imet(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(*arguments: object) -> str:
    """The message of a command that ends with exit code 2 and no traceback."""
    result = imet(*arguments)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    assert result.stdout == ""
    return result.stderr


@pytest.fixture(scope="module", autouse=True)
def home(tmp_path_factory):
    """Runs and features go elsewhere."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        yield folder


@pytest.fixture
def copy(small_collection, tmp_path) -> Path:
    return shutil.copytree(small_collection, tmp_path / "copy")


# --- imet data -----------------------------------------------------------------------------------


def test_facts_have_exactly_the_keys_agreed_on(small_collection):
    found = json.loads(ok("data", "facts", small_collection, "--json"))
    assert list(found) == FACTS
    assert found["rows"] == 60
    assert (found["labels"], found["culture"], found["tag"]) == (10, 0, 10)
    assert found["counts"]["style::red"] == 20
    assert found["split"] == {"train": 48, "val": 6, "test": 6, "dropped": 0}
    assert set(found["labels_present"]) == set(found["max_labels_per_split"])
    assert "style::red" in ok("data", "facts", small_collection)


def test_facts_of_the_real_tables_from_the_command_line(real_tables):
    found = json.loads(ok("data", "facts", real_tables, "--json"))
    assert list(found) == FACTS
    assert found["counts"]["tag::men"] == 19_970
    assert found["split"] == {"train": 87_360, "val": 10_920, "test": 10_920, "dropped": 37}


def test_split_is_a_table_in_file_order(small_collection, tmp_path):
    out = tmp_path / "new" / "split.csv"
    assert "train 48" in ok("data", "split", small_collection, "--out", out)
    with open(out, newline="", encoding="utf-8") as handle:
        header, *rows = csv.reader(handle)
    collection = read_collection(small_collection)
    assert header == ["id", "split"]
    assert [row[0] for row in rows] == collection.ids.tolist()
    assert [row[1] for row in rows] == part_names(split_collection(collection)).tolist()


def test_check_tells_sound_folders_from_faulty_ones(small_collection, copy):
    sound = imet("data", "check", small_collection)
    assert (sound.exit_code, sound.stdout) == (0, "")
    (copy / "train" / "w3.png").unlink()
    (copy / "train" / "w9.png").write_bytes(b"")
    with open(copy / "train.csv", "a", encoding="utf-8") as handle:
        handle.write("w60,999\n../evil,7\n")
    faulty = imet("data", "check", copy)
    assert faulty.exit_code == 1
    lines = faulty.stdout.splitlines()
    assert len([line for line in lines if ": " in line and "; " in line]) == len(lines)
    for part in ("row 62", "label 999", "row 63", "../evil", "w3.png", "w9.png"):
        assert part in faulty.stdout
    assert "missing (row 5 of train.csv), here and in 1 more row;" in faulty.stdout  # w60
    tables_only = imet("data", "check", copy, "--no-images")
    assert "w3.png" not in tables_only.stdout
    assert tables_only.exit_code == 1


# --- imet recipes, results -----------------------------------------------------------------------


def test_recipes_show_the_resolved_configuration():
    needed = {"model", "batch_size", "learning_rate", "epochs", "schedule", "loss"}
    every = json.loads(ok("recipes", "--profile", "kaggle", "--json"))
    assert list(every) == recipe_names()
    assert all(needed <= set(values) for values in every.values())
    one = json.loads(ok("recipes", "resnet50", "--profile", "kaggle", "--json"))
    assert one == every["resnet50"]
    assert (one["learning_rate"], one["epochs"], one["batch_size"]) == (1e-4, 15, 32)
    assert json.loads(ok("recipes", "resnet50", "--json"))["backbone"] == "efficientnet_lite0"
    text = ok("recipes")
    assert all(name in text for name in recipe_names())


def test_results_list_every_reported_number():
    rows = json.loads(ok("results", "--profile", "tiny", "--json"))
    assert len(rows) > 150
    assert {"key", "reported", "ours", "run", "seed", "device", "commit"} <= set(rows[0])
    text = ok("results", "--profile", "tiny")
    assert all(row["key"] in text for row in rows)


# --- imet run, predict ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran(small_collection) -> tuple[Path, str]:
    """A run's folder, as printed, and all that was printed."""
    arguments = ["resnet50", "--profile", "tiny", "--data", small_collection, "--device", "cpu"]
    changes = ["--set", "input_size=32", "--set", "learning_rate = 0.05", "--set", "stored="]
    text = ok("run", *arguments, *changes)
    return Path(text.splitlines()[-1]), text


def test_run_prints_metrics_and_the_folder(ran, home):
    folder, text = ran
    assert (folder / "metrics.json").exists()
    assert folder.parent == home / "runs" / "tiny"
    metrics = json.loads((folder / "metrics.json").read_text())
    for part in ("val", "test"):
        for name in ("f2", "f1", "precision", "recall"):
            assert f"{part:5}{name:10}{metrics[part][name]['value']:.4f}" in text
    assert f"score ≥ {metrics['threshold']:.4g}" in text


def test_run_loads_what_is_there(ran, small_collection, monkeypatch):
    monkeypatch.setattr(runs, "train", None)
    changes = ["--set", "input_size=32", "--set", "learning_rate=5e-2", "--set", "workers=0"]
    changes += ["--set", "stored = "]
    text = ok("run", "resnet50", "--profile=tiny", "--data", small_collection, *changes)
    assert text == ran[1]


def test_a_run_on_a_folder_of_ones_own_is_no_result(ran):
    rows = json.loads(ok("results", "--profile", "tiny", "--json"))
    assert all(row["ours"] is None for row in rows)


@pytest.fixture
def pictures(tmp_path) -> list[Path]:
    """Pictures of many kinds; the last is one pixel, the one before it very wide."""
    rgb = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    image = Image.fromarray(rgb)
    files = {
        "plain.png": image,
        "plain.jpg": image,
        "grey.png": image.convert("L"),
        "cmyk.jpg": image.convert("CMYK"),
        "palette.gif": image.convert("P"),
        "alpha.png": image.convert("RGBA"),
        "sixteen.png": Image.fromarray(rgb[..., 0].astype(np.uint16) * 257),
        "mit Leerzeichen, 物.webp": image,
        "wide.png": Image.new("RGB", (2000, 20), "red"),
        "dot.png": Image.new("RGB", (1, 1)),
    }
    for name, picture in files.items():
        picture.save(tmp_path / name)
    return [tmp_path / name for name in files]


def test_predict_labels_pictures_of_any_kind(ran, pictures):
    found = json.loads(ok("predict", *pictures, "--run", ran[0], "--json"))
    assert [entry["image"] for entry in found] == [str(path) for path in pictures]
    metrics = json.loads((ran[0] / "metrics.json").read_text())
    for entry in found:
        scores = [label["score"] for label in entry["labels"]]
        assert len(scores) == 10
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert "thing 3, ünïcode 物" in {label["name"] for label in entry["labels"]}
        for label in entry["labels"]:
            assert label["predicted"] == (label["score"] >= metrics["threshold"])
    by_name = {Path(entry["image"]).stem: entry["labels"] for entry in found}
    assert by_name["plain"] != by_name["grey"]


def test_predict_scores_a_test_work_as_the_run_did(ran, small_collection):
    collection = read_collection(small_collection)
    rows = split_collection(collection).test
    stored = np.load(ran[0] / "scores_test.npy")
    names = list(collection.labels.names)
    paths = [collection.path(int(row)) for row in rows]
    found, _ = label_pictures(paths, ran[0], work_ids=collection.ids[rows].tolist())
    for entry, wanted in zip(found, stored):
        scores = np.zeros(len(names))
        for label in entry["labels"]:
            scores[names.index(label["name"])] = label["score"]
        np.testing.assert_allclose(scores, wanted, atol=2e-3)  # features were kept in float16


def test_the_same_bytes_get_the_same_scores_under_any_name(ran, pictures, tmp_path):
    renamed = shutil.copy(pictures[0], tmp_path / "another name.png")
    one, other = json.loads(ok("predict", pictures[0], renamed, "--run", ran[0], "--json"))
    assert one["labels"] == other["labels"]


def test_a_bad_picture_costs_itself_and_not_the_others(ran, pictures, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    shutil.copy(pictures[0], folder / "a.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "._a.png").write_bytes(b"\0\5\26\7")
    shutil.copy(pictures[1], folder / "z.jpg")
    result = imet("predict", folder, "--run", ran[0], "--json")
    assert result.exit_code == 2
    assert [Path(entry["image"]).name for entry in json.loads(result.stdout)] == ["a.png", "z.jpg"]
    assert "broken.png: the picture is truncated" in result.stderr


def test_crops_inside_their_input_are_not_cropped_again(ran, pictures, tmp_path):
    folder = tmp_path / "shelf"
    folder.mkdir()
    shutil.copy(pictures[0], folder / "a.png")
    for _ in range(3):
        assert "1 picture cropped" in ok("crop", folder, "--run", ran[0], "--out", folder / "cut")


def test_predict_writes_the_competition_s_table(ran, small_collection, tmp_path):
    collection = read_collection(small_collection)
    rows = split_collection(collection).test
    paths = [collection.path(int(row)) for row in rows]
    out = tmp_path / "submission.csv"
    assert ok("predict", *paths, "--run", ran[0], "--submission", out) == f"{out}: 6 works\n"
    scores = np.load(ran[0] / "scores_test.npy")
    threshold = json.loads((ran[0] / "metrics.json").read_text())["threshold"]
    lines = out.read_text().splitlines()
    assert lines[0] == "id,attribute_ids"
    for line, path, wanted in zip(lines[1:], paths, scores, strict=True):
        work, ids = line.split(",")
        assert work == path.stem
        predicted = np.isin(collection.labels.ids, [int(i) for i in ids.split()])
        assert (wanted[predicted] >= threshold - 2e-3).all()  # features were kept in float16
        assert (wanted[~predicted] < threshold + 2e-3).all()
    (tmp_path / "bad.png").write_bytes(b"no picture")
    refused("predict", tmp_path / "bad.png", "--run", ran[0], "--submission", out)
    assert out.read_text().splitlines() == lines


def test_predict_prints_names_and_marks(ran, pictures):
    text = ok("predict", pictures[0], "--run", ran[0], "--top", "2")
    assert text.splitlines()[0] == str(pictures[0])
    assert len(text.splitlines()) >= 3


def test_crop_cuts_pictures_and_folders_of_them(ran, pictures, tmp_path):
    folder = tmp_path / "in" / "deeper"
    folder.mkdir(parents=True)
    shutil.copy(pictures[0], folder / "one.png")
    (folder / "notes.txt").write_text("no picture")
    out = tmp_path / "out"
    text = ok("crop", pictures[3], tmp_path / "in", "--run", ran[0], "--out", out)
    assert "2 pictures cropped" in text
    boxes = json.loads((out / "crops.json").read_text())
    assert list(boxes) == [str(pictures[3]), str(folder / "one.png")]
    for source, place in ((pictures[3], "cmyk.png"), (folder / "one.png", "deeper/one.png")):
        left, top, right, bottom = boxes[str(source)]
        assert Image.open(out / place).size == (right - left, bottom - top)
    whole = np.asarray(Image.open(pictures[0]))
    left, top, right, bottom = boxes[str(folder / "one.png")]
    np.testing.assert_array_equal(
        np.asarray(Image.open(out / "deeper" / "one.png")), whole[top:bottom, left:right]
    )
    assert not [p for p in out.rglob("*") if p.name.startswith(".")]


def test_crop_goes_on_past_a_picture_that_cannot_be_read(ran, pictures, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    result = imet("crop", broken, pictures[0], "--run", ran[0], "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert "broken.png" in result.stderr
    assert "1 picture cropped" in result.stdout
    assert (tmp_path / "out" / "plain.png").exists()


def test_crop_refuses_what_would_lose_a_picture(ran, pictures, tmp_path):
    def crop(*more):
        return refused("crop", *more, "--run", ran[0])

    assert "both become plain.png" in crop(pictures[0], pictures[1], "--out", tmp_path / "out")
    assert "overwritten" in crop(pictures[0], "--out", pictures[0].parent)
    assert "no such file" in crop(tmp_path / "none.png", "--out", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert "no picture" in crop(tmp_path / "empty", "--out", tmp_path / "out")
    assert "--reading" in crop(pictures[0], "--out", tmp_path / "out", "--reading", "x")
    assert not (tmp_path / "out").exists()


# --- what goes wrong -----------------------------------------------------------------------------


def test_unknown_names_say_which_there_are(small_collection):
    assert "resnet50" in refused("run", "resnet", "--profile", "tiny", "--data", small_collection)
    assert "kaggle" in refused("recipes", "--profile", "big")
    assert "resnet50" in refused("recipes", "nonsense")
    assert "kaggle" in refused("results", "--profile", "big")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "KEY=VALUE"),
        ("epoch=3", "unknown key epoch"),
        ("epochs=three", "expected int"),
        ("epochs=0", "epochs = 0"),
        ("loss=l2", "should be 'weighted_bce'"),
        ("model=alexnet", "there are: "),
        ("backbone=alexnet", "there are: "),
        ("backbone=timm/alexnet", "timm has no model"),
        ("weights=/nowhere", "imagenet or random"),
        ("precision=8", "should be 'auto'"),
        ("input_size=47", "48 pixels or more"),
        ("stored=colour", "there are: "),
        ("learning_rate=inf", "learning_rate = inf"),
        ("=3", "unknown key"),
    ],
)
def test_a_bad_change_is_refused(change, message, small_collection):
    arguments = ["resnet50", "--profile", "tiny", "--data", small_collection, "--device", "cpu"]
    assert message in refused("run", *arguments, "--set", change)


def test_missing_folders_and_files_are_named_with_a_remedy(tmp_path, ran):
    nowhere = tmp_path / "nowhere"
    assert "labels.csv" in refused("data", "facts", nowhere)
    assert "labels.csv" in refused("data", "split", nowhere, "--out", tmp_path / "a.csv")
    assert "--data" in refused("run", "resnet50", "--profile", "tiny", "--data", nowhere)
    assert "imet run" in refused("predict", tmp_path / "a.png", "--run", nowhere)
    assert "a.png: the picture is missing" in refused(
        "predict", tmp_path / "a.png", "--run", ran[0]
    )
    assert imet("data", "check", nowhere).exit_code == 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_device_that_is_not_there_is_refused(small_collection, ran, pictures):
    arguments = ["--profile", "tiny", "--data", small_collection, "--device", "cuda"]
    assert "use auto or cpu" in refused("run", "resnet50", *arguments)
    assert "use auto or cpu" in refused("predict", pictures[0], "--run", ran[0], "--device=cuda")
    assert "choose auto" in refused("predict", pictures[0], "--run", ran[0], "--device=tpu")


def test_faulty_tables_are_refused_by_every_command(copy, tmp_path):
    with open(copy / "train.csv", "a", encoding="utf-8") as handle:
        handle.write("w0,7\n")
    for arguments in (
        ("data", "facts", copy),
        ("data", "split", copy, "--out", tmp_path / "split.csv"),
        ("run", "resnet50", "--profile", "tiny", "--data", copy),
    ):
        message = refused(*arguments)
        assert "row 62" in message
        assert "give every work one row" in message
    assert not (tmp_path / "split.csv").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("best.pt", b"damaged"),
        ("best.pt", b""),
        ("config.json", b'{"name": "resnet50", "colour": 3}'),
        ("config.json", b'{"name": '),
        ("labels.json", b'{"ids": [], "names": ["a"]}'),
    ],
)
def test_a_damaged_run_is_refused(name, content, ran, tmp_path, pictures):
    run = shutil.copytree(ran[0], tmp_path / "run")
    (run / name).write_bytes(content)
    message = refused("predict", pictures[0], "--run", run)
    assert name in message or "best.pt" in message


@pytest.mark.parametrize("name", ["metrics.json", "best.pt", "labels.json", "config.json"])
def test_an_unfinished_run_is_refused(name, ran, tmp_path, pictures):
    run = shutil.copytree(ran[0], tmp_path / "run")
    (run / name).unlink()
    assert f"{name} missing" in refused("predict", pictures[0], "--run", run)


def test_files_where_folders_are_wanted_are_refused(tmp_path, small_collection):
    file = tmp_path / "file"
    file.write_text("")
    refused("data", "facts", file)
    refused("data", "split", small_collection, "--out", file / "split.csv")
    refused("data", "split", small_collection, "--out", tmp_path)
    assert sorted(tmp_path.iterdir()) == [file]


def test_a_read_only_folder_is_refused(tmp_path, small_collection, monkeypatch):
    out = tmp_path / "read-only" / "split.csv"
    out.parent.mkdir()
    if os.geteuid() == 0:  # nothing is read-only to root: the system's answer is imitated

        def denied(*_, **__):
            raise PermissionError(errno.EACCES, "Permission denied", str(out))

        monkeypatch.setattr("tempfile.mkstemp", denied)
        monkeypatch.setattr("os.replace", denied)
    else:
        out.parent.chmod(0o500)
    assert "Permission denied" in refused("data", "split", small_collection, "--out", out)
    out.parent.chmod(0o700)
    assert list(out.parent.iterdir()) == []


def command(*arguments: object, **options) -> subprocess.CompletedProcess[bytes]:
    code = "from imet.cli import main; main()"
    words = [sys.executable, "-c", code, *(str(a) for a in arguments)]
    return subprocess.run(words, stderr=subprocess.PIPE, check=False, **options)


def test_letters_that_the_output_lacks_are_written_in_ascii(small_collection):
    narrow = os.environ | {"PYTHONIOENCODING": "cp1252"}
    ran = command("data", "facts", small_collection, env=narrow, stdout=subprocess.PIPE)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert b"thing 3, \xfcn\xefcode \\u7269" in ran.stdout


def test_labels_and_problems_are_written_in_ascii_too(ran, pictures, copy):
    narrow = os.environ | {"PYTHONIOENCODING": "cp1252"}
    labelled = command(
        "predict", pictures[7], "--run", ran[0], "--top", "10", env=narrow, stdout=subprocess.PIPE
    )
    assert (labelled.returncode, labelled.stderr) == (0, b"")
    assert b"mit Leerzeichen, \\u7269.webp" in labelled.stdout
    assert b"thing 3, \xfcn\xefcode \\u7269" in labelled.stdout
    with open(copy / "train.csv", "a", encoding="utf-8") as handle:
        handle.write("物,7\n")
    checked = command("data", "check", copy, env=narrow, stdout=subprocess.PIPE)
    assert checked.returncode == 1
    assert b"\\u7269" in checked.stdout
    assert b"Traceback" not in checked.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_output_onto_a_full_disk_is_an_error(small_collection):
    with open("/dev/full", "wb") as full:
        ran = command("data", "facts", small_collection, stdout=full)
    assert ran.returncode == 2
    assert b"No space left on device" in ran.stderr
    assert b"Traceback" not in ran.stderr


def first_line(*arguments: object) -> subprocess.CompletedProcess[bytes]:
    """What is left of a command's output, whose reader goes away after one line."""
    words = [sys.executable, "-c", "from imet.cli import main; main()", *map(str, arguments)]
    pipe = f"{shlex.join(words)} | head -1"
    return subprocess.run(["bash", "-c", pipe], capture_output=True, check=False)


def test_a_reader_that_goes_away_is_no_traceback(ran, pictures, copy):
    for path in (copy / "train").iterdir():
        path.unlink()
    of_recipes = first_line("recipes")
    of_labels = first_line("predict", *pictures, "--run", ran[0], "--top", "10")
    of_problems = first_line("data", "check", copy)
    assert [each.stdout.count(b"\n") for each in (of_recipes, of_labels, of_problems)] == [1] * 3
    assert of_recipes.stderr == of_labels.stderr == b""
    assert of_labels.stdout.decode().strip() == str(pictures[0])
    assert of_problems.stderr.decode() in ("", f"{copy}: 1 problem\n")  # head may be late


def test_a_full_disk_is_no_traceback(small_collection, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device", "runs")

    monkeypatch.setattr(runs, "write_json", full)
    arguments = ["resnet50", "--profile", "tiny", "--data", small_collection, "--device", "cpu"]
    assert "No space left" in refused("run", *arguments, "--set", "seed=77")


def test_a_diverging_run_says_what_to_try(small_collection):
    arguments = ["resnet50", "--profile", "tiny", "--data", small_collection, "--device", "cpu"]
    changes = ["stored=", "input_size=32", "optimizer=sgd", "learning_rate=1e30", "epochs=3"]
    message = refused("run", *arguments, *(x for c in changes for x in ("--set", c)))
    assert "learning_rate" in message


@pytest.mark.parametrize(
    "command",
    [[], ["data"], ["run"], ["recipes"], ["predict"], ["results"]]
    + [["data", name] for name in ("facts", "split", "check", "simulate")],
)
def test_every_command_explains_itself(command):
    text = ok(*command, "--help")
    assert len(text.splitlines()) > 5


def test_simulate_takes_the_options_agreed_on():
    text = ok("data", "simulate", "--help")
    for option in ("--works", "--seed", "--labels-from", "--workers"):
        assert option in text
