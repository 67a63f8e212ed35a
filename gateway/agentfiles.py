"""Writes the files of the agent register: whole, under their own names, so that a running gateway never reads half."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from gateway.core.agent import Agent
from gateway.core.errors import SettingsError


def put_in_force(folder: Path, name: str, text: bytes) -> Path:
    """Put a checked file into `folder`/agents. Raises SettingsError for a name that is not read from there."""
    target = folder / "agents" / name
    if target.suffix not in (".yaml", ".yml"):
        raise SettingsError(f"{name}: name it *.yaml, so that it is read from {target.parent}")
    try:
        target.parent.mkdir(exist_ok=True)
        # Written beside its target and renamed.
        with tempfile.NamedTemporaryFile(dir=target.parent, suffix=".part", delete=False) as draft:
            draft.write(text)
            draft.flush()
            os.fsync(draft.fileno())
        Path(draft.name).chmod(0o644)
        Path(draft.name).replace(target)
    except OSError as error:
        raise SettingsError(f"{target}: cannot be written: {error.strerror}") from error
    return target


def with_agent(folder: Path, agent: Agent) -> tuple[str, bytes]:
    """Name and new text of the file that holds an agent: where it stands already, else one of its own.

    Everything else in that file stays as it is, comments and all.
    """
    yaml = YAML()
    yaml.width = 120
    for file in sorted((folder / "agents").glob("*.y*ml")):
        content = yaml.load(file.read_bytes())
        for place, entry in enumerate(content["agents"]):
            if entry["id"] == agent.id:
                content["agents"][place] = as_entry(agent)
                return file.name, _dumped(yaml, content)
    return f"{agent.id}.yaml", _dumped(yaml, {"schema": 1, "agents": [as_entry(agent)]})


def as_entry(agent: Agent) -> dict[str, Any]:
    """The agent as it is written down: what is empty or as usual is left out."""
    entry: dict[str, Any] = _plain(agent)
    return entry


def as_yaml(agent: Agent) -> str:
    """The same as text."""
    return _dumped(YAML(), as_entry(agent)).decode()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        given = {one.name: getattr(value, one.name) for one in fields(value) if _is_said(value, one)}
        return {name: _plain(one) for name, one in given.items()}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value


def _is_said(value: Any, one: Any) -> bool:
    return one.default is MISSING or getattr(value, one.name) != one.default


def _dumped(yaml: YAML, content: Any) -> bytes:
    out = io.BytesIO()
    yaml.dump(content, out)
    return out.getvalue()
