"""Words to the pieces that the model of names knows: the likeliest way to put a word together from them.

The pieces and how likely each is are those of XLM-RoBERTa's unigram vocabulary, of which `training` keeps what occurs
in European languages. A piece that begins a word after a space carries the sign `SPACE`. Training and the gateway call
the same functions.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from spacy.tokens import Doc

SPACE = "\u2581"
BEGIN, PAD, END, UNKNOWN = range(4)
"""Places of pieces without letters: before a text, beside it, after it or a line; and for what no piece stands for."""
FIRST = 4
"""Place of the first piece that stands for letters."""
LONGEST = 40
"""Letters of a word that are looked at."""
MOST = 8
"""Pieces of a word that are looked at."""
_UNLIKELY = -10.0
"""By how much a letter that no piece has is less likely than the unlikeliest piece."""

Ids = tuple[int, ...]


class Pieces:
    """Takes words apart."""

    def __init__(self, pieces: Sequence[str], scores: Sequence[float]) -> None:
        """Know these pieces, the first four of which stand for no letters, with the logarithm of how likely each is."""
        self.pieces, self.scores = list(pieces), [float(one) for one in scores]
        self._known = {one: (place, self.scores[place]) for place, one in enumerate(pieces) if place >= FIRST}
        self._longest = max(map(len, self._known), default=1)
        self._otherwise = min(self.scores, default=0.0) + _UNLIKELY
        self._space = self._known.get(SPACE, (UNKNOWN, 0.0))[0]

    @classmethod
    def load(cls, path: Path) -> Pieces:
        """Read what `save` wrote. Raises OSError when it is not there."""
        rows = [line.rsplit("\t", 1) for line in path.read_text("utf-8").split("\n")[:-1]]
        return cls([piece for piece, _ in rows], [float(score) for _, score in rows])

    def save(self, path: Path) -> None:
        """Write a line for each piece."""
        rows = zip(self.pieces, self.scores, strict=True)
        path.write_text("".join(f"{piece}\t{score:.4f}\n" for piece, score in rows), "utf-8")

    def ids(self, word: str) -> Ids:
        """The places of a word's pieces, at least one and at most `MOST`; `word` is as `words` gives it."""
        if word.isspace():
            return (END,) if "\n" in word else (self._space,)
        if not word.isascii():
            word = unicodedata.normalize("NFKC", word)
        word = word[:LONGEST]
        size, known = len(word), self._known
        best = [0.0] + [-1e9] * size
        steps: list[tuple[int, int]] = [(0, UNKNOWN)] * (size + 1)
        for start in range(size):
            so_far = best[start]
            for end in range(start + 1, min(size, start + self._longest) + 1):
                piece = known.get(word[start:end])
                if piece is not None and so_far + piece[1] > best[end]:
                    best[end], steps[end] = so_far + piece[1], (start, piece[0])
            if so_far + self._otherwise > best[start + 1]:
                best[start + 1], steps[start + 1] = so_far + self._otherwise, (start, UNKNOWN)
        ids = []
        at = size
        while at:
            at, piece_id = steps[at]
            ids.append(piece_id)
        return tuple(ids[::-1][:MOST]) or (UNKNOWN,)


def words(doc: Doc) -> Iterator[str]:
    """The tokens of a text, those after a space or a line end with the sign for it; white space is itself."""
    spaced = True
    for token in doc:
        text = token.text
        blank = text.isspace()
        yield SPACE + text if spaced and not blank else text
        spaced = blank or bool(token.whitespace_)
