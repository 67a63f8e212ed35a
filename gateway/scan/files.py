"""Which files a scan reads. Nothing is passed over in silence: what is left out is an entry that says why."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from gateway.core.errors import OnwardError

VERSION_CONTROL = frozenset({".git", ".hg", ".svn"})
"""Folders that hold copies of files in a form of their own."""


class ScanError(OnwardError):
    """What was asked for cannot be scanned."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file to read, or what is not read and why."""

    path: Path
    left_out: str = ""
    """Why it is not read, by choice."""
    error: str = ""
    """Why it cannot be read."""


def entries(
    paths: Sequence[Path], exclude: Sequence[str] = (), *, heed_gitignore: bool = False
) -> Iterator[Entry]:
    """Files below `paths`, each once, those of a folder in order of name. A file named by itself is always read.

    Raises:
        ScanError: git was to say what it ignores, and cannot.
    """
    seen: set[Path] = set()
    for path in paths:
        if path.is_dir():
            ignored = _ignored_by_git(path) if heed_gitignore else frozenset[Path]()
            found = _below(path, exclude, ignored)
        else:
            found = iter([_entry(path)])
        for entry in found:
            if entry.path not in seen:
                seen.add(entry.path)
                yield entry


def _below(folder: Path, exclude: Sequence[str], ignored: Collection[Path]) -> Iterator[Entry]:
    try:
        children = sorted(folder.iterdir())
    except OSError as error:
        yield Entry(folder, error=error.strerror or "cannot be read")
        return
    for child in children:
        is_folder = child.is_dir() and not child.is_symlink()
        if is_folder and child.name in VERSION_CONTROL:
            yield Entry(child, left_out="folder of a version control system")
        elif any(fnmatch(child.name, glob) or fnmatch(child.as_posix(), glob) for glob in exclude):
            yield Entry(child, left_out="excluded")
        elif child in ignored:
            yield Entry(child, left_out="ignored by git")
        elif child.is_symlink():
            yield Entry(child, left_out="symbolic link; what it points to is read where it stands")
        elif is_folder:
            yield from _below(child, exclude, ignored)
        else:
            yield _entry(child)


def _entry(path: Path) -> Entry:
    if not path.exists():
        return Entry(path, error="No such file or directory")
    return Entry(path) if path.is_file() else Entry(path, left_out="no regular file")


def _ignored_by_git(folder: Path) -> frozenset[Path]:
    """Git itself says what it ignores: its rules come from several files and are its own."""
    git = shutil.which("git")
    if git is None:
        raise ScanError("--gitignore needs git, which is not installed; use --exclude")
    command = [git, "ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z"]
    answer = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    if answer.returncode:
        said = answer.stderr.decode(errors="replace").strip()
        raise ScanError(f"{folder}: --gitignore: git says: {said}")
    return frozenset(folder / os.fsdecode(name) for name in answer.stdout.split(b"\0") if name)
