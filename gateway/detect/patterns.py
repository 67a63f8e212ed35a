"""Recognizers that are data: patterns, checks and cues of `rules/detection/`, looked for in one linear pass.

Rules kept here and nowhere else:
 * Cues come first. A form that needs one is not even tried in a text that holds none of its recognizer's.
 * Forms that may stand alone are one RE2 set, so a text without any of them costs one look.
 * A value ends at a letter or digit of any script, and without a cue also where joining signs make it part of more.
 * Staging only ever skips what cannot be found: `Scanner(rules, staged=False)` finds the same.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import re2

from gateway.core.detection import DetectionRules, Form, Recognizer
from gateway.core.model import Evidence
from gateway.detect.checks import Check, Passed, check_named
from gateway.detect.cues import Cued, Cues, field_before
from gateway.detect.text import folded, plain, words_of

ANY_STATE = "*"
"""Subject of cues that announce a personal number of no state in particular."""
STRONG = 0.9
"""From this score on, a form counts without a cue even where it is joined to more, as in a path."""
SET_MEMORY_BYTES = 64 << 20
"""Bound of a set's automaton. States are made as texts need them; the shipped rules stay far below."""

WORD_WINDOW = 24
"""Characters before a value in which the word before it is looked for."""

_WORD_BEFORE = re.compile(r"\b([^\W\d_]{3,})[^\w\n]{0,3}\Z")
_THING_BEFORE = re.compile(
    r"([^\W\d_]{3,})(?:[^\w\n]{0,3}\b(?:id|nr|no|n|nro|number|num|numero|nummer|code|č|št|br|αρ|ref))?[^\w\n]{0,4}\Z",
    re.IGNORECASE,
)
"""The word before a value, with or without one for "number" between them."""
_HYPHENED = re.compile(r"([^\W_]+)-\Z")
_STARTS_PLAIN = re.compile(r"(?:\(\?i:)?(?:\\d|\[[0-9A-Za-z-]+\]|[0-9A-Za-z])(?![?*])(?!\{0)")
_ENDS_PLAIN = re.compile(r"(?:\\d|\[[0-9A-Za-z-]+\])(?:\{[1-9][0-9]*(?:,[0-9]*)?\}|\+)?\)?\Z")


@dataclass(frozen=True, slots=True)
class Hit:
    """A value found in a text, with what it shows of its origin."""

    start: int
    end: int
    entity: str
    score: float
    region: str | None = None
    evidence: Evidence = Evidence.NONE


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    place: int
    """Order of the rules, so that the order of findings does not depend on how they were come by."""
    recognizer: Recognizer
    form: Form
    search: re2._Regexp[bytes]
    check: Check | None
    threshold: float
    alone: bool
    national: bool
    """A personal number of some state: cues of no state in particular count for it, too."""


class Scanner:
    """All pattern recognizers of the rules."""

    def __init__(self, rules: DetectionRules, *, staged: bool = True) -> None:
        """Compile the patterns. Raises ValueError naming the recognizer whose pattern or check is unknown."""
        self._scoring = rules.scoring
        forms: list[_Compiled] = []
        for recognizer in rules.recognizers:
            forms += _compile(recognizer, rules, len(forms))
        self._alone = _FormSet([one for one in forms if one.alone])
        self._cued: dict[str, list[_Compiled]] = defaultdict(list)
        for one in forms:
            if not one.alone:
                for subject in (one.recognizer.id, ANY_STATE) if one.national else (one.recognizer.id,):
                    self._cued[subject].append(one)
        self._all = None if staged else forms
        cues = {one.id: one.cues for one in rules.recognizers}
        self._cues = Cues({**cues, ANY_STATE: rules.scoring.identifier_cues}, rules.scoring.number_words)
        self._plain_stems = tuple(folded(word) for word in rules.scoring.plain_words)
        self._plain_fields = frozenset(words_of(field) for field in rules.scoring.plain_fields)
        self._label_cues = lru_cache(maxsize=4096)(self._cues.in_label)

    def scan(self, text: str, label: str) -> list[Hit]:
        """Values in `text` that reach their threshold; they may overlap. `label` is the field name as words."""
        glued = plain(text)
        cued = self._cues.around(text, self._label_cues(label))
        apart = _parted(glued.replace("_", "\x1f") if "_" in glued else glued, cued)
        whole = glued.encode(errors="replace")
        encoded = {True: whole, False: whole if apart is glued else apart.encode(errors="replace")}
        counts = label.rpartition(" ")[2] not in self._plain_fields
        return [
            hit
            for one in self._active(encoded, cued)
            for hit in self._find(
                one, glued if one.form.glued else apart, encoded[one.form.glued], cued, counts
            )
        ]

    def _active(self, encoded: dict[bool, bytes], cued: Cued) -> Iterable[_Compiled]:
        if self._all is not None:
            return self._all
        active = self._alone.within(encoded[True])
        if encoded[False] is not encoded[True]:
            active = {*(one for one in active if one.form.glued)}
            active |= {one for one in self._alone.within(encoded[False]) if not one.form.glued}
        for subject in cued.subjects:
            active.update(self._cued.get(subject, ()))
        return sorted(active, key=lambda one: one.place)

    def _find(self, one: _Compiled, text: str, encoded: bytes, cued: Cued, counts: bool) -> Iterator[Hit]:
        offsets = _Offsets(text, encoded)
        at = 0
        while (match := one.search.search(encoded, at)) is not None:
            start, end = offsets.characters(match.start()), offsets.characters(match.end())
            passed = self._judge(one, text, start, end)
            if passed is None:
                # What was no value may hide one that begins a little later.
                at = match.start() + len(text[start].encode(errors="replace"))
                continue
            end = start + passed.length
            at = offsets.bytes(end)
            hit = self._weigh(one, passed, text, (start + passed.skip, end), cued, counts)
            if hit is not None:
                yield hit

    def _judge(self, one: _Compiled, text: str, start: int, end: int) -> Passed | None:
        if not one.form.glued and start and text[start - 1].isalnum():
            return None
        passed = one.check(text[start:end]) if one.check else Passed(end - start)
        if passed is None:
            return None
        end = start + passed.length
        return None if not one.form.glued and text[end : end + 1].isalnum() else passed

    def _weigh(
        self, one: _Compiled, passed: Passed, text: str, span: tuple[int, int], cued: Cued, counts: bool
    ) -> Hit | None:
        start, end = span
        score, evidence = one.form.alone, one.recognizer.evidence
        strong = one.form.glued or score >= STRONG
        if not strong and not (counts and self._may_be_personal(text, start, end)):
            score = 0.0
        if self._is_cued(one, one.recognizer.id, text, span, cued):
            score = max(score, one.recognizer.with_cue)
        elif one.national and score < one.threshold and self._is_cued(one, ANY_STATE, text, span, cued):
            score, evidence = self._scoring.identifier_score, Evidence.HINT
        if score < one.threshold:
            return None
        region = passed.region or one.recognizer.region
        return Hit(start, end, one.recognizer.entity, score, region, evidence if region else Evidence.NONE)

    def _is_cued(self, one: _Compiled, subject: str, text: str, span: tuple[int, int], cued: Cued) -> bool:
        """Whether a cue announces the value, and not something longer of which the value is a piece."""
        if subject in cued.everywhere:
            return True
        own = list(cued.own(subject, *span, one.recognizer.cue_window or self._scoring.cue_window))
        if not own or not (one.form.glued or not _is_piece(text, span, own)):
            return False
        # `order 93926580889 ... your birth number`: what is announced as a thing is no person's.
        thing = _THING_BEFORE.search(cued.text, max(span[0] - 2 * WORD_WINDOW, 0), span[0])
        if thing is None or not thing[1].startswith(self._plain_stems):
            return True
        # Unless it is part of the cue, or of a field name with it: `numero_fiscal_reference`.
        return any(
            start < span[0] and cued.text[end : thing.start(1)] in ("", "_", "-") for start, end in own
        )

    def _may_be_personal(self, text: str, start: int, end: int) -> bool:
        """Neither part of something longer nor announced as something else (`version 4.18.2.1`)."""
        before = _WORD_BEFORE.search(text, max(start - WORD_WINDOW, 0), start)
        field = field_before(text, start)
        if field and words_of(field).rpartition(" ")[2] in self._plain_fields:
            return False
        return not _is_joined(text, start, end) and not (before and folded(before[1]) in self._plain_fields)


class _FormSet:
    """Forms that are looked for together."""

    def __init__(self, forms: Sequence[_Compiled]) -> None:
        self._forms = forms
        options = re2.Options()
        options.max_mem = SET_MEMORY_BYTES
        self._set = re2.Set.SearchSet(options)
        for one in forms:
            self._set.Add(one.search.pattern)
        # RE2 answers nothing both when nothing matches and when its memory runs out. This one always matches.
        self._set.Add("")
        self._set.Compile()

    def within(self, encoded: bytes) -> set[_Compiled]:
        """Forms that occur somewhere in the text; all of them where RE2 cannot tell."""
        present = self._set.Match(encoded)
        if not present:
            return set(self._forms)
        return {self._forms[index] for index in present if index < len(self._forms)}


class _Offsets:
    """Characters for bytes of one text and back; asked in rising order, so that all of it stays linear."""

    def __init__(self, text: str, encoded: bytes) -> None:
        self._text, self._encoded = text, encoded
        self._same = len(text) == len(encoded)
        self._known = (0, 0)

    def characters(self, place: int) -> int:
        if self._same:
            return place
        known_byte, known_character = self._known
        if place < known_byte:
            known_byte, known_character = 0, 0
        character = known_character + len(self._encoded[known_byte:place].decode())
        self._known = place, character
        return character

    def bytes(self, character: int) -> int:
        if self._same:
            return character
        known_byte, known_character = self._known
        if character < known_character:
            known_byte, known_character = 0, 0
        return known_byte + len(self._text[known_character:character].encode(errors="replace"))


def _compile(recognizer: Recognizer, rules: DetectionRules, first: int) -> Iterator[_Compiled]:
    try:
        check = check_named(recognizer.check) if recognizer.check else None
        for place, form in enumerate(recognizer.forms, first):
            yield _Compiled(
                place=place,
                recognizer=recognizer,
                form=form,
                search=searching(_bordered(form)),
                check=check,
                threshold=rules.threshold(recognizer.entity),
                alone=form.alone >= rules.threshold(recognizer.entity),
                national=recognizer.region is not None and recognizer.evidence is Evidence.PROOF,
            )
    except ValueError as error:
        raise ValueError(f"recognizer {recognizer.id}: {error}") from error


def searching(pattern: str) -> re2._Regexp[bytes]:
    """A pattern, compiled. Raises ValueError where it is not RE2, and says what about it is not."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        said = said.decode(errors="replace") if isinstance(said, bytes) else said
        raise ValueError(f"pattern {pattern!r} is not RE2: {said}") from None


def _bordered(form: Form) -> str:
    """The pattern with word borders where it visibly begins or ends with a letter or digit.

    They let RE2 pass over long runs of digits by itself; the borders that count are judged on the match.
    """
    if form.glued:
        return form.pattern
    left = r"\b" if _STARTS_PLAIN.match(form.pattern) else ""
    right = r"\b" if _ENDS_PLAIN.search(form.pattern) else ""
    return f"{left}(?:{form.pattern}){right}"


def _parted(text: str, cued: Cued) -> str:
    """The text in which a number written to its cue stands apart: `PESEL44051401359`."""
    ends = {end for places in cued.places.values() for _, end in places if text[end : end + 1].isdigit()}
    for end in ends:
        if text[end - 1].isalpha():
            text = f"{text[: end - 1]}\x1f{text[end:]}"
    return text


def _is_joined(text: str, start: int, end: int) -> bool:
    """Part of something longer: a path, a version, a decimal number, a time."""
    return _joins(text[max(start - 2, 0) : start][::-1]) or _joins(text[end : end + 2])


def _is_piece(text: str, span: tuple[int, int], cues: Iterable[tuple[int, int]]) -> bool:
    """Whether hyphens make the value part of a longer number (`978-3-20-513924-2`, `INV-2024-69092`).

    Not so after a cue (`PESEL-44051401359`), or after two letters, which may be a country's.
    """
    start, end = span
    if text[end : end + 1] == "-" and text[end + 1 : end + 2].isdigit():
        return True
    before = _HYPHENED.search(text, max(start - WORD_WINDOW, 0), start)
    if before is None or any(before.start(1) <= cue < start for cue, _ in cues):
        return False
    return not (before[1].isalpha() and len(before[1]) == 2)


def _joins(outward: str) -> bool:
    if len(outward) < 2:
        return False
    sign, beyond = outward[0], outward[1]
    return beyond.isdigit() if sign in "-.,:" else sign in "/\x1f" and beyond.isalnum()
