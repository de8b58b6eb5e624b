"""The museum's interface, imitated with its bad days: what is fetched is right in the end."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from museum import LEFT_OUT, ROBOT, Answer, Museum, contents, killed_downloads, open_museum, record
from PIL import Image

from imet.data.check import check
from imet.data.tables import read_collection
from imet.download import met, polite
from imet.download.met import download, labels_of, read_ids, read_labels
from imet.download.polite import Polite
from imet.io import InputError


@pytest.fixture
def museum(monkeypatch) -> Iterator[Museum]:
    with open_museum() as server:
        monkeypatch.setenv("IMET_MET_API", server.url)
        monkeypatch.setenv("IMET_MET_TABLE", f"{server.url}/table.csv")
        yield server


def waits() -> tuple[Polite, list[float]]:
    slept: list[float] = []
    return Polite(pause=0, sleep=slept.append), slept


def fetch(out: Path, **options) -> dict[str, int]:
    return download(out, polite=waits()[0], progress=False, **options)


def test_a_sound_collection_with_its_manifest(museum, tmp_path):
    assert fetch(tmp_path, works=8, seed=3) == {}
    assert check(tmp_path) == []
    collection = read_collection(tmp_path)
    assert len(collection) == 8
    assert {"tag::men", "culture::italian", "culture::florence", "culture::french"} <= set(
        collection.labels.names
    )
    rows = list(csv.DictReader((tmp_path / "manifest.csv").open(encoding="utf-8")))
    assert [row["id"] for row in rows] == collection.ids.tolist()
    assert {row["licence"] for row in rows} == {"CC0"}
    with Image.open(tmp_path / "train" / f"{rows[0]['id']}.jpg") as image:
        assert image.size == (375, 300)
    (agent,) = museum.agents
    assert "imet" in agent


def test_the_seed_alone_decides_and_a_finished_download_asks_for_nothing(museum, tmp_path):
    fetch(tmp_path / "a", works=6, seed=1)
    before = sum(museum.asked.values())
    fetch(tmp_path / "a", works=6, seed=1)
    assert sum(museum.asked.values()) == before
    fetch(tmp_path / "b", works=6, seed=1)
    fetch(tmp_path / "c", works=6, seed=2)
    a, b, c = (contents(tmp_path / name) for name in "abc")
    assert a == b
    assert a.keys() != c.keys()


def test_a_list_of_object_numbers(museum, tmp_path):
    (tmp_path / "ids.csv").write_text("id,object_id\nx,4\ny,9\nz,4\n")
    (tmp_path / "plain.txt").write_text("4\n\n9\n")
    assert read_ids(tmp_path / "ids.csv") == read_ids(tmp_path / "plain.txt") == [4, 9]
    fetch(tmp_path / "out", ids=[4, 9])
    assert read_collection(tmp_path / "out").ids.tolist() == ["met000004", "met000009"]
    (tmp_path / "plain.txt").write_text("4\nnine\n")
    with pytest.raises(InputError, match=r"row 2: 'nine' is no object number"):
        read_ids(tmp_path / "plain.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read_ids(tmp_path / "none.txt")


def test_a_list_with_labels_gives_them_whatever_the_museum_says_today(museum, tmp_path):
    table = tmp_path / "works.csv"
    table.write_text("object_id,sha256,labels\n9,-,culture::a|tag::b\n4,-,culture::a\n")
    labels = read_labels(table)
    assert labels == {9: ["culture::a", "tag::b"], 4: ["culture::a"]}
    fetch(tmp_path / "out", ids=read_ids(table), labels=labels)
    collection = read_collection(tmp_path / "out")
    assert collection.labels.names == ("culture::a", "tag::b")
    assert collection.targets.tolist() == [[True, False], [True, True]]  # works 4 and 9
    (tmp_path / "plain.csv").write_text("object_id\n4\n")
    assert read_labels(tmp_path / "plain.csv") == {}


@pytest.mark.parametrize(
    "fault",
    [403, 429, 500, 503, "cut", "closed", "slow", ROBOT],
    ids=["403", "429", "500", "503", "cut", "closed", "slow", "robot page"],
)
@pytest.mark.parametrize("path", ["/objects/4", "/pictures/4.jpg", "/table.csv"])
def test_bad_answers_are_asked_for_again(museum, tmp_path, monkeypatch, fault, path):
    if fault == "slow":
        monkeypatch.setattr(polite, "TIMEOUT", (1, 0.2))
    options = {"works": 2} if path == "/table.csv" else {"ids": [4, 5]}
    fetch(tmp_path / "plain", **options)
    museum.faults[path] = [fault, fault]
    again, slept = waits()
    download(tmp_path / "out", polite=again, progress=False, **options)
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")
    refused = fault in (403, 429, ROBOT)
    assert (max(slept) >= polite.BLOCKED) == refused  # a refusal is waited out


def test_the_museums_limit_of_quick_requests_is_outlasted(museum, tmp_path):
    """Time is imitated: who sleeps makes it pass, and a request takes a hundredth of a second."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds + 0.01

    fetch(tmp_path / "plain", ids=range(1, 21))
    museum.clock = lambda: now[0]
    download(tmp_path / "out", ids=range(1, 21), polite=Polite(0, sleep), progress=False)
    assert museum.blocked_until  # it did refuse
    assert contents(tmp_path / "out") == contents(tmp_path / "plain")


def test_at_the_usual_pace_the_museum_refuses_nothing(museum, tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(polite.time, "monotonic", lambda: now[0])
    museum.clock = lambda: now[0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    download(tmp_path, ids=range(1, 21), polite=Polite(sleep=sleep), progress=False)
    assert museum.blocked_until == 0
    assert now[0] >= 39  # forty requests, a second apart


def test_a_refusal_slows_every_later_request_down(museum, tmp_path):
    museum.faults["/objects/4"] = [403]
    slow = Polite(pause=1.0, sleep=lambda _: None)
    download(tmp_path, ids=[4], polite=slow, progress=False)
    assert slow.pause == 2.0


def test_a_server_that_stays_away_is_named_and_nothing_is_lost(museum, tmp_path):
    museum.faults["/objects/5"] = [500] * 8
    with pytest.raises(InputError, match="answered 500, 8 times; what was fetched is kept"):
        fetch(tmp_path, ids=[4, 5])
    assert not (tmp_path / "train.csv").exists()
    fetch(tmp_path, ids=[4, 5])
    assert museum.asked["/objects/4"] == museum.asked["/pictures/4.jpg"] == 1
    assert len(read_collection(tmp_path)) == 2


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"isPublicDomain": False}, "not stated to be in the public domain"),
        ({"isPublicDomain": None}, "not stated to be in the public domain"),
        ({"isPublicDomain": LEFT_OUT}, "not stated to be in the public domain"),
        ({"tags": None}, "no tag"),
        ({"tags": LEFT_OUT}, "no tag"),
        ({"tags": []}, "no tag"),
        ({"primaryImageSmall": ""}, "no picture"),
        ({"primaryImageSmall": "{url}/pictures/999.jpg"}, "its picture is gone"),
    ],
)
def test_records_that_lack_something_are_passed_over_with_the_reason(
    museum, tmp_path, change, reason
):
    change = {k: v.format(url=museum.url) if isinstance(v, str) else v for k, v in change.items()}
    museum.changes[4] = change
    assert fetch(tmp_path, ids=[4, 5]) == {reason: 1}
    assert (tmp_path / "skipped.csv").read_text() == f"object_id,reason\n4,{reason}\n"
    assert len(read_collection(tmp_path)) == 1


def test_pictures_and_records_that_are_none_are_passed_over(museum, tmp_path):
    museum.faults["/pictures/4.jpg"] = [b"not a picture"] * 3
    museum.faults["/objects/6"] = [b"[1, 2]"] * 3
    museum.faults["/objects/7"] = [b"{broken"] * 3
    museum.faults["/pictures/8.jpg"] = ["too short"] * 3
    museum.faults["/objects/9"] = ["too short"] * 3
    skipped = fetch(tmp_path, ids=[4, 5, 6, 7, 8, 9, 999])
    assert skipped == {
        "its picture cannot be read": 2,
        "its record cannot be read": 3,
        "the museum has no such object (any more)": 1,
    }


def test_an_answer_that_lost_its_end_and_states_the_rest_as_its_length_is_fetched_anew(
    museum, tmp_path
):
    museum.faults["/pictures/4.jpg"] = ["too short", b"not a picture"]
    museum.faults["/objects/5"] = ["too short", "too short"]
    assert fetch(tmp_path, ids=[4, 5]) == {}
    assert len(read_collection(tmp_path)) == 2
    assert museum.asked["/pictures/4.jpg"] == museum.asked["/objects/5"] == 3


def test_a_work_of_no_known_culture_has_its_tags(museum, tmp_path):
    museum.changes[4] = {"culture": "", "artistNationality": ""}
    museum.changes[5] = {"culture": None, "artistNationality": LEFT_OUT}
    assert fetch(tmp_path, ids=[4, 5]) == {}
    assert read_collection(tmp_path).labels.names == ("tag::men", "tag::tag 1", "tag::tag 2")


def test_nothing_usable_is_an_error(museum, tmp_path):
    with pytest.raises(InputError, match="none of 1 objects can be used"):
        fetch(tmp_path, ids=[999])
    assert "no such object" in (tmp_path / "skipped.csv").read_text()


def test_a_pointer_in_place_of_the_table_is_named(museum, tmp_path):
    museum.faults["/table.csv"] = [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"]
    with pytest.raises(InputError, match=r"MetObjects\.csv: .*a Git LFS pointer; fetch the table"):
        fetch(tmp_path, works=2)


def test_a_table_that_was_fetched_by_hand_is_read(museum, tmp_path, monkeypatch):
    table = tmp_path / "MetObjects.csv"
    table.write_text("Object ID,Is Public Domain,Tags\n4,True,Men\n5,True,Men\n")
    monkeypatch.setenv("IMET_MET_TABLE", str(table))
    fetch(tmp_path / "out", works=2)
    assert read_collection(tmp_path / "out").ids.tolist() == ["met000004", "met000005"]


def test_a_picture_without_an_address_is_passed_over_at_once(museum, tmp_path):
    museum.changes[4] = {"primaryImageSmall": "pictures/4.jpg"}
    patient, slept = waits()
    skipped = download(tmp_path, ids=[4, 5], polite=patient, progress=False)
    assert skipped == {"its picture is gone": 1}
    assert max(slept) <= 1


def test_an_object_withdrawn_between_two_runs_stays_until_it_is_fetched_anew(museum, tmp_path):
    fetch(tmp_path, ids=[4, 5])
    museum.changes[4] = {"isPublicDomain": False}
    fetch(tmp_path, ids=[4, 5, 6])
    assert len(read_collection(tmp_path)) == 3
    skipped = fetch(tmp_path / "anew", ids=[4, 5, 6])
    assert skipped == {"not stated to be in the public domain": 1}
    assert len(read_collection(tmp_path / "anew")) == 2


def test_a_full_disk_is_explained_and_the_same_command_goes_on(museum, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(met, "encode", full)
        with pytest.raises(InputError, match="disk is full; free some space and run the same"):
            fetch(tmp_path, ids=[4, 5])
    assert list((tmp_path / "train").iterdir()) == []
    fetch(tmp_path, ids=[4, 5])
    assert check(tmp_path) == []


def test_what_a_killed_download_left_half_written_goes(museum, tmp_path):
    (tmp_path / "train").mkdir()
    half = tmp_path / "train" / ".met000004.jpg.123.tmp"
    half.write_bytes(b"half")
    fetch(tmp_path, ids=[4])
    assert not half.exists()


def test_killed_at_any_moment_it_ends_in_the_same_folder(museum, tmp_path):
    """Three times here; `make test-faults` does it ten times."""
    fetch(tmp_path / "whole", works=8)
    museum.asked.clear()
    assert killed_downloads(museum, tmp_path / "killed", works=8, kills=3, seed=0) >= 2
    fetch(tmp_path / "killed", works=8)
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize(
    ("culture", "labels"),
    [
        ("Italian", ["italian"]),
        ("Italian, Florence", ["italian", "florence"]),
        ("French or German", ["french or german"]),
        ("probably Flemish", ["flemish"]),
        ("Japan?", ["japan"]),
        ("British (Scottish)", ["british"]),
        ("  China  ", ["china"]),
        ("American|French", ["american", "french"]),
    ],
)
def test_cultures_are_spelled_by_rule(culture, labels):
    assert labels_of({"culture": culture}) == [f"culture::{label}" for label in labels]


@pytest.fixture(scope="module")
def photographs() -> Path:
    """A folder of the museum's photographs with `objects.csv`, which says whose they are."""
    usual = Path(__file__).resolve().parents[4] / "shared" / "data" / "met"
    root = Path(os.environ.get("IMET_PHOTOGRAPHS", usual))
    if not root.exists():
        pytest.skip(f"no photographs at {root}; name a folder of them in IMET_PHOTOGRAPHS")
    return root


def test_the_museums_tags_in_the_sample_are_spelled_by_rule(photographs):
    names = read_collection(photographs).labels.names
    for name in names:
        kind, _, text = name.partition("::")
        if kind == "tag":
            assert labels_of({"tags": [{"term": text.title()}]}) == [name]


def test_real_works_come_back_with_their_labels(museum, photographs, tmp_path, monkeypatch):
    """Records made from photographs of the museum, replayed with every kind of trouble between."""
    there = read_collection(photographs)
    objects = {row["id"]: row for row in csv.DictReader((photographs / "objects.csv").open())}
    numbers = {int(objects[str(work)]["object_id"]): k for k, work in enumerate(there.ids)}
    names = np.array(there.labels.names)

    def right(self: Answer, path: str) -> bytes | None:
        number = int("".join(filter(str.isdigit, path)))
        row = numbers[number]
        if path.startswith("/pictures"):
            return there.path(row).read_bytes()
        kinds = [name.split("::") for name in names[there.targets[row]]]
        cultures = [text.title() for kind, text in kinds if kind == "culture"]
        tags = [{"term": text.title()} for kind, text in kinds if kind == "tag"]
        changes = {"culture": ", ".join(cultures), "artistNationality": "", "tags": tags or None}
        return json.dumps(record(number, self.server.url) | changes).encode()

    monkeypatch.setattr(Answer, "right", right)
    some = np.random.default_rng(0).choice(sorted(numbers), 40, replace=False).tolist()
    troubles = [403, 429, 500, "cut", "closed", ROBOT]
    for k, number in enumerate(some):
        path = f"/objects/{number}" if k % 2 else f"/pictures/{number}.jpg"
        museum.faults[path] = [troubles[k % len(troubles)]]
    skipped = fetch(tmp_path, ids=some)
    here = read_collection(tmp_path)
    assert set(skipped) <= {"no tag"}
    assert len(here) + sum(skipped.values()) == 40
    for row, work in enumerate(here.ids):
        labels = {here.labels.names[k] for k in np.flatnonzero(here.targets[row])}
        expected = names[there.targets[numbers[int(work.removeprefix("met"))]]]
        apart = (name.replace(", ", "\nculture::").split("\n") for name in expected)
        assert labels == {name for each in apart for name in each}  # "british, scottish" is two
    assert check(tmp_path) == []
