"""Requirements: every version pinned and hashed, from no named index."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

REPO = Path(__file__).resolve().parent.parent
TEXT = (REPO / "requirements.txt").read_text(encoding="utf-8")
PROJECT = tomllib.loads((REPO / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13")


def blocks() -> list[tuple[Requirement, list[str]]]:
    """Requirements with their hashes, in file order."""
    found = []
    logical = TEXT.replace("\\\n", " ").splitlines()
    for line in logical:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        wanted, *hashes = line.split("--hash=")
        found.append((Requirement(wanted.strip()), [h.split()[0] for h in hashes]))
    return found


PINS = blocks()


def declared() -> list[Requirement]:
    extras = PROJECT["optional-dependencies"].values()
    return [Requirement(r) for r in [*PROJECT["dependencies"], *(r for e in extras for r in e)]]


def test_every_requirement_is_pinned_and_hashed():
    assert len(PINS) > 100
    for requirement, hashes in PINS:
        operators = [clause.operator for clause in requirement.specifier]
        assert operators == ["=="], requirement
        assert hashes, f"{requirement} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement
        assert requirement.url is None


def test_no_address_of_an_index_is_named():
    code = "\n".join(line.split("#")[0] for line in TEXT.splitlines())
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|--trusted-host", code)
    assert "://" not in TEXT


def test_torch_is_not_the_release_that_does_not_import():
    found = {r.name: next(iter(r.specifier)).version for r, _ in PINS if "torch" in r.name}
    assert Version(found["torch"]) != Version("2.13.0")
    assert Version(found["torch"]).local is None  # the plain release, not an index's own build
    declared_torch = next(r for r in declared() if r.name == "torch")
    assert not declared_torch.specifier.contains("2.13.0")


def test_what_the_project_declares_is_pinned_on_every_python():
    for wanted in declared():
        name = canonicalize_name(wanted.name)
        pins = [r for r, _ in PINS if canonicalize_name(r.name) == name]
        for python in PYTHONS:
            for platform in ("linux", "darwin", "win32"):
                environment = {"python_version": python, "python_full_version": f"{python}.0"}
                environment |= {"sys_platform": platform}
                if wanted.marker and not wanted.marker.evaluate(environment):
                    continue
                fitting = [r for r in pins if not r.marker or r.marker.evaluate(environment)]
                assert len(fitting) == 1, f"{name} on Python {python}, {platform}: {fitting}"
                version = next(iter(fitting[0].specifier)).version
                assert wanted.specifier.contains(version, prereleases=True), fitting[0]


def test_no_version_is_pinned_twice_for_one_machine():
    by_name: dict[str, list[Requirement]] = {}
    for requirement, _ in PINS:
        by_name.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    for name, pins in by_name.items():
        if len(pins) > 1:
            assert all(r.marker for r in pins), f"{name} is pinned twice without a marker"
