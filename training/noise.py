"""How people really type: words in small letters, in capitals, and without their accents."""

import unicodedata

SHARES = (0.06, 0.08, 0.08)
"""Share of texts that each of `CHANGES` befalls."""
_ODD = str.maketrans("łŁøØđĐħĦıßæÆ", "lLoOdDhHisaA")


def small(word: str) -> str:
    """The word in small letters."""
    return word.lower()


def capital(word: str) -> str:
    """The word in capitals."""
    return word.upper()


def bare(word: str) -> str:
    """The word in bare letters: "Łuczák" becomes "Luczak"."""
    if word.isascii():
        return word
    return "".join(unicodedata.normalize("NFD", one)[0] for one in word).translate(_ODD)


CHANGES = (small, capital, bare)
