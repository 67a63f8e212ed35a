"""What the model of names sees of a word: places in its table of vectors, by hash, and nothing else.

A word is three bags of features: its forms, its ends and outline, and the letters it is made of. The last two say much
of a word never seen before, such as a family name in the dative. Training and the gateway call the same function.
"""

from __future__ import annotations

import re
import unicodedata
from zlib import crc32

FORM_ROWS, EDGE_ROWS, PIECE_ROWS = 49_152, 16_384, 65_536
"""Rows of the table that each bag's features are spread over, one after the other."""
ROWS = FORM_ROWS + EDGE_ROWS + PIECE_ROWS
LONGEST = 24
"""Letters of a word that are looked at; of a longer one the first and last half as many."""

_DIGIT = re.compile(r"\d")
_PLAIN = str.maketrans("łøđħıßæðþœ", "lodhisadto")

Bags = tuple[list[int], list[int], list[int]]


def bags(word: str) -> Bags:
    """The rows of a word's forms, edges and pieces; no bag is empty, and none holds more than 80 rows."""
    if not word.isascii():
        word = unicodedata.normalize("NFC", word)
    if len(word) > LONGEST:
        word = word[: LONGEST // 2] + word[-LONGEST // 2 :]
    outline = _outline(word)
    form = _DIGIT.sub("0", word.lower())
    forms = [f"w{form}", f"c{outline[:2]}{form}", f"b{_bare(form)}"]
    edges = [f"p{size}{form[:size]}" for size in (1, 2, 3, 4)]
    edges += [f"s{size}{form[-size:]}" for size in (1, 2, 3, 4, 5)]
    edges += [f"o{outline}", f"l{min(len(word), 12)}"]
    fenced = f"<{form}>"
    pieces = [fenced[at : at + size] for size in (3, 4, 5) for at in range(len(fenced) - size + 1)]
    return (
        [_row(one, FORM_ROWS) for one in forms],
        [FORM_ROWS + _row(one, EDGE_ROWS) for one in edges],
        [FORM_ROWS + EDGE_ROWS + _row(one, PIECE_ROWS) for one in pieces],
    )


def _row(feature: str, rows: int) -> int:
    return crc32(feature.encode("utf-8", "surrogatepass")) % rows


def _bare(form: str) -> str:
    """The form in bare letters: "łuczák" becomes "luczak"."""
    if form.isascii():
        return form
    apart = unicodedata.normalize("NFD", form.translate(_PLAIN))
    return "".join(one for one in apart if not unicodedata.combining(one))


def _outline(word: str) -> str:
    """Capitals as X, small letters as x, digits as d, all else as it is; of a run three at most."""
    outline = ""
    for one in word:
        kind = "d" if one.isdigit() else "X" if one.isupper() else "x" if one.isalpha() else one
        if outline[-3:] != kind * 3:
            outline += kind
    return outline
