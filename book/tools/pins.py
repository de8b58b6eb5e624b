"""The pinned packages without torch, for a machine that brings a torch of its own.

    python3 -P book/tools/pins.py                 pip on that machine reads the markers
    python3 -P book/tools/pins.py 3.12 x86_64     what Python 3.12 on Linux needs

Only the standard library is used, so that Make can ask before anything is installed; the second
form needs `packaging`, since pip would evaluate the markers for this machine's Python.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).resolve().parents[2] / "requirements.txt"
OF_TORCH = re.compile(r"(torch|torchvision|triton)==|(nvidia|cuda)-")


def pins(text: str, python: str = "", machine: str = "x86_64") -> str:
    """The requirements with their hashes, except torch, torchvision and what they bring.

    Args:
        text: content of requirements.txt.
        python, machine: keep what this Python on Linux needs, without markers; "" keeps markers.
    """
    kept = []
    for block in re.split(r"^(?=\S)", text, flags=re.MULTILINE):  # a requirement and its hashes
        if not block.strip() or block.startswith("#") or OF_TORCH.match(block):
            continue
        if python:
            pin, slash, hashes = block.partition("\\")
            name, _, marker = pin.partition(";")
            if marker and not holds(marker, python, machine):
                continue
            block = f"{name.strip()} {slash}{hashes}"
        kept.append(block)
    return "".join(kept)


def holds(marker: str, python: str, machine: str) -> bool:
    """Whether a requirement's marker holds for CPython on Linux."""
    from packaging.markers import Marker

    there = {"python_version": python, "python_full_version": f"{python}.9"}
    there |= {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}
    there |= {"implementation_name": "cpython", "platform_python_implementation": "CPython"}
    return Marker(marker).evaluate(there | {"platform_machine": machine})


if __name__ == "__main__":
    print(pins(REQUIREMENTS.read_text(encoding="utf-8"), *sys.argv[1:]), end="")
