"""Messages for the tests of decoding; what a test does not name is innocent."""

from __future__ import annotations

from gateway.core.model import Edit, Message
from gateway.decode import Decoded, Limits, decode

UNTOUCHED = frozenset({"content-type", "content-length", "content-encoding", "host"})


def a_message(
    body: bytes = b"",
    media_type: str | None = None,
    target: bytes = b"",
    coding: str | None = None,
    **headers: str,
) -> Message:
    """A POST with this body; header names are given with underscores."""
    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    if media_type is not None:
        fields.append((b"content-type", media_type.encode()))
    if coding is not None:
        fields.append((b"content-encoding", coding.encode()))
    return Message("POST", target, tuple(fields), body)


def decoded(message: Message, limits: Limits | None = None) -> Decoded:
    """The message read with transport headers left alone."""
    return decode(message, limits or Limits(), UNTOUCHED)


def read(body: bytes, media_type: str | None = None, coding: str | None = None) -> dict[str, str]:
    """Texts by address of a body that must be readable to its end."""
    result = decoded(a_message(body, media_type, coding=coding))
    assert result.unread == ()
    return {segment.address: segment.text for segment in result.segments}


def reasons(body: bytes, media_type: str | None = None, coding: str | None = None) -> list[str]:
    """Why parts of the body were not read."""
    return [unread.reason for unread in decoded(a_message(body, media_type, coding=coding)).unread]


def whole(text: str, replacement: str) -> list[Edit]:
    """The edit that replaces all of a text."""
    return [Edit(0, len(text), replacement)]


def replaced(body: bytes, media_type: str, address: str, old: str, new: str) -> bytes:
    """The body after `old` in the segment at `address` became `new`."""
    result = decoded(a_message(body, media_type))
    text = next(segment.text for segment in result.segments if segment.address == address)
    start = text.index(old)
    return result.splice({address: [Edit(start, start + len(old), new)]}).body
