"""Kaggle's side of `kagglehub`, imitated with its bad days: what is fetched is right in the end."""

from __future__ import annotations

import base64
import errno
import hashlib
import http.server
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from imet.cli import app
from imet.data.check import check
from imet.data.tables import read_collection
from imet.download import kaggle, unpack
from imet.download.kaggle import download
from imet.io import InputError

ASK = "/api/v1/competitions.CompetitionApiService/DownloadDataFiles"
STORE = "/store/archive.zip"
TOKEN = "a-token"
NAMES = ("a", "b", "c", "d")


def png(value: int) -> bytes:
    noise = np.random.default_rng(value).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    out = BytesIO()
    Image.fromarray(noise).save(out, "PNG")
    return out.getvalue()


FILES = {
    "labels.csv": b"attribute_id,attribute_name\n0,culture::french\n1,tag::men\n",
    "sample_submission.csv": b"id,attribute_ids\nz,0 1\n",
    "test/z.png": png(99),
    "train.csv": b"id,attribute_ids\n" + b"".join(f"{n},0 1\n".encode() for n in NAMES),
} | {f"train/{name}.png": png(k) for k, name in enumerate(NAMES)}


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


class Kaggle(http.server.ThreadingHTTPServer):
    """The service and the store; `faults` gives the answers that come before the right one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.archive = zipped(FILES)
        self.faults: dict[str, list] = {}
        self.asked: Counter[str] = Counter()
        self.ranges: list[str | None] = []
        self.wishes: list[dict] = []
        self.accepted = {f"Bearer {TOKEN}", "Basic " + base64.b64encode(b"me:key").decode()}
        self.headers: dict[str, str | None] = {}
        self.store = self.url.replace("127.0.0.1", "localhost")  # a host of its own
        self.strangers_told = False
        self.knows_ranges = True
        self.sent = 0  # bytes of archives
        self.delay = 0.0  # seconds between parts of the archive


class Answer(http.server.BaseHTTPRequestHandler):
    server: Kaggle

    def log_message(self, *_) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def fault(self, path: str):
        faults = self.server.faults.get(path, [])
        return faults.pop(0) if faults else None

    def do_POST(self) -> None:
        self.server.asked[self.path] += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.wishes.append(json.loads(body))
        fault = self.fault(self.path)
        if isinstance(fault, tuple):
            status, message = fault
            told = json.dumps({"code": status, "message": message}).encode()
            self.answer(status, told, Content_Type="application/json")
        elif isinstance(fault, int):
            self.answer(fault, Retry_After="7")
        elif fault == "closed":
            self.close_connection = True
        elif fault == "silent":
            time.sleep(1)
        elif self.headers["Authorization"] not in self.server.accepted:
            self.answer(401)
        else:
            self.answer(302, Location=f"{self.server.store}{STORE}?signature={len(body)}")

    def do_GET(self) -> None:
        server, path = self.server, urlsplit(self.path).path
        server.asked[path] += 1
        wanted = self.headers["Range"]
        server.ranges.append(wanted)
        server.strangers_told |= "Authorization" in self.headers
        fault, whole = self.fault(path), server.archive
        if isinstance(fault, int):
            return self.answer(fault, b"<Error/>")
        if fault == "silent":
            time.sleep(1)
            self.close_connection = True
            return None
        if fault == "page":
            page = b"<!DOCTYPE html><html>Sign in</html>"
            return self.answer(200, page, Content_Type="text/html; charset=utf-8")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        part = whole[start:] if server.knows_ranges else whole
        digest = base64.b64encode(hashlib.md5(whole).digest()).decode()
        self.send_response(206 if wanted and server.knows_ranges else 200)
        headers = {
            "Content-Length": str(len(part)),
            "Content-Type": "application/zip",
            "Accept-Ranges": "bytes",
            "ETag": f'"{digest}"',
            "x-goog-hash": f"crc32c=AAAAAA==,md5={digest}",
        } | server.headers
        if wanted and server.knows_ranges:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        for name, value in headers.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        if fault == "cut":
            part = part[: len(part) // 2]
        if fault == "garbled":
            middle = len(part) // 2
            part = part[:middle] + bytes([part[middle] ^ 1]) + part[middle + 1 :]
        try:
            for at in range(0, len(part), 4096):
                self.wfile.write(part[at : at + 4096])
                server.sent += 4096
                time.sleep(server.delay)
        except OSError:
            pass
        self.close_connection = True


@pytest.fixture
def hub(monkeypatch, tmp_path) -> Iterator[Kaggle]:
    """A local Kaggle, and a reader with a token for it."""
    pytest.importorskip("kagglehub", reason="kagglehub is not installed: pip install kagglehub")
    from kagglesdk import kaggle_env

    server = Kaggle()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    for name in [name for name in os.environ if name.startswith("KAGGLE")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
    # The package knows fixed addresses; the local one of them is on a port that only root may open.
    monkeypatch.setenv("KAGGLE_API_ENVIRONMENT", "LOCALHOST")
    local = kaggle_env.KaggleEnv.LOCAL
    monkeypatch.setitem(kaggle_env._env_to_endpoint, local, server.url)
    monkeypatch.setattr(kaggle, "BLOCK", 1024)
    yield server
    server.shutdown()


def fetch(out: Path) -> list[float]:
    """Seconds slept on the way to a sound folder."""
    slept: list[float] = []
    assert download(out, sleep=slept.append, progress=False) == []
    return slept


def contents(root: Path) -> dict[str, bytes]:
    files = [p for p in root.rglob("*") if p.is_file() and ".download" not in p.parts]
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def test_a_sound_collection(hub, tmp_path):
    fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    assert read_collection(tmp_path / "out").ids.tolist() == list(NAMES)
    assert hub.wishes == [{"competitionName": "imet-2019-fgvc6"}]
    assert not hub.strangers_told  # the token is for Kaggle alone
    left = {path.name for path in (tmp_path / "out" / ".download").iterdir()}
    assert left <= {"lock", "lock.lock", "archive.json"}


def test_a_finished_download_asks_for_nothing_and_is_checked_again(hub, tmp_path, monkeypatch):
    fetch(tmp_path)
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    fetch(tmp_path)
    assert hub.asked[ASK] == 1
    (tmp_path / "train" / "b.png").unlink()
    (problem,) = download(tmp_path, progress=False)
    assert "b.png" in str(problem)


def test_the_command(hub, tmp_path):
    shown = CliRunner().invoke(app, ["data", "download", "kaggle", str(tmp_path / "out")])
    assert (shown.exit_code, shown.output) == (0, f"{tmp_path / 'out'}: 0 problems\n")
    (tmp_path / "out" / "train" / "b.png").write_bytes(b"")
    shown = CliRunner().invoke(app, ["data", "download", "kaggle", str(tmp_path / "out")])
    assert shown.exit_code == 1
    assert "zero bytes" in shown.output


# --- Who asks ------------------------------------------------------------------------------------


def test_kagglehub_that_is_missing_is_named_with_its_command(tmp_path, monkeypatch):
    for name in ("kagglehub", "kagglehub.config"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match=r"`.*python.* -m pip install kagglehub`"):
        download(tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()


def test_credentials_of_every_kind_are_read(hub, tmp_path, monkeypatch):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    with monkeypatch.context() as patch:
        patch.setenv("KAGGLE_USERNAME", "me")
        patch.setenv("KAGGLE_KEY", "key")
        fetch(tmp_path / "a")
    home = tmp_path / "home"
    home.mkdir()
    (home / "kaggle.json").write_text('{"username": "me", "key": "key"}')
    fetch(tmp_path / "b")
    (home / "kaggle.json").unlink()
    (home / ".kaggle").mkdir()
    (home / ".kaggle" / "access_token").write_text(f"{TOKEN}\n")
    fetch(tmp_path / "c")
    assert hub.asked[ASK] == 3


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (None, "no credentials of Kaggle are there; make a token at https://"),
        ("{", "cannot be read: Invalid Kaggle credentials file at .*kaggle.json; make a token"),
        ('{"username": "me"}', "cannot be read: .*missing 'key'.*; make a token"),
        ("3", "cannot be read: .*; make a token"),
    ],
)
def test_missing_and_broken_credentials_stop_it_before_anything_starts(
    hub, tmp_path, monkeypatch, file, message
):
    monkeypatch.delenv("KAGGLE_API_TOKEN")
    (tmp_path / "home").mkdir()
    if file is not None:
        (tmp_path / "home" / "kaggle.json").write_text(file)
    with pytest.raises(InputError, match=message):
        download(tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
    assert not hub.asked


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (401, r"does not know these credentials \(401\); make a new token at https://"),
        (
            (403, "You must accept the rules"),
            r"accepted the rules \(403: You must accept the rules\); sign in, accept them at "
            r"https://www\.kaggle\.com/competitions/imet-2019-fgvc6/rules and run",
        ),
        (403, r"has not accepted the rules \(403\); sign in"),
        (404, r"has no data of imet-2019-fgvc6 \(any more\) \(404\); look at https://"),
    ],
)
def test_refusals_are_explained_and_not_asked_for_again(hub, tmp_path, fault, message):
    hub.faults[ASK] = [fault]
    with pytest.raises(InputError, match=message):
        fetch(tmp_path / "out")
    assert hub.asked == {ASK: 1}
    fetch(tmp_path / "out")


def test_a_wrong_token_is_refused(hub, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "another")
    with pytest.raises(InputError, match="does not know these credentials"):
        fetch(tmp_path / "out")


# --- Bad days ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "fault"),
    [(ASK, 429), (ASK, 500), (ASK, 503), (ASK, (500, "busy")), (ASK, "closed")]
    + [(STORE, fault) for fault in (403, 404, 429, 500, 503, "cut", "page")],
    ids=str,
)
def test_bad_answers_are_asked_for_again(hub, tmp_path, path, fault):
    # The store is asked twice for what is missing: once where Kaggle leads, and for the rest.
    hub.faults[path] = [fault, None, fault] if fault == "cut" else [fault, fault]
    slept = fetch(tmp_path / "out")
    assert len(slept) == 2
    assert contents(tmp_path / "out") == FILES
    if (path, fault) == (ASK, 429):
        assert slept == [7, 7]


@pytest.mark.parametrize("path", [ASK, STORE])
def test_a_server_that_falls_silent_is_not_waited_for_for_ever(hub, tmp_path, monkeypatch, path):
    monkeypatch.setattr(kaggle, "TIMEOUT", (1, 0.2))
    hub.faults[path] = ["silent"]
    assert len(fetch(tmp_path / "out")) == 1


def test_a_cut_transfer_goes_on_where_it_was_cut(hub, tmp_path):
    hub.faults[STORE] = ["cut"]
    fetch(tmp_path / "out")
    *first, last = hub.ranges
    assert first == [None, None]
    half = len(hub.archive) // 2
    assert half - kaggle.BLOCK < int(last.removeprefix("bytes=").rstrip("-")) <= half
    assert contents(tmp_path / "out") == FILES


def test_tries_that_get_further_are_not_in_vain(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(kaggle, "BLOCK", 16)
    hub.faults[STORE] = ["cut"] + [500, None, "cut"] * 9  # each half of what is left
    assert len(fetch(tmp_path / "out")) == 19
    assert contents(tmp_path / "out") == FILES


def test_a_store_that_cannot_go_on_begins_anew(hub, tmp_path):
    hub.knows_ranges = False
    hub.faults[STORE] = ["cut"]
    fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_an_archive_that_changes_between_two_tries_is_begun_anew(hub, tmp_path):
    hub.faults[STORE] = ["cut"] + [500] * 8
    with pytest.raises(InputError, match="Kaggle: the store answered 500, 8 times; what was fet"):
        fetch(tmp_path / "out")
    hub.archive = zipped(FILES | {"extra.csv": b"new"})
    fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES | {"extra.csv": b"new"}


@pytest.mark.parametrize("absent", ["Content-Length", "x-goog-hash", "ETag"])
def test_facts_that_the_store_does_not_state(hub, tmp_path, absent):
    hub.headers[absent] = None
    hub.faults[STORE] = ["cut"] if absent != "Content-Length" else []
    fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_a_wrong_checksum_is_named_and_the_next_call_fetches_anew(hub, tmp_path):
    hub.faults[STORE] = ["garbled"]
    with pytest.raises(InputError, match=r"checksum is not the one .* run the same command again"):
        fetch(tmp_path / "out")
    fetch(tmp_path / "out")
    assert hub.ranges == [None, None]


def test_without_a_checksum_the_archives_own_are_used(hub, tmp_path):
    hub.headers["x-goog-hash"] = None
    hub.faults[STORE] = ["garbled"]
    with pytest.raises(InputError, match=r"damaged, .* run the same command again"):
        fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == {}
    fetch(tmp_path / "out")


def test_a_wrong_length_is_not_taken_for_the_whole(hub, tmp_path):
    hub.headers["Content-Length"] = str(len(hub.archive) + 10)
    with pytest.raises(InputError, match=r"Kaggle: .*8 times"):
        fetch(tmp_path / "out")


def test_a_full_disk_is_explained_and_what_was_fetched_is_kept(hub, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    for module, name in ((kaggle, "_append"), (unpack, "_write")):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, full)
            with pytest.raises(InputError, match="disk is full; free some space and run the same"):
                fetch(tmp_path / "out")
    fetch(tmp_path / "out")
    assert hub.asked[ASK] == 2


def test_too_little_room_is_seen_before_the_transfer(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(InputError, match=r"GB are to be fetched, .* free some space"):
        fetch(tmp_path / "out")


def test_a_folder_with_something_else_is_left_alone(hub, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"notes\.txt lies there already; name a new or empty"):
        fetch(tmp_path)
    assert not hub.asked


def test_killed_at_any_moment_it_ends_in_the_same_folder(hub, tmp_path):
    noise = np.random.default_rng(0).bytes(4000)
    hub.archive = zipped(FILES | {f"test/{k}.bin": noise for k in range(60)})
    fetch(tmp_path / "whole")
    hub.delay = 0.005
    code = (
        "from pathlib import Path\n"
        "from kagglesdk import kaggle_env\n"
        f"kaggle_env._env_to_endpoint[kaggle_env.KaggleEnv.LOCAL] = {hub.url!r}\n"
        "from imet.download import kaggle\n"
        "kaggle.BLOCK = 1024\n"
        f"kaggle.download(Path({str(tmp_path / 'killed')!r}), progress=False)"
    )
    rng = np.random.default_rng(0)
    for _ in range(3):
        before, most = hub.sent, rng.integers(1, len(hub.archive) // 4)
        child = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
        while hub.sent < before + most:
            time.sleep(0.001)
            assert child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
    hub.delay = 0
    fetch(tmp_path / "killed")
    assert contents(tmp_path / "killed") == contents(tmp_path / "whole")


@pytest.mark.parametrize("step", ["_make_ready", "unpack", "_unpack_beside", "_move", "check"])
def test_broken_off_between_any_two_steps_it_goes_on(hub, tmp_path, monkeypatch, step):
    hub.archive = zipped({"train.zip": zipped(FILES)} | FILES)
    for late in (False, True):
        with monkeypatch.context() as patch:
            right = getattr(kaggle, step)

            def broken(*arguments, right=right, late=late, **options):
                if late:
                    right(*arguments, **options)
                raise KeyboardInterrupt

            patch.setattr(kaggle, step, broken)
            with pytest.raises(KeyboardInterrupt):
                fetch(tmp_path / f"out{late}")
        fetch(tmp_path / f"out{late}")
        files = contents(tmp_path / f"out{late}")
        assert FILES.items() <= files.items()
        assert not any(name.endswith((".zip", ".tmp")) for name in files)
    assert hub.asked[STORE] == 2


# --- What the archive holds ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "files",
    [
        {f"imet-2019-fgvc6/{name}": data for name, data in FILES.items()},
        {name.replace("train/", "train/train/"): data for name, data in FILES.items()},
        {name.replace("train/", ""): data for name, data in FILES.items()},
        {
            "labels.csv": FILES["labels.csv"],
            "train.csv.zip": zipped({"train.csv": FILES["train.csv"]}),
            "train.zip": zipped({f"{name}.png": png(k) for k, name in enumerate(NAMES)}),
        },
        {
            "labels.csv": FILES["labels.csv"],
            "train.csv": FILES["train.csv"],
            "train.zip": zipped({n: d for n, d in FILES.items() if n.startswith("train/")}),
        },
    ],
    ids=["one too high", "one too low", "flat", "archives inside", "an archive with its folder"],
)
def test_every_layout_of_kaggles_archives_passes_the_check(hub, tmp_path, files):
    hub.archive = zipped(files)
    fetch(tmp_path / "out")
    assert check(tmp_path / "out") == []
    assert not list((tmp_path / "out").rglob("*.zip"))


def test_an_archive_without_tables_is_named(hub, tmp_path):
    hub.archive = zipped({"other.txt": b"x"})
    with pytest.raises(InputError, match=r"no train\.csv in it; look at https://"):
        fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == {}


def link(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../out.txt", "outside"),
        ("train/../../out.txt", "outside"),
        ("/tmp/out.txt", "outside"),
        ("..\\out.txt", "outside"),
        ("\\out.txt", "outside"),
        ("C:/out.txt", "outside"),
        ("C:out.txt", "outside"),
        ("train/a.png:stream", "outside"),
        ("a\x01.png", "outside"),
        (link("train"), "is a link"),
        ("./labels.csv", "twice"),
        ("labels.csv/inside.txt", "a file and a folder"),
    ],
    ids=str,
)
@pytest.mark.parametrize("nested", [False, True], ids=["outer", "inner"])
def test_no_path_escapes(hub, tmp_path, name, why, nested):
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for each, data in FILES.items():
            archive.writestr(each, data)
        archive.writestr(name, "/etc/passwd")
    hub.archive = zipped(FILES | {"inner.zip": out.getvalue()}) if nested else out.getvalue()
    with pytest.raises(InputError, match=f"{why}.*nothing of it was unpacked"):
        fetch(tmp_path / "out")
    assert contents(tmp_path / "out") == {}
    assert {path.name for path in tmp_path.iterdir()} <= {"out", "home"}


def test_a_file_with_a_password_is_refused(hub, tmp_path):
    data = bytearray(zipped({"train.csv": b"x"}))
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    data[6] |= 1
    hub.archive = bytes(data)
    with pytest.raises(InputError, match="needs a password"):
        fetch(tmp_path / "out")


def test_bombs_are_refused_before_they_go_off(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(unpack, "SMALL", 2**20)
    hub.archive = zipped(FILES | {"bomb.bin": bytes(2**24)})
    assert len(hub.archive) < 2**24 / unpack.MOST_TIMES
    with pytest.raises(InputError, match=r"bytes would become 9 files with 16,\d"):
        fetch(tmp_path / "out")
    monkeypatch.setattr(unpack, "SMALL", 2**25)
    monkeypatch.setattr(unpack, "MOST_FILES", 3)
    with pytest.raises(InputError, match="would become 9 files"):
        fetch(tmp_path / "out")


def test_a_size_that_lies_unpacks_no_more_than_it_says(hub, tmp_path):
    """A small stated size over a large content: the reader stops there, and the checksum fails."""
    data = bytearray(zipped({"train.csv": bytes(2**22)}))
    at = data.index(b"PK\x01\x02")
    data[at + 24 : at + 28] = (100).to_bytes(4, "little")
    data[22:26] = (100).to_bytes(4, "little")
    hub.archive = bytes(data)
    with pytest.raises(InputError, match="damaged"):
        fetch(tmp_path / "out")


def test_more_than_the_disk_holds_is_refused_before_it_is_written(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(zipped(FILES))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(9, 9, 0))
    with pytest.raises(InputError, match=r"to be unpacked and 0\.0 GB are free; free some"):
        unpack.unpack(tmp_path / "a.zip", tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
