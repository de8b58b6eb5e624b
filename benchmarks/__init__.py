"""Speed of the hot paths, each against a named peer.

Each path has one module, whose `run()` returns `name`, `ours`, `peer`, `ratio`, `unit` and, in
`what`, what was measured against which peer. `ours` and `peer` are rates, so a ratio above 1 means
that ours is faster. Modules whose names begin with an underscore are not benchmarks.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def interleaved(
    ways: dict[str, Callable[[], object]], rounds: int = 5, warm_up: int = 1
) -> dict[str, float]:
    """Median seconds of each way over rounds in which all ways take turns.

    Taking turns spreads other load on the machine over all ways; the first `warm_up` rounds, which
    compile and fill caches, do not count.

    Examples:
        >>> sorted(interleaved({"a": lambda: None, "b": lambda: None}, rounds=3))
        ['a', 'b']
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(warm_up + rounds):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            if number >= warm_up:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in seconds.items()}
