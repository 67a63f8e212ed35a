"""What a message was decoded into, and how edits go back in: a tree of contents with parts of known place.

A node holds a content, bytes or text. A part is a range of it that holds either text as written at that place (a
leaf: one segment, or a piece of one that stands in several places) or a whole content of its own (a nested node:
decompressed bytes, decoded characters, one part of a multipart body). What no part covers is syntax and is never
touched. Splicing goes from the leaves up and copies everything outside edited ranges.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.core.errors import SpliceError
from gateway.core.model import Edit, Edits


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class Writing:
    """How text is written at one kind of place: its escapes, and what may not stand there at all."""

    token: re.Pattern[str] | None = None
    """One match is one indivisible escape; everything between matches stands for itself."""
    read: Callable[[str], str] = _as_it_is
    """What one escape stands for."""
    write: Callable[[str], str] = _as_it_is
    """A replacement as it must be written here."""
    allowed: re.Pattern[str] | None = None
    """What the whole place may hold once edited; None for anything."""
    sign: str = ""
    """A character in every escape, if there is one; most texts do not have it and need no search."""
    finish: Callable[[str], str] = _as_it_is
    """Last touch to an edited place, e.g. quotes that it did not need before."""

    def decoded(self, raw: str) -> str:
        """The text that `raw` stands for."""
        if self.token is None or self.sign not in raw:
            return raw
        read = self.read
        return self.token.sub(lambda match: read(match[0]), raw)

    def spliced(self, raw: str, edits: Sequence[Edit], address: str) -> str:
        """`raw` with the edits made, every character outside them as it was.

        Raises:
            SpliceError: an edit is out of range, overlaps another, cuts an escape in two, or what it writes could
                be read differently at this place.
        """
        text, ruler = self.decoded(raw), _Ruler(self, raw)
        written: list[str] = []
        meant: list[str] = []
        raw_at = text_at = 0
        for edit in sorted(edits, key=lambda one: (one.start, one.end)):
            if not text_at <= edit.start <= edit.end <= len(text):
                raise SpliceError(f"{address}: edits overlap or lie outside the text")
            start, end = ruler.range(edit.start, edit.end)
            if start is None or end is None:
                raise SpliceError(f"{address}: an edit cuts an escape sequence in two")
            written += (raw[raw_at:start], self.write(edit.replacement))
            meant += (text[text_at : edit.start], edit.replacement)
            raw_at, text_at = end, edit.end
        new = "".join(written) + raw[raw_at:]
        if self.decoded(new) != "".join(meant) + text[text_at:]:
            raise SpliceError(f"{address}: the replacement would be read as something else here")
        if self.allowed is not None and not self.allowed.fullmatch(new):
            raise SpliceError(f"{address}: the replacement has characters that cannot be written here")
        return self.finish(new)

    def span(self, raw: str, start: int, end: int, shift: int = 0) -> tuple[int, int]:
        """Where in `raw` the characters `start` to `end` of its text stand; all of it for a border inside an escape."""
        first, last = _Ruler(self, raw).range(start, end)
        if first is None or last is None:
            first, last = 0, len(raw)
        return first + shift, last + shift


READ_ONLY = Writing(allowed=re.compile(r"(?!)"))
"""Text that can be found but not edited, e.g. the name of an element, which stands at its end once more."""


class _Ruler:
    """Where a character of the text lies in the raw form. Keeps one mark an escape, not one a character."""

    def __init__(self, writing: Writing, raw: str) -> None:
        self._text_start: list[int] = []
        self._text_end: list[int] = []
        self._raw_start: list[int] = []
        self._raw_end: list[int] = []
        self._raw_length = len(raw)
        ahead = 0
        for match in writing.token.finditer(raw) if writing.token else ():
            start, end = match.span()
            width = len(writing.read(match[0]))
            self._text_start.append(start - ahead)
            self._text_end.append(start - ahead + width)
            self._raw_start.append(start)
            self._raw_end.append(end)
            ahead += end - start - width
        self._text_length = len(raw) - ahead

    def range(self, start: int, end: int) -> tuple[int | None, int | None]:
        """Raw range of the characters `start` to `end`; None for a border that lies inside an escape."""
        if start == end:
            at = self._raw_length if start == self._text_length else self._character(start)[0]
            return at, at
        return self._character(start)[0], self._character(end - 1)[1]

    def _character(self, index: int) -> tuple[int | None, int | None]:
        mark = bisect_right(self._text_start, index) - 1
        if mark < 0:
            return index, index + 1
        if index >= self._text_end[mark]:
            start = self._raw_end[mark] + index - self._text_end[mark]
            return start, start + 1
        return (
            self._raw_start[mark] if index == self._text_start[mark] else None,
            self._raw_end[mark] if index == self._text_end[mark] - 1 else None,
        )


@dataclass(slots=True)
class Leaf:
    """A range of text that is one segment or a piece of one, and what that segment holds inside."""

    start: int
    end: int
    writing: Writing
    address: str
    inside: tuple[Nested, ...] = ()
    """In ranges of the text that is read, not of what is written."""
    piece: tuple[int, int] | None = None
    """The characters of the segment that stand here; None for all of them."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A range that holds a content of its own."""

    start: int
    end: int
    node: Node[bytes] | Node[str]
    encode: Callable[[Any], Any]
    """A changed content as it must stand in the range. May raise SpliceError."""


@dataclass(slots=True)
class Node[Content: (bytes, str)]:
    """A content and its parts, in order and without overlap."""

    content: Content
    parts: list[Leaf | Nested] = field(default_factory=list)
    rebuild: Callable[[list[Change]], Content] | None = None
    """Makes the content out of its changed parts, where lengths, sums or places elsewhere in it depend on them.

    None puts each part into its range and leaves the rest. May raise SpliceError.
    """

    def spliced(self, edits: Edits) -> Content | None:
        """The content with the edits made; None when none of them lies in here."""
        content = self.content
        changes: list[Change] = [
            (part, new) for part in self.parts if (new := _rewritten(part, content, edits)) is not None
        ]
        if not changes:
            return None
        if self.rebuild is not None:
            return self.rebuild(changes)
        pieces: list[tuple[int, int, Content]] = [(part.start, part.end, new) for part, new in changes]
        return spliced_in(content, pieces)


Change = tuple["Leaf | Nested", Any]
"""A part and what is to stand in its place."""


def spliced_in[Content: (bytes, str)](
    content: Content, pieces: Iterable[tuple[int, int, Content]]
) -> Content:
    """The content with ranges of it, in order, replaced."""
    made: list[Content] = []
    at = 0
    for start, end, new in pieces:
        made += (content[at:start], new)
        at = end
    made.append(content[at:])
    return content[:0].join(made)


def _rewritten(part: Leaf | Nested, content: Any, edits: Edits) -> Any | None:
    if isinstance(part, Nested):
        changed = part.node.spliced(edits)
        return None if changed is None else part.encode(changed)
    wanted = list(edits.get(part.address, ()))
    for one in part.inside:
        # An edit of the text that takes out all of the content decides; of others the content's own do.
        if any(edit.start <= one.start and one.end <= edit.end for edit in wanted):
            continue
        changed = one.node.spliced(edits)
        if changed is not None:
            wanted = [edit for edit in wanted if edit.end <= one.start or one.end <= edit.start]
            wanted.append(Edit(one.start, one.end, one.encode(changed)))
    if part.piece is not None:
        wanted = list(_share(wanted, *part.piece))
    return part.writing.spliced(content[part.start : part.end], wanted, part.address) if wanted else None


def _share(edits: Iterable[Edit], first: int, last: int) -> Iterator[Edit]:
    """What edits of a segment mean for one piece of it: a replacement goes where the replaced text began."""
    for edit in edits:
        start, end = max(edit.start, first), min(edit.end, last)
        inserts = edit.start == edit.end and (first < start <= last or start == first == 0)
        if start < end or inserts:
            replacement = edit.replacement if edit.start >= first else ""
            yield Edit(start - first, end - first, replacement)
