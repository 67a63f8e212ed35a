"""Detection: segments of text to findings of personal data. Offline, and the same answer every time.

Presidio is the interface, not the loop: recognizers are Presidio recognizers run by its AnalyzerEngine, and
replacements come from its operators. What decides the speed is ours: patterns are looked for once in a whole segment,
the language model is asked, in batches, only about text that could hold a name, and a segment in which nothing could be
found never reaches Presidio at all.

What is found in a segment depends on its text, its label, and what the fields beside it say of a bare `name`; but a
value found once is then found wherever it stands in the message.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ahocorasick_rs import AhoCorasick, MatchKind

from gateway.core.detection import CERTAIN, DetectionRules
from gateway.core.model import Edit, Edits, Finding, Segment
from gateway.detect.lists import Allowed, Denied, Fingerprint
from gateway.detect.memory import Memory
from gateway.detect.names import PERSON, NameRules, SpacyEngine
from gateway.detect.normal import Normal, normal
from gateway.detect.pages import Window, windows_of
from gateway.detect.patterns import Hit, Scanner
from gateway.detect.presidio import Analyzer, Page, Replacer
from gateway.detect.seams import joined
from gateway.detect.special import Telling
from gateway.detect.text import words_of

__all__ = ["Detector", "normalize"]

EMAIL = "EMAIL_ADDRESS"
REMEMBERED = 50_000
"""Texts whose findings are remembered: some 15 MB."""
REPEATED_LENGTH = 8
"""Values of at least so many characters are looked for in the whole message once they were found in one place."""


class Detector:
    """Finds personal data. Loads its language model at construction, which takes a second or two."""

    def __init__(
        self,
        rules: DetectionRules,
        model_dir: Path,
        *,
        fingerprint: Fingerprint | None = None,
        staged: bool = True,
        remembered: int = REMEMBERED,
    ) -> None:
        """Build all recognizers.

        `fingerprint` is asked where the allow list holds fingerprints; without it these entries allow nothing.
        `staged=False` tries everything on everything and `remembered=0` everything anew; both find the same.

        Raises:
            ValueError: a recognizer's pattern or check is broken; the message names it.
            OSError: there is no model in `model_dir`.
        """
        self._rules = rules
        self._staged = staged
        self._memory = Memory(remembered)
        self._engine = SpacyEngine(model_dir)
        self._scanner = Scanner(rules, staged=staged)
        self._names = NameRules(rules)
        self._denied = Denied(rules.deny)
        self._allowed = Allowed(rules.allow, fingerprint)
        self._analyzer = Analyzer(rules, self._names, self._engine)
        self._telling = Telling(rules)
        self._replacer = Replacer(rules.scoring.placeholder)
        before, after = rules.scoring.placeholder.split("{entity}")
        self._placeholder = re.compile(f"{re.escape(before)}[A-Z][A-Z0-9_]*{re.escape(after)}")

    def detect(self, segments: Sequence[Segment], agent: str = "") -> tuple[Finding, ...]:
        """Findings in order of segment and place. Those of one segment do not overlap. Fingerprints are empty.

        `agent` is the id of the receiver, since the allow list may say more for some.
        """
        read: dict[str, Normal] = {}
        readings = [read.get(one.text) or read.setdefault(one.text, normal(one.text)) for one in segments]
        segments = [
            segment if reading.text == segment.text else replace(segment, text=reading.text)
            for segment, reading in zip(segments, readings, strict=True)
        ]
        segments = self._names.records.told(segments)
        found: dict[int, list[Finding]] = defaultdict(list)
        fresh: dict[int, bytes] = {}
        # Records repeat their keys and most of their values: each text is looked at once.
        firsts: dict[tuple[str, str], int] = {}
        same = [firsts.setdefault((one.label, one.text), place) for place, one in enumerate(segments)]
        for place in firsts.values():
            segment = segments[place]
            key = self._memory.key(segment)
            known = self._memory.recall(key, segment.address)
            if known is None:
                fresh[place] = key
            elif known:
                found[place] = known
        places = list(fresh)
        for index, findings in self._each([segments[place] for place in places]):
            found[places[index]] += findings
        for place, key in fresh.items():
            self._memory.keep(key, found.get(place, ()))
        for place, first in enumerate(same):
            if place != first and first in found:
                address = segments[place].address
                found[place] = [replace(one, address=address) for one in found[first]]
        for place, one in self._over_seams(segments):
            found[place].append(one)
        if self._allowed:
            for place in list(found):
                found[place] = [one for one in found[place] if self._counts(one, segments[place].text, agent)]
        for place, one in list(self._repeats(segments, found)):
            found[place].append(one)
        for place, one in self._telling.findings(segments, found, self._is_placeholder):
            found[place].append(one)
        return tuple(
            _as_written(finding, readings[place])
            for place in sorted(found)
            for finding in resolve(found[place])
        )

    def replacements(self, findings: Iterable[Finding], texts: Mapping[str, str]) -> Edits:
        """What anonymizing puts in the place of each finding; `texts` holds the segments' texts by address."""
        edits: dict[str, list[Edit]] = defaultdict(list)
        for one in findings:
            value = texts[one.address][one.start : one.end]
            edits[one.address].append(Edit(one.start, one.end, self._replacer.replacement(value, one.entity)))
        return {address: sorted(its, key=lambda edit: edit.start) for address, its in edits.items()}

    def _over_seams(self, segments: Sequence[Segment]) -> Iterable[tuple[int, Finding]]:
        """What is found once pieces are put together, at each of its pieces."""
        texts = list(joined(segments))
        asked = [Segment("", one.text, one.label) for one in texts]
        for index, findings in self._each(asked):
            for one in findings:
                for place, start, end in texts[index].parts(one):
                    yield place, replace(one, address=segments[place].address, start=start, end=end)

    def _counts(self, one: Finding, text: str, agent: str) -> bool:
        """Whether no allow list has it; what is denied always counts."""
        value = text[one.start : one.end]
        return one.score == CERTAIN or self._allowed.entry_for(one.entity, value, agent) is None

    def _each(self, segments: Sequence[Segment]) -> Iterable[tuple[int, list[Finding]]]:
        values: dict[int, list[Hit]] = {}
        windows: list[tuple[int, Window, bool]] = []
        for place, segment in enumerate(segments):
            label = words_of(segment.label)
            hits = [*self._scanner.scan(segment.text, label), *self._names.in_field(segment.text, label)]
            hits += self._denied.hits(segment.text)
            values[place] = sorted(hits, key=lambda hit: hit.start)
            possible = not self._staged or self._names.may_hold_name(segment.text)
            asked = possible and not self._names.names_things(label)
            if values[place] or asked:
                windows += [(place, window, asked) for window in windows_of(segment.text)]
        # Texts of like length go together, which is quickest.
        texts = sorted(
            {_shown(segments[place].text, window) for place, window, asked in windows if asked},
            key=lambda text: (len(text), text),
        )
        marks = dict(self._engine.marks(texts))
        for place, window, _ in windows:
            text = _shown(segments[place].text, window)
            page = Page(text, _beginning_in(window, values[place]), marks.get(text, ()))
            yield place, self._findings(segments[place], window, self._analyzer.analyze(page))

    def _findings(self, segment: Segment, window: Window, hits: Iterable[Hit]) -> list[Finding]:
        findings = []
        for hit in hits:
            start, end = hit.start + window.shown_from, hit.end + window.shown_from
            value = segment.text[start:end]
            if not window.owns_from <= start < window.owns_to or hit.score < self._rules.threshold(
                hit.entity
            ):
                continue
            office = hit.entity == EMAIL and self._names.is_impersonal_address(value, words_of(segment.label))
            if office and hit.score < CERTAIN:
                continue
            if self._is_placeholder(segment.text, start, end):
                continue
            category = self._rules.category_of[hit.entity]
            findings.append(
                Finding(
                    segment.address, start, end, hit.entity, hit.score, category, hit.region, hit.evidence
                )
            )
        return findings

    def _is_placeholder(self, text: str, start: int, end: int) -> bool:
        """Whether the span lies in, or is made of, what anonymizing put there."""
        around = self._placeholder.finditer(text, max(start - 80, 0), min(end + 80, len(text)))
        return any(match.start() < end and start < match.end() for match in around)

    def _repeats(
        self, segments: Sequence[Segment], found: Mapping[int, list[Finding]]
    ) -> Iterable[tuple[int, Finding]]:
        """The same values elsewhere in the message: what is somebody's name in one place is so in another."""
        known: dict[str, Finding] = {}
        for place in sorted(found):
            for one in found[place]:
                value = segments[place].text[one.start : one.end]
                if len(value) >= REPEATED_LENGTH and (one.entity != PERSON or " " in value):
                    known.setdefault(value, one)
        if not known:
            return
        search = AhoCorasick(sorted(known), matchkind=MatchKind.LeftmostLongest)
        patterns = sorted(known)
        for segment_place, segment in enumerate(segments):
            for index, start, end in search.find_matches_as_indexes(segment.text):
                touches = (start and segment.text[start - 1].isalnum()) or segment.text[
                    end : end + 1
                ].isalnum()
                if not touches and not self._is_placeholder(segment.text, start, end):
                    one = known[patterns[index]]
                    yield segment_place, replace(one, address=segment.address, start=start, end=end)


def resolve(findings: Iterable[Finding]) -> list[Finding]:
    """Findings without overlaps: the higher score wins, then the longer, the earlier, the name of the entity."""
    kept: list[Finding] = []
    for one in sorted(findings, key=lambda one: (-one.score, one.start - one.end, one.start, one.entity)):
        # Sorted by place and free of overlaps, so only the two neighbors can touch.
        at = bisect_left(kept, one.start, key=lambda other: other.start)
        if (at == 0 or kept[at - 1].end <= one.start) and (at == len(kept) or one.end <= kept[at].start):
            kept.insert(at, one)
    return kept


def normalize(entity: str, text: str) -> str:
    """One spelling of a value, for keyed fingerprints: compatibility forms folded, case and separators dropped."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", normal(text).text).casefold())
    if entity == EMAIL:
        return folded.strip()
    if entity == PERSON:
        return " ".join(folded.split())
    if entity == "PHONE_NUMBER" and folded.lstrip("( ").startswith("00"):
        folded = folded.lstrip("( ")[2:]
    return "".join(sign for sign in folded if sign.isalnum()) or folded.strip()


def _as_written(one: Finding, reading: Normal) -> Finding:
    """The finding at its place in the text as it was."""
    if not reading.moved:
        return one
    start, end = reading.span(one.start, one.end)
    return replace(one, start=start, end=end)


def _shown(text: str, window: Window) -> str:
    return text[window.shown_from : window.shown_to]


def _beginning_in(window: Window, hits: Sequence[Hit]) -> tuple[Hit, ...]:
    """Those of the hits, in order of place, that the window owns, at places in the text it shows."""
    first = bisect_left(hits, window.owns_from, key=lambda hit: hit.start)
    last = bisect_left(hits, window.owns_to, key=lambda hit: hit.start)
    shift = window.shown_from
    return tuple(replace(hit, start=hit.start - shift, end=hit.end - shift) for hit in hits[first:last])
