"""OLE compound files: Outlook messages are read, encrypted documents are told apart, and all others are unread.

Source: MS-OXMSG and MS-OXRTFCP of the Open Specifications.
"""

from __future__ import annotations

import io

import olefile

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Node

_SUBSTG = "__substg1.0_"
_UNICODE, _STRING8, _BINARY = "001F", "001E", "0102"
_HTML, _RTF, _FILE = "1013", "1009", "3701"
_LABELS = {
    "0C1A": "name",
    "0E04": "name",
    "3001": "name",
    "0037": "subject",
    "0C1F": "email",
    "3003": "email",
}
_HEAD_BYTES = 16
_FIRST_DICTIONARY = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript "
    rb"\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    b"\r\n"
    rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def read_ole(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a compound file."""
    with foreign(), olefile.OleFileIO(io.BytesIO(node.content)) as file:
        names = ["/".join(path) for path in file.listdir()]
        if len(names) > place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        if "EncryptedPackage" in names:
            raise UnreadableError("encrypted")
        if "__properties_version1.0" not in names:
            raise UnreadableError("unknown-media-type")
        found = Foreign(node, place, "msg")
        for name in names:
            data = file.openstream(name.split("/")).read()
            place.charge(len(data))
            _read_stream(name, data, found)


def _read_stream(name: str, data: bytes, found: Foreign) -> None:
    last = name.rpartition("/")[2]
    if not last.startswith(_SUBSTG):
        # Fixed properties: times and numbers; a few bytes of text at most.
        found.strings(data, f"/{name}")
        return
    tag, kind = last[len(_SUBSTG) :][:4], last[len(_SUBSTG) + 4 :][:4]
    address, label = f"/{name}", _LABELS.get(tag, "")
    if kind == _UNICODE:
        found.text(data.decode("utf-16-le", "replace").rstrip("\0"), address, label)
    elif kind == _STRING8:
        found.text(data.decode("cp1252", "replace").rstrip("\0"), address, label)
    elif kind == _BINARY and tag == _HTML:
        found.content(data, address, "text/html")
    elif kind == _BINARY and tag == _RTF:
        found.content(_rtf(data), address)
    elif kind == _BINARY and tag == _FILE:
        found.content(data, address)
    else:
        found.strings(data, address)


def _rtf(data: bytes) -> bytes:
    """RTF as Outlook packs it: literal bytes, and references into the last 4 KiB."""
    size, raw_size = (int.from_bytes(data[at : at + 4], "little") for at in (0, 4))
    if data[8:12] == b"MELA":
        return data[_HEAD_BYTES : _HEAD_BYTES + raw_size]
    if data[8:12] != b"LZFu" or size + 4 > len(data):
        raise UnreadableError("bad-encoding")
    made = bytearray(_FIRST_DICTIONARY)
    at = _HEAD_BYTES
    while at < len(data):
        control = data[at]
        at += 1
        for bit in range(8):
            if control >> bit & 1:
                pair = int.from_bytes(data[at : at + 2])
                at += 2
                here = len(made) % 4096
                offset, length = pair >> 4, (pair & 15) + 2
                if offset == here or at > len(data):
                    return bytes(made[len(_FIRST_DICTIONARY) :])
                start = len(made) - ((here - offset) % 4096)
                if start < 0:
                    raise UnreadableError("bad-encoding")
                for step in range(length):
                    made.append(made[start + step])
            else:
                made += data[at : at + 1]
                at += 1
    raise UnreadableError("truncated")
