"""7z archives: names and members, unpacked in memory, never edited."""

from __future__ import annotations

import io

import py7zr
from py7zr.exceptions import PasswordRequired
from py7zr.io import BytesIOFactory

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.media import MediaType
from gateway.decode.members import FILE_NAME
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import Node

_END_OF_HEADER = 32


def read_7z(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read an archive. Its own list of sizes is asked before anything is unpacked."""
    content, limits = node.content, place.reading.limits
    found = Foreign(node, place, "7z")
    offset, size = (int.from_bytes(content[at : at + 8], "little") for at in (12, 20))
    if _END_OF_HEADER + offset + size != len(content):
        raise UnreadableError("trailing-bytes")
    with foreign():
        try:
            with py7zr.SevenZipFile(io.BytesIO(content)) as archive:
                if archive.needs_password():
                    raise UnreadableError("encrypted")
                members = archive.list()
                if len(members) > limits.max_parts:
                    raise UnreadableError("too-many-parts")
                total = sum(one.uncompressed for one in members)
                if total > max(limits.max_ratio * len(content), limits.ratio_floor_bytes):
                    raise UnreadableError("expands-too-much")
                place.charge(total)
                factory = BytesIOFactory(limits.max_expanded_bytes)
                archive.extractall(factory=factory)
        except PasswordRequired:
            raise UnreadableError("encrypted") from None
        for one in members:
            found.text(one.filename, f"{shortened(one.filename)}@filename", FILE_NAME)
        for name, member in factory.products.items():
            found.content(member.read(), shortened(name))
