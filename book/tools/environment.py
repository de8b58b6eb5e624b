"""Write environment.yml: the direct dependencies at the versions of requirements.txt.

python book/tools/environment.py           # writes the file
python book/tools/environment.py --check   # exit code 1 where it is out of date
"""

from __future__ import annotations

import re
import sys
import tomllib

from imet.io import REPO, InputError, atomic_path

HEAD = """\
# The same versions as requirements.txt, for those who prefer conda. Made by
# `python book/tools/environment.py`; a test compares the two.
#   conda env create -f environment.yml && conda activate imet
name: imet
channels: [conda-forge]
dependencies:
  - python{python}
  - pip
  - make
  - pip:
      - -e .
"""
PINNED = re.compile(r"([A-Za-z0-9_.-]+)==([^ ;\\]+)\s*(?:;([^\\\n]*))?")


def normal(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pinned(requirements: str) -> dict[str, list[tuple[str, str]]]:
    """Package name to its (version, marker) pairs; one per Python version where they differ."""
    pins: dict[str, list[tuple[str, str]]] = {}
    for line in requirements.splitlines():
        if match := PINNED.match(line):
            pair = (match[2], (match[3] or "").strip())
            pins.setdefault(normal(match[1]), []).append(pair)
    return pins


def environment(pyproject: str, requirements: str) -> str:
    """The text of environment.yml."""
    project = tomllib.loads(pyproject)["project"]
    direct = [*project["dependencies"]]
    for group in project["optional-dependencies"].values():
        direct += group
    versions = pinned(requirements)
    lines = []
    for requirement in direct:
        name = normal(re.split(r"[^A-Za-z0-9_.-]", requirement, maxsplit=1)[0])
        if name not in versions:
            raise InputError(
                f"requirements.txt: {name} of pyproject.toml is not pinned; compile it"
            )
        for version, marker in versions[name]:
            lines.append(f"      - {name}=={version}" + (f" ; {marker}" if marker else ""))
    return HEAD.format(python=project["requires-python"]) + "\n".join(lines) + "\n"


def main() -> int:
    text = environment(
        (REPO / "pyproject.toml").read_text(encoding="utf-8"),
        (REPO / "requirements.txt").read_text(encoding="utf-8"),
    )
    path = REPO / "environment.yml"
    if "--check" in sys.argv:
        same = path.is_file() and path.read_text(encoding="utf-8") == text
        if not same:
            print("environment.yml is out of date: run python book/tools/environment.py")
        return 0 if same else 1
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
