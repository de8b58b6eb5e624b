"""Loops compiled by numba, kept on disk where the disk can be written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba


def compiled(**options: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """`numba.njit` without the interpreter's lock; compiled anew by each process where neither the
    checkout nor the home folder can be written.

    Examples:
        >>> @compiled()
        ... def double(values):
        ...     values *= 2
    """

    def compile_or_keep(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # no place for what was compiled
            return numba.njit(nogil=True, **options)(function)

    return compile_or_keep
