"""Requests that are gentle on a server, and that survive its bad days and a full disk."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import requests
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema, ProxyError
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from imet.data.images import what_it_is
from imet.io import InputError

AGENT = f"imet-report/{version('imet')} (reproducible research on open-access pictures; python)"
TIMEOUT = (10, 60)  # seconds to connect, and between two parts of an answer
ATTEMPTS = 8
BLOCKED = 40.0  # seconds to wait after a refusal, which lasts half a minute or longer
SLOWEST = 5.0  # seconds between requests, however often the server refuses


class Gone(Exception):
    """The server says that the address does not exist, or no longer exists."""


class Unreachable(InputError):
    """A server does not deliver what it should, however often it is asked."""


class Again(Exception):
    """Worth another try after `wait` seconds; with None, the number of tries decides."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class Polite:
    """GET requests one at a time, with a pause between them.

    A refusal (403, 429, or a page for robots in place of the content) is not final: requests wait
    until it has passed, and the pause grows. After a broken connection, a server error or an answer
    of the wrong length, the request is repeated.

    Args:
        pause: seconds between two requests.
        sleep: function that waits for a number of seconds.
    """

    def __init__(self, pause: float = 1.0, sleep: Callable[[float], None] = time.sleep) -> None:
        self.pause, self.sleep = pause, sleep
        self._session = requests.Session()
        self._session.headers["User-Agent"] = AGENT
        self._last, self._answered = -1e9, False

    def get(self, url: str) -> bytes:
        """Fetch the content of an address.

        Raises:
            Gone: there is nothing at this address.
            Unreachable: it could not be fetched in eight tries.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=_wait,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            return bytes(retrying(self._once, url))
        except Again as error:
            raise Unreachable(
                f"{url}: {error}, {ATTEMPTS} times; what was fetched is kept, and the same command "
                "goes on: try again later, or with a longer --pause"
            ) from None

    def _once(self, url: str) -> bytes:
        self.sleep(max(0.0, self._last + self.pause - time.monotonic()))
        try:
            answer = self._session.get(url, timeout=TIMEOUT)
        except (MissingSchema, InvalidSchema, InvalidURL):
            raise Gone(f"{url}: no address") from None
        except ProxyError:
            if self._answered:
                raise Again("no answer of the proxy") from None
            raise Unreachable(
                f"{url}: the proxy that the environment names does not answer; mend "
                "http_proxy and https_proxy, or name the server in no_proxy"
            ) from None
        except requests.RequestException as error:  # no connection, cut off, too slow
            raise Again(f"no answer ({type(error).__name__})") from None
        finally:
            self._last = time.monotonic()
        self._answered = True
        if answer.status_code in (404, 410):
            raise Gone(f"{url}: {answer.status_code}")
        if answer.status_code in (403, 429):
            self._slow_down()
            raise Again(f"refused ({answer.status_code})", retry_after(answer))
        if answer.status_code != 200:
            raise Again(f"answered {answer.status_code}")
        expected = answer.headers.get("Content-Length")
        encoded = "Content-Encoding" in answer.headers
        if expected and not encoded and int(expected) != len(answer.content):
            raise Again(f"{len(answer.content)} bytes instead of {expected}")
        if (what_it_is(answer.content) or "").startswith("a web page"):
            self._slow_down()
            raise Again("a web page in place of the file", BLOCKED)
        return answer.content

    def _slow_down(self) -> None:
        self.pause = max(self.pause, min(2 * max(self.pause, 0.5), SLOWEST))


def retry_after(answer: requests.Response) -> float:
    """Seconds that the server asks to wait, or else the usual length of a refusal."""
    text = answer.headers.get("Retry-After", "")
    return min(float(text), 600.0) if text.isdigit() else BLOCKED


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    return seconds_to_wait(error, state.attempt_number)


def seconds_to_wait(error: BaseException | None, attempt: int) -> float:
    """Seconds before the next try: as the error asks, or else longer with each attempt.

    Examples:
        >>> [seconds_to_wait(Again("cut off"), attempt) for attempt in (1, 2, 8)]
        [2.0, 4.0, 60.0]
    """
    wait = error.wait if isinstance(error, Again) else None
    return float(min(2**attempt, 60)) if wait is None else wait


@contextmanager
def full_disk_explained(folder: Path) -> Iterator[None]:
    """Turn the system's error about a full disk into one that says what to do.

    Raises:
        InputError: the disk, or the user's quota on it, is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise InputError(
            f"{folder}: the disk is full; free some space and run the same command again, which "
            "goes on with what was fetched"
        ) from None
