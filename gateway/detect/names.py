"""Names of people: where the language model is asked, and when it is believed.

Rules kept here and nowhere else:
 * A name has a word that begins with a capital or holds a letter beyond ASCII, and that is on no list of what names are
   not. A text without such a word is not shown to the model.
 * A lone word is a name only where its field name says so; the model errs too often on those.
 * Companies and places are no personal data by themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
from spacy.tokens import Doc

from gateway.core.detection import DetectionRules, FieldRule
from gateway.detect.patterns import Hit
from gateway.detect.surroundings import About, Records, prose_share, technical_share
from gateway.detect.text import folded, plain, words_of
from gateway.names import tagger

PERSON = "PERSON"
LANGUAGE = "xx"
"""The one pseudo-language of all recognizers: neither names nor identifiers care which language they stand in."""
SHORTEST_CUE_WORD = 5
"""Letters of a cue from which it is taken to be nobody's name."""
BATCH_CHARACTERS = 32_000
"""Most characters the model is given at once: more is no quicker and costs memory."""
NEVER = 2.0
"""More than any model says."""
_NO_TOKENS: Any = None
"""No recognizer of ours looks at tokens, and holding them would keep the whole text."""

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*")
_NAME = re.compile(r"[^\W\d_]+\.?(?:(?:[ \u00a0'\u2019\-.]{1,2}|(?<=\b[^\W\d_]\.))[^\W\d_]+\.?)*")
"""A run of words as names have them; a line end, a comma or a digit ends it."""
_ENDS_IN_A_STOP = re.compile(r"[^\W\d_]|[IVX]+")
"""An initial or a number of a ruler: the stop behind it belongs to the name, as in "Sorin M." and "Johannes XXIII."."""
FEWEST_OF_A_SENTENCE = 6
"""Words of a text from which it may be a sentence."""
_SENTENCE_ENDS = (".", ",", "!", "?", "…")
_LISTED_NAME = re.compile(r"[^\W\d_]+\.?(?:[ \u00a0'\u2019\-.,]{1,2}[^\W\d_]+\.?){0,5}")
"""What a field for names may hold: the family name may come first, then a comma."""
_LINE = re.compile(r"^[ \t]*[\"']?([^\W\d][\w .\-]{1,40}?)[\"']?[ \t]*[:=][ \t]*(\S[^\n]*)$", re.MULTILINE)
"""A name and its value, with any comment behind it."""
_COMMENT = re.compile(r"[ \t]+(?:/\*|//|#)")
_SECRET = re.compile(r"""["']?(?=\S*[\d!?#&*+@^~])(?=\S*[^\W\d_])[^\s"'(){}\[\]<>$|\\,;]{6,}["']?[\s,;]*\Z""")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the model says of a stretch of text; named as spaCy names it, and without hold on the text."""

    start_char: int
    end_char: int
    label_: str
    score: float | None = None
    """How likely it is that the model is right; None from a pipeline that does not say."""


_JOINS_BEFORE = frozenset("._=<\\/`[{$%")
_JOINS_AFTER = frozenset("_=(<\\/`[{$%")
_INITIAL_BEFORE = re.compile(r"(?<![^\W_])[^\W\d_]\.\Z")
"""As in `H.L. Hansen`, of which the model may know the end alone."""
_INNER_CAPITAL = re.compile(r"[^\W\d_A-Z][A-Z]")
_CAPITALS_FIRST = re.compile(r"[A-Z]{2,}[a-z]{2}")
_NAME_PREFIX = re.compile(r"(?:Mc|Mac|De|Di|Du|Fitz|La|Le|Van|Von)[A-Z][a-z]")


class SpacyEngine(NlpEngine):
    """Presidio's view of our pipeline: entities only; no lemmas, no stop words, no language."""

    def __init__(self, model: Path) -> None:
        """Load the pipeline from disk. Raises OSError when the folder holds none, or not what its checksums say."""
        self._nlp = tagger.load(model)

    def load(self) -> None:
        """Nothing to do: loaded at construction."""

    def is_loaded(self) -> bool:
        """Always: there is no engine without its model."""
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        """What the model finds in one text."""
        ((_, artifacts),) = self.process_batch([text], language)
        return artifacts

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 64, n_process: int = 1, **kwargs: Any
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        """What the model finds in several texts, cheaper than one by one."""
        for text, marks in self.marks(texts, batch_size):
            yield text, NlpArtifacts(list[Any](marks), _NO_TOKENS, [], [], self, LANGUAGE)

    def marks(self, texts: Iterable[str], batch_size: int = 64) -> Iterator[tuple[str, tuple[Mark, ...]]]:
        """What the model finds in each text."""
        for batch in _batches(texts, batch_size):
            # The pipeline would keep each new word it sees for good; a memory zone forgets them all.
            with self._nlp.memory_zone():
                marks = [_marks(doc) for doc in self._nlp.pipe(batch, batch_size=len(batch))]
            yield from zip(batch, marks, strict=True)

    def is_stopword(self, word: str, language: str) -> bool:
        """Not used: context is judged by our own recognizers."""
        return False

    def is_punct(self, word: str, language: str) -> bool:
        """Not used: context is judged by our own recognizers."""
        return False

    def get_supported_entities(self) -> list[str]:
        """People; places and companies are no personal data by themselves."""
        return [PERSON]

    def get_supported_languages(self) -> list[str]:
        """The one pseudo-language."""
        return [LANGUAGE]


def _in_code(text: str, start: int, end: int) -> bool:
    """Whether a text touches signs that join words in code, paths and markup, and never join a name to its sentence."""
    before, after, next_to_after = text[start - 1 : start], text[end : end + 1], text[end + 1 : end + 2]
    if _INITIAL_BEFORE.search(text, max(start - 3, 0), start):
        before = ""
    return before in _JOINS_BEFORE or after in _JOINS_AFTER or (after == "." and next_to_after.isalnum())


def _is_identifier(word: str) -> bool:
    """Whether a lone word is written as code writes names: in capitals, or with capitals inside (but `McKay`)."""
    inner = _INNER_CAPITAL.search(word) is not None or _CAPITALS_FIRST.match(word) is not None
    return word.isupper() or (inner and _NAME_PREFIX.match(word) is None)


def _has_words(text: str, count: int) -> bool:
    """Whether a text has so many words; a long one is not counted to its end."""
    return len(list(islice(_WORD.finditer(text), count))) == count


def _marks(doc: Doc) -> tuple[Mark, ...]:
    if tagger.PEOPLE in doc.user_data:
        return tuple(Mark(start, end, PERSON, score) for start, end, score in doc.user_data[tagger.PEOPLE])
    return tuple(Mark(one.start_char, one.end_char, one.label_) for one in doc.ents)


def _batches(texts: Iterable[str], most: int) -> Iterator[list[str]]:
    batch: list[str] = []
    length = 0
    for text in texts:
        if batch and (len(batch) == most or length + len(text) > BATCH_CHARACTERS):
            yield batch
            batch, length = [], 0
        batch.append(text)
        length += len(text)
    if batch:
        yield batch


class NameRules:
    """What the rules say of names, and of fields whose names say what they hold."""

    def __init__(self, rules: DetectionRules) -> None:
        names = rules.names
        self._labels = frozenset(names.person_labels)
        self._score, self._single_word_score = names.score, names.single_word_score
        self._prose_share, self._outside_prose_score = names.prose_share, names.outside_prose_score
        self._never = frozenset(folded(word) for word in names.never_names)
        cues = [cue for one in rules.recognizers for cue in one.cues] + [*rules.scoring.identifier_cues]
        self._cue_words = frozenset(
            word for cue in cues for word in words_of(cue).split() if len(word) >= SHORTEST_CUE_WORD
        )
        self.records = Records(
            names.thing_fields,
            names.bare_fields,
            names.name_fields,
            names.fields_of_things,
            names.fields_of_people,
        )
        self._technical_share, self._technical_score = names.technical_share, names.technical_score
        self._technical_word_score = names.technical_word_score
        self._lone_word_score = names.lone_word_score
        self._particles = frozenset(map(folded, names.particles))
        self._message_id_fields = frozenset(words_of(field) for field in names.message_id_fields)
        self._role_mailboxes = frozenset(names.role_mailboxes)
        self._file_endings = frozenset(names.file_endings)
        self._rule_of: dict[str, FieldRule] = {
            words_of(field): rule for rule in rules.fields for field in rule.fields
        }
        self._field_rule = lru_cache(maxsize=4096)(self.rule_for)
        self._longest = max((field.count(" ") + 1 for field in self._rule_of), default=0)

    def names_things(self, label: str) -> bool:
        """Whether the values of a field, by its last words, are names of things."""
        return self.records.is_thing(label)

    def may_hold_name(self, text: str) -> bool:
        """Whether the model could find a name in a text that is believed."""
        capital = False
        for place, match in enumerate(_WORD.finditer(text)):
            capital = capital or self._is_name_word(match[0])
            if capital and place:
                return True
        return capital and self._lone(text) < NEVER

    def people(self, text: str, marks: Iterable[Mark]) -> Iterator[Hit]:
        """Names among what the model marks."""
        for mark in marks:
            if mark.label_ in self._labels:
                # The model may run on over a line end or a number: each run of words is judged by itself.
                for match in _NAME.finditer(text, mark.start_char, mark.end_char):
                    yield from self._person(text, *match.span(), mark.score)

    def _person(self, text: str, start: int, end: int, score: float | None) -> Iterator[Hit]:
        words = list(_WORD.finditer(text, start, end))
        while words and folded(words[0][0]) in self._never:
            del words[0]
        while words and folded(words[-1][0]) in self._never:
            del words[-1]
        if not any(self._is_name_word(word[0]) for word in words):
            return
        count, begun = len(words), words[0].start()
        while len(words) > 1 and self._is_no_part(words[0][0], (word[0] for word in words[1:])):
            del words[
                0
            ]  # "kejser Augustus", "grüne Lampe": what stands before is an office or says of what kind.
        if len(words) == 1 < count and not _has_words(text, FEWEST_OF_A_SENTENCE):
            return
        if all(folded(word[0]) in self._cue_words for word in words):
            return  # "Versicherungsnummer", "ημερομηνία γέννησης": what announces a value is nobody.
        whole = end
        start, end = words[0].start(), words[-1].end()
        if end < whole and text[end] == "." and _ENDS_IN_A_STOP.fullmatch(words[-1][0]):
            end += 1
        if _in_code(text, start, end) or (len(words) == 1 and _is_identifier(words[0][0])):
            return
        if score is None:
            score = self._score if len(words) > 1 else self._single_word_score
        alone = len(words) == 1 and not _has_words(text, 2)
        if score >= (self._lone(text) if alone else self._needed(text, begun, start, end, len(words))):
            # However sure the model is, what a field name or a check digit says is surer.
            yield Hit(start, end, PERSON, min(score, self._score))

    def _is_no_part(self, word: str, following: Iterable[str]) -> bool:
        """Whether a word in small letters stands before a name that has capitals, and is no particle of names."""
        return (
            word.islower()
            and folded(word) not in self._particles
            and any(one[0].isupper() for one in following)
        )

    def _lone(self, text: str) -> float:
        """What the model must say of a text's only word."""
        return self._lone_word_score if text.rstrip().endswith(_SENTENCE_ENDS) else NEVER

    def _needed(self, text: str, begun: int, start: int, end: int, words: int) -> float:
        """What the model must say of a name in these surroundings to be believed; more than 1 where it never is.

        `begun` is where the mark began, with what is no part of the name.
        """
        about = self.records.around(text, begun, end)
        if about is About.THING:
            return NEVER
        if about is About.PERSON:
            return 0.0
        if len(text.strip()) <= end - start + 2:
            return self._technical_score  # The whole of a value: nothing around it says that it is somebody.
        if prose_share(text, start, end) < self._prose_share:
            return self._outside_prose_score if words > 1 else NEVER
        if technical_share(text, start, end) >= self._technical_share:
            return self._technical_score if words > 1 else self._technical_word_score
        return 0.0

    def _is_name_word(self, word: str) -> bool:
        return len(word) > 1 and (word[0].isupper() or not word.isascii()) and folded(word) not in self._never

    def in_field(self, text: str, label: str) -> Iterator[Hit]:
        """The whole value of a telling field, and values after telling names in the text's lines."""
        rule = self._field_rule(label)
        if rule is not None:
            yield from self._value(rule, text, 0, len(text))
        if ":" in text or "=" in text:
            for match in _LINE.finditer(text):
                rule = self._field_rule(words_of(match[1]))
                if rule is None:
                    continue
                start, end = match.span(2)
                comment = _COMMENT.search(text, start + 1, end)
                end = comment.start() if comment else end
                # In code and manuals such a line may be a declaration: a secret must look like one.
                if rule.shape == "name" or _SECRET.match(text[start:end]):
                    yield from self._value(rule, text, start, end)

    def rule_for(self, label: str) -> FieldRule | None:
        """The rule whose field name ends `label` (as words), the longest first."""
        words = label.split()
        for count in range(min(self._longest, len(words)), 0, -1):
            rule = self._rule_of.get(" ".join(words[-count:]))
            if rule is not None:
                return None if rule.shape == "name" and self.records.is_said_of_a_thing(label) else rule
        return None

    def _value(self, rule: FieldRule, text: str, start: int, end: int) -> Iterator[Hit]:
        while start < end and (text[start].isspace() or text[start] in "\"'"):
            start += 1
        while start < end and (text[end - 1].isspace() or text[end - 1] in "\"',;"):
            end -= 1
        value = text[start:end]
        if folded(value) in self._never or not any(sign.isalnum() for sign in value):
            return
        if rule.shape == "name":
            words = _WORD.findall(value)
            if _LISTED_NAME.fullmatch(value) is None or any(folded(word) in self._never for word in words):
                return
        yield Hit(start, end, rule.entity, rule.score)

    def is_impersonal_address(self, address: str, label: str) -> bool:
        """Whether what looks like an e-mail address belongs to an office, or is a message, a file or service."""
        local, _, domain = plain(address).lower().rpartition("@")
        if label in self._message_id_fields and any(map(str.isdigit, local)):
            return True
        return (
            local.partition("+")[0] in self._role_mailboxes or domain.rpartition(".")[2] in self._file_endings
        )
