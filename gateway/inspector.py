"""What a worker does with a message: decode, detect, fingerprint; and, when asked, anonymize and look again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Self

from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Inspection, Message
from gateway.decode import Decoded, Limits, decode
from gateway.detect import Detector, normalize
from gateway.inspection import Anonymize, Anonymized, Inspect
from gateway.keys import Key, fingerprint, fingerprints

BODY_TEXT = "body.text:"
"""Address of a body that is plain text."""


class Inspector:
    """Answers Inspect and Anonymize. Built once in each worker process, since the language model takes time to load."""

    def __init__(
        self, detector: Detector, limits: Limits, untouched_headers: frozenset[str], key: Key
    ) -> None:
        self._detector = detector
        self._limits = limits
        self._untouched_headers = untouched_headers
        self._key = key

    @classmethod
    def loaded(
        cls, rules: DetectionRules, model: Path, limits: Limits, untouched_headers: frozenset[str], key: Key
    ) -> Self:
        """An inspector with its language model in memory."""
        return cls(
            Detector(rules, model, fingerprint=partial(fingerprints_of, key)), limits, untouched_headers, key
        )

    def __call__(self, request: object) -> Inspection | Anonymized:
        """Answer one request. Raises TypeError for any other."""
        match request:
            case Inspect(message=message, agent=agent):
                return self._inspect(self._decode(message), agent, message.before)
            case Anonymize(message=message, remove=remove, agent=agent):
                return self._anonymize(message, remove, agent)
        raise TypeError(f"an inspector does not answer {type(request).__name__}")

    def _decode(self, message: Message) -> Decoded:
        return decode(message, self._limits, self._untouched_headers)

    def _inspect(self, decoded: Decoded, agent: str, before: bytes = b"") -> Inspection:
        texts = {segment.address: segment.text for segment in decoded.segments}
        findings = tuple(
            self._known(one, texts[one.address][one.start : one.end])
            for one in self._found(decoded, agent, before)
        )
        characters = sum(len(text) for text in texts.values())
        return Inspection(findings, decoded.unread, len(decoded.segments), characters)

    def _known(self, finding: Finding, value: str) -> Finding:
        newest, *older = fingerprints_of(self._key, finding.entity, value)
        return replace(finding, fingerprint=newest, older_fingerprints=tuple(older))

    def _found(self, decoded: Decoded, agent: str, before: bytes) -> Iterable[Finding]:
        """Findings, and those that begin in the text before the message and end in it."""
        found = self._detector.detect(decoded.segments, agent)
        text = next((one for one in decoded.segments if one.address == BODY_TEXT), None)
        if not before or text is None:
            return found
        said = before.decode(errors="ignore")
        joined = replace(text, text=said + text.text[: len(before)])
        # What was whole before the message was judged then, and only looks longer now.
        whole = {one.start for one in self._detector.detect([replace(text, text=said)], agent)}
        over = [
            replace(one, start=0, end=one.end - len(said))
            for one in self._detector.detect([joined], agent)
            if one.start < len(said) < one.end and one.start not in whole
        ]
        end = max((one.end for one in over), default=0)
        return [*over, *(one for one in found if one.address != BODY_TEXT or one.start >= end)]

    def _anonymize(self, message: Message, remove: tuple[Finding, ...], agent: str) -> Anonymized:
        decoded = self._decode(message)
        wanted = {one.address for one in remove}
        texts = {segment.address: segment.text for segment in decoded.segments if segment.address in wanted}
        changed = decoded.splice(self._detector.replacements(remove, texts))
        return Anonymized(changed, self._inspect(self._decode(changed), agent, message.before))


def fingerprints_of(key: Key, entity: str, value: str) -> tuple[str, ...]:
    """Keyed fingerprints of a value as it was written, under every version of the key, newest first."""
    return fingerprints(key, entity, normalize(entity, value))


def fingerprint_of(key: Key, entity: str, value: str) -> str:
    """Keyed fingerprint of a value as it was written."""
    return fingerprint(key, entity, normalize(entity, value))
