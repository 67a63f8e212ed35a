"""Why something was found in a text, or was not: every candidate with what spoke for it and what it lacked.

The scanner and the detector are the real ones, watched where they judge; nothing is judged a second time in another
way. For people who ask about one text, not for traffic: all patterns are tried, whether or not their cues are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from gateway.core.detection import CERTAIN, DetectionRules, Recognizer
from gateway.core.model import Evidence, Finding, Segment
from gateway.detect import EMAIL, Detector, normalize
from gateway.detect.checks import Passed
from gateway.detect.cues import Cued, Cues
from gateway.detect.lists import Fingerprint
from gateway.detect.names import PERSON
from gateway.detect.pages import windows_of
from gateway.detect.patterns import Hit, Scanner, _Compiled
from gateway.detect.text import plain, words_of

CUE_SIGHT = 200
"""Characters around a value within which cues that stand too far away are still told."""


class Outcome(StrEnum):
    """What became of a candidate."""

    FOUND = "found"
    OVERLAPPED = "another finding of the same place weighs more"
    ALLOWED = "on the allow list"
    BELOW_THRESHOLD = "score below the threshold"
    NO_CUE = "the shape fits, but no cue is near"
    OFFICE = "it is the address of an office, a file or a service"
    NO_NAME = "the rules for names do not take it"
    CHECK_FAILED = "the check says no"
    JOINED = "it is part of something longer"
    PLACEHOLDER = "it stands in a placeholder"


@dataclass(frozen=True, slots=True)
class Cue:
    """A word that points to what a value is."""

    word: str
    distance: int
    """Characters between it and the value; 0 for a field name."""
    where: str
    """`before`, `after` or `field`."""
    counts: bool
    """Whether it is near enough."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of text that something took for personal data, at first."""

    start: int
    end: int
    entity: str
    by: str
    """Id of the recognizer, or what else proposed it."""
    outcome: Outcome
    threshold: float
    alone: float = 0.0
    """Score without cues."""
    score: float = 0.0
    """Score with all that was taken into account; 0 where it was not weighed."""
    check: str | None = None
    check_holds: bool | None = None
    cues: tuple[Cue, ...] = ()
    region: str | None = None
    evidence: Evidence = Evidence.NONE
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All candidates of one text."""

    found: tuple[Candidate, ...]
    rejected: tuple[Candidate, ...]
    """The nearest to being found first."""
    notes: tuple[str, ...]
    """What holds for the text as a whole."""

    def at(self, start: int, end: int) -> Explanation:
        """Only what touches this stretch."""

        def touching(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
            return tuple(one for one in candidates if one.start < end and start < one.end)

        return replace(self, found=touching(self.found), rejected=touching(self.rejected))


class Explainer(Detector):
    """A detector that can say why. Loads its language model at construction, as any detector does."""

    def __init__(
        self, rules: DetectionRules, model_dir: Path, *, fingerprint: Fingerprint | None = None
    ) -> None:
        super().__init__(rules, model_dir, fingerprint=fingerprint, remembered=0)

    def explain(self, text: str, label: str = "", agent: str = "") -> Explanation:
        """Why this text, in a field of this name, gives the findings that it gives."""
        segment = Segment("text:", text, label)
        found = self.detect([segment], agent)
        scanner = _Watched(self._rules)
        scanner.scan(text, words_of(label))
        notes: list[str] = []
        candidates = [
            *scanner.candidates,
            *self._by_field(text, label, notes),
            *self._by_model(text, label, notes),
        ]
        candidates += [self._proposed(hit, "deny list") for hit in self._denied.hits(text)]
        judged = [self._fate(one, segment, agent, found) for one in candidates]
        known = {(one.start, one.end, one.entity) for one in judged if one.outcome is Outcome.FOUND}
        judged += [
            self._proposed(_as_hit(one), "same value elsewhere in the text")
            for one in found
            if (one.start, one.end, one.entity) not in known
        ]
        met = sorted(
            _best(one for one in judged if one.outcome is Outcome.FOUND), key=lambda one: (one.start, one.by)
        )
        rejected = _best(one for one in judged if one.outcome is not Outcome.FOUND)
        rejected.sort(key=lambda one: (_overlaps(one, met), _distance(one), one.start, one.end, one.by))
        return Explanation(tuple(met), tuple(rejected), tuple(notes))

    def shapes_of(self, value: str) -> list[str]:
        """Ids of recognizers that would consider this value if it stood by itself, without separators."""
        compact = normalize("", value).upper()
        return sorted({one.recognizer.id for one in _Watched(self._rules).forms_of(compact)})

    def _proposed(self, hit: Hit, by: str, note: str = "", outcome: Outcome = Outcome.FOUND) -> Candidate:
        return Candidate(
            hit.start,
            hit.end,
            hit.entity,
            by,
            outcome,
            self._rules.threshold(hit.entity),
            alone=hit.score,
            score=hit.score,
            region=hit.region,
            evidence=hit.evidence,
            note=note,
        )

    def _by_field(self, text: str, label: str, notes: list[str]) -> Iterator[Candidate]:
        rule = self._names.rule_for(words_of(label))
        hits = list(self._names.in_field(text, words_of(label)))
        yield from (self._proposed(hit, "field name") for hit in hits)
        if rule is not None:
            must = "whatever its value is" if rule.shape == "text" else "where its value looks like a name"
            notes.append(f"the field name {label!r} says {rule.entity}, {must}")
            if not hits:
                reason = "the value does not look like one"
                hit = Hit(0, len(text), rule.entity, rule.score)
                yield self._proposed(hit, "field name", reason, Outcome.NO_NAME)

    def _by_model(self, text: str, label: str, notes: list[str]) -> Iterator[Candidate]:
        if self._names.names_things(words_of(label)):
            notes.append(f"the language model was not asked: a field {label!r} holds names of things")
            return
        if not self._names.may_hold_name(text):
            notes.append("the language model was not asked: no two words, one of them written like a name")
            return
        for window in windows_of(text):
            shown = text[window.shown_from : window.shown_to]
            ((_, marks),) = self._engine.marks([shown])
            for mark in marks:
                if not window.owns_from <= mark.start_char + window.shown_from < window.owns_to:
                    continue
                hits = list(self._names.people(shown, [mark]))
                said = f"the model says {mark.label_}"
                for hit in hits or [Hit(mark.start_char, mark.end_char, PERSON, 0.0)]:
                    start, end = hit.start + window.shown_from, hit.end + window.shown_from
                    moved = replace(hit, start=start, end=end)
                    yield self._proposed(
                        moved, "language model", said, Outcome.FOUND if hits else Outcome.NO_NAME
                    )

    def _fate(self, one: Candidate, segment: Segment, agent: str, found: Iterable[Finding]) -> Candidate:
        """What became of a candidate after it was proposed."""
        text = segment.text
        if one.outcome is not Outcome.FOUND:
            return one
        value = text[one.start : one.end]
        if one.score < one.threshold:
            return replace(one, outcome=Outcome.BELOW_THRESHOLD)
        is_office = one.entity == EMAIL and self._names.is_impersonal_address(value, words_of(segment.label))
        if is_office and one.score < CERTAIN:
            return replace(one, outcome=Outcome.OFFICE)
        if self._is_placeholder(text, one.start, one.end):
            return replace(one, outcome=Outcome.PLACEHOLDER)
        entry = self._allowed.entry_for(one.entity, value, agent) if one.score < CERTAIN else None
        if entry is not None:
            return replace(one, outcome=Outcome.ALLOWED, note=f"reason: {entry.reason}")
        for winner in found:
            if (winner.start, winner.end, winner.entity) == (one.start, one.end, one.entity):
                return one
        winner = next(other for other in found if other.start < one.end and one.start < other.end)
        note = f"{winner.entity} {winner.score:.2f} at {winner.start}:{winner.end} wins: score, then length, then place"
        return replace(one, outcome=Outcome.OVERLAPPED, note=note)


class _Watched(Scanner):
    """The scanner, trying everything and noting each judgement."""

    def __init__(self, rules: DetectionRules) -> None:
        super().__init__(rules, staged=False)
        self.candidates: list[Candidate] = []
        self._label = ""
        self._written = ""

    def scan(self, text: str, label: str) -> list[Hit]:
        """As a scanner; leaves `candidates` behind."""
        self._label, self._written = label, text
        return super().scan(text, label)

    def forms_of(self, value: str) -> Iterator[_Compiled]:
        """Forms, with a check that holds, that are wholly this value."""
        text = plain(value)
        for one in self._all or ():
            if one.check and one.search.fullmatch(text.encode()) and self._judge(one, text, 0, len(text)):
                yield one

    def _judge(self, one: _Compiled, text: str, start: int, end: int) -> Passed | None:
        passed = super()._judge(one, text, start, end)
        if passed is None and self._written:
            holds = one.check is None or one.check(text[start:end]) is not None
            outcome = Outcome.JOINED if holds else Outcome.CHECK_FAILED
            self._note(one, (start, end), outcome, check_holds=holds)
        return passed

    def _weigh(
        self, one: _Compiled, passed: Passed, text: str, span: tuple[int, int], cued: Cued, counts: bool
    ) -> Hit | None:
        hit = super()._weigh(one, passed, text, span, cued, counts)
        if hit is not None:
            self._note(one, span, Outcome.FOUND, hit=hit)
        elif one.alone:
            note = "" if counts else "and its field is one for plain numbers"
            self._note(one, span, Outcome.JOINED, note=note or "or announced as something else")
        else:
            self._note(one, span, Outcome.NO_CUE)
        return hit

    def _note(
        self,
        one: _Compiled,
        span: tuple[int, int],
        outcome: Outcome,
        *,
        hit: Hit | None = None,
        check_holds: bool = True,
        note: str = "",
    ) -> None:
        recognizer = one.recognizer
        self.candidates.append(
            Candidate(
                *span,
                recognizer.entity,
                recognizer.id,
                outcome,
                one.threshold,
                alone=one.form.alone,
                score=hit.score if hit else 0.0,
                check=recognizer.check,
                check_holds=check_holds if recognizer.check else None,
                cues=tuple(self._cues_near(recognizer, span, national=one.national)),
                region=hit.region if hit else recognizer.region,
                evidence=hit.evidence if hit else recognizer.evidence,
                note=note,
            )
        )

    def _cues_near(self, recognizer: Recognizer, span: tuple[int, int], *, national: bool) -> Iterator[Cue]:
        words = (*recognizer.cues, *(self._scoring.identifier_cues if national else ()))
        if not words:
            return
        # Each word is a subject of its own here, so that the search says which of them it met.
        search = Cues({word: (word,) for word in words})
        for word in sorted(search.in_label(self._label)):
            yield Cue(word, 0, "field", counts=True)
        start, end = span
        low = max(start - CUE_SIGHT, 0)
        near = search.around(self._written[low : end + CUE_SIGHT], frozenset())
        window = recognizer.cue_window or self._scoring.cue_window
        yield from _nearest(near, (start - low, end - low), window)


def _nearest(near: Cued, span: tuple[int, int], window: int) -> Iterator[Cue]:
    """The nearest place of each word before and after the value, the nearest word first."""
    start, end = span
    cues = []
    for word, places in near.places.items():
        own = set(near.own(word, start, end, window))
        for side, distances in (
            ("before", {start - cue_end: place for place in places if (cue_end := place[1]) <= start}),
            ("after", {cue_start - end: place for place in places if (cue_start := place[0]) >= end}),
        ):
            if distances:
                nearest = min(distances)
                cues.append(Cue(word, nearest, side, distances[nearest] in own))
    yield from sorted(cues, key=lambda cue: (not cue.counts, cue.distance, cue.word))


def _overlaps(one: Candidate, met: Iterable[Candidate]) -> bool:
    """Whether what stands there is found anyway, as something else, without having been weighed against this."""
    return one.outcome is not Outcome.OVERLAPPED and any(
        other.start < one.end and one.start < other.end for other in met
    )


def _distance(one: Candidate) -> int:
    """How far a candidate was from being found: a check or a cue that holds says more than a mere shape."""
    cued = any(cue.counts for cue in one.cues)
    match one.outcome:
        case Outcome.NO_CUE:
            return 1 if one.check_holds else 3
        case Outcome.CHECK_FAILED | Outcome.JOINED:
            return 2 if cued else 4
    return 0


def _as_hit(one: Finding) -> Hit:
    return Hit(one.start, one.end, one.entity, one.score, one.region, one.evidence)


def _best(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Of several forms of a recognizer at the same place, the one that came nearest."""
    best: dict[tuple[int, int, str, Outcome], Candidate] = {}
    for one in candidates:
        key = (one.start, one.end, one.by, one.outcome)
        if key not in best or best[key].score < one.score:
            best[key] = one
    return list(best.values())
