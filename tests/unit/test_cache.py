"""The feature store survives being killed and notices what it did not write."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imet.cache import FeatureStore

ROWS, CHUNK = 10, 4  # chunks of 4, 4 and 2 rows
ARRAYS = {"pooled": ((2, 3), "float16"), "hog": ((5,), "float32")}
KEY = {"weights": ["packaged", "57934424"], "size": 64}


def values(rows: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "pooled": np.broadcast_to(rows[:, None, None] + 0.5, (len(rows), 2, 3)),
        "hog": np.broadcast_to(rows[:, None] ** 2, (len(rows), 5)),
    }


class Counted:
    """`values` of one chunk after another, with a note of the rows it was asked for."""

    def __init__(self, chunk: int = CHUNK) -> None:
        self.asked: list[int] = []
        self.chunk = chunk

    def __call__(self, rows: np.ndarray) -> Iterator[dict[str, np.ndarray]]:
        for of_chunk in split(rows, self.chunk):
            self.asked += of_chunk.tolist()
            yield values(of_chunk)


def split(rows: np.ndarray, chunk: int = CHUNK) -> list[np.ndarray]:
    """Rows of one chunk after another."""
    return [rows[rows // chunk == k] for k in np.unique(rows // chunk)]


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "features" / "train"


def open_store(folder: Path, key=KEY, arrays=ARRAYS, rows=ROWS, chunk=CHUNK) -> FeatureStore:
    return FeatureStore(folder, key, arrays, rows, chunk)


def refill(folder: Path, **changes) -> list[int]:
    """Fill the store of `folder` anew, check its content, return the rows computed for that."""
    compute = Counted(changes.get("chunk", CHUNK))
    store = open_store(folder, **changes).fill(compute)
    assert_whole(store)
    return compute.asked


def assert_whole(store: FeatureStore) -> None:
    for name, wanted in values(np.arange(store.rows)).items():
        assert store[name].shape == wanted.shape
        np.testing.assert_array_equal(store[name], wanted)
    assert store.pending() == []


def test_every_row_is_computed_once_and_then_read(folder):
    assert refill(folder) == list(range(ROWS))
    assert refill(folder) == []
    with pytest.raises(ValueError, match="read-only"):
        open_store(folder)["hog"][0] = 1


def test_nothing_is_made_by_asking(folder):
    assert open_store(folder).pending() == [0, 1, 2]
    assert not folder.exists()


@pytest.mark.parametrize("dies_at", [0, 1, 2])
def test_a_killed_fill_goes_on_where_it_stopped(folder, dies_at):
    def dying(rows):
        yield from map(values, split(rows)[:dies_at])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store(folder).fill(dying)
    assert open_store(folder).pending() == [0, 1, 2][dies_at:]
    assert refill(folder) == list(range(CHUNK * dies_at, ROWS))


@given(st.data())
@settings(max_examples=40)
def test_any_damaged_byte_costs_its_chunk_and_no_other(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("store") / "train"
    refill(folder)
    name = data.draw(st.sampled_from(sorted(ARRAYS)))
    array = np.load(folder / f"{name}.npy", mmap_mode="r+")
    flat = array.reshape(ROWS, -1).view(np.uint8)
    row = data.draw(st.integers(0, ROWS - 1))
    flat[row, data.draw(st.integers(0, flat.shape[1] - 1))] ^= data.draw(st.integers(1, 255))
    array.flush()
    chunk = row // CHUNK
    assert open_store(folder).pending() == [chunk]
    assert refill(folder) == [r for r in range(ROWS) if r // CHUNK == chunk]


def truncate(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


@pytest.mark.parametrize(
    "damage",
    [
        lambda f: truncate(f / "hog.npy", -1),
        lambda f: truncate(f / "hog.npy", 20),
        lambda f: truncate(f / "hog.npy", 0),
        lambda f: (f / "pooled.npy").unlink(),
        lambda f: np.save(f / "hog.npy", np.zeros((ROWS, 4), np.float32)),
        lambda f: np.save(f / "hog.npy", np.zeros((ROWS, 5), np.float64)),
        lambda f: (f / "store.json").unlink(),
        lambda f: truncate(f / "store.json", 30),
        lambda f: (f / "store.json").write_bytes(b"\0" * 100),
        lambda f: (f / "checksums.npy").unlink(),
        lambda f: (f / "checksums.npy").write_bytes(b"\0\xff" * 100),
        lambda f: truncate(f / "checksums.npy", 40),
        lambda f: np.save(f / "checksums.npy", np.zeros(4, np.int64)),
    ],
)
def test_a_damaged_store_is_made_again(folder, damage):
    refill(folder)
    damage(folder)
    assert open_store(folder).pending() == [0, 1, 2]
    assert refill(folder) == list(range(ROWS))


@given(st.integers(0, 2), st.integers(-(2**40), 2**40))
@settings(max_examples=20)
def test_a_wrong_checksum_costs_its_chunk_only(tmp_path_factory, chunk, wrong):
    folder = tmp_path_factory.mktemp("store") / "train"
    refill(folder)
    recorded = np.load(folder / "checksums.npy")
    differs = recorded[chunk] != wrong
    recorded[chunk] = wrong
    np.save(folder / "checksums.npy", recorded)
    assert refill(folder) == [r for r in range(ROWS) if r // CHUNK == chunk and differs]


@pytest.mark.parametrize(
    "change",
    [
        {"key": KEY | {"size": 65}},
        {"key": {}},
        {"chunk": 5},
        {"rows": ROWS + 1},
        {"rows": ROWS - 1},
        {"arrays": ARRAYS | {"pooled": ((2, 3), "float32")}},
    ],
)
def test_another_key_shape_or_type_discards_everything(folder, change):
    refill(folder)
    assert refill(folder, **change) == list(range(change.get("rows", ROWS)))
    assert refill(folder, **change) == []
    assert refill(folder) == list(range(ROWS))


def test_an_array_of_its_own_kind_is_enough(folder):
    one = {"pooled": ARRAYS["pooled"]}
    store = open_store(folder, arrays=one).fill(Counted())
    assert store.pending() == []
    assert not (folder / "hog.npy").exists()


def test_a_key_with_tuples_is_known_again(folder):
    """JSON turns them into lists; that must not look like another key."""
    key = {"shape": (1, 2), "nested": {"a": (3,)}}
    refill(folder, key=key)
    assert refill(folder, key=key) == []


def test_values_of_another_shape_are_refused(folder):
    def wrong(rows):
        yield values(rows[:CHUNK]) | {"hog": np.zeros((1, 5))}  # NumPy would stretch it

    with pytest.raises(ValueError, match="hog"):
        open_store(folder).fill(wrong)
    assert open_store(folder).pending() == [0, 1, 2]


def _fill_slowly(folder: Path, log: Path) -> None:
    def slow(rows):
        for of_chunk in split(rows):
            with open(log, "a") as file:
                file.write(f"{of_chunk[0]}\n")
            time.sleep(0.05)
            yield values(of_chunk)

    assert_whole(open_store(folder).fill(slow))


def test_two_processes_share_the_work_of_one(folder, tmp_path):
    log = tmp_path / "log"
    context = multiprocessing.get_context("fork")
    both = [context.Process(target=_fill_slowly, args=(folder, log)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert log.read_text().split() == ["0", "4", "8"]  # the second waited and found it done


def test_large_stores_are_checked_in_part(folder, monkeypatch):
    """Every so manieth chunk: the first is always among them."""
    refill(folder)
    monkeypatch.setattr("imet.cache.VERIFY_BYTES", 200)
    monkeypatch.setattr("imet.cache._CHECKED", set())
    store = open_store(folder)
    looked_at = []
    checksum = store._checksum
    monkeypatch.setattr(store, "_checksum", lambda c: looked_at.append(c) or checksum(c))
    assert store.pending() == []
    assert looked_at == [0, 2]


def test_a_sound_store_is_checked_once_unless_it_is_written_to(folder, monkeypatch):
    refill(folder)
    monkeypatch.setattr("imet.cache._CHECKED", set())
    store = open_store(folder)
    looked_at = []
    checksum = store._checksum
    monkeypatch.setattr(store, "_checksum", lambda c: looked_at.append(c) or checksum(c))
    assert store.pending() == open_store(folder).pending() == store.pending() == []
    chunks = len(store._chunks)
    assert len(looked_at) == chunks
    (array, *_) = [path for path in folder.glob("*.npy") if path.name != "checksums.npy"]
    content = bytearray(array.read_bytes())
    content[-1] ^= 1
    array.write_bytes(content)
    assert store.pending() == [chunks - 1]
    assert store.pending() == [chunks - 1]  # only sound ones are passed over
    assert len(looked_at) == 3 * chunks


def test_a_full_disk_is_an_error_before_anything_is_computed(folder, monkeypatch):
    """Writing through a memory map to a full disk would kill the process."""

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("imet.cache.os.posix_fallocate", full, raising=False)
        compute = Counted()
        with pytest.raises(OSError, match="No space left"):
            open_store(folder).fill(compute)
    assert compute.asked == []
    assert refill(folder) == list(range(ROWS))
