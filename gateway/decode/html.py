"""HTML: a tolerant reading in which every character is in a segment, or is a tag's name and punctuation.

It builds no tree, since receivers build different ones from broken markup; a segment is called after the tag that
opened last. Tag and attribute names are segments once each.
"""

from __future__ import annotations

import re
from html import unescape
from html.entities import html5
from xml.sax.saxutils import escape

from gateway.decode.markup import INLINE
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, shortened
from gateway.decode.tree import READ_ONLY, Node, Writing

_TEXT = re.compile(r"(?:[^<]++|<(?![A-Za-z/!?]))++")
_DOCTYPE = re.compile(r"<!doctype\s+html\s*>", re.IGNORECASE)
_TAG = re.compile(r"</?([A-Za-z][^\s/>]*+)")
# A quote without its like runs to the end of the text, as the HTML standard has it.
_ATTRIBUTE = re.compile(
    r"[\s/]*+([^\s/>][^\s/>=]*+)"
    r"(?:\s*+=\s*+(?:\"([^\"]*+)(?:\"|\Z)|'([^']*+)(?:'|\Z)|([^\s>\"'][^\s>]*+)?))?"
)
_TAG_END = re.compile(r"[\s/]*+(>|\Z)")
_COMMENT = re.compile(r"<!--(?:-?>|(.*?)(?:--!?>|\Z))", re.DOTALL)
_LITERAL = ("script", "style", "xmp", "iframe", "noembed", "noframes", "plaintext")
_LITERAL_BUT_ENTITIES = ("textarea", "title")
_END_OF = {
    name: re.compile(rf"</{name}(?=[\s/>])|\Z", re.IGNORECASE) for name in (*_LITERAL, *_LITERAL_BUT_ENTITIES)
}


def _alternatives(words: list[str]) -> str:
    """A pattern of the words that takes the longest match and looks at each character once."""
    branches: dict[str, list[str]] = {}
    for word in words:
        if word:
            branches.setdefault(word[0], []).append(word[1:])
    inner = "|".join(re.escape(first) + _alternatives(rest) for first, rest in branches.items())
    return f"(?:{inner})" + ("?" if "" in words else "") if inner else ""


_TOKEN = re.compile(rf"&(?:#[0-9]+;?|#[xX][0-9A-Fa-f]+;?|{_alternatives(list(html5))})")
_LONGEST_REFERENCE = 16
_QUOTES = {'"': "&quot;", "'": "&#39;"}


def _character(token: str) -> str:
    if not token.startswith("&#"):
        return unescape(token)
    # Leading zeros may be thousands, which int() would refuse to read.
    digits = token[2:].rstrip(";")
    base = "x" if digits[0] in "xX" else ""
    number = digits.lstrip("xX").lstrip("0") or "0"
    return unescape(f"&#{base}{number};") if len(number) < _LONGEST_REFERENCE else "\ufffd"


def _escaped(text: str) -> str:
    return escape(text, _QUOTES)


TEXT = Writing(_TOKEN, _character, _escaped, re.compile(rf"(?:{_TEXT.pattern})?"), "&")
QUOTED = Writing(_TOKEN, _character, _escaped, re.compile(r"[^\"]*"), "&")
SINGLE_QUOTED = Writing(_TOKEN, _character, _escaped, re.compile(r"[^']*"), "&")
UNQUOTED = Writing(_TOKEN, _character, _escaped, re.compile(r"[^\"]*"), "&", lambda raw: f'"{raw}"')
LITERAL = Writing(allowed=re.compile(rf"(?:(?!</(?:{'|'.join(_END_OF)})|<!--).)*", re.DOTALL | re.IGNORECASE))
STYLE = Writing(
    re.compile(r"\\[0-9A-Fa-f]{1,6}[ \n]?"),
    lambda token: unescape(f"&#x{token[1:].strip()};") or "\ufffd",
    allowed=LITERAL.allowed,
    sign="\\",
)
"""A style sheet, with its escapes."""
COMMENT = Writing(allowed=re.compile(r"(?!-?>)(?:(?!--).)*(?<!-)", re.DOTALL))
DECLARATION = Writing(allowed=re.compile(r"[^>]*"))


def read_html(node: Node[str], media: MediaType, place: Place) -> None:
    """Read an HTML document or a piece of one."""
    _Tokenizer(node, place).read()


class _Tokenizer:
    def __init__(self, node: Node[str], place: Place) -> None:
        self._node, self._place, self._prefix = node, place, place.kind("html")
        self._names: set[str] = set()
        self._tag = ""
        # What follows each other with nothing but comments and inline elements between is one text.
        self._run: list[tuple[tuple[int, int], Writing]] = []
        self._run_tag = ""
        # Cells of a table are called by the heads of their columns.
        self._heads: dict[int, str] = {}
        self._column = -1

    def read(self) -> None:
        text, at = self._node.content, 1 if self._node.content.startswith("\ufeff") else 0
        while at < len(text):
            if match := _TEXT.match(text, at):
                self._run_tag = self._run_tag if self._run else self._tag
                self._run.append((match.span(), TEXT))
                at = match.end()
            elif match := _TAG.match(text, at):
                at = self._read_tag(match)
            elif match := _DOCTYPE.match(text, at):
                at = match.end()
            elif match := _COMMENT.match(text, at):
                if match[1]:
                    self._leaf(match.span(1), COMMENT, "!comment")
                at = match.end()
            else:
                end_at = text.find(">", at)
                end_at = len(text) if end_at < 0 else end_at
                self._leaf((at + 2, end_at), DECLARATION, "!declaration")
                at = end_at + 1
        self._end_run()
        self._node.parts.sort(key=lambda part: part.start)

    def _end_run(self) -> None:
        tag, run = self._run_tag, self._run
        label = self._heads.get(self._column, tag) if tag == "td" else tag
        if tag == "th" and run:
            words = "".join(writing.decoded(self._node.content[slice(*span)]) for span, writing in run)
            self._heads.setdefault(self._column, shortened(words.strip()))
        if len(run) > 1:
            self._place.pieces(self._node, run, f"{self._prefix}{tag}", label)
        elif run:
            self._place.leaf(self._node, *run[0], f"{self._prefix}{tag}", label)
        self._run = []

    def _count_cells(self, name: str, *, opens: bool) -> None:
        if name == "table":
            self._heads = {}
        if name in ("table", "tr"):
            self._column = -1
        elif name in ("td", "th") and opens:
            self._column += 1

    def _leaf(self, span: tuple[int, int], writing: Writing, suffix: str = "") -> None:
        self._place.leaf(self._node, span, writing, f"{self._prefix}{self._tag}{suffix}", self._tag)

    def _name(self, span: tuple[int, int], kind: str) -> str:
        name = shortened(self._node.content[slice(*span)].lower())
        if name not in self._names:
            self._names.add(name)
            self._place.leaf(self._node, span, READ_ONLY, f"{self._prefix}{name}@{kind}", f"{kind} name")
        return name

    def _read_tag(self, tag: re.Match[str]) -> int:
        text, at = self._node.content, tag.end()
        if tag[1].lower() not in INLINE["html"]:
            self._end_run()
        name = self._name(tag.span(1), "element")
        self._tag = name
        self._count_cells(name, opens=text[tag.start() + 1] != "/")
        while not (end := _TAG_END.match(text, at)):
            match = _ATTRIBUTE.match(text, at)
            assert match is not None
            attribute = self._name(match.span(1), "attribute")
            for group, writing in ((2, QUOTED), (3, SINGLE_QUOTED), (4, UNQUOTED)):
                if match[group]:
                    address = f"{self._prefix}{name}@{attribute}"
                    self._place.leaf(self._node, match.span(group), writing, address, attribute)
            at = match.end()
        at = end.end()
        if name in _END_OF and text[tag.start() + 1] != "/":
            stop = _END_OF[name].search(text, at)
            assert stop is not None
            writing = STYLE if name == "style" else LITERAL if name in _LITERAL else TEXT
            self._leaf((at, stop.start()), writing)
            at = stop.start()
        return at
