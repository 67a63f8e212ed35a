"""Where in a rules file something stands: a file with its content, and problems that point back into its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from gateway.core.errors import Problem

Location = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Loaded[T]:
    """One file and what it holds; `problem` points back into it."""

    name: str
    text: bytes
    content: T

    def problem(self, location: Location, what: str) -> Problem:
        """A problem at that place of the file."""
        return Problem(self.name, line_of(self.text, location), dotted(location), what)


def dotted(location: Location) -> str:
    """A place as it is shown to people."""
    return ".".join(str(part) for part in location)


def line_of(text: bytes, location: Location) -> int:
    """1-based line of a field; of the nearest thing around it where the field itself is missing."""
    node: Any = YAML().load(text)
    line = 0
    for part in location:
        try:
            line = (node.lc.item if isinstance(part, int) else node.lc.key)(part)[0]
            node = node[part]
        except (AttributeError, KeyError, IndexError, TypeError):
            break
    return int(line) + 1
