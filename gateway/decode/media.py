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
# iso-2022, whose meaning depends on state, so that an edit could change the text after it. UTF-7 has state, too, but
# ends it with each run, and what is not written as it would be written anew is not read at all.
_CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (
        *("ascii", "utf-7", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"),
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


_WESTERN = ("cp1252", "cp1250", "iso8859-2", "iso8859-1")
_OTHER_SCRIPTS = ("cp1251", "cp1253", "koi8-r", "iso8859-7", "iso8859-5", "cp866")
_GUESSED_FROM = 1 << 14
"""Bytes that are looked at to guess a charset."""
_ODD = re.compile(
    r"[^\W\d_][^\w\s!-~]+[^\W\d_]|[a-zß-ÿа-яα-ω][A-ZÀ-ÞА-ЯΑ-Ω]|[\x80-\x9f\u2500-\u259f]"
    r"|[£¥¯¤][^\W\d_]|[^\W\d_]{2}[³¹¿]|[œŸ](?![us])"
)
"""What words have in the wrong charset: signs or capitals inside, control signs, the frames of old consoles."""
_FOREIGN_WORD = re.compile(rb"(?<![A-Za-z\x80-\xff])[\x80-\xff]{3,}(?![A-Za-z\x80-\xff])")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
"""Signs that text does not have."""


def guessed_charset(content: bytes) -> str | None:
    """The likeliest charset of a content whose declaration is missing or untrue; None for what is hardly text.

    UTF-16 shows by zero bytes or by text that has none of the signs that texts lack; the others by words that look like
    words. A wrong guess among like charsets costs an accent, never a digit.
    """
    if decode_charset(content, "utf-8") is not None and not CONTROL.search(
        content.decode(), 0, _GUESSED_FROM
    ):
        return "utf-8"
    start = content[: _GUESSED_FROM - _GUESSED_FROM % 4]
    if len(content) % 2 == 0 and CONTROL.search(start.decode("latin-1")):
        for name in ("utf-16-le", "utf-16-be"):
            text = start.decode(name, "replace")
            plain = sum((sign.isalnum() and sign < "\u2000") or sign.isspace() for sign in text)
            if not CONTROL.search(text) and 2 * plain > len(text):
                return name
    if CONTROL.search(start.decode("latin-1")):
        return None
    high = sum(map(len, re.findall(rb"[\x80-\xff]+", start)))
    foreign = sum(map(len, _FOREIGN_WORD.findall(start)))
    names = _OTHER_SCRIPTS if 2 * foreign > high else _WESTERN
    read = [(name, decode_charset(content, name)) for name in names]
    oddities = [(len(_ODD.findall(text[:_GUESSED_FROM])), name) for name, text in read if text is not None]
    return min(oddities, key=lambda one: one[0])[1] if oddities else None


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


def is_forbidden(label: str) -> bool:
    """Whether a label names something that decodes, but is not accepted as a charset."""
    try:
        return codecs.lookup(label.strip(" \"'")).name not in _CHARSETS
    except (LookupError, ValueError):
        return False


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
