"""The pipeline that marks names in a text: a tokenizer and one component, `onward_names`, as spaCy wants them.

Marked are the names of the best sequence of tags, each with the probability that it is right, both its ends and its
label. Of runs of tokens that surely belong to none no sequence is looked for. People are told besides, those too that
are less likely than not: whether a doubtful one counts depends on what stands around it, beyond the sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import spacy
from numpy.typing import NDArray
from spacy.attrs import IS_SPACE  # type: ignore[import-not-found]
from spacy.language import Language
from spacy.tokens import Doc, Span
from spacy.util import minibatch, registry
from spacy.vocab import Vocab

from gateway.names.network import LABELS, PERSON, TAGS, Floats, Network, Weights, Words

SCORES = "name_scores"
"""Where a document's user data holds the probability of each of its entities, in their order."""
PEOPLE = "name_people"
"""Where it holds the first and the last character and the probability of each person, doubtful ones included."""
SURE = 0.995
"""Probability of being outside from which a token is taken to be so."""

DOUBTFUL = 0.05
"""Probability of belonging to a person from which a token may be part of a doubtful one."""
_DOUBT = np.array([0.05, *[1.0] * 4, *[0.55] * 8], np.float32)
"""What doubt leaves of each tag's probability: e⁻³ of being outside, e⁻⁰·⁶ of places and organizations."""

_TOKEN = re.compile(r"(?:[^\W_]|[\u0300-\u036f])+|[^\w\s\u0300-\u036f]|_|\s+")
"""A run of letters and digits, a sign that no word is made of, or blanks: a name begins where a token does."""
_SUMS = "SHA256SUMS"


class Tokenizer:
    """Splits a text in time that grows with its length; spaCy's own takes the square of it where spaces are missing."""

    def __init__(self, vocab: Vocab) -> None:
        """Make documents of this vocabulary."""
        self._vocab = vocab

    def __call__(self, text: str) -> Doc:
        """The tokens of a text. A space after a token is told by it; other blanks are tokens themselves."""
        words: list[str] = []
        spaces: list[bool] = []
        for token in _TOKEN.findall(text):
            word = token
            if words and word[0] == " ":
                spaces[-1] = True
                word = word[1:]
            if word:
                words.append(word)
                spaces.append(False)
        return Doc(self._vocab, words=words, spaces=spaces)

    def to_disk(self, path: Path, exclude: Iterable[str] = ()) -> None:
        """Nothing is learned."""

    def from_disk(self, path: Path, exclude: Iterable[str] = ()) -> Tokenizer:
        """Nothing was."""
        return self


@registry.tokenizers("onward_words")  # type: ignore[untyped-decorator]
def _tokenizer() -> Callable[[Language], Tokenizer]:
    return lambda nlp: Tokenizer(nlp.vocab)


def pipeline() -> Language:
    """A pipeline that splits a text into runs of letters and digits, and single signs between them."""
    return spacy.blank("xx", config={"nlp": {"tokenizer": {"@tokenizers": "onward_words"}}})


def load(folder: Path) -> Language:
    """The pipeline in a folder.

    Raises:
        OSError: the folder holds none, or a file in it is not what its list of checksums says.
    """
    sums = folder / _SUMS
    for line in sums.read_text("utf-8").splitlines() if sums.exists() else ():
        digest, name = line.split("  ", 1)
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            raise OSError(f"{folder / name} is not the file that {_SUMS} lists: install the package anew.")
    nlp = spacy.load(folder)
    # Nobody asks more of a word than whether it is a space, and each text brings new words.
    vocab: Any = nlp.vocab
    for attribute in set(vocab.lex_attr_getters) - {IS_SPACE}:
        del vocab.lex_attr_getters[attribute]
    return nlp


Person = tuple[int, int, float]


@Language.factory("onward_names", assigns=["doc.ents"])
def _make(nlp: Language, name: str) -> Names:
    return Names()


class Names:
    """Sets a document's entities, and their probabilities in its user data under `SCORES`."""

    def __init__(self) -> None:
        """Mark nothing, as long as there are no weights."""
        self._weights: Weights | None = None
        self._network: Network | None = None

    def take(self, weights: Weights) -> None:
        """Mark by these weights from now on."""
        self._weights, self._network = weights, Network(weights)

    def __call__(self, doc: Doc) -> Doc:
        """Mark one document."""
        (marked,) = self.pipe([doc])
        return marked

    def pipe(self, stream: Iterable[Doc], batch_size: int = 64) -> Iterator[Doc]:
        """Mark documents, so many at once."""
        for batch in minibatch(stream, batch_size):  # type: ignore[no-untyped-call]
            docs = list(batch)
            self._mark([doc for doc in docs if len(doc)])
            yield from docs

    def to_disk(self, path: Path, exclude: Iterable[str] = ()) -> None:
        """Write the weights into a folder."""
        path.mkdir(exist_ok=True)
        if self._weights:
            self._weights.save(path)

    def from_disk(self, path: Path, exclude: Iterable[str] = ()) -> Names:
        """Take the weights from a folder."""
        self.take(Weights.load(path))
        return self

    def chances(self, docs: list[Doc]) -> Floats:
        """The probability of each of `TAGS` for each token of documents, none of which is empty."""
        assert self._network is not None
        return self._network.probabilities([_words(doc) for doc in docs], docs[0].vocab.strings.__getitem__)

    def _mark(self, docs: list[Doc]) -> None:
        if self._network is None or not docs:
            return
        chances, text_of = self.chances(docs), _text_of(docs)
        sizes = np.array([len(doc) for doc in docs])
        firsts = np.cumsum(sizes) - sizes
        ents: list[list[Span]] = [[] for _ in docs]
        scores: list[list[float]] = [[] for _ in docs]
        for start, end, label, chance in names(chances, text_of):
            text = int(text_of[start])
            shift = int(firsts[text])
            ents[text].append(Span(docs[text], start - shift, end - shift, LABELS[label]))
            scores[text].append(chance)
        found: list[list[Person]] = [[] for _ in docs]
        for start, end, chance in people(chances, text_of):
            text = int(text_of[start])
            shift = int(firsts[text])
            span = docs[text][start - shift : end - shift]
            found[text].append((span.start_char, span.end_char, chance))
        for doc, its_ents, its_scores, its_people in zip(docs, ents, scores, found, strict=True):
            doc.set_ents(its_ents)
            doc.user_data[PEOPLE] = its_people
            doc.user_data[SCORES] = self._network.trust(its_scores).tolist()


def _words(doc: Doc) -> Words:
    """The hashes of a text's tokens, and whether a space or a line end stands before each."""
    columns = np.asarray(doc.to_array(["ORTH", "SPACY", "IS_SPACE"]), np.uint64)
    spaced = np.ones(len(columns), np.bool_)
    spaced[1:] = columns[:-1, 1:].any(axis=1)
    return columns[:, 0], spaced


def _text_of(docs: list[Doc]) -> NDArray[np.int64]:
    """The number of each token's document."""
    return np.repeat(np.arange(len(docs)), [len(doc) for doc in docs])


def _allowed() -> Floats:
    """The cost of one tag after another: nothing or, where a name would be broken, without bound."""
    costs = np.full((len(TAGS), len(TAGS)), -np.inf, np.float32)
    for before, first in enumerate(TAGS):
        for after, second in enumerate(TAGS):
            within = first[0] in "BI"
            if within == (second[0] in "IL") and (not within or first[1:] == second[1:]):
                costs[before, after] = 0
    return costs


_OUTSIDE = np.eye(1, len(TAGS), dtype=np.float32)
_AFTER = _allowed()
_BEGIN = _AFTER[0]
_END = _AFTER[:, 0]


def names(chances: Floats, text_of: NDArray[np.int64]) -> Iterator[tuple[int, int, int, float]]:
    """First token, token after the last, place in `LABELS`, and probability of the least likely tag of each name."""
    unsure = np.flatnonzero(chances[:, 0] < SURE)
    if not len(unsure):
        return
    breaks = np.flatnonzero((np.diff(unsure) > 1) | (np.diff(text_of[unsure]) > 0)) + 1
    logs = np.log(np.maximum(chances, 1e-9))
    for first, last in pairwise([0, *breaks.tolist(), len(unsure)]):
        start, end = int(unsure[first]), int(unsure[last - 1]) + 1
        begun = start
        for at, tag in enumerate(_best(logs[start:end]), start):
            place = TAGS[tag][0]
            if place in "BU":
                begun = at
            if place in "LU":
                label = (tag - 1) // 4
                yield begun, at + 1, label, _least(chances[begun : at + 1], label)


def people(chances: Floats, text_of: NDArray[np.int64]) -> Iterator[tuple[int, int, float]]:
    """First token, token after the last and probability of each person, and of each that may be one."""
    likely = chances[:, PERSON].sum(axis=1)
    if not (likely >= DOUBTFUL).any():
        return
    taken = np.zeros(len(chances), np.bool_)
    doubted = np.where(likely[:, None] >= DOUBTFUL, chances * _DOUBT, _OUTSIDE)
    for said in (chances, doubted):
        for start, end, label, _ in names(said, text_of):
            if LABELS[label] == "PERSON" and not taken[start:end].any():
                taken[start:end] = True
                yield start, end, float(likely[start:end].max())


def _least(chances: Floats, label: int) -> float:
    """The probability of the least likely tag of a name that takes all these tokens."""
    first = 1 + 4 * label
    if len(chances) == 1:
        return float(chances[0, first + 3])
    ends = (chances[0, first], chances[-1, first + 2])
    return min(map(float, (*ends, *chances[1:-1, first + 1])))


def _best(logs: Floats) -> list[int]:
    """The likeliest sequence of tags in which every name is whole."""
    totals = logs[0] + _BEGIN
    came_from = []
    for line in logs[1:]:
        paths = totals[:, None] + _AFTER
        best = paths.argmax(axis=0)
        came_from.append(best)
        totals = paths[best, np.arange(len(best))] + line
    tags = [int((totals + _END).argmax())]
    for best in reversed(came_from):
        tags.append(int(best[tags[-1]]))
    return tags[::-1]
