"""Media types and charsets: what a body says it is, and the characters its bytes stand for."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*+)"|([^\s;"]*))')
_LABEL = re.compile(r"[A-Za-z0-9._:-]{1,40}")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# By name and not by what Python can look up: that has codecs which are no charset (hex, idna, unicode_escape), and
# utf-7 and iso-2022, whose meaning depends on state, so that an edit could change the text after it.
_CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("ascii", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
        *(f"iso8859-{number}" for number in range(1, 17) if number != 12),
        *(f"cp125{number}" for number in range(9)),
        *("koi8-r", "koi8-u", "mac-roman", "cp437", "cp850", "cp852", "cp866"),
        *("gb2312", "gbk", "gb18030", "big5", "shift_jis", "cp932", "euc-jp", "euc-kr"),
    )
)


@dataclass(frozen=True, slots=True)
class MediaType:
    """A parsed Content-Type; `name` is in lower case and empty where none was declared."""

    name: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def charset(self) -> str | None:
        """The declared charset as written."""
        return self.parameters.get("charset")


def parse_media_type(value: str) -> MediaType:
    """Parse a Content-Type value. The first of repeated parameters counts."""
    name, _, _ = value.partition(";")
    parameters: dict[str, str] = {}
    for match in _PARAMETER.finditer(value):
        quoted, plain = match[2], match[3]
        parameters.setdefault(
            match[1].lower(), plain if quoted is None else re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
        )
    return MediaType(name.strip().lower(), parameters)


def known_charset(label: str) -> str | None:
    """Python's name of a charset label; None for what is not accepted."""
    label = label.strip(" \"'")
    if not _LABEL.fullmatch(label):
        return None
    try:
        name = codecs.lookup(label).name
    except LookupError:
        return None
    return name if name in _CHARSETS else None


def charset_of(content: bytes, declared: str | None, within: str | None = None) -> str | None:
    """Name of the charset of `content`; None when it is unknown.

    A byte order mark beats the declaration, and that beats what the content says of itself (`within`), as
    RFC 7303 and the WHATWG encoding standard have it. With neither, UTF-16 and UTF-32 show by their zero bytes
    (RFC 4627, section 3), and everything else is UTF-8.
    """
    for mark, name in _BOMS:
        if content.startswith(mark):
            return name
    if declared is not None:
        name = known_charset(declared) or ""
        return {"utf-16": "utf-16-be", "utf-32": "utf-32-be"}.get(name, name) or None
    zeros = tuple(byte == 0 for byte in content[:4])
    if len(zeros) == 4 and any(zeros):
        return {
            (True, True, True, False): "utf-32-be",
            (False, True, True, True): "utf-32-le",
            (True, False, True, False): "utf-16-be",
            (False, True, False, True): "utf-16-le",
        }.get(zeros, "utf-8")
    return "utf-8" if within is None else known_charset(within)


def decode_charset(content: bytes, charset: str) -> str | None:
    """The characters of `content`, a byte order mark among them; None unless they lead back to the same bytes."""
    try:
        text = content.decode(charset)
        exact = charset == "utf-8" or text.encode(charset) == content
    except UnicodeError:
        return None
    return text if exact else None
