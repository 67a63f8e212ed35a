"""Every command is run by some test."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from gateway.cli import app

TESTS = Path(__file__).resolve().parents[1]
SERVERS = {("serve",), ("console",), ("demo",)}
"""Run as programs of their own by the end-to-end tests."""
BY_PARAMETER = {"report"}
"""Its kinds are parameters of one test."""


def commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    parts = getattr(command, "commands", None)
    if parts is None:
        yield path
        return
    for name, part in parts.items():
        yield from commands(part, (*path, name))


def test_every_command_is_run_by_a_test():
    texts = "\n".join(file.read_text("utf-8") for file in TESTS.rglob("*.py"))
    missing = [
        " ".join(path)
        for path in commands(get_command(app))
        if path not in SERVERS
        and path[0] not in BY_PARAMETER
        and not re.search(r"[(\[]\s*" + r",\s*".join(f'"{re.escape(part)}"' for part in path), texts)
    ]
    assert missing == []
