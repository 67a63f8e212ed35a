"""What `docs/coverage.md` says of each carrier: what of it is found, how it is edited, and what happens if not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Editing(StrEnum):
    """How what was found is taken out."""

    IN_PLACE = "in place"
    """Nothing but what was found changes, to the byte."""
    REBUILT = "rebuilt"
    """The content is written anew; all but what was found means the same."""
    NEVER = "no"
    """It cannot be edited; *anonymize* becomes a refusal."""


UNREAD = "unread"
"""Decided by rule: held or blocked, as the coverage table says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carrier:
    """A way in which personal data travels."""

    name: str
    found: str
    """What of it is looked into."""
    edited: Editing
    otherwise: str = UNREAD
    """What happens where it cannot be read, or be edited as the decision asks."""
