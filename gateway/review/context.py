"""A held transfer as a reviewer sees it first: the words around what was found, and nothing that was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.model import Finding, Message
from gateway.decode import Limits, decode
from gateway.detect import Detector

AROUND = 40
"""Characters shown on each side of what was found."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The surroundings of findings in one place. A piece is text, or the kind of what was found there."""

    place: str
    pieces: tuple[tuple[str, bool], ...]
    """Each with whether it is such a kind."""

    @property
    def text(self) -> str:
        """In one line, with kinds in brackets."""
        return "".join(f"[{piece}]" if found else piece for piece, found in self.pieces)


def redacted(
    message: Message, detector: Detector, limits: Limits, untouched_headers: frozenset[str], agent: str = ""
) -> list[Excerpt]:
    """The text around each group of findings, with kinds in their place and every digit hidden."""
    decoded = decode(message, limits, untouched_headers)
    texts = {segment.address: segment.text for segment in decoded.segments}
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in detector.detect(decoded.segments, agent):
        found[one.address].append(one)
    shown = [
        Excerpt(address.partition(":")[0], _around(texts[address], sorted(ones, key=lambda one: one.start)))
        for address, ones in found.items()
    ]
    unread = ((one.address.partition(":")[0], f"unread: {one.reason}") for one in decoded.unread)
    return [*shown, *(Excerpt(place, ((what, False),)) for place, what in unread)]


def _around(text: str, findings: Sequence[Finding]) -> tuple[tuple[str, bool], ...]:
    pieces: list[tuple[str, bool]] = []
    end = max(findings[0].start - AROUND, 0)
    for one in findings:
        if one.start > end + 2 * AROUND:
            between = f"{_plain(text[end : end + AROUND])} … {_plain(text[one.start - AROUND : one.start])}"
        else:
            between = _plain(text[end : one.start])
        pieces += [(between, False), (one.entity, True)]
        end = max(end, one.end)
    return (*pieces, (_plain(text[end : end + AROUND]), False))


def _plain(text: str) -> str:
    """Digits are hidden: a number that detection missed is no context that a reviewer needs."""
    return "".join("#" if sign.isdigit() else sign if sign.isprintable() else " " for sign in text)
