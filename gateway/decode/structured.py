"""JSON and JSON lines: every string, number and object key is a segment.

The standard library judges whether the text is JSON; an iterative scanner, which may then trust the syntax, finds
where its values lie. It runs first all the same, since it also bounds the depth that the judge recurses into.
"""

from __future__ import annotations

import json
import re

from gateway.decode.media import MediaType
from gateway.decode.reading import Found, Place, UnreadableError, below, shortened
from gateway.decode.tree import Node, Writing

_STRING = r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"'
_TOKEN = re.compile(_STRING + r"([ \t\r\n]*+:)?|(-?[0-9][0-9.eE+-]*+)|([][{},])|(\")", re.DOTALL)
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL
)
_SHORT = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_BLANK = " \t\r\n"


def _unescaped(token: str) -> str:
    if token[1] != "u" or len(token) < len("\\u0000"):
        # Too short an escape can only stand in a text that `_judge` has yet to refuse.
        return _SHORT.get(token[1], token[1])
    if len(token) == 12:
        high, low = int(token[2:6], 16), int(token[8:], 16)
        return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    code = int(token.removeprefix("\\u"), base=16)
    return "\ufffd" if 0xD800 <= code <= 0xDFFF else chr(code)


def escaped(text: str) -> str:
    """`text` as it stands between the quotes of a JSON string, in ASCII."""
    return json.dumps(text)[1:-1]


_ALLOWED = re.compile(_STRING[1:-1], re.DOTALL)
STRING = Writing(_ESCAPE, _unescaped, escaped, _ALLOWED, "\\")
NUMBER = Writing(_ESCAPE, _unescaped, escaped, _ALLOWED, "\\", finish=lambda raw: f'"{raw}"')
"""A number's token; edited, it becomes a string."""

_FEWEST_CODES = 8
_CODE_LIST = re.compile(r"[0-9]{1,3}(?:\s*,\s*[0-9]{1,3}){7,}")
_CODE = re.compile(
    r"(?:,\s*)?(?:(?:19[5-9]|2[01][0-9]|22[0-3])\s*,\s*(?:12[89]|1[3-8][0-9]|19[01])|[0-9]{1,3})\s*"
)


def _coded(token: str) -> str:
    codes = bytes(min(int(one), 0xFF) for one in re.findall("[0-9]+", token))
    try:
        return codes.decode()
    except UnicodeDecodeError:
        return codes.decode("latin-1")


CODES = Writing(
    _CODE,
    _coded,
    lambda text: "".join(f",{code}" for code in text.encode()),
    re.compile(r"[0-9,\s]*"),
    finish=lambda raw: raw.removeprefix(","),
)
"""The members of an array that are the numbers of characters, or of the bytes of a text."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def read_json(node: Node[str], media: MediaType, place: Place) -> None:
    """Read a text that is one JSON value."""
    start = 1 if node.content.startswith("\ufeff") else 0
    found = _scan(node.content, start, len(node.content), place.reading.limits.max_depth, place.kind("json"))
    _judge(node.content[start:] if start else node.content)
    place.leaves(node, found)


def read_json_lines(node: Node[str], media: MediaType, place: Place) -> None:
    """Read one JSON value a line, or one behind each record separator (RFC 7464); blank lines may stand between."""
    start, depth = (1 if node.content.startswith("\ufeff") else 0), place.reading.limits.max_depth
    prefix = place.kind("ndjson")
    rest = node.content[start:]
    for number, record in enumerate(re.split("(?=\x1e)" if rest[:1] == "\x1e" else r"(?<=\n)", rest)):
        if number >= place.reading.limits.max_segments:
            raise UnreadableError("too-many-parts")
        line = record.removeprefix("\x1e")
        start += len(record) - len(line)
        if line.strip(_BLANK):
            address = below(prefix, str(number))
            found = _scan(node.content, start, start + len(line), depth, address)
            _judge(line)
            place.leaves(node, found)
        start += len(line)


def is_json(text: str, max_depth: int) -> bool:
    """Whether an undeclared text is a JSON object or array and so to be read as one.

    Raises UnreadableError for one too deep: as plain text its escapes would hide what it says.
    """
    if text.lstrip(_BLANK + "\ufeff")[:1] not in ("{", "["):
        return False
    try:
        _scan(text, 0, len(text), max_depth, "")
        _judge(text.removeprefix("\ufeff"))
    except UnreadableError as error:
        if error.reason == "bad-syntax":
            return False
        raise
    return True


def are_json_lines(text: str, max_depth: int) -> bool:
    """Whether every line of an undeclared text that is not blank is a JSON object or array."""
    lines = text.removeprefix("\ufeff").split("\n")
    return lines[0][:1] in ("{", "[") and all(
        is_json(line, max_depth) for line in lines if line.strip(_BLANK)
    )


def _scan(text: str, start: int, end: int, max_depth: int, address: str) -> list[Found]:
    """The values and keys in `text[start:end]`, in order. Trusts the syntax; `_judge` must agree afterwards."""
    found: list[Found] = []
    add = found.append
    keys: dict[str, tuple[str, str]] = {}
    # One frame a container around the value: its address, its label, and the position in it (None in an object).
    frames: list[tuple[str, str, int | None]] = []
    array_began, array_found = 0, 0
    parent, parent_label, index = address, "", None
    here, label = address, ""
    for match in _TOKEN.finditer(text, start, end):
        group = match.lastindex
        if group == 2 or group == 1:
            if group == 1:
                add((match.span(1), STRING, here, label))
            else:
                raw = match[1]
                if raw not in keys:
                    key = shortened(STRING.decoded(raw))
                    keys[raw] = key, key.replace("~", "~0").replace("/", "~1")
                label, step = keys[raw]
                here = below(parent, step)
                add((match.span(1), STRING, here + "@key", parent_label))
        elif group == 3:
            add((match.span(3), NUMBER, here, label))
        elif group == 5:
            # A string without an end. Searching on behind it would take quadratic time.
            raise UnreadableError("bad-syntax")
        else:
            sign = match[4]
            if sign == ",":
                if index is not None:
                    index += 1
                    here = below(parent, str(index))
            elif sign in "{[":
                if len(frames) >= max_depth:
                    raise UnreadableError("too-deep")
                frames.append((parent, parent_label, index))
                parent, parent_label = here, label
                index = 0 if sign == "[" else None
                if index is not None:
                    here = below(parent, "0")
                    array_began, array_found = match.end(), len(found)
            elif not frames:
                raise UnreadableError("bad-syntax")
            else:
                if sign == "]" and len(found) - array_found >= _FEWEST_CODES and found[-1][1] is NUMBER:
                    span = _codes(text, array_began, match.start())
                    if span is not None:
                        found[array_found:] = [(span, CODES, parent, parent_label)]
                parent, parent_label, index = frames.pop()
                label = parent_label
    return found


def _codes(text: str, start: int, end: int) -> tuple[int, int] | None:
    """Where the members of an array of numbers stand, if these say words."""
    match = _CODE_LIST.match(text, start + len(text[start:end]) - len(text[start:end].lstrip()), end)
    if match is None or text[match.end() : end].strip():
        return None
    says = CODES.decoded(match[0])
    wordy = sum(sign.isalpha() for sign in says) >= len(says) // 2
    return match.span() if wordy and not _CONTROL.search(says) else None


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_JUDGE = json.JSONDecoder(parse_constant=_refuse_constant, parse_int=str, parse_float=str)


def _judge(text: str) -> None:
    try:
        _JUDGE.decode(text)
    except ValueError:
        raise UnreadableError("bad-syntax") from None
