"""Compiled loops work wherever they may be kept, or not kept at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from imet.compiled import compiled

LOOP = """\
import numpy as np
from imet.compiled import compiled

@compiled()
def double(values):
    for i in range(len(values)):
        values[i] *= 2

values = np.arange(3.0)
double(values)
print(values.tolist(), sum(double.stats.cache_misses.values()))
"""


def double(values: np.ndarray) -> None:
    for i in range(len(values)):
        values[i] *= 2


def doubled(loop) -> list[float]:
    values = np.arange(3.0)
    loop(values)
    return values.tolist()


def test_without_a_place_for_it_a_loop_is_compiled_anew(monkeypatch):
    """As on a disk where neither the checkout nor the home folder can be written."""

    def unwritable(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", unwritable)
    with pytest.raises(RuntimeError, match="no locator available"):
        numba.njit(cache=True)(double)
    loop = compiled()(double)
    assert doubled(loop) == [0, 2, 4]
    assert loop.stats.cache_path is None
    assert loop.targetoptions["nogil"]


def test_options_hold_with_and_without_a_place(monkeypatch, tmp_path):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    assert compiled(fastmath=True)(double).targetoptions["fastmath"]
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    loop = compiled(fastmath=True)(double)
    assert loop.targetoptions["fastmath"]
    assert doubled(loop) == [0, 2, 4]


def test_with_a_place_for_it_a_loop_is_compiled_once(tmp_path):
    (tmp_path / "loop.py").write_text(LOOP)
    said = []
    for _ in range(2):
        ran = subprocess.run(
            [sys.executable, tmp_path / "loop.py"], capture_output=True, text=True, check=True
        )
        said.append(ran.stdout)
    assert said == ["[0.0, 2.0, 4.0] 1\n", "[0.0, 2.0, 4.0] 0\n"]
    assert list(Path(tmp_path, "__pycache__").glob("loop.double-*.nbi"))


def test_other_faults_of_a_loop_are_not_hidden(monkeypatch):
    def wrong(*_, **__):
        raise TypeError("wrong")

    monkeypatch.setattr(numba, "njit", wrong)
    with pytest.raises(TypeError, match="wrong"):
        compiled()(double)
