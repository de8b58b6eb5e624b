"""Which kinds of labels are taken for culture, what follows for views, and what is said of it."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from imet.cli import _print_metrics, app
from imet.config import Recipe, resolve
from imet.data.parts import Part, load_parts, with_culture_kinds
from imet.data.tables import Collection, read_collection
from imet.io import REPO, InputError
from imet.labels import LabelSpace

NAMES = ("country::france", "culture::dutch", "medium::oil", "tags::men", "no kind")
WORKS = np.eye(5, dtype=bool)  # each carries one label
SIX, RESIZES = ["resize"] + ["crop"] * 5, ["resize"] * 6


def collection(names: tuple[str, ...] = NAMES) -> Collection:
    ids = np.array([f"w{row}" for row in range(len(names))])
    labels = LabelSpace(np.arange(len(names)), names)
    return Collection(Path("here"), ids, labels, np.eye(len(names), dtype=bool))


def part(kinds: str, name: str = "train") -> Part:
    everything = np.arange(len(NAMES))
    return Part(with_culture_kinds(collection(), kinds), everything, everything, name)


@pytest.mark.parametrize(
    ("kinds", "columns"),
    [
        ("culture", [1]),
        ("medium", [2]),
        ("culture,country", [0, 1]),
        (" culture ,\tmedium, ", [1, 2]),
        ("", []),
        (" , ", []),
    ],
)
def test_kinds_asked_for_are_taken_for_culture(kinds, columns):
    labels = with_culture_kinds(collection(), kinds).labels
    assert np.flatnonzero(labels.is_culture).tolist() == columns
    taken = labels.taken_for()
    assert sorted(taken["culture"] + taken["tag"]) == sorted(set(labels.kinds.tolist()))
    assert set(taken["culture"]) == {NAMES[column].partition("::")[0] for column in columns}
    few = labels.select(np.array([4, 2, 1]))
    assert few.is_culture.tolist() == labels.is_culture[[4, 2, 1]].tolist()


def test_the_collection_is_the_same_otherwise():
    plain = collection()
    changed = with_culture_kinds(plain, "medium")
    assert changed.targets is plain.targets
    assert changed.labels.names == NAMES
    assert plain.labels.is_culture.tolist() == [False, True, False, False, False]


@pytest.mark.parametrize("kinds", ["colour", "culture,colour", "Medium", "country:: ,colour"])
def test_a_kind_that_no_label_has_is_refused_by_name(kinds):
    with pytest.raises(InputError) as refused:
        with_culture_kinds(collection(), kinds)
    unknown = "colour" if "colour" in kinds else "Medium"
    place, _, message = str(refused.value).partition(" has no label of the kind ")
    assert place == f"culture_kinds = {kinds}: {Path('here') / 'labels.csv'}"
    named, _, there = message.partition("; its kinds are ")
    assert unknown in named
    assert "culture" not in named
    assert there.startswith("country, culture, medium, tags")


def test_a_table_without_culture_is_no_error():
    tags_only = collection(("tag::men", "tag::women"))
    assert not with_culture_kinds(tags_only, "culture").labels.is_culture.any()


@pytest.mark.parametrize(
    ("kinds", "cropped"), [("culture", {1}), ("country,medium", {0, 2}), ("", set())]
)
def test_works_of_kinds_taken_for_culture_train_on_crops(kinds, cropped):
    recipe = Recipe("")
    train, test = part(kinds), part(kinds, "test")
    targets = train.view_targets(recipe)
    assert targets.shape == (5, 6, 5)
    for work in range(5):
        assert train.kinds(work, recipe) == (SIX if work in cropped else RESIZES)
        assert test.kinds(work, recipe) == SIX
        assert (targets[work] == WORKS[work]).all()  # a crop keeps culture, a resize all
    assert (test.view_targets(recipe) == WORKS[:, None]).all()


@pytest.mark.parametrize(("kinds", "kept"), [("culture", [1]), ("culture,tags", [1, 3])])
def test_crops_keep_the_labels_of_those_kinds_alone(kinds, kept):
    both = replace(collection(), targets=np.array([[False, True, False, True, False]] * 5))
    train = replace(part(kinds), collection=with_culture_kinds(both, kinds))
    resize, *crops = train.view_targets(Recipe(""))[0]
    assert np.flatnonzero(resize).tolist() == [1, 3]
    assert len(crops) == 5
    assert all(np.flatnonzero(crop).tolist() == kept for crop in crops)


# --- On a folder ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IMET_HOME", str(folder))
        yield folder


def printed(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.stdout


def run(folder: Path, *changes: str) -> list[object]:
    small = ("stored=", "input_size=32", "epochs=1", "workers=0", *changes)
    settings = [part for change in small for part in ("--set", change)]
    return ["run", "resnet50", "--profile", "tiny", "--device", "cpu", "--data", folder, *settings]


@pytest.fixture(scope="module")
def styles_and_things(small_collection, tmp_path_factory) -> Path:
    """A folder with labels of these two kinds."""
    folder = shutil.copytree(small_collection, tmp_path_factory.mktemp("kinds") / "folder")
    table = (folder / "labels.csv").read_text(encoding="utf-8")
    (folder / "labels.csv").write_text(table.replace('"thing ', '"thing::'), encoding="utf-8")
    return folder


def test_a_run_says_which_kinds_it_takes_for_what(home, styles_and_things):
    plain = printed(*run(styles_and_things)).splitlines()
    assert plain[:2] == ["taken for culture: none", "taken for tag: style, thing"]
    one = printed(*run(styles_and_things, "culture_kinds=style")).splitlines()
    assert one[:2] == ["taken for culture: style", "taken for tag: thing"]
    both = printed(*run(styles_and_things, "culture_kinds=thing, style")).splitlines()
    assert both[:2] == ["taken for culture: style, thing", "taken for tag: none"]
    assert len({plain[-1], one[-1], both[-1]}) == 3, "each is a run of its own"


def test_an_unknown_kind_of_a_run_is_refused_before_training(home, styles_and_things):
    arguments = [str(each) for each in run(styles_and_things, "culture_kinds=colour")]
    refused = CliRunner().invoke(app, arguments)
    assert refused.exit_code == 2
    assert "has no label of the kind colour; its kinds are style, thing" in refused.stderr


@pytest.mark.parametrize(
    ("names", "said_first"),
    [(("culture::a", "tag::b"), "val  f2"), (("culture::a", "b"), "taken for culture: culture\n")],
)
def test_kaggles_two_kinds_are_not_worth_a_line_and_a_missing_kind_is(names, said_first, capsys):
    measure = {"value": 0.5, "low": 0.4, "high": 0.6}
    of_part = dict.fromkeys(("f2", "f1", "precision", "recall"), measure)
    metrics = dict.fromkeys(("val", "test"), of_part | {"floor": {"f2": measure}})
    finished = SimpleNamespace(
        parts=SimpleNamespace(labels=LabelSpace(np.arange(2), names)),
        metrics=metrics | {"best_epoch": 1},
        rule=SimpleNamespace(describe=lambda: "a rule"),
        folder="a folder",
    )
    _print_metrics(finished)
    said = capsys.readouterr().out
    assert said.startswith(said_first)
    assert said.count("taken for tag: names without a kind\n") == ("b" in names)


def test_facts_count_the_kinds_and_say_what_they_are_taken_for(small_collection):
    said = " ".join(printed("data", "facts", small_collection).split())
    assert "labels 10 = 0 culture + 10 tag" in said
    assert "kinds in the names 3 style, 7 without" in said
    assert "all kinds but culture count as tags: change it with culture_kinds" in said


def test_facts_of_two_kinds_say_nothing_of_kinds(tmp_path):
    names = ["culture::a", "tag::b", "tag::c::d"]
    labels = "".join(f"{number},{name}\n" for number, name in enumerate(names))
    (tmp_path / "labels.csv").write_text(f"attribute_id,attribute_name\n{labels}")
    (tmp_path / "train.csv").write_text("id,attribute_ids\nw0,0 1 2\n")
    said = printed("data", "facts", tmp_path)
    assert "3 = 1 culture + 2 tag" in said
    assert "kinds" not in said


@pytest.fixture(scope="module")
def five_kinds() -> Path:
    """A folder whose labels have the kinds of the competition of 2020."""
    cases = Path(os.environ.get("IMET_CASES", REPO.parent / "shared" / "data" / "cases"))
    folder = cases / "09-imet-2020-kinds" / "data"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def test_five_kinds_are_counted_and_any_of_them_may_be_culture(five_kinds):
    said = " ".join(printed("data", "facts", five_kinds).split())
    kinds = "2 country, 2 culture, 1 dimension, 3 medium, 4 tags"
    assert f"kinds in the names {kinds}" in said
    assert "12 = 2 culture + 10 tag" in said
    two = with_culture_kinds(read_collection(five_kinds), "culture,country").labels
    taken = {"culture": ["country", "culture"], "tag": ["dimension", "medium", "tags"]}
    assert two.taken_for() == taken
    parts = load_parts(five_kinds, resolve("resnet50", "tiny", {"culture_kinds": "medium"}))
    assert set(parts.labels.kinds[parts.labels.is_culture]) == {"medium"}
