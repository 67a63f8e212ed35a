"""vCard and iCalendar: values and parameters of every line, unfolded and unescaped (RFC 6350, 5545; vCard 2.1)."""

from __future__ import annotations

import re

from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError, below, shortened
from gateway.decode.tree import READ_ONLY, Node, Writing
from gateway.decode.urls import PERCENT

_LINE = re.compile(
    r"(?:(?:[A-Za-z0-9-]|\r?\n[ \t])+\.)?([A-Za-z0-9-]+)((?:\r?\n[ \t]|[;=,](?:\"[^\"]*+\"|[^\";:=,\r\n]*+))*+):"
    r"([^\r\n]*+(?:\r?\n[ \t][^\r\n]*+)*+)"
)
_SOFT = re.compile(r"(?:[^\r\n]*=\r?\n)*+[^\r\n]*+")
_PARAMETER = re.compile(r"[;,](?:([\w-]+)=)?(?:\"([^\"]*+)\"|([^\";:,]*+))")
_COMPONENT = re.compile(r"(?:[^;\\\r\n]++|\\.|\r?\n[ \t])+", re.DOTALL)
_BEGINS = re.compile(r"\ufeff?\s*BEGIN:(?:VCARD|VCALENDAR)\b", re.IGNORECASE)
_QUOTED_PRINTABLE = re.compile(r";(?:ENCODING=)?QUOTED-PRINTABLE\b", re.IGNORECASE)
_ESCAPE = re.compile(r"\r?\n[ \t]|\\[nN,;:\\\"]")
_STRUCTURED = {
    "N": ("last name", "first name", "middle name", "prefix", "suffix"),
    "ADR": ("address",) * 7,
}
"""Properties whose value has parts, and what these are called."""
_LABELS = {
    "FN": "full name",
    "CN": "full name",
    "TEL": "phone",
    "BDAY": "date of birth",
    "NICKNAME": "first name",
}
_HOW_TO_READ = re.compile(r"(?:QUOTED-PRINTABLE|BASE64|[78]BIT|B)", re.IGNORECASE)
"""Parameters without a name, in cards of version 2.1, that say how the value is to be read."""
_FOLDS = {"\\n": "\n", "\\N": "\n"}


def _character(token: str) -> str:
    return "" if token[-1] in " \t" else _FOLDS.get(token, token[1:])


def _escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text.replace("\r\n", "\n")).replace("\n", "\\n")


VALUE = Writing(_ESCAPE, _character, _escaped, re.compile(r"(?:[^\r\n]|\r?\n[ \t])*"))
PARAMETER = Writing(
    re.compile(r"\r?\n[ \t]"), lambda _: "", allowed=re.compile(r"(?:[^\r\n\";:]|\r?\n[ \t])*")
)
QUOTED = Writing(re.compile(r"\r?\n[ \t]"), lambda _: "", allowed=re.compile(r"(?:[^\r\n\"]|\r?\n[ \t])*"))


def _printable(token: str) -> str:
    return "" if token[-1] == "\n" else PERCENT.read(token.replace("=", "%"))


def _as_printable(text: str) -> str:
    return PERCENT.write(text).replace("%", "=")


assert PERCENT.token is not None
PRINTABLE = Writing(
    re.compile(PERCENT.token.pattern.replace("%", "=") + r"|=\r?\n"),
    _printable,
    _as_printable,
    re.compile(r"(?:[^\r\n]|=\r?\n)*"),
    "=",
)
"""Quoted-printable, as in vCard 2.1."""


def looks_like_card(text: str, place: Place) -> bool:
    """Whether an undeclared text begins as a card or calendar does."""
    return _BEGINS.match(text) is not None


def read_card(node: Node[str], media: MediaType, place: Place) -> None:
    """Read a card or calendar, or several in a row."""
    text, prefix = node.content, place.kind("card")
    at = 1 if text.startswith("\ufeff") else 0
    while at < len(text):
        if text[at] in "\r\n":
            at += 1
            continue
        match = _LINE.match(text, at)
        if match is None:
            raise UnreadableError("bad-syntax")
        name = match[1].upper()
        here = below(prefix, shortened(name.lower()))
        _read_parameters(node, match.span(2), place, here)
        at = match.end()
        if _QUOTED_PRINTABLE.search(match[2]):
            soft = _SOFT.match(text, match.start(3))
            assert soft is not None
            at = soft.end()
            place.leaf(node, soft.span(), PRINTABLE, here, _LABELS.get(name, name.lower()))
        elif name in _STRUCTURED:
            labels = _STRUCTURED[name]
            for component in _COMPONENT.finditer(text, *match.span(3)):
                number = text.count(";", match.start(3), component.start())
                place.leaf(node, component.span(), VALUE, here, labels[min(number, len(labels) - 1)])
        elif name not in ("BEGIN", "END", "VERSION"):
            place.leaf(node, match.span(3), VALUE, here, _LABELS.get(name, name.lower()))
        else:
            place.leaf(node, match.span(3), READ_ONLY, here)


def _read_parameters(node: Node[str], span: tuple[int, int], place: Place, address: str) -> None:
    name = ""
    for match in _PARAMETER.finditer(node.content, *span):
        name = match[1] or name
        group, writing = (2, QUOTED) if match[2] is not None else (3, PARAMETER)
        if name.upper() in ("ENCODING", "CHARSET") or _HOW_TO_READ.fullmatch(match[group]):
            writing = READ_ONLY
        label = _LABELS.get(name.upper(), name.lower())
        place.leaf(node, match.span(group), writing, f"{address}@{shortened(name.lower())}", label)
