"""The whole exception tree.

    OnwardError
    ├── RulesError        rules or agent register cannot be used; holds one Problem per place
    ├── SettingsError     a setting is missing, unknown or out of range
    ├── InspectionError   a message could not be inspected in time or in memory
    ├── SpliceError       replacements cannot be put back without touching other bytes
    ├── LedgerError       a decision could not be recorded, or the record does not verify
    │   └── DeclinedError     what an entry rests on (an approval, a state) does not hold any more
    ├── RegisterError     a register of choices or exemptions cannot be used, or refuses an entry
    ├── CaptureError      a file of captured traffic cannot be read
    └── KeyFileError      a key is missing, unreadable or open to others

"Not allowed" is a Decision and never an exception. No message holds text of a transfer, not even shortened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class OnwardError(Exception):
    """Base of all errors this project raises on purpose; the message tells what, where and what to do."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault in a file an operator wrote."""

    file: str
    line: int
    """1-based; 0 where the fault is the file as a whole."""
    field: str
    """Dotted path of the field, e.g. `frameworks.3.until`; empty for the file as a whole."""
    what: str
    """What is wrong and what to write instead."""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where}: {self.field}: {self.what}" if self.field else f"{where}: {self.what}"


class RulesError(OnwardError):
    """Rules or agent register cannot be used. `problems` names every place, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class SettingsError(OnwardError):
    """A setting is missing, unknown or out of range; the message names the key and where it was read."""


class InspectionError(OnwardError):
    """A message could not be inspected; `reason` is one of the closed set in `core.decide.FAILURES`."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class SpliceError(OnwardError):
    """Replacements cannot be put back into the bytes without touching what lies around them."""


class LedgerError(OnwardError):
    """A decision could not be recorded durably, or what is recorded does not verify."""


class DeclinedError(LedgerError):
    """What an entry rests on does not hold any more, e.g. its approval was used up; the entry is not kept."""


class RegisterError(OnwardError):
    """A register cannot be read or written, or an entry does not fit; never holds a person's value."""


class CaptureError(OnwardError):
    """A file of captured traffic cannot be read; names the place and never what stands there."""


class KeyFileError(OnwardError):
    """A key file is missing, unreadable, of the wrong length or readable by others."""
