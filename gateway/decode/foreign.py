"""Files that a library takes apart and nobody can put together again: what they hold is found and never edited."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from gateway.core.errors import SpliceError
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError, shortened
from gateway.decode.tree import READ_ONLY, Nested, Node

_PRINTABLE = re.compile(rb"[\x20-\x7e\x80-\xff]{6,}|(?:[\x20-\x7e\xa0-\xff]\x00){6,}")


class Foreign:
    """The contents of one such file, as they are found."""

    def __init__(self, node: Node[bytes], place: Place, kind: str) -> None:
        self._node, self.prefix = node, place.kind(kind)
        self._place = place.within(place.base, place.label)
        self._seen: set[tuple[str, str]] = set()
        """A file may say the same several times over, e.g. in each of its revisions."""

    @property
    def place(self) -> Place:
        """One nesting deeper than the file."""
        return self._place

    def text(self, text: str, address: str, label: str = "") -> None:
        """Make a text of the file a segment."""
        if (label, text) not in self._seen:
            self._seen.add((label, text))
            self._place.charge(len(text))
            inner = Node(text)
            self._node.parts.append(Nested(0, 0, inner, _refuse))
            address = f"{self.prefix}{address}"
            self._place.leaf(inner, (0, len(text)), READ_ONLY, address, shortened(label))

    def content(self, data: bytes, address: str, media: str = "") -> None:
        """Look into a file or another content within the file."""
        place = self._place.within(f"{self.prefix}{address}")
        with place.unread_on_error():
            place.charge(len(data))
            inner = Node(data)
            self._node.parts.append(Nested(0, 0, inner, _refuse))
            place.reading.read_body(inner, MediaType(media), place)

    def strings(self, data: bytes, address: str) -> None:
        """Make a segment of everything in binary data that reads like text."""
        for match in _PRINTABLE.finditer(data):
            charset = "utf-16-le" if b"\0" in match[0] else "utf-8"
            self.text(match[0].decode(charset, "replace"), address)


@contextmanager
def foreign() -> Iterator[None]:
    """Whatever a library raises at a file that it cannot read makes the file unread."""
    try:
        yield
    except (UnreadableError, MemoryError):
        raise
    except BaseException as error:
        # A panic of a library in Rust is no Exception to Python.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise UnreadableError("bad-syntax") from None


def _refuse(_: object) -> bytes:
    raise SpliceError("a file of this format cannot be edited safely")
