"""What `make book` reports: which chapter, how long, what is in training, and a last line.

    python book/tools/progress.py build/sample book/_build/html/index.html

prints the last line. Everything is read from files: executed chapters and their times below
`build/<profile>/`, runs below `runs/<profile>/`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from imet.io import REPO

EVERY = 30.0  # seconds between two lines about one chapter
FRESH = 120.0  # seconds without a new epoch after which a run is not mentioned
USUAL = {
    "00_collection": 22, "01_data_exploration": 62, "02_split_and_views": 59,
    "02b_what_a_view_shows": 10, "03_baseline": 88, "04_hog": 8, "05_resnet50_hog": 83,
    "06_attn_cnn_rnn": 278, "07_decoding": 4, "08_roc_by_quartile": 49, "08b_calibration": 6,
    "09_confusion": 6, "10_attention": 15, "11_predictions": 12, "11b_explore": 9,
    "12_paper_results": 68, "13_vgg16": 181, "14_losses_and_thresholds": 34, "15_label_noise": 32,
    "16_content_aware_crop": 20, "17_poster_results": 4, "18_why_533_and_393": 18,
    "19_on_photographs": 4, "20_full_size": 3,
}  # fmt: skip
"""Seconds of each chapter in a sample book on two cores: how long they take beside each other."""
MEAN = sum(USUAL.values()) / len(USUAL)


def clock(seconds: float) -> str:
    """A duration as minutes and seconds: 75 is `1:15`."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def seconds_of(notebook: Path) -> tuple[float, float]:
    """What executing a chapter took, in seconds by the clock and seconds of all processors."""
    clock, processors = notebook.with_suffix(".times").read_text().split()
    return float(clock), float(processors)


class Build:
    """One `make book`, seen from the folder above its executed chapters.

    Args:
        folder: `build/<profile>`; its file `started` is touched when a build begins.
    """

    def __init__(self, folder: Path):
        self.folder, self.profile = folder, folder.name
        stamp = folder / "started"
        self.began = stamp.stat().st_mtime if stamp.exists() else time.time()
        chosen = [name.partition("_")[0] for name in os.environ.get("CHAPTERS", "").split()]
        names = sorted(p.stem for p in (REPO / "notebooks").glob("*.py"))
        self.names = [n for n in names if not chosen or n.partition("_")[0] in chosen]
        self.runs = Path(os.environ.get("IMET_HOME") or REPO) / "runs" / self.profile

    def executed(self) -> list[str]:
        """Chapters that this build has executed so far."""
        return [name for name in self.names if self._time_of(name) >= self.began]

    def due(self) -> list[str]:
        """Chapters that are still to be executed: never made, or older than what they need."""
        return [name for name in self.names if self._is_due(name)]

    def _path(self, name: str) -> Path:
        return self.folder / "notebooks" / f"{name}.ipynb"

    def _time_of(self, name: str) -> float:
        path = self._path(name)
        return path.stat().st_mtime if path.exists() else 0.0

    def _is_due(self, name: str) -> bool:
        rule = REPO / "build" / "rules" / f"{name}.mk"
        needs = [self.folder / "parameters", REPO / "notebooks" / f"{name}.py"]
        if rule.exists():
            needs += [REPO / part for part in rule.read_text().partition("\n")[0].split()[1:]]
        executed = self._time_of(name)
        return any(path.exists() and path.stat().st_mtime > executed for path in needs)

    def seconds_left(self) -> float | None:
        """Estimated time for the chapters that are due; None before any time is known."""
        known = {p.stem: seconds_of(p)[0] for p in (self.folder / "notebooks").glob("*.times")}
        if not known:
            return None
        slower = sum(known.values()) / sum(USUAL.get(name, MEAN) for name in known)
        left = [known.get(name, slower * USUAL.get(name, MEAN)) for name in self.due()]
        return max(sum(left) / int(os.environ.get("JOBS") or 1), *left, 0.0)

    def in_training(self) -> str:
        """Runs without a result whose last epoch is fresh: `resnet50 5 of 15 epochs`."""
        lines = []
        for path in self.runs.glob("*/history.jsonl"):
            fresh = time.time() - path.stat().st_mtime < FRESH
            if fresh and not (path.parent / "metrics.json").exists():
                recipe = json.loads((path.parent / "config.json").read_text(encoding="utf-8"))
                epochs = path.read_text(encoding="utf-8").count("\n")
                lines.append(f"{recipe['name']} {epochs} of {recipe['epochs']} epochs")
        return ", ".join(sorted(lines))

    def position(self) -> str:
        """`chapter 4 of 20, 3:12 so far, about 9:40 left`."""
        done = len(self.names) - len(self.due())
        left = self.seconds_left()
        rest = f", about {clock(left)} left" if left is not None else ""
        so_far = clock(time.time() - self.began)
        return (
            f"chapter {min(done + 1, len(self.names))} of {len(self.names)}, {so_far} so far{rest}"
        )

    def summary(self, page: str) -> str:
        """The last line: how long, what was made, what was reused, where the book is."""
        times = [p.stat().st_mtime for p in self.runs.glob("*/metrics.json")]
        trained, new = sum(t >= self.began for t in times), len(self.executed())
        processors = sum(seconds_of(self._path(name))[1] for name in self.executed())
        return (
            f"made in {clock(time.time() - self.began)}: {new} chapters executed in "
            f"{processors / 60:.1f} processor minutes, "
            f"{len(self.names) - new} reused; {trained} runs trained, {len(times) - trained} were "
            f"there\nopen {page}"
        )


class Speaker:
    """Reports every half minute how far a chapter has got, until the context is left.

    Args:
        name: the chapter.
        notebook: what papermill has written of the chapter so far.
        build: the build that the chapter belongs to.
    """

    def __init__(self, name: str, notebook: Path, build: Build):
        self.name, self.notebook, self.build = name, notebook, build
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._speak, daemon=True)

    def __enter__(self) -> Speaker:
        print(f"{self.build.position()}: {self.name}", flush=True)
        self._began = time.monotonic()
        self._thread.start()
        return self

    def __exit__(self, kind: object, *rest: object) -> None:
        self._left.set()
        self._thread.join()
        if kind is None:
            print(f"  {self.name} done in {clock(time.monotonic() - self._began)}", flush=True)

    def _speak(self) -> None:
        while not self._left.wait(EVERY):
            training = self.build.in_training()
            print(
                f"  {self.name} {clock(time.monotonic() - self._began)}{self._cells()}"
                + (f"; in training: {training}" if training else ""),
                flush=True,
            )

    def _cells(self) -> str:
        try:
            cells = json.loads(self.notebook.read_text(encoding="utf-8"))["cells"]
        except (OSError, ValueError):  # not there yet, or half written
            return ""
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        done = sum(c["metadata"].get("papermill", {}).get("status") == "completed" for c in code)
        return f", {done} of {len(code)} cells"


if __name__ == "__main__":
    print(Build(Path(sys.argv[1])).summary(sys.argv[2]))
