"""Loops compiled by numba and kept on disk if the disk can be written."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numba
import torch


def compiled(**options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`numba.njit` without the interpreter's lock; each process compiles anew if neither the
    checkout nor the home folder can be written.

    Examples:
        >>> @compiled()
        ... def double(values):
        ...     values *= 2
    """

    def compile_or_keep(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no place for the compiled code
            return numba.njit(nogil=True, **options)(function)

    return compile_or_keep


def in_threads(count: int, work: Callable[[slice], None], least: int = 1) -> None:
    """Run `work` on slices of `count` rows, in as many threads as torch uses.

    A thread has `least` rows or more. Numba's own thread pool would not survive a fork or two
    callers at once.

    Examples:
        >>> in_threads(2, print, least=2)
        slice(0, 2, None)
    """
    threads = max(1, min(torch.get_num_threads(), count // least))
    edges = [count * k // threads for k in range(threads + 1)]
    parts = [slice(a, b) for a, b in pairwise(edges)]
    if threads == 1:
        work(parts[0])
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, parts))
