"""RTF: text between control words, in its escapes, together across changes of looks; other words are let be.

Source: Rich Text Format specification 1.9.1.
"""

from __future__ import annotations

import re
from functools import partial

from gateway.decode.media import MediaType, known_charset
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import READ_ONLY, Nested, Node, Writing

_TOKEN = re.compile(
    r"\\u(?P<code>-?[0-9]{1,6}) ?(?P<instead>\\'[0-9A-Fa-f]{2}|[^\\{}\r\n])?"
    r"|\\'(?P<hex>[0-9A-Fa-f]{2})|\\(?P<word>[A-Za-z]+)(?P<number>-?[0-9]{1,10})? ?|\\(?P<sign>[^A-Za-z0-9'])"
    r"|(?P<open>\{)|(?P<close>\})|(?P<line>[\r\n]+)|(?P<text>[^\\{}\r\n]+)",
    re.DOTALL,
)
_SIGNS = {
    "tab": "\t",
    "line": "\n",
    "emdash": "—",
    "endash": "–",
    "lquote": "‘",
    "rquote": "’",
    "bullet": "•",
}
_ENDS = frozenset({"par", "cell", "row", "sect", "page", "nestcell"})
_ABOUT = dict.fromkeys(("fonttbl", "stylesheet", "listtable", "generator"), "element name") | {
    **{word: word for word in ("title", "subject", "operator", "manager", "company", "category", "keywords")},
    "author": "name",
    "doccomm": "comment",
    "atnauthor": "name",
    "annotation": "note",
    "header": "header",
    "footer": "footer",
    "footnote": "footnote",
    "fldinst": "field",
    "fldrslt": "text",
    "userprops": "property",
}
"""Words that begin a text of its own, and its label."""
_CODE_PAGE = re.compile(r"\\ansicpg([0-9]{3,5})")
_LONGEST_HEX = 64


def read_rtf(whole: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a document. What is in binary is unread, and so are pictures and objects in hexadecimal digits."""
    node = Node(whole.content.decode("latin-1"))
    whole.parts.append(Nested(0, len(whole.content), node, partial(str.encode, encoding="latin-1")))
    text = node.content
    page = _CODE_PAGE.search(text)
    charset = known_charset(f"cp{page[1]}" if page else "cp1252") or "cp1252"
    escapes = _Escapes(charset)
    prefix, depth, at, number = place.kind("rtf"), 0, 0, 1
    pieces: list[tuple[tuple[int, int], Writing]] = []
    labels = [""]
    """By group: what it is about."""

    def flush() -> None:
        nonlocal pieces, number
        if pieces:
            place.pieces(node, pieces, f"{prefix}/{number}", labels[-1])
            pieces, number = [], number + 1

    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise UnreadableError("bad-syntax")
        at = match.end()
        word = match["word"]
        if match["open"]:
            depth += 1
            labels.append(labels[-1])
            if depth > place.reading.limits.max_depth:
                raise UnreadableError("too-deep")
        elif match["close"]:
            depth -= 1
            if depth < 0:
                raise UnreadableError("bad-syntax")
            if labels[-1] != labels[-2]:
                flush()
            labels.pop()
            if depth == 0:
                break
        elif match["text"]:
            if re.fullmatch(r"[0-9A-Fa-f]+", match["text"]) and len(match["text"]) > _LONGEST_HEX:
                # A picture or an embedded object, in hexadecimal digits.
                raise UnreadableError("pixels")
            pieces.append((match.span(), escapes.text))
        elif match["hex"] or match["code"] or ((match["sign"] or "") in "\\{}~_-" and match["sign"]):
            pieces.append((match.span(), escapes.one))
        elif word == "bin":
            raise UnreadableError("unknown-media-type")
        elif word in _SIGNS:
            pieces.append((match.span(), escapes.one))
        elif word in _ENDS:
            flush()
        elif word in _ABOUT:
            flush()
            labels[-1] = _ABOUT[word]
    flush()
    if depth:
        raise UnreadableError("truncated")
    if text[at:].strip("\0\r\n \t"):
        place.leaf(node, (at, len(text)), READ_ONLY, f"{prefix}@behind")


class _Escapes:
    """How characters are written in a document of one code page."""

    def __init__(self, charset: str) -> None:
        self._charset = charset
        plain = re.compile(r"(?:[^\\{}\r\n]|\\[\\{}]|\\u-?[0-9]+ ?\?)*")
        self.text = Writing(write=self._write, allowed=plain, token=re.compile(r"(?!)"))
        whole = re.compile(r".+", re.DOTALL)
        self.one = Writing(whole, self._read, self._write, None)

    def _read(self, token: str) -> str:
        match = _TOKEN.fullmatch(token)
        if match is None:
            return "".join(self._read(one[0]) for one in _TOKEN.finditer(token))
        if match["hex"]:
            return bytes.fromhex(match["hex"]).decode(self._charset, "replace")
        if match["code"]:
            return chr(int(match["code"]) % 65536)
        if match["word"]:
            return _SIGNS.get(match["word"], "")
        return {"~": "\u00a0", "_": "-", "-": "\u00ad"}.get(
            match["sign"] or "", match["sign"] or match["text"] or ""
        )

    def _write(self, text: str) -> str:
        return "".join(self._written(sign) for sign in text)

    @staticmethod
    def _written(sign: str) -> str:
        if sign in "\\{}":
            return "\\" + sign
        if " " <= sign <= "~":
            return sign
        units = sign.encode("utf-16-le")
        codes = (int.from_bytes(units[at : at + 2], "little", signed=True) for at in range(0, len(units), 2))
        return "".join(f"\\u{code}?" for code in codes)
