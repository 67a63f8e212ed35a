"""Text as recognizers want it: one character for each of the original's, so that every offset stays true."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_CAMEL = re.compile(r"(?<=[^\W\d_A-Z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)")
_NO_WORD = re.compile(r"[\W_]+")


class _Plain(dict[int, str]):
    """Digits, spaces, dashes and signs of all scripts become ASCII; all that is left beyond ASCII is letters."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        compatible = unicodedata.normalize("NFKC", sign)
        match unicodedata.category(sign):
            case "Nd":
                plain = str(unicodedata.decimal(sign))
            case "Zs":
                plain = " "
            case "Pd":
                plain = "-"
            case _ if len(compatible) == 1 and compatible.isascii():
                plain = compatible
            case _ if sign in "\u3002\uff61":
                plain = "."  # As in names of servers (RFC 3490, section 3.1).
            case _ if sign in "\u2018\u2019":
                plain = "'"
            case "Zl" | "Zp" | "Cc":
                plain = "\n" if code > 0x7F else sign
            case category if category[0] in "PS":
                plain = '"' if code > 0x7F else sign
            case _:
                plain = sign
        self[code] = plain
        return plain


class _Folded(dict[int, str]):
    """Small letters without accents: cues are compared so, since people leave accents out."""

    def __missing__(self, code: int) -> str:
        low = chr(code).lower()
        parts = unicodedata.normalize("NFKD", low)
        self[code] = folded = parts[0] if parts and all(map(unicodedata.combining, parts[1:])) else low[0]
        return folded


_PLAIN, _FOLDED = _Plain(), _Folded()


def plain(text: str) -> str:
    """`text` in which full-width digits, no-break spaces and the like are ASCII; as long as `text`."""
    return text if text.isascii() else text.translate(_PLAIN)


def folded(text: str) -> str:
    """`text` in small letters without accents; as long as `text`."""
    return text.lower() if text.isascii() else text.translate(_FOLDED)


@lru_cache(maxsize=4096)
def words_of(label: str) -> str:
    """A field name as folded words: `firstName`, `first_name` and `First-Name` all become `first name`."""
    return folded(_NO_WORD.sub(" ", _CAMEL.sub(" ", label)).strip())
