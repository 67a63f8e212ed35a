"""The network behind the model of names: a small transformer that says of each word of a text how likely each tag is.

It is run by onnxruntime on one core, in stages: a sentence of whose every word a stage is sure goes no further. Vectors
of pieces lie in a table with four bits a number, and are looked up here. Words are remembered with their pieces under
spaCy's 64-bit hash of them, never under the word.
"""

from __future__ import annotations

import hashlib
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
PERSON = slice(1, 5)
"""The tags of a person."""
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

_STAGE, _TABLE, _PIECES = "stage-{}.onnx", "table.npz", "pieces.txt"
_ARRAYS = ("steps", "scales", "hints", "plain", "trust", "temperatures", "enough")
_ENDS = frozenset(".!?…")
_NOTHING = np.eye(1, len(TAGS), dtype=np.float32)

Spell = Callable[[int], str]
Words = tuple[NDArray[np.uint64], NDArray[np.bool_]]
"""Hashes of a text's words, and whether a space stands before each."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned, as it lies on disk."""

    stages: tuple[bytes, ...]  # ONNX models: states and mask in, states and logits of `TAGS` out
    steps: NDArray[np.uint8]  # a line a piece, two numbers from -8 to 7 a byte, the first in the low half
    scales: NDArray[np.float16]  # what a step of each block of a line is worth
    pieces: Pieces
    temperatures: Floats  # by these each stage's logits are divided to make probabilities true
    enough: Floats  # sureness of each word from which each stage but the last ends a sentence
    hints: NDArray[np.bool_]  # of each piece, whether a word of somebody's name may begin with it
    plain: NDArray[np.uint64]  # hashes of words that begin like names and are none, in order
    trust: Floats  # how likely names are right whose least likely tag has probabilities from 0 to 1, in equal steps

    def save(self, folder: Path) -> None:
        """Write two files, and one for each stage."""
        for at, stage in enumerate(self.stages, 1):
            (folder / _STAGE.format(at)).write_bytes(stage)
        with (folder / _TABLE).open("wb") as file:
            np.savez(file, **{name: getattr(self, name) for name in _ARRAYS})
        self.pieces.save(folder / _PIECES)

    @classmethod
    def load(cls, folder: Path) -> Weights:
        """Read what `save` wrote. Raises OSError when it is not there."""
        with np.load(folder / _TABLE, allow_pickle=False) as file:
            arrays = {name: file[name] for name in _ARRAYS}
        stages = tuple(
            (folder / _STAGE.format(at + 1)).read_bytes() for at in range(len(arrays["temperatures"]))
        )
        return cls(stages=stages, pieces=Pieces.load(folder / _PIECES), **arrays)


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
    firsts: list[int]  # where the pieces of each word begin, behind `BEGIN`
    hints: bool  # whether any word may belong to somebody's name


class Network:
    """Says of each word of a text how likely each tag is."""

    def __init__(self, weights: Weights) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._stages = [
            # Its one operator for "add, then norm" takes twice as long as the two it replaces.
            onnxruntime.InferenceSession(
                stage,
                options,
                providers=["CPUExecutionProvider"],
                disabled_optimizers=["SkipLayerNormFusion"],
            )
            for stage in weights.stages
        ]
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
            said.update(zip((one.ids for one in batch), self._said(batch), strict=True))
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
            known = Word(ids, ends, short, bool(self._weights.hints[ids[0]]) and not self._is_plain(ids))
            if len(self._words) >= REMEMBERED:
                self._words.clear()
            self._words[word ^ spaced] = known
        return known

    def _is_plain(self, ids: Ids) -> bool:
        """Whether the word of these pieces is known, and hardly ever part of a name."""
        plain, own = self._weights.plain, hash_of(ids)
        at = int(np.searchsorted(plain, own))
        return at < len(plain) and plain[at] == own

    def _said(self, sentences: list[Sentence]) -> list[Floats]:
        """The probability of each tag for the words of sentences, the longest of which comes last."""
        pieces = np.full((len(sentences), len(sentences[-1].ids) + 2), PAD)
        for row, one in enumerate(sentences):
            pieces[row, : len(one.ids) + 2] = (BEGIN, *one.ids, END)
        states, mask = self._vectors(pieces), (pieces != PAD).astype(np.int32)
        said: list[Floats] = [_NOTHING] * len(sentences)
        left = list(range(len(sentences)))
        for at, stage in enumerate(self._stages):
            logits, *more = stage.run(None, {"states": states, "mask": mask})
            powers = np.exp((logits - logits.max(axis=-1, keepdims=True)) / self._weights.temperatures[at])
            chances = powers / powers.sum(axis=-1, keepdims=True)
            goes_on = []
            for row, place in enumerate(left):
                said[place] = chances[row, sentences[place].firsts]
                if more and sureness(said[place]).min() < self._weights.enough[at]:
                    goes_on.append(row)
            if not goes_on:
                break
            states, mask, left = more[0][goes_on], mask[goes_on], [left[row] for row in goes_on]
        return said

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


def hash_of(ids: Sequence[int]) -> np.uint64:
    """What `Weights.plain` knows a word's pieces by; among 100,000 words it takes one in 10^14 for another."""
    pieces = np.asarray(ids, "<u4").tobytes()
    return np.uint64(int.from_bytes(hashlib.blake2b(pieces, digest_size=8).digest()))


def sureness(chances: Floats) -> Floats:
    """How sure it is of each word which part of a person's name it is, or that it is none."""
    sure: Floats = np.maximum(chances.max(axis=1), 1 - chances[:, PERSON].sum(axis=1))
    return sure


def _sentences(words: list[Word]) -> Iterator[Sentence]:
    """Sentences and lines, long ones cut."""
    ids: list[int] = []
    firsts: list[int] = []
    hints = after_short = False
    for word in words:
        if len(ids) + len(word.ids) > WINDOW:
            yield Sentence(tuple(ids), firsts, hints)
            ids, firsts, hints = [], [], False
        firsts.append(len(ids) + 1)
        ids += word.ids
        hints = hints or word.hints
        if word.ends and not after_short:
            yield Sentence(tuple(ids), firsts, hints)
            ids, firsts, hints = [], [], False
        after_short = word.short
    if ids:
        yield Sentence(tuple(ids), firsts, hints)


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
