"""The museum's interface on this machine, with its bad days."""

from __future__ import annotations

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
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
from PIL import Image

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

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()


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


@contextmanager
def open_museum() -> Iterator[Museum]:
    """A museum that answers, until the block ends."""
    server = Museum()
    server.start()
    yield server
    server.shutdown()


def contents(root: Path) -> dict[str, bytes]:
    """Files of a downloaded folder; the manifest without its last column, the day."""
    files = [p for p in sorted(root.rglob("*")) if p.is_file() and ".download" not in p.parts]
    texts = {}
    for path in files:
        data = path.read_bytes()
        if path.name == "manifest.csv":
            data = b"\n".join(line.rpartition(b",")[0] for line in data.splitlines())
        texts[str(path.relative_to(root))] = data
    return texts


def killed_downloads(museum: Museum, out: Path, works: int, kills: int, seed: int) -> int:
    """Start a download again and again, each time killed at a random moment of what is left.

    Moments are counted in addresses that the museum was asked for, so that a slow machine is not
    killed before it began; the last one falls into what follows the last request.

    Returns:
        How many of the kills met a download at work.
    """
    code = (
        "from pathlib import Path\n"
        "from imet.download.met import download\n"
        "from imet.download.polite import Polite\n"
        f"download(Path({str(out)!r}), works={works}, polite=Polite(0), progress=False)"
    )
    rng = np.random.default_rng(seed)
    last = 2 * works + 1  # the table, records and pictures
    moments = sorted(rng.choice(np.arange(1, last), kills - 1, replace=False).tolist())
    met = 0
    for moment in [*moments, last]:
        child = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ))
        while child.poll() is None and len(museum.asked) < moment:
            time.sleep(0.001)
        time.sleep(float(rng.uniform(0, 0.02)))
        met += child.poll() is None
        child.send_signal(signal.SIGKILL)
        child.wait()
    return met
