"""The museum's interface, imitated with its bad days: what is fetched is right in the end."""

from __future__ import annotations

import csv
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image

from imet.data.check import check
from imet.data.tables import read_collection
from imet.download import met, polite
from imet.download.met import download, labels_of, read_ids, read_labels
from imet.download.polite import Polite
from imet.io import InputError

LEFT_OUT = object()
ROBOT = b"<!DOCTYPE html><html><body>Request unsuccessful</body></html>"


def picture(number: int) -> bytes:
    pixels = np.full((320, 400, 3), number * 7 % 255, np.uint8)
    pixels[:100, :100] = (255, 0, 0)
    out = BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=95)
    return out.getvalue()


def record(number: int, url: str) -> dict:
    return {
        "objectID": number,
        "isPublicDomain": True,
        "primaryImageSmall": f"{url}/pictures/{number}.jpg",
        "title": f"Work {number}, “so called”",
        "culture": "" if number % 2 else "Italian, Florence",
        "artistNationality": "French",
        "objectURL": f"https://www.metmuseum.org/art/collection/search/{number}",
        "tags": [{"term": "Men"}, {"term": f"Tag {number % 3}"}],
    }


class Museum(http.server.ThreadingHTTPServer):
    """Objects 1 to 20; `faults` gives the answers that come before the right one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.faults: dict[str, list] = {}
        self.changes: dict[int, dict] = {}
        self.asked: Counter[str] = Counter()
        self.agents: set[str] = set()
        self.delay = 0.0
        self.clock: Callable[[], float] | None = None  # with it, quick requests are refused
        self.times: list[float] = []
        self.blocked_until = 0.0


class Answer(http.server.BaseHTTPRequestHandler):
    server: Museum

    def log_message(self, *_) -> None:
        pass

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked[path] += 1
        self.server.agents.add(self.headers["User-Agent"])
        time.sleep(self.server.delay)
        faults = self.server.faults.get(path, [])
        status, body, length = 200, self.right(path), None
        if self.server.clock and self.too_quick(self.server.clock()):
            status, body = 403, ROBOT
        elif faults:
            fault = faults.pop(0)
            if fault == "cut":
                length = len(body)
                body = body[: length // 2]
            elif fault == "closed":
                self.close_connection = True
                return
            elif fault == "slow":
                time.sleep(1)
                self.close_connection = True
                return
            elif fault == "too short":
                length = len(body) // 2
            elif isinstance(fault, int):
                status, body = fault, ROBOT
            else:
                body = fault
        elif body is None:
            status, body = 404, b"{}"
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        self.wfile.write(body)

    def too_quick(self, now: float) -> bool:
        """As the museum counts: 30 requests in ten seconds, then nothing for half a minute."""
        server = self.server
        server.times = [moment for moment in server.times if moment > now - 10] + [now]
        if len(server.times) > 30:
            server.blocked_until = now + 35
        return now < server.blocked_until

    def right(self, path: str) -> bytes | None:
        kind, _, rest = path.strip("/").partition("/")
        if kind == "table.csv":
            rows = [f"{n},True,Men|Birds" for n in range(1, 21)] + ["21,False,Men", "22,True,"]
            return ("Object ID,Is Public Domain,Tags\n" + "\n".join(rows) + "\n").encode()
        number = int("".join(filter(str.isdigit, rest)) or 0)
        if not 1 <= number <= 20:
            return None
        if kind == "pictures":
            return picture(number)
        full = record(number, self.server.url) | self.server.changes.get(number, {})
        return json.dumps({k: v for k, v in full.items() if v is not LEFT_OUT}).encode()


@pytest.fixture
def museum(monkeypatch) -> Iterator[Museum]:
    server = Museum()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    monkeypatch.setenv("IMET_MET_API", server.url)
    monkeypatch.setenv("IMET_MET_TABLE", f"{server.url}/table.csv")
    yield server
    server.shutdown()


def waits() -> tuple[Polite, list[float]]:
    slept: list[float] = []
    return Polite(pause=0, sleep=slept.append), slept


def fetch(out: Path, **options) -> dict[str, int]:
    return download(out, polite=waits()[0], progress=False, **options)


def contents(root: Path) -> dict[str, bytes]:
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and ".download" not in p.parts]
    texts = {}
    for path in files:
        data = path.read_bytes()
        if path.name == "manifest.csv":  # less the day
            data = b"\n".join(line.rpartition(b",")[0] for line in data.splitlines())
        texts[str(path.relative_to(root))] = data
    return texts


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
    museum.faults["/pictures/4.jpg"] = [b"not a picture"]
    museum.faults["/objects/6"] = [b"[1, 2]"]
    museum.faults["/objects/7"] = [b"{broken"]
    museum.faults["/pictures/8.jpg"] = ["too short"]
    museum.faults["/objects/9"] = ["too short"]
    skipped = fetch(tmp_path, ids=[4, 5, 6, 7, 8, 9, 999])
    assert skipped == {
        "its picture cannot be read": 2,
        "its record cannot be read": 3,
        "the museum has no such object (any more)": 1,
    }


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


def test_a_full_disk_leaves_no_half_written_file(museum, tmp_path, monkeypatch):
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
    fetch(tmp_path / "whole", works=12, seed=5)
    museum.delay = 0.02
    code = (
        "from pathlib import Path\n"
        "from imet.download.met import download\n"
        "from imet.download.polite import Polite\n"
        f"out = Path({str(tmp_path / 'killed')!r})\n"
        "download(out, works=12, seed=5, polite=Polite(0), progress=False)"
    )
    rng = np.random.default_rng(0)
    kills = 0
    for _ in range(4):
        child = subprocess.Popen([sys.executable, "-c", code], env={**os.environ})
        started = time.monotonic()
        while child.poll() is None and not (tmp_path / "killed" / ".download").exists():
            time.sleep(0.01)
            assert time.monotonic() - started < 60
        time.sleep(float(rng.uniform(0, 0.25)))
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            kills += 1
        child.wait()
    assert kills
    fetch(tmp_path / "killed", works=12, seed=5)
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
