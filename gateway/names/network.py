"""The network behind the model of names: a small transformer that says of each word of a text how likely each tag is.

It is run by onnxruntime on one core. Vectors of pieces lie in a table with four bits a number, and are looked up here.
Words are remembered with their pieces under spaCy's 64-bit hash of them, never under the word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from gateway.names.pieces import BEGIN, END, PAD, SPACE, Ids, Pieces

Floats = NDArray[np.float32]

LABELS = ("PERSON", "LOCATION", "ORGANIZATION")
TAGS = ("O", *(f"{place}-{label}" for label in LABELS for place in "BILU"))
"""Outside, or the first, an inner, the last or the only token of a name."""
WINDOW = 126
"""Most pieces of a text that are read at once, besides the two that stand around them."""
BATCH = 512
"""Most pieces that are computed with at once, padding included: more is no quicker."""
START = 8
"""What it costs to begin another batch, in pieces: more padding than that is dearer."""
REMEMBERED = 50_000
"""Words that are remembered: some 15 MB. When there are more, all are forgotten."""
BLOCK = 32
"""Numbers of the table that share a scale."""

SHORT = 3
"""Letters up to which a word before a full stop may be an abbreviation, so that no sentence ends there."""

_GRAPH, _TABLE, _PIECES = "network.onnx", "table.npz", "pieces.txt"
_ARRAYS = ("steps", "scales", "hints", "trust")
_ENDS = frozenset(".!?…")
_NOTHING = np.eye(1, len(TAGS), dtype=np.float32)

Spell = Callable[[int], str]
Words = tuple[NDArray[np.uint64], NDArray[np.bool_]]
"""Hashes of a text's words, and whether a space stands before each."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, as it lies on disk."""

    graph: bytes  # an ONNX model: vectors and mask in, logits of `TAGS` out
    steps: NDArray[np.uint8]  # a line a piece, two numbers from -8 to 7 a byte, the first in the low half
    scales: NDArray[np.float16]  # what a step of each block of a line is worth
    pieces: Pieces
    temperature: float  # by it logits are divided to make probabilities true
    hints: NDArray[np.bool_]  # of each piece, whether a word of somebody's name may begin with it
    trust: Floats  # how likely names are right whose least likely tag has probabilities from 0 to 1, in equal steps

    def save(self, folder: Path) -> None:
        """Write three files."""
        (folder / _GRAPH).write_bytes(self.graph)
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        with (folder / _TABLE).open("wb") as file:
            np.savez(file, temperature=np.float32(self.temperature), **arrays)
        self.pieces.save(folder / _PIECES)

    @classmethod
    def load(cls, folder: Path) -> Weights:
        """Read what `save` wrote. Raises OSError when it is not there."""
        with np.load(folder / _TABLE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
            temperature = float(file["temperature"])
        graph, pieces = (folder / _GRAPH).read_bytes(), Pieces.load(folder / _PIECES)
        return cls(graph=graph, pieces=pieces, temperature=temperature, **arrays)


@dataclass(frozen=True, slots=True)
class Word:
    """What is remembered of a word."""

    ids: Ids
    ends: bool  # a line or sentence, if no abbreviation stands before
    short: bool  # may be an abbreviation
    hints: bool  # may belong to somebody's name


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words that are read together."""

    ids: Ids
    firsts: tuple[int, ...]  # where the pieces of each word begin, behind `BEGIN`
    hints: bool  # whether any word may belong to somebody's name


class Network:
    """Says of each word of a text how likely each tag is."""

    def __init__(self, weights: Weights) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            weights.graph, options, providers=["CPUExecutionProvider"]
        )
        self._weights = weights
        self._words: dict[int, Word] = {}

    def probabilities(self, texts: Sequence[Words], spell: Spell) -> Floats:
        """A line for each word of all texts, in order, with the probability of each of `TAGS`.

        `spell` undoes the hashes. A sentence without any word that could belong to somebody's name is not looked at.
        """
        sentences: list[Sentence] = []
        for words, spaced in texts:
            known = [self._word(*one, spell) for one in zip(words.tolist(), spaced.tolist(), strict=True)]
            sentences += _sentences(known)
        # Texts that overlap have sentences in common.
        asked = sorted(
            {one.ids: one for one in sentences if one.hints}.values(), key=lambda one: len(one.ids)
        )
        said: dict[Ids, Floats] = {}
        for batch in _batches(asked):
            rows = self._said([one.ids for one in batch])
            said.update((one.ids, row[list(one.firsts)]) for one, row in zip(batch, rows, strict=True))
        chances = [
            said[one.ids] if one.hints else np.repeat(_NOTHING, len(one.firsts), axis=0) for one in sentences
        ]
        lines: Floats = np.concatenate(chances)
        return lines

    def trust(self, scores: Sequence[float]) -> Floats:
        """How likely names are right at both ends, of which the least likely tag has these probabilities."""
        trust = self._weights.trust
        trusted: Floats = np.interp(scores, np.linspace(0, 1, len(trust)), trust).astype(np.float32)
        return trusted

    def _word(self, word: int, spaced: bool, spell: Spell) -> Word:
        known = self._words.get(word ^ spaced)
        if known is None:
            text = spell(word)
            ids = self._weights.pieces.ids(SPACE + text if spaced and not text.isspace() else text)
            ends, short = ids[0] == END or text in _ENDS, len(text) <= SHORT and text.isalnum()
            known = Word(ids, ends, short, bool(self._weights.hints[ids[0]]))
            if len(self._words) >= REMEMBERED:
                self._words.clear()
            self._words[word ^ spaced] = known
        return known

    def _said(self, sentences: list[Ids]) -> Floats:
        """The probability of each tag for the pieces of sentences, the longest of which comes last."""
        pieces = np.full((len(sentences), len(sentences[-1]) + 2), PAD)
        for row, ids in enumerate(sentences):
            pieces[row, : len(ids) + 2] = (BEGIN, *ids, END)
        feeds = {"vectors": self._vectors(pieces), "mask": (pieces != PAD).astype(np.int32)}
        (logits,) = self._session.run(["logits"], feeds)
        powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / np.float32(self._weights.temperature))
        chances: Floats = powers / powers.sum(axis=-1, keepdims=True)
        return chances

    def _vectors(self, pieces: NDArray[np.int64]) -> Floats:
        """The vectors of pieces, each once looked up."""
        unique, at = np.unique(pieces, return_inverse=True)
        packed = self._weights.steps[unique]
        steps = np.empty((len(unique), 2 * packed.shape[1]), np.float32)
        steps[:, 0::2], steps[:, 1::2] = packed & 15, packed >> 4
        blocks = steps.reshape(len(unique), -1, BLOCK) - np.float32(8)
        blocks *= self._weights.scales[unique].astype(np.float32)[:, :, None]
        vectors: Floats = blocks.reshape(len(unique), -1)[at.reshape(pieces.shape)]
        return vectors


def _sentences(words: list[Word]) -> Iterator[Sentence]:
    """Sentences and lines, long ones cut."""
    ids: list[int] = []
    firsts: list[int] = []
    hints = after_short = False
    for word in words:
        if len(ids) + len(word.ids) > WINDOW:
            yield Sentence(tuple(ids), tuple(firsts), hints)
            ids, firsts, hints = [], [], False
        firsts.append(len(ids) + 1)
        ids += word.ids
        hints = hints or word.hints
        if word.ends and not after_short:
            yield Sentence(tuple(ids), tuple(firsts), hints)
            ids, firsts, hints = [], [], False
        after_short = word.short
    if ids:
        yield Sentence(tuple(ids), tuple(firsts), hints)


def _batches(sentences: list[Sentence]) -> Iterator[list[Sentence]]:
    """Sentences of about one length together; the later ones are no shorter."""
    batch: list[Sentence] = []
    for one in sentences:
        size = len(one.ids) + 2
        padding = len(batch) * (len(one.ids) - len(batch[-1].ids)) if batch else 0
        if batch and (padding > START or (len(batch) + 1) * size > BATCH):
            yield batch
            batch = []
        batch.append(one)
    if batch:
        yield batch
