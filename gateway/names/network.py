"""The network behind the model of names, in numpy: a table of vectors, a window that slides over words, and tags.

A word's vector depends on the word alone and is remembered under spaCy's 64-bit hash of it, never under the word. All
numbers are single precision; on disk the table takes a byte a number and the rest half precision.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.names.features import bags

Floats = NDArray[np.float32]

LABELS = ("PERSON", "LOCATION", "ORGANIZATION")
TAGS = ("O", *(f"{place}-{label}" for label in LABELS for place in "BILU"))
"""Outside, or the first, an inner, the last or the only token of a name."""
STRIDES = (1, 1, 2, 4, 1)
"""How far each layer looks to both sides: a tag depends on nine words before and after."""
REMEMBERED = 30_000
"""Words whose vectors are remembered: some 20 MB. When there are more, all are forgotten."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learned."""

    table: NDArray[np.int8]  # a line a row of `features.bags`
    scales: Floats  # what one step of each line is worth
    mix: Floats
    mix_bias: Floats
    mix_norm: Floats  # factors, then shifts
    look: Floats  # a matrix each stride
    look_bias: Floats
    look_norm: Floats
    tag: Floats
    tag_bias: Floats
    temperature: Floats  # a single number: by it logits are divided to make probabilities true

    def save(self, path: Path) -> None:
        """Write the weights to one file."""
        arrays = {one.name: getattr(self, one.name) for one in fields(self)}
        halves = {
            name: array.astype(np.float16) if array.dtype == np.float32 else array
            for name, array in arrays.items()
        }
        with path.open("wb") as file:
            np.savez(file, **halves)

    @classmethod
    def load(cls, path: Path) -> Weights:
        """Read what `save` wrote. Raises OSError when it is not there."""
        with np.load(path, allow_pickle=False) as file:
            arrays = {one.name: file[one.name] for one in fields(cls)}
        return cls(
            **{
                name: array.astype(np.float32) if array.dtype == np.float16 else array
                for name, array in arrays.items()
            }
        )


class Network:
    """Says of each word of a text how likely each tag is."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._width = weights.mix_norm.shape[1]
        self._place_of: dict[int, int] = {}
        self._known = np.empty((REMEMBERED, self._width), np.float32)

    def probabilities(self, words: NDArray[np.uint64], text_of: NDArray[np.int64], spell: Spell) -> Floats:
        """A line for each word with the probability of each of `TAGS`.

        `words` are hashes, which `spell` undoes; `text_of` numbers the texts that the words are of, in order.
        """
        vectors = self._vectors(words, spell)
        weights = self._weights
        for layer, stride in enumerate(STRIDES):
            window = _window(vectors, text_of, stride)
            seen = _maxout(window @ weights.look[layer] + weights.look_bias[layer])
            vectors += _normed(seen, weights.look_norm[layer])
        logits = (vectors @ weights.tag + weights.tag_bias) / weights.temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances: Floats = powers / powers.sum(axis=1, keepdims=True)
        return chances

    def _vectors(self, words: NDArray[np.uint64], spell: Spell) -> Floats:
        unique, at = np.unique(words, return_inverse=True)
        hashes = unique.tolist()
        new = [one for one in hashes if one not in self._place_of]
        if len(self._place_of) + len(new) > REMEMBERED:
            self._place_of.clear()
            new = hashes
        if len(new) > REMEMBERED:
            return self._computed([spell(one) for one in hashes])[at]
        if new:
            first = len(self._place_of)
            self._known[first : first + len(new)] = self._computed([spell(one) for one in new])
            self._place_of.update(zip(new, range(first, first + len(new)), strict=True))
        return self._known[np.array([self._place_of[one] for one in hashes], np.intp)[at]]

    def _computed(self, words: list[str]) -> Floats:
        """The vectors of words, from their features."""
        weights = self._weights
        features = [bag for word in words for bag in bags(word)]
        sizes = np.array([len(bag) for bag in features])
        rows = np.array([row for bag in features for row in bag])
        numbers = weights.table[rows].astype(np.float32) * weights.scales[rows, None]
        sums = np.add.reduceat(numbers, np.cumsum(sizes) - sizes) / np.sqrt(sizes, dtype=np.float32)[:, None]
        mixed = sums.reshape(len(words), -1) @ weights.mix + weights.mix_bias
        return _normed(_maxout(mixed), weights.mix_norm)


Spell = Callable[[int], str]


def _window(vectors: Floats, text_of: NDArray[np.int64], stride: int) -> Floats:
    """Each word's vector between those of its neighbors, which are zero beyond the text."""
    count, width = vectors.shape
    window = np.zeros((count, 3 * width), np.float32)
    same = (text_of[stride:] == text_of[:-stride])[:, None]
    np.multiply(vectors[:-stride], same, out=window[stride:, :width])
    window[:, width : 2 * width] = vectors
    np.multiply(vectors[stride:], same, out=window[: max(count - stride, 0), 2 * width :])
    return window


def _maxout(values: Floats) -> Floats:
    half = values.shape[1] // 2
    return np.maximum(values[:, :half], values[:, half:])


def _normed(values: Floats, norm: Floats) -> Floats:
    values = values - values.mean(axis=1, keepdims=True)
    spread = np.sqrt(np.einsum("ij,ij->i", values, values)[:, None] / np.float32(values.shape[1]) + 1e-5)
    normed: Floats = values / spread.astype(np.float32) * norm[0] + norm[1]
    return normed
