"""Serve the finished book on this machine, and make it again when something changes.

python book/tools/serve.py --directory book/_build/html --port 8000 -- make book
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
import time
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from imet.io import REPO

WATCHED = ("book", "notebooks", "imet", "imet_simulation", "results")
PAGES = ("CHANGELOG.md", "CITATION.cff")
SKIPPED = {"_build", "__pycache__"}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, without a log line for each."""

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


def state() -> dict[Path, int]:
    """Modification times of the files that a book is made of."""
    files = [path for folder in WATCHED for path in (REPO / folder).rglob("*")]
    return {
        path: path.stat().st_mtime_ns
        for path in [*files, *(REPO / name for name in PAGES)]
        if path.is_file() and not SKIPPED & set(path.parts) and not path.name.startswith(".")
    }


def watch(command: list[str], every: float = 1.0) -> None:
    """Run the command whenever a file changes, until interrupted; a failure keeps the old book."""
    before = state()
    while True:
        time.sleep(every)
        now = state()
        if now == before:
            continue
        changed = sorted(path for path, _ in (now.items() ^ before.items()))
        print(f"changed: {changed[0].relative_to(REPO)}; making the book again", flush=True)
        before = now
        if subprocess.run(command, cwd=REPO).returncode:
            print("not made: the book stays as it was; mend it and save", flush=True)
        else:
            print("made: reload the page", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("command", nargs="+", help="what makes the book again")
    o = parser.parse_args()
    handler = partial(Quiet, directory=str(o.directory))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", o.port), handler)
    except OSError as error:
        print(f"error: port {o.port}: {error.strerror}; choose another: PORT=8001", file=sys.stderr)
        return 1
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"http://localhost:{o.port}, made again on every change; Ctrl-C ends", flush=True)
    try:
        watch(o.command)
    except KeyboardInterrupt:
        print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
