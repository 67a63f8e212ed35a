"""What is tried with each input, and what must hold whatever the input is.

An input is three lines (media type, content coding, target) and a body, so that a mutation of any part stays a message.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from gateway.core.errors import SpliceError
from gateway.core.model import Edit, Message, Segment
from gateway.decode import REASONS, Limits, decode

Target = Callable[[bytes], None]

LIMITS = Limits(max_body_bytes=1 << 20, max_expanded_bytes=8 << 20)
UNTOUCHED = frozenset({"content-type", "content-encoding"})
MARK = "[FUZZ_MARK]"


def message_of(data: bytes) -> Message:
    """The message that an input stands for."""
    kind, coding, target, body = [*data.split(b"\n", 3), b"", b"", b""][:4]
    headers = [(b"content-type", kind), (b"content-encoding", coding), (b"x-note", body[:80])]
    return Message("POST", b"/" + target, tuple(one for one in headers if one[1]), body)


def decode_and_splice(data: bytes) -> None:
    """Decoding never raises and says what it did not read; an edit is refused, or takes out what it was to."""
    message = message_of(data)
    decoded = decode(message, LIMITS, UNTOUCHED)
    assert decoded.splice({}) is message
    assert {one.reason for one in decoded.unread} <= REASONS
    addresses = [one.address for one in decoded.segments]
    assert len(set(addresses)) == len(addresses), "two texts share an address"
    if not decoded.segments:
        return
    # Which text is edited follows from the input, so that a crash repeats.
    chosen = decoded.segments[sum(data) % len(decoded.segments)]
    try:
        changed = decoded.splice({chosen.address: [Edit(0, len(chosen.text), MARK)]})
    except SpliceError:
        return
    again = decode(changed, LIMITS, UNTOUCHED)
    if decoded.unread or len(chosen.text) < len(MARK) or chosen.text == MARK:
        return
    # What has no known type is told by its look, which an edit may change: whoever removes reads again, and refuses.
    assert {one.reason for one in again.unread} <= {"unknown-media-type"}, (
        "an edit made the message unreadable"
    )
    if again.unread:
        return
    before = sum(one.text.count(chosen.text) for one in decoded.segments)
    after = sum(one.text.count(chosen.text) for one in again.segments)
    assert after < before, "what was taken out is still there"


def detector() -> Target:
    """Detection never raises, and finds nothing outside of the text; what is removed is not found again there."""
    from gateway.detect import Detector
    from gateway.rulefiles import load_rules
    from gateway.settings import Settings

    settings = Settings()
    detect = Detector(load_rules(settings.rules).detection, settings.model, remembered=0)

    def target(data: bytes) -> None:
        label, _, text = data[: 1 << 14].decode("utf-8", "replace").partition("\n")
        segments = [Segment("body.text:", text, label), Segment("body.text:#2", label, "")]
        texts = {one.address: one.text for one in segments}
        found = detect.detect(segments)
        for one in found:
            assert 0 <= one.start < one.end <= len(texts[one.address])
            assert 0 <= one.score <= 1
        for address, edits in detect.replacements(found, texts).items():
            ends = [0, *(edit.end for edit in edits)]
            assert all(edit.start >= end for edit, end in zip(edits, ends, strict=False))
            assert address in texts

    return target


def pipeline() -> Target:
    """A worker's whole way: read, find, remove, read again. Only refusals of the closed set come of it."""
    from gateway.inspection import Anonymize, Anonymized, Inspect
    from gateway.inspector import Inspector
    from gateway.keys import Key
    from gateway.rulefiles import load_rules
    from gateway.settings import Settings

    settings = Settings()
    rules = load_rules(settings.rules)
    inspect = Inspector.loaded(rules.detection, settings.model, LIMITS, UNTOUCHED, Key(1, os.urandom(32)))

    def target(data: bytes) -> None:
        message = message_of(data[: 1 << 15])
        inspection = inspect(Inspect(message))
        try:
            changed = inspect(Anonymize(message, inspection.findings))
        except SpliceError:
            return
        assert isinstance(changed, Anonymized)
        if not inspection.findings:
            assert changed.message is message, "nothing was found, and the message is another one"

    return target


TARGETS: dict[str, Callable[[], Target]] = {
    "decode": lambda: decode_and_splice,
    "detect": detector,
    "pipeline": pipeline,
}
"""How each target is made ready."""
