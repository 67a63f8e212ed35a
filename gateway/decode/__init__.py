"""Decoding: the bytes of a message into segments of text with exact addresses, and edits of them back into bytes.

`decode` never raises and never skips: every part of a message is in a segment, is syntax, or is in an Unread.
`Decoded.splice` leaves each byte outside the edits as it was. Only limits on size, count, depth and expansion end a
reading, and they are all in `Limits`.

Addresses say where a text stands; a second one of the same place ends in `#2`:

    path:2  query:email  query:email@name  target:fragment  header:x-user  cookie:id
    body.text:  body.json:/people/0/name  body.json:/people@key  body.ndjson:/3/name
    form:email  form:email@name  body.csv:/2/email (row 2; the head is row 1)
    body.json:/note.json:/name  body.json:/file.base64.csv:/2/email  query:next.percent:  (what a text holds inside)
    body.xml:/order/item[2]@id  body.xml:/order!comment  body.xml:order@element  body.html:a@href
    multipart:upload@filename  multipart:upload.json:/name  multipart:@preamble  body.gzip:header
    body.zip:hr/people.csv.csv:/2/email  body.zip:a.txt@filename  body.zip:@comment  body.gzip.json:/name

To add a format: write a module with one reader, and add a line to the table in `formats.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from gateway.core.carrier import Carrier, Editing
from gateway.core.errors import SpliceError
from gateway.core.model import Edits, Message, Segment, Unread
from gateway.decode.bodies import read_body
from gateway.decode.codings import CODINGS, undo_codings
from gateway.decode.embedded import INSIDE, read_inside
from gateway.decode.formats import FORMATS
from gateway.decode.headers import encode_utf8, read_header
from gateway.decode.media import MediaType, parse_media_type
from gateway.decode.office import PACKAGES
from gateway.decode.reading import REASONS, Limits, Place, Reading, UnreadableError
from gateway.decode.sheets import Sheet, sheets_of
from gateway.decode.tree import Nested, Node
from gateway.decode.urls import read_target

__all__ = [
    "CODINGS",
    "FORMATS",
    "INSIDE",
    "PACKAGES",
    "PLACES",
    "REASONS",
    "Decoded",
    "Limits",
    "Sheet",
    "decode",
]

PLACES = (
    Carrier(
        name="Request target",
        found="path, names and values of the query, user part; the host is the destination",
        edited=Editing.IN_PLACE,
    ),
    Carrier(
        name="Header",
        found="values, but of those in `rules/policy/transport.yaml`; names of registered headers are fixed words",
        edited=Editing.IN_PLACE,
        otherwise="signed messages cannot be edited: refused where the decision is to anonymize",
    ),
    Carrier(name="Cookie", found="names and values", edited=Editing.IN_PLACE),
)
"""Where in a message texts stand besides its body, for the coverage table."""

_DIGESTS = frozenset({b"content-md5", b"digest", b"content-digest", b"repr-digest", b"x-amz-content-sha256"})
"""Headers that vouch for the body."""
_SIGNATURES = frozenset({b"signature", b"signature-input", b"x-hub-signature", b"x-hub-signature-256"})
"""Headers that may vouch for anything in the message."""
_SIGNED_AUTHORIZATION = "AWS4-"


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was read of one message, and the way back."""

    segments: tuple[Segment, ...]
    """In order of appearance: target, headers, body. Addresses are unique."""
    unread: tuple[Unread, ...]
    _message: Message
    _target: Node[bytes]
    _headers: tuple[Node[bytes] | None, ...]
    _body: Node[bytes]

    def sheets(self) -> Iterator[Sheet]:
        """The body's readable texts, in order, for showing where something stands."""
        return sheets_of(self._body)

    def splice(self, edits: Edits) -> Message:
        """The message with the edits made; without edits, the same message.

        A Content-Length header follows the body. Raises SpliceError when an edit cannot be written at its place,
        when its address is unknown, or when a digest or signature header would become untrue.
        """
        wanted = {address: some for address, some in edits.items() if some}
        if not wanted:
            return self._message
        if unknown := wanted.keys() - {segment.address for segment in self.segments}:
            raise SpliceError(f"{len(unknown)} edited addresses are not in this message; decode it again")
        message = self._message
        try:
            target = self._target.spliced(wanted)
            values = [None if node is None else node.spliced(wanted) for node in self._headers]
            body = self._body.spliced(wanted)
        except UnicodeEncodeError:
            raise SpliceError("the replacement has characters that the message's charset lacks") from None
        if _vouched(message, body is not None):
            raise SpliceError("signed: a digest or signature header covers what the edits would change")
        headers = tuple(
            (name, old if new is None else new)
            for (name, old), new in zip(message.headers, values, strict=True)
        )
        if body is not None:
            headers = tuple(
                (name, b"%d" % len(body) if name.lower() == b"content-length" else value)
                for name, value in headers
            )
        return replace(
            message,
            target=message.target if target is None else target,
            headers=headers,
            body=message.body if body is None else body,
        )


def _vouched(message: Message, body_changes: bool) -> bool:
    """Whether a header would become untrue by a change of the message, or of its body."""
    names = {name.lower() for name, _ in message.headers}
    return (
        not names.isdisjoint(_SIGNATURES)
        or (body_changes and not names.isdisjoint(_DIGESTS))
        or any(value.startswith(_SIGNED_AUTHORIZATION) for value in _values(message, b"authorization"))
    )


def decode(message: Message, limits: Limits, untouched_headers: frozenset[str]) -> Decoded:
    """Read a message. Headers named in `untouched_headers`, in lower case, are transport and give no segments."""
    reading = Reading(limits, read_body, read_inside)
    target = Node(message.target)
    place = Place(reading, "target")
    with place.unread_on_error():
        _read_target(target, message.method, place)
    headers: list[Node[bytes] | None] = []
    for raw_name, value in message.headers:
        name = raw_name.decode("latin-1").lower()
        headers.append(None)
        if name not in untouched_headers:
            place = Place(reading, f"header:{name}")
            with place.unread_on_error():
                headers[-1] = read_header(name, value, place)
    body = Node(message.body)
    place = Place(reading, "body")
    with place.unread_on_error():
        _read_message_body(body, message, place)
    return Decoded(tuple(reading.segments), tuple(reading.unread), message, target, tuple(headers), body)


def _read_target(node: Node[bytes], method: str, place: Place) -> None:
    if not node.content or method.upper() == "CONNECT":
        return
    try:
        inner = Node(node.content.decode())
    except UnicodeDecodeError:
        raise UnreadableError("bad-charset") from None
    node.parts.append(Nested(0, len(node.content), inner, encode_utf8))
    read_target(inner, place)


def _read_message_body(node: Node[bytes], message: Message, place: Place) -> None:
    if len(node.content) > place.reading.limits.max_body_bytes:
        raise UnreadableError("too-large")
    if node.content:
        codings = [one.strip().lower() for one in ",".join(_values(message, b"content-encoding")).split(",")]
        read_body(undo_codings(node, codings, place), _media_type(message), place)


def _media_type(message: Message) -> MediaType:
    declared = set(_values(message, b"content-type"))
    if len(declared) > 1:
        raise UnreadableError("ambiguous")
    return parse_media_type(declared.pop()) if declared else MediaType()


def _values(message: Message, name: bytes) -> Sequence[str]:
    return [value.decode("latin-1") for header, value in message.headers if header.lower() == name]
