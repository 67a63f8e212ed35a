"""The state of one decoding: what was read so far, what was not, and the limits that end it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from gateway.core.model import Segment, Unread
from gateway.decode.media import MediaType
from gateway.decode.tree import Leaf, Nested, Node, Writing

REASONS = frozenset(
    {
        "ambiguous",
        "bad-charset",
        "bad-encoding",
        "bad-syntax",
        "encrypted",
        "expands-too-much",
        "forbidden-dtd",
        "pixels",
        "too-deep",
        "too-large",
        "too-many-parts",
        "trailing-bytes",
        "truncated",
        "unknown-media-type",
    }
)
"""Every reason an Unread can have."""

MIB = 1 << 20
_LONGEST_NAME = 64
_LONGEST_ADDRESS = 256


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a message is read. Passing one makes an Unread, never a shortened reading."""

    max_body_bytes: int = 10 * MIB
    max_expanded_bytes: int = 32 * MIB
    """Bytes written by all decompression of one message together, and copied for parts nested in parts."""
    max_ratio: int = 100
    """Output over input of one compressed layer, asked once the layer has written `ratio_floor_bytes`."""
    ratio_floor_bytes: int = MIB
    max_layers: int = 4
    """Content codings on top of each other."""
    max_pixels: int = 25_000_000
    """Of one image, all its frames together, or of one in a PDF."""
    max_depth: int = 64
    """Nesting of JSON, XML and multipart, each counted alone."""
    max_segments: int = 200_000
    max_parts: int = 1_000
    """Parts of one multipart body; members of one compressed layer."""


class UnreadableError(Exception):
    """Ends the reading of one part; `reason` is one of REASONS. Never leaves this package."""

    def __init__(self, reason: str) -> None:
        assert reason in REASONS, reason
        self.reason = reason
        super().__init__(reason)


def shortened(name: str) -> str:
    """A name as it appears in addresses and labels; names can be as long as a body, addresses must not be."""
    return name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "…"


def below(address: str, step: str) -> str:
    """The address one step deeper. Past a length the steps are left out, and numbering keeps addresses apart."""
    if len(address) >= _LONGEST_ADDRESS:
        return address
    return f"{address}/{step}" if len(step) <= _LONGEST_NAME else f"{address}/{shortened(step)}"


@dataclass(frozen=True, slots=True)
class Inside:
    """What a text holds besides being text."""

    parts: tuple[Nested, ...] = ()
    """Contents in ranges of the text."""
    says_all: bool = False
    """Whether they say all that the text does, so that it need not be looked at as it is."""
    apart_from: str | None = None
    """The text with blanks in place of contents that say nothing as they stand; None for the text as it is."""


NOTHING = Inside()


class Reading:
    """Collects segments, unread parts and expansion over one message."""

    def __init__(self, limits: Limits, read_body: BodyReader, read_inside: InsideReader) -> None:
        self.limits = limits
        self.read_body = read_body
        self.read_inside = read_inside
        self.segments: list[Segment] = []
        self.unread: list[Unread] = []
        self.expanded_bytes = 0
        self.taken: dict[str, int] = {}
        """Addresses in use, each with the highest number given to it."""
        self.plain: set[str] = set()
        """Texts that hold nothing: records repeat their keys and most of their values."""

    def numbered(self, address: str) -> str:
        """A taken address with the first of `#2`, `#3` … that is free."""
        count = self.taken[address] + 1
        while (numbered := f"{address}#{count}") in self.taken:
            count += 1
        self.taken[address] = count
        self.taken[numbered] = 1
        return numbered


Found = tuple[tuple[int, int], Writing, str, str]
"""A place that a scanner found: its range, how it is written, its address and label."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the message a reader stands: the base of its addresses and the nesting above it."""

    reading: Reading
    base: str
    depth: int = 0
    label: str = ""

    def kind(self, kind: str) -> str:
        """Prefix of the addresses a format gives here: `body.json:`, `form:`, `multipart:file.csv:`."""
        if self.base == "body" and kind in ("form", "multipart"):
            return f"{kind}:"
        return f"{self.base}.{kind}:"

    def within(self, base: str, label: str = "") -> Place:
        """One nesting deeper, under another base and label."""
        if self.depth >= self.reading.limits.max_depth:
            raise UnreadableError("too-deep")
        return replace(self, base=base, depth=self.depth + 1, label=label)

    def apart(self) -> Place:
        """The same place in a reading of its own, from which nothing comes back."""
        reading = self.reading
        return replace(self, reading=Reading(reading.limits, reading.read_body, lambda *_: NOTHING))

    def charge(self, count: int) -> None:
        """Count bytes that reading made out of others against `max_expanded_bytes`."""
        self.reading.expanded_bytes += count
        if self.reading.expanded_bytes > self.reading.limits.max_expanded_bytes:
            raise UnreadableError("expands-too-much")

    def leaf(
        self, node: Node[str], span: tuple[int, int], writing: Writing, address: str, label: str = ""
    ) -> None:
        """Make `span` of the node one segment."""
        self.leaves(node, ((span, writing, address, label),))

    def leaves(self, node: Node[str], found: Iterable[Found]) -> None:
        """Make each place one segment. Blank text makes none: there is nothing to find in it."""
        reading, content = self.reading, node.content
        segments, parts, taken, plain = reading.segments, node.parts, reading.taken, reading.plain
        most = reading.limits.max_segments
        for (start, end), writing, wished, label in found:
            text = content[start:end] if writing.token is None else writing.decoded(content[start:end])
            if not text or text.isspace():
                continue
            if len(segments) >= most:
                raise UnreadableError("too-many-parts")
            if wished in taken:
                address = reading.numbered(wished)
            else:
                address = wished
                taken[address] = 1
            place = len(segments)
            segments.append(Segment(address, text, label))
            inside = NOTHING if text in plain else reading.read_inside(text, self, address, label)
            if inside is NOTHING:
                plain.add(text)
            elif inside.says_all:
                del segments[place]
            elif inside.apart_from is not None:
                segments[place] = Segment(address, inside.apart_from, label)
            parts.append(Leaf(start, end, writing, address, inside.parts))

    def pieces(
        self, node: Node[str], found: Sequence[tuple[tuple[int, int], Writing]], address: str, label: str = ""
    ) -> None:
        """Make what stands in several places of the node one segment; its parts are for the caller to put in order."""
        texts = [writing.decoded(node.content[start:end]) for (start, end), writing in found]
        text = "".join(texts)
        whole: Node[str] = Node(text)
        self.leaf(whole, (0, len(text)), Writing(), address, label)
        at = 0
        for leaf in whole.parts:
            assert isinstance(leaf, Leaf)
            for ((start, end), writing), piece in zip(found, texts, strict=True):
                if piece:
                    span = (at, at + len(piece))
                    node.parts.append(Leaf(start, end, writing, leaf.address, leaf.inside, span))
                at += len(piece)

    @contextmanager
    def unread_on_error(self) -> Iterator[None]:
        """Turn UnreadableError into an Unread of this place; what was read before it stays."""
        try:
            yield
        except UnreadableError as error:
            self.reading.unread.append(Unread(self.base, error.reason))


BodyReader = Callable[[Node[bytes], MediaType, Place], None]
"""Reads a body, or one part of a multipart body, of the media type."""
InsideReader = Callable[[str, Place, str, str], Inside]
"""Reads what a text holds, of an address and label at a place."""
