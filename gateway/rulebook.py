"""The rules in force: one snapshot at a time, swapped by one assignment, kept when the new one is broken."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gateway.core.errors import Problem, RulesError
from gateway.core.register import Register
from gateway.core.ruleset import RuleSet
from gateway.core.source import Sources
from gateway.rulefiles import load_rules

Signature = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rules and the register compiled from them. A transfer keeps the snapshot it began with."""

    rules: RuleSet
    register: Register
    sources: Sources


class Rulebook:
    """The snapshot in force and where it comes from."""

    def __init__(self, folder: Path) -> None:
        """Load `folder`. Raises RulesError."""
        self.folder = folder
        self.error: RulesError | None = None
        """Why the newest state of the folder is not in force; None when it is."""
        self._seen = _signature(folder)
        self.current = _compile(folder)

    def changed(self) -> bool:
        """Whether the folder looks different from when it was last read; costs one stat call a file."""
        return _signature(self.folder) != self._seen

    def read(self) -> Snapshot | None:
        """The folder as it is now, compiled but not yet in force; None where it is broken (see `error`)."""
        before = _signature(self.folder)
        try:
            snapshot = _compile(self.folder)
            if _signature(self.folder) != before:
                what = "was changed while it was read; it is read again once it is at rest"
                raise RulesError([Problem(str(self.folder), 0, "", what)])
        except RulesError as error:
            # Seen as it was before: what was written meanwhile is looked at again.
            self._seen, self.error = before, error
            return None
        self._seen = before
        self.error = None
        return snapshot


def _compile(folder: Path) -> Snapshot:
    rules = load_rules(folder)
    return Snapshot(rules, Register(rules.agents), Sources(rules.sources, rules.purpose_ids))


def _signature(folder: Path) -> Signature:
    found = []
    for path in folder.rglob("*.y*ml"):
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue  # Gone between listing and looking: the next look sees the difference.
        found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(sorted(found))
