"""Values written apart: letters with spaces between them, addresses in words, identifiers broken over lines.

What is put together is read besides the text as it is, never instead of it, so that nothing is lost by a wrong guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.detect.normal import Normal

SHORTEST = 8
"""Characters of a text that is worth a look."""
_APART = re.compile(
    r"(?<!\S)\S(?: {1,3}\S){7,}(?![^\s,;!?.)])|(?<![^\W_])[^\W_](?:([.\-_/,;|*])[^\W_])(?:\1[^\W_]){6,}(?![^\W_])"
)
"""Eight letters and more, each by itself, with a space or the same sign between all of them."""
_BETWEEN = re.compile(r" +|[.\-_/,;|*]")
_AT = r"at|ät|arroba|chez|kukac|snabel-?a|malpa|małpa|zavináč|apenstaartje|chiocciola"
_DOT = r"dot|punkt|point|punto|ponto|punct|punt|piste|pont|kropka|tečka"
_IN_BRACKETS = re.compile(rf"\s*[(\[{{<]\s*(?:({_AT}|@)|{_DOT}|\.)\s*[)\]}}>]\s*", re.IGNORECASE)
_MOST_WORDS, _LONGEST_LOCAL_PART = 8, 128
"""Bounds of an address written apart: without them, a long text of signs alone would take very long."""
_IN_WORDS = re.compile(
    rf"(?<![\w.+-])[\w.+-]++(?: (?:{_DOT}) [\w+-]+){{0,{_MOST_WORDS}}}+ (?:{_AT}) [\w-]+"
    rf"(?: (?:{_DOT}) [\w-]+){{0,{_MOST_WORDS}}} (?:{_DOT}) [a-z]{{2,12}}(?![\w-])",
    re.IGNORECASE,
)
_WORD_FOR_SIGN = re.compile(rf" (?:({_AT})|{_DOT}) ", re.IGNORECASE)
_AROUND_SIGNS = re.compile(r"(?<=[^\W_])(?:\s+([@.])\s*|([@.])\s+)(?=[^\W_])")
_SERVER_APART = re.compile(r"[\w-]++(?: \. ?[\w-]++){1,8}")
_BROKEN_LINE = re.compile(
    r"(?<=[^\r\n]{50})=\r?\n(?=\S)|(?<=[^\W_]@)\r?\n(?=[^\W_])|(?<=[^\W_])\r?\n(?=@)"
    r"|(?<=[0-9][.\-/])\r?\n(?=[0-9])"
)
_BLANKS = r"[ \t\u00a0\u2000-\u200a\u202f]"
_GAP = rf"(?:{_BLANKS}{{1,3}}(?:(?:[-._/:]|\r?\n){_BLANKS}{{0,8}})?|(?:[-._/:]|\r?\n){_BLANKS}{{0,8}})"
"""What may stand between the groups of an account number: blanks, and a sign or the end of a line among them."""
_BROKEN_NUMBER = re.compile(
    r"(?<![^\W_])(?:[A-Za-z]{2}[0-9]{2}[0-9A-Za-z]{0,30}+(?:[ \r\n]{1,2}[0-9A-Za-z]{1,30}+){1,8}"
    r"|[0-9]{4}(?:[ -]?[0-9]{4}|\r?\n[0-9]{4}){3})(?![^\W_])"
)
_GROUPED = re.compile(
    rf"(?<![^\W_])(?:[A-Za-z]{{2}}[0-9]{{2}}(?:{_GAP}[0-9A-Za-z]{{1,8}}){{2,9}}"
    r"|[0-9]{4}(?: ?[-._/] ?[0-9]{4}){3})(?![^\W_])"
)
"""Account and card numbers whose groups stand between signs other than spaces."""
_SUM_OF_QUOTED = re.compile(r"(?<=[\w@.+-])(['\"`])\s*(?:\+|\.|&|\|\|)\s*\1(?=[\w@.+-])")
"""The seam of two quoted texts that a program puts together."""
_CARET = re.compile(r"(?<=[^\W\d_])\^{1,3}(?=[^\W\d_])")
_SUSPECT = re.compile(
    rf"(?:\S[ .\-_/,;|*]{{1,3}}){{7}}\S|[(\[{{<]\s*(?:{_AT}|{_DOT}|[@.])\s*[)\]}}>]| (?:{_DOT}) |\s@|@\s"
    r"|[0-9=.@/-]\r?\n|\n@"
    r"|[A-Za-z]{2}[0-9]{2}[-._/:\s]|[0-9]{4} ?[-._/] ?[0-9]{4}|['\"`]\s*[+&.|]{1,2}\s*['\"`]|[^\W\d_]\^",
    re.IGNORECASE,
)
"""Any of what follows. Most texts have none of it."""

_Cut = tuple[int, int, str]
"""A stretch and the sign, or nothing, that stands for it."""


def _letters_apart(text: str) -> Iterator[_Cut]:
    for match in _APART.finditer(text):
        for between in _BETWEEN.finditer(text, match.start() + 1, match.end() - 1):
            # A sign that is itself one of the letters, as a dot between spaces is, stands.
            if match[1] is None and between[0][0] != " ":
                continue
            if match[1] is not None and between[0] != match[1]:
                continue
            yield *between.span(), " " if len(between[0]) > 1 else ""


def _signs_in_words(text: str) -> Iterator[_Cut]:
    for match in _IN_BRACKETS.finditer(text):
        yield *match.span(), "@" if match[1] else "."


def _signs_as_words(text: str) -> Iterator[_Cut]:
    for match in _IN_WORDS.finditer(text):
        for word in _WORD_FOR_SIGN.finditer(match[0]):
            start = match.start() + word.start()
            yield start, start + len(word[0]), "@" if word[1] else "."


def _spaces_around_signs(text: str) -> Iterator[_Cut]:
    # Only around a sign of an address; elsewhere a dot and a space end a sentence.
    for at in re.finditer(r"(?<=[^\W_])\s*@\s*(?=[^\W_])", text):
        start = max(text.rfind("\n", 0, at.start()) + 1, at.start() - _LONGEST_LOCAL_PART)
        before = re.search(r"[\w+-]+(?: \. ?[\w+-]+)*\s*\Z", text[start : at.start()])
        for match in _AROUND_SIGNS.finditer(
            text, start + before.start() if before else at.start(), at.start()
        ):
            yield *match.span(), match[1] or match[2]
        if len(at[0]) > 1:
            yield *at.span(), "@"
        after = _SERVER_APART.match(text, at.end())
        if after:
            for match in _AROUND_SIGNS.finditer(text, at.end(), after.end()):
                yield *match.span(), match[1] or match[2]


def _lines(text: str) -> Iterator[_Cut]:
    for match in _BROKEN_LINE.finditer(text):
        yield *match.span(), ""


def _sums(text: str) -> Iterator[_Cut]:
    for match in _SUM_OF_QUOTED.finditer(text):
        yield *match.span(), ""


def _carets(text: str) -> Iterator[_Cut]:
    # As names are written in medicine: family^given^middle.
    for match in _CARET.finditer(text):
        yield *match.span(), " "


def _numbers(text: str) -> Iterator[_Cut]:
    for match in _BROKEN_NUMBER.finditer(text):
        for line in re.finditer(r"\r?\n", match[0]):
            yield match.start() + line.start(), match.start() + line.end(), " "
    for match in _GROUPED.finditer(text):
        for sign in re.finditer(r"[^0-9A-Za-z]+", match[0]):
            yield match.start() + sign.start(), match.start() + sign.end(), " "


_STEPS = (
    _lines,
    _sums,
    _carets,
    _numbers,
    _letters_apart,
    _signs_in_words,
    _signs_as_words,
    _spaces_around_signs,
)


def together(text: str) -> Normal | None:
    """The text with what is written apart put together; None where nothing is, as in most texts."""
    if len(text) < SHORTEST or not _SUSPECT.search(text):
        return None
    places: Sequence[int] | None = None
    for step in _STEPS:
        cuts = sorted(set(step(text)))
        if not cuts:
            continue
        pieces: list[str] = []
        moved: list[int] = []
        at = 0
        for start, end, sign in cuts:
            if start < at:
                continue
            pieces += (text[at:start], sign)
            moved.extend(range(at, start))
            if sign:
                moved.append(start)
            at = end
        pieces.append(text[at:])
        moved.extend(range(at, len(text) + 1))
        text = "".join(pieces)
        places = moved if places is None else [places[place] for place in moved]
    return None if places is None else Normal(text, tuple(places))
