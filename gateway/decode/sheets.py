"""The readable texts of a decoded body, and where in them a segment's characters stand: for showing, not for editing.

A JSON file is one sheet, the file itself; of a mail each part is one, with its transfer encoding undone. A segment's
text has its escapes undone, a sheet has them as written, so a span grows to what stands for it there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from gateway.decode.tree import Leaf, Nested, Node


@dataclass(frozen=True, slots=True)
class Sheet:
    """One readable text and the segments in it."""

    text: str
    offset: int
    """Byte of the body where the text begins, or where what it was encoded in begins."""
    exact: bool
    """Whether the body's bytes from there on are the text's own, so that its lines are the body's lines."""
    _leaves: Mapping[str, tuple[Leaf, bool]]

    @property
    def addresses(self) -> Iterable[str]:
        """Of the segments in this text."""
        return self._leaves

    def span(self, address: str, start: int, end: int) -> tuple[int, int]:
        """Where characters `start` to `end` of a segment stand in the text; the whole segment where that is unclear."""
        leaf, written_here = self._leaves[address]
        if not written_here:
            return leaf.start, leaf.end
        return leaf.writing.span(self.text[leaf.start : leaf.end], start, end, leaf.start)


def sheets_of(node: Node[bytes], offset: int = 0, *, exact: bool = True) -> Iterator[Sheet]:
    """The sheets below a body, in order."""
    for part in node.parts:
        if not isinstance(part, Nested):
            continue
        inner, at = part.node, offset + part.start if exact else offset
        if isinstance(inner.content, str):
            yield Sheet(inner.content, at, exact, dict(_leaves(inner)))
        else:
            same = inner.content == node.content[part.start : part.end]
            yield from sheets_of(inner, at, exact=exact and same)


def _leaves(node: Node[bytes] | Node[str]) -> Iterator[tuple[str, tuple[Leaf, bool]]]:
    first: dict[str, int] = {}
    for part in node.parts:
        if isinstance(part, Leaf):
            # Of a segment in several places, the last piece is the one that counts: it knows where the first began.
            start = first.setdefault(part.address, part.start)
            yield part.address, (replace(part, start=start), part.piece is None)
            for one in part.inside:
                for address, _ in _leaves(one.node):
                    yield address, (Leaf(part.start, part.end, part.writing, address), False)
        else:
            # Text within text, e.g. JSON in a form: all of it stands where its outermost text stands.
            for address, (leaf, _) in _leaves(part.node):
                yield address, (Leaf(part.start, part.end, leaf.writing, address), False)
