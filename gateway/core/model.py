"""The nouns that travel through the pipeline: a message, what was read in it, what was found, what was decided.

All are frozen and free of behaviour beyond checks at construction. Offsets are in characters of the decoded
segment, half open (`start` included, `end` not).
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Action(StrEnum):
    """What happens to a transfer, in rising severity; see `severity`."""

    PASS = "pass"  # noqa: S105 - no password
    ANONYMIZE = "anonymize"
    HOLD = "hold"
    BLOCK = "block"


def severity(action: Action) -> int:
    """Rank of an action, 0 for pass to 3 for block: mixed transfers take the most severe."""
    return _SEVERITIES[action]


_SEVERITIES = {action: rank for rank, action in enumerate(Action)}


class Origin(StrEnum):
    """Whose law follows a person's data. UNKNOWN counts as EU and CH at once (SCOPE-1)."""

    EU = "EU"
    CH = "CH"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


class DataClass(StrEnum):
    """How sensitive a piece of data is. UNREAD is for what could not be inspected: it may be anything."""

    ANONYMOUS = "anonymous"
    AGGREGATE = "aggregate"
    PSEUDONYMOUS = "pseudonymous"
    ORDINARY = "ordinary"
    ELEVATED = "elevated"
    SPECIAL = "special"
    CRIMINAL = "criminal"
    UNREAD = "unread"


GRAVE = frozenset({DataClass.SPECIAL, DataClass.CRIMINAL})
"""Classes that need a legal condition of their own, and whose category an explanation names."""


class Evidence(StrEnum):
    """How strongly a finding ties its person to a region."""

    NONE = "none"
    HINT = "hint"
    PROOF = "proof"


@dataclass(frozen=True, slots=True)
class Message:
    """One outbound message as it goes over the wire, whatever the protocol.

    `target` is the raw request target (path and query) and empty where the protocol has none; header names are
    in lower case. For a WebSocket message only `body` is set, and `content-type` says whether it is text.
    """

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    before: bytes = b""
    """The end of what went before on the same connection, where a value may begin there and end in the body."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What a client's headers say about its transfer, unproven; empty where they say nothing (see `core.source`)."""

    origins: str = ""
    purpose: str = ""
    dataset: str = ""


USER = "user:"
"""Stands before the name of a logged-in sender in `Transfer.source`."""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One message on its way to one destination at one time."""

    id: str
    """Decision id: unique, sortable by time, safe to show to anyone."""
    at: datetime
    """Time-zone aware, UTC."""
    scheme: str
    host: str
    """Where the connection really goes, in lower case; SNI, Host and authority agreed with it."""
    port: int
    message: Message
    path: str = "/"
    """Path of the request, without its query; for a WebSocket message that of its handshake."""
    source: str = ""
    """Who sends: a client network, or `user:` and the name given at log-in, which the record keeps as fingerprint."""
    client: str = ""
    """IP address of the sender, to find its source by; never recorded."""
    said: Declared = Declared()


@dataclass(frozen=True, slots=True)
class Segment:
    """One decoded piece of text and the address that puts it back, e.g. `body.json:/messages/2/content`."""

    address: str
    """Unique within its message."""
    text: str
    label: str = ""
    """The nearest name around the text: JSON key, form field, column head, element or header name."""


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of a message that could not be inspected, and why. Decided by rule, never waved through."""

    address: str
    reason: str
    """One of the closed set in `decode.REASONS`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Personal data found in one segment. Holds where it lies, never the text itself."""

    address: str
    start: int
    end: int
    entity: str
    """Presidio-style entity name, e.g. `PERSON`, `PL_PESEL`."""
    score: float
    """0 to 1, as the recognizer gave it; not a probability."""
    category: str
    """An id of `rules/law/categories.yaml`."""
    region: str | None = None
    """ISO 3166 alpha-2 code of the country the value points to, if any."""
    evidence: Evidence = Evidence.NONE
    """Whether `region` is proof or only a hint."""
    fingerprint: str = ""
    """Keyed fingerprint of the normalized value; empty until the shell that holds the key sets it."""
    older_fingerprints: tuple[str, ...] = ()
    """The same under earlier versions of the key, by which older entries of registers are found."""

    def is_among(self, fingerprints: Container[str]) -> bool:
        """Whether the value is one of these, under whichever version of the key they were made."""
        return any(one in fingerprints for one in (self.fingerprint, *self.older_fingerprints))


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace `text[start:end]` of one segment."""

    start: int
    end: int
    replacement: str


Edits = Mapping[str, Sequence[Edit]]
"""Edits by segment address; those of one segment do not overlap."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """All that decoding and detection learned about one message."""

    findings: tuple[Finding, ...]
    unread: tuple[Unread, ...]
    segments: int
    characters: int


@dataclass(frozen=True, slots=True)
class Release:
    """The transfer may go out as it is; its decision is on record."""

    decision_id: str


@dataclass(frozen=True, slots=True)
class Replace:
    """The transfer may go out with this message instead; its decision is on record."""

    decision_id: str
    message: Message


@dataclass(frozen=True, slots=True)
class Refuse:
    """The transfer must not go out. Everything here may be shown to the client: no personal data in it."""

    decision_id: str
    action: Action
    """HOLD or BLOCK."""
    reason: str
    """One of a closed set, usable as a metric label."""
    why: str
    """Plain language, one or two sentences."""
    clauses: tuple[str, ...]
    agent: str
    """Id of the registered agent, or `unregistered`."""
    recorded: bool = True
    """False only when the ledger itself failed."""
    review: str = ""
    """Id of the review that a held transfer waits for."""


Verdict = Release | Replace | Refuse
