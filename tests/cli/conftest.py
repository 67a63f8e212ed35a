"""Commands run in this process, against rules and state of their own."""

from __future__ import annotations

import io
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli import main
from gateway.settings import shipped


@dataclass(frozen=True)
class Place:
    """A settings file with rules and state beside it."""

    folder: Path

    @property
    def rules(self) -> Path:
        return self.folder / "rules"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def agents(self) -> Path:
        return self.rules / "agents" / "examples.yaml"


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    shutil.copytree(shipped("rules"), tmp_path / "rules")
    (tmp_path / "onward.toml").write_text(f'rules = "{tmp_path}/rules"\nstate = "{tmp_path}/state"\n')
    return Place(tmp_path)


@pytest.fixture
def onward(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """The command's own entry point, in this process: a process for each call would cost a second of imports."""

    def run(*arguments: str, stdin: str | bytes = b"") -> Said:
        bare = arguments[0] == "--version" or arguments[:2] == ("assess", "key")
        config = [] if bare else ["--config", str(place.folder / "onward.toml")]
        data = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "argv", ["onward", *arguments, *config])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    return run
