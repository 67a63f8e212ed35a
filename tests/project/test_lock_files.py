"""The lock files name one exact set of packages, each by hash, and say nothing about where they come from."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-build.lock")
PYTHONS = ("3.12", "3.13", "3.14")
PLATFORMS = ("linux", "darwin")


@dataclass(frozen=True, slots=True)
class Locked:
    """One line of a lock file."""

    requirement: Requirement
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


def locked(lock: str) -> list[Locked]:
    lines = [
        line for line in (ROOT / lock).read_text("utf-8").splitlines() if not line.lstrip().startswith("#")
    ]
    entries = []
    for entry in "\n".join(lines).replace("\\\n", " ").splitlines():
        requirement, *hashes = re.split(r"\s+--hash=", entry.strip())
        entries.append(Locked(Requirement(requirement), tuple(hashes)))
    return entries


def declared(group: str) -> list[Requirement]:
    """What pyproject.toml asks for: "project", or a dependency group with all that it includes."""
    if group == "project":
        return [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    found = []
    for line in PROJECT["dependency-groups"][group]:
        found += declared(line["include-group"]) if isinstance(line, dict) else [Requirement(line)]
    return found


def environments() -> list[dict[str, str]]:
    return [
        {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": platform}
        for python in PYTHONS
        for platform in PLATFORMS
    ]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_one_version_with_its_hashes(lock: str):
    for entry in locked(lock):
        assert re.fullmatch(r"==[0-9][0-9a-z.+!-]*", str(entry.requirement.specifier)), entry.requirement
        assert entry.hashes, f"{lock}: {entry.name} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in entry.hashes), entry.name


@pytest.mark.parametrize("lock", LOCKS)
def test_no_index_host_or_path_is_named(lock: str):
    text = (ROOT / lock).read_text("utf-8")

    assert "://" not in text
    assert not re.search(r"^\s*-(?!-hash=)", text, re.MULTILINE), (
        "an option other than --hash stands in the lock"
    )
    assert not re.search(r" @ |file:|\b[\w-]+\.(org|com|net|io|dev|local)\b", text)
    assert not re.search(r"(^|\s)/", text), "a path of some machine stands in the lock"


@pytest.mark.parametrize(
    ("lock", "group"),
    [
        ("requirements.lock", "project"),
        ("requirements-dev.lock", "project"),
        ("requirements-dev.lock", "dev"),
        ("requirements-build.lock", "build"),
    ],
)
def test_the_versions_are_those_that_pyproject_allows_on_every_supported_python(lock: str, group: str):
    entries = locked(lock)
    for environment in environments():
        versions = {
            entry.name: entry.version
            for entry in entries
            if entry.requirement.marker is None or entry.requirement.marker.evaluate(environment)
        }
        for wanted in declared(group):
            if wanted.marker is not None and not wanted.marker.evaluate(environment):
                continue
            name = canonicalize_name(wanted.name)
            assert name in versions, f"{lock} lacks {name} for {environment}: run make lock"
            assert wanted.specifier.contains(versions[name]), (
                f"{lock}: {name} {versions[name]} is not {wanted}"
            )


def test_the_override_is_kept():
    versions = {entry.name: entry.version for entry in locked("requirements.lock")}

    for override in map(Requirement, PROJECT["tool"]["uv"]["override-dependencies"]):
        assert override.specifier.contains(versions[canonicalize_name(override.name)])


@pytest.mark.parametrize("smaller", ["requirements.lock", "requirements-build.lock"])
def test_the_lock_for_development_holds_the_others(smaller: str):
    larger = {(entry.name, entry.version) for entry in locked("requirements-dev.lock")}

    assert {(entry.name, entry.version) for entry in locked(smaller)} <= larger
