"""Headless Chromium over the DevTools protocol: the few steps the browser tests take."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

import websocket

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--mute-audio",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--remote-allow-origins=*",
)


def executable() -> str | None:
    """Path of a Chromium on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Browser:
    """One browser with one page; every request and console message is kept."""

    def __init__(self, folder: Path):
        self.process = subprocess.Popen(
            [executable() or NAMES[0], *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            port = self._port(folder / "DevToolsActivePort")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=30) as reply:
                page = next(t for t in json.load(reply) if t["type"] == "page")
            self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=60)
        except BaseException:
            self.process.kill()
            raise
        self.numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def _port(self, path: Path) -> int:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if path.exists() and (text := path.read_text()).count("\n"):
                return int(text.split()[0])
            if self.process.poll() is not None:
                raise RuntimeError(f"Chromium ended with {self.process.returncode} at its start")
            time.sleep(0.05)
        raise TimeoutError("Chromium did not open its port within a minute")

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call one method and wait for its answer; events that come meanwhile are kept."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
            self.events.append(message)

    def evaluate(self, script: str) -> Any:
        """Value of a JavaScript expression; a promise is awaited."""
        found = self.send(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def view(self, width: int, height: int = 900, scheme: str = "light") -> None:
        """Set the window's size and the reader's colour scheme."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def open(self, address: str) -> None:
        """Load a page and wait until its scripts, pictures and mathematics are done."""
        self.events.clear()
        self.send("Page.navigate", url=address)
        deadline = time.monotonic() + 60
        while self.evaluate("document.readyState + location.href") != f"complete{address}":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{address} did not finish loading")
            time.sleep(0.05)
        self.evaluate(
            "Promise.allSettled(document.getAnimations().map(a => a.finished)).then(() => 1)"
        )
        self.evaluate("window.MathJax ? MathJax.startup.promise.then(() => true) : true")

    def errors(self) -> list[str]:
        """Errors of scripts, of the console and of requests since the page was opened."""
        found = []
        for event in self.events:
            body = event.get("params", {})
            match event.get("method"):
                case "Runtime.exceptionThrown":
                    found.append(str(body["exceptionDetails"]))
                case "Runtime.consoleAPICalled" if body["type"] in {"error", "assert"}:
                    found.append(str(body["args"]))
                case "Log.entryAdded" if body["entry"]["level"] == "error":
                    found.append(f"{body['entry']['text']} {body['entry'].get('url', '')}")
                case "Network.loadingFailed" if not body.get("canceled"):
                    found.append(str(body["errorText"]))
        return found

    def requests(self) -> list[str]:
        """Every address asked for since the page was opened."""
        sent = (e for e in self.events if e.get("method") == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in sent]

    def screenshot(self, path: Path) -> None:
        """Picture of the whole page."""
        data = self.send("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        path.write_bytes(base64.b64decode(data))

    def close(self) -> None:
        """End the browser."""
        self.socket.close()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
