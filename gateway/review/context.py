"""A held transfer as a reviewer sees it first: the words around what was found, and nothing that was found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gateway.core.model import Finding, Message
from gateway.decode import Limits, decode
from gateway.detect import Detector

AROUND = 40
"""Characters shown on each side of what was found."""


def redacted(
    message: Message, detector: Detector, limits: Limits, untouched_headers: frozenset[str], agent: str = ""
) -> list[tuple[str, str]]:
    """Place and text around each group of findings, with kinds in their place and every digit hidden."""
    decoded = decode(message, limits, untouched_headers)
    texts = {segment.address: segment.text for segment in decoded.segments}
    found: dict[str, list[Finding]] = defaultdict(list)
    for one in detector.detect(decoded.segments, agent):
        found[one.address].append(one)
    shown = [
        (address.partition(":")[0], _around(texts[address], sorted(ones, key=lambda one: one.start)))
        for address, ones in found.items()
    ]
    return [*shown, *((one.address.partition(":")[0], f"unread: {one.reason}") for one in decoded.unread)]


def _around(text: str, findings: Sequence[Finding]) -> str:
    pieces, end = [], max(findings[0].start - AROUND, 0)
    for one in findings:
        if one.start > end + 2 * AROUND:
            pieces += [_plain(text[end : end + AROUND]), " … ", _plain(text[one.start - AROUND : one.start])]
        else:
            pieces.append(_plain(text[end : one.start]))
        pieces.append(f"[{one.entity}]")
        end = max(end, one.end)
    return "".join((*pieces, _plain(text[end : end + AROUND])))


def _plain(text: str) -> str:
    """Digits are hidden: a number that detection missed is no context that a reviewer needs."""
    return "".join("#" if sign.isdigit() else sign if sign.isprintable() else " " for sign in text)
