"""Texts as numbers: what `prepare` writes and `train` reads, so that training itself handles no text.

A word is a place in one list of words; a text is a run of such places with a tag for each. Words know their pieces, and
which word each becomes in small letters, in capitals and without accents.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]

LABELS = ("PERSON", "LOCATION", "ORGANIZATION")
TAGS = ("O", *(f"{place}-{label}" for label in LABELS for place in "BILU"))
"""What the model says of a token: outside, or first, inner, last or only one of a name."""
SWAPPED = "other people"
"""At the end of the name of a group of corpus texts in which people go by other names."""


@dataclass(frozen=True, slots=True)
class Group:
    """Texts of one language and source, one after the other."""

    name: str  # "sl UD_Slovenian-SSJ"
    words: Integers
    tags: NDArray[np.int8]
    starts: NDArray[np.int64]  # of each text, and the end of the last

    def __len__(self) -> int:
        return len(self.starts) - 1


@dataclass(frozen=True, slots=True)
class Words:
    """All words, by their places: their pieces, and what noise makes of them."""

    pieces: Integers  # of all words, one after the other
    piece_starts: NDArray[np.int64]
    changed: Integers  # a line each: small letters, capitals, no accents
    kept: Integers  # the place of each piece among those of the encoder


def group(name: str, texts: Iterable[tuple[list[int], list[int]]]) -> Group:
    """A group of texts, each a list of words and one of tags."""
    words: list[int] = []
    tags: list[int] = []
    starts = [0]
    for its_words, its_tags in texts:
        words += its_words
        tags += its_tags
        starts.append(len(words))
    return Group(name, np.array(words, np.int32), np.array(tags, np.int8), np.array(starts, np.int64))


def write(path: Path, words: Words, groups: list[Group]) -> None:
    """Write one file, several hundred megabytes for millions of words."""
    arrays = {f"words\t{name}": getattr(words, name) for name in Words.__slots__}
    for one in groups:
        arrays |= {f"{one.name}\t{part}": getattr(one, part) for part in ("words", "tags", "starts")}
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez(file, **arrays)


def read(path: Path) -> tuple[Words, list[Group]]:
    """What `write` wrote."""
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    words = Words(**{name: arrays[f"words\t{name}"] for name in Words.__slots__})
    return words, list(_groups(arrays))


def _groups(arrays: dict[str, NDArray[np.generic]]) -> Iterator[Group]:
    for name in sorted({key.rpartition("\t")[0] for key in arrays} - {"words"}):
        words, tags, starts = (arrays[f"{name}\t{part}"] for part in ("words", "tags", "starts"))
        yield Group(name, words.astype(np.int32), tags.astype(np.int8), starts.astype(np.int64))
