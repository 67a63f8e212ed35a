"""Where a ledger is, and where its heads are kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.store.database import Where, file_of, is_file, name_of


@dataclass(frozen=True, slots=True)
class Place:
    """A ledger's database, the gateway's own files about it, and the second place for heads."""

    where: Where
    base: Path
    """Beside this file lie `.lock` and `.head` of the same name; for SQLite it is the database itself."""
    second: Path | None = None
    """A folder on another disk or machine in which each gateway keeps the newest head."""

    @classmethod
    def of(cls, where: Where, state: Path, second: Path | None = None) -> Place:
        """The place of a gateway with this state folder."""
        return cls(where, file_of(where) if is_file(where) else state / "ledger.db", second)

    @property
    def name(self) -> str:
        """As errors name it: a path, or a URL without its password."""
        return name_of(self.where)

    @property
    def head_file(self) -> Path:
        """The newest head, beside the state."""
        return self.base.with_suffix(".head")

    def head_files(self, gateway: str) -> Sequence[Path]:
        """All files that this gateway's newest head is written to."""
        files = [self.head_file]
        if self.second is not None:
            files.append(self.second / f"{gateway}.head")
        return files

    def exists(self) -> bool:
        """Whether there is a ledger already; of a server only a look inside can tell, so the head file counts."""
        return self.base.exists() if is_file(self.where) else self.head_file.exists()


def place_of(where: Place | Path) -> Place:
    """A ledger named by its file alone has no second place."""
    return where if isinstance(where, Place) else Place(where, where)
