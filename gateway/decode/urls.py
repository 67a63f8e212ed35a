"""Request targets, forms and cookies: names and values written with percent signs."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus

from gateway.decode.media import MediaType
from gateway.decode.reading import Place, shortened
from gateway.decode.tree import Node, Writing

_FOLLOWING = "%[89ABab][0-9A-Fa-f]"
_PERCENT = (
    rf"%[Ff][0-4](?:{_FOLLOWING}){{3}}|%[Ee][0-9A-Fa-f](?:{_FOLLOWING}){{2}}"
    rf"|%(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f]){_FOLLOWING}|%[0-9A-Fa-f]{{2}}"
)
_TARGET = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+.-]*+://(?:([^/?#]*)@)?[^/?#@]*+)?([^?#]*+)(?:\?([^#]*+))?(?:\#(.*))?", re.DOTALL
)


def _character(escape: str) -> str:
    if escape == "+":
        return " "
    octets = bytes.fromhex(escape.replace("%", ""))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        # Not UTF-8: older software sends Latin-1, and as that a name is still a name.
        return octets.decode("latin-1")


PERCENT = Writing(re.compile(_PERCENT), _character, lambda text: quote(text, safe=""), sign="%")
"""A path segment, cookie or address in a header. Percent signs that begin no escape stand for themselves."""
FORM = Writing(re.compile(_PERCENT + r"|\+"), _character, quote_plus)
"""A name or value of a query or form."""


def read_target(node: Node[str], place: Place) -> None:
    """Read a request target in origin, absolute or asterisk form. Its host is the destination, and no segment."""
    match = _TARGET.fullmatch(node.content)
    assert match is not None
    if match[1]:
        place.leaf(node, match.span(1), PERCENT, "target:userinfo")
    start = match.start(2)
    steps = match[2].split("/")
    for number, step in enumerate(steps if steps[0] else steps[1:], 1):
        start += 1 if number > 1 or not steps[0] else 0
        place.leaf(node, (start, start + len(step)), PERCENT, f"path:{number}")
        start += len(step)
    if match[3]:
        _read_pairs(node, match.span(3), place, "query:")
    if match[4]:
        place.leaf(node, match.span(4), PERCENT, "target:fragment")


def read_form(node: Node[str], media: MediaType, place: Place) -> None:
    """Read `application/x-www-form-urlencoded`."""
    _read_pairs(node, (0, len(node.content)), place, place.kind("form"))


def read_cookies(node: Node[str], place: Place) -> None:
    """Read a Cookie header's value."""
    _read_pairs(node, (0, len(node.content)), place, "cookie:", ";", PERCENT)


def _read_pairs(
    node: Node[str],
    span: tuple[int, int],
    place: Place,
    prefix: str,
    separator: str = "&",
    writing: Writing = FORM,
) -> None:
    start, end = span
    for pair in node.content[start:end].split(separator):
        after = start + len(pair)
        middle = node.content.find("=", start, after)
        name_end = after if middle < 0 else middle
        name_start = start + len(pair) - len(pair.lstrip(" ")) if separator == ";" else start
        name = shortened(writing.decoded(node.content[name_start:name_end]))
        place.leaf(node, (name_start, name_end), writing, f"{prefix}{name}@name")
        if middle >= 0:
            place.leaf(node, (middle + 1, after), writing, f"{prefix}{name}", name)
        start = after + 1
