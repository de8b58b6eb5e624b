"""Processes that cut views are kept; pictures decoded once give the same views."""

from __future__ import annotations

import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import draw_collection

from imet.config import resolve
from imet.data import dataset, pixels
from imet.data.dataset import ViewLoader, loader_workers
from imet.data.images import read_image
from imet.data.parts import load_parts
from imet.data.pixels import Pixels
from imet.io import InputError
from imet.runs import run


@pytest.fixture(scope="module")
def parts(small_collection):
    return load_parts(small_collection, resolve("resnet50", "tiny"))


def recipe(**changes):
    return resolve("resnet50", "tiny", {"input_size": 32, "view_mode": "fresh"} | changes)


def test_kept_processes_give_each_epoch_s_views(parts):
    train, order = parts.train, np.arange(12)[::-1]
    loader = ViewLoader(train, recipe(workers=2), 3)
    processes = set()
    for epoch in (0, 1):
        torch.manual_seed(0)
        kept = torch.cat(list(loader(order, epoch)))
        after = torch.rand(1)
        torch.manual_seed(0)
        alone = torch.cat(list(ViewLoader(train, recipe(workers=0), 3)(order, epoch)))
        assert torch.equal(kept, alone)
        assert torch.equal(torch.rand(1), after)  # and as many random numbers are drawn
        processes |= {worker.pid for worker in loader._loader._iterator._workers}
    assert len(processes) == 2
    next(loader(order))  # a pass that is broken off
    assert torch.equal(torch.cat(list(loader(order, 1))), alone)


def test_as_many_processes_as_processors_and_as_shared_memory_holds(monkeypatch):
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    monkeypatch.setattr(dataset, "processors", lambda: 6)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=64_000_000))
    assert loader_workers(-1, 1000) == 6
    assert loader_workers(3, 1000) == 3
    with pytest.warns(UserWarning, match=r"64 MB, enough for 2 of 6.*--shm-size=6g"):
        assert loader_workers(-1, 8_000_000) == 2
    with pytest.warns(UserWarning, match="enough for 0 of 6"):
        assert loader_workers(-1, 64_000_000) == 0
    monkeypatch.setattr(dataset, "processors", lambda: 64)
    assert loader_workers(-1, 1) == 16
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "8")
    assert loader_workers(-1, 1) == 8


class Interruption(KeyboardInterrupt):
    pass


def test_decoded_pictures_are_the_files_and_writing_goes_on(parts, tmp_path, monkeypatch):
    train, folder = parts.train, tmp_path / "pixels"
    monkeypatch.setattr(pixels, "CHUNK", 10)
    real, read = pixels.read_image, []

    def dying(path):
        read.append(path)
        if len(read) == 16 + 26:  # sixteen tell how much room is needed
            raise Interruption
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(pixels, "read_image", dying)
        with pytest.raises(Interruption):
            Pixels(folder, train).write(0)
    assert not Pixels(folder, train).complete
    assert (Pixels(folder, train).shapes[:, 0] > 0).sum() == 20
    Pixels(folder, train).write(0)
    decoded = Pixels(folder, train)
    assert decoded.complete
    for work in range(len(train)):
        path = train.collection.path(int(train.rows[work]))
        assert np.array_equal(decoded[work], read_image(path))
    order, ours = np.arange(len(train)), recipe(workers=0)
    views = torch.cat(list(ViewLoader(train, ours, 8, pixels=decoded)(order, 1)))
    assert torch.equal(views, torch.cat(list(ViewLoader(train, ours, 8)(order, 1))))
    os.truncate(folder / "pixels.u8", 1000)  # damaged: written again
    assert not Pixels(folder, train).complete


def test_too_little_room_is_said_before_anything_is_written(parts, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"decoded.*GB.*IMET_HOME.*--cache-views"):
        Pixels(tmp_path / "pixels", parts.train).write(0)
    assert not (tmp_path / "pixels" / "pixels.u8").exists()


def test_a_run_on_decoded_pictures_has_the_same_numbers(tmp_path, monkeypatch):
    folder = draw_collection(tmp_path / "drawn", 30)
    changes = {"input_size": 32, "epochs": 1, "fc6_units": 8}
    scores = {}
    for cached in (False, True):
        monkeypatch.setenv("IMET_HOME", str(tmp_path / str(cached)))
        trained = run(
            "vgg16", "tiny", device="cpu", data=folder, overrides=changes, cache_views=cached
        )
        scores[cached] = trained.scores("test")
        kept = list((tmp_path / str(cached) / "features").glob("pixels-*/pixels.u8"))
        assert len(kept) == 3 * cached
    assert np.array_equal(scores[True], scores[False])
