"""YAML: scalars of every style as what they say, called by their keys, and all that stands between them as text.

A parser finds the scalars. Where what it says of one is not what its characters are read as here, and in documents
that it refuses or that are too long for it, the text is read as it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
)

from gateway.decode.media import MediaType
from gateway.decode.reading import Found, Place, UnreadableError, below, shortened
from gateway.decode.tree import READ_ONLY, Node, Writing

LONGEST = 1 << 18
"""Characters of a document that the parser, which is slow, is asked about."""
_FOLD = r"(?<![ \t])[ \t]*+\r?\n(?:[ \t]*+\r?\n)*+[ \t]*+"
_ESCAPE = r"\\(?:x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|\r?\n[ \t]*|.)"
_SHORT = {"0": "\0", "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b"}
_SHORT |= {"N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029"}
_DOUBLED = "''"
_NO_TEXT = re.compile(r"[\s:,\[\]{}?|>+\-0-9\"'&*!.]*")
_BEGINS = re.compile(
    r"\ufeff?(?:#[^\n]*\n|\s)*+(?:%YAML |---(?:\s|\Z)|[\w.-]+:[ \t]*\r?\n(?:[ ]{2,}|[ ]*- )\S)"
)
_BETWEEN = re.compile(
    r"#(?P<comment>[^\r\n]+)|(?P<name>[&*!%][^\s,]+)|(?P<other>[^\s#&*!%:,\[\]{}?|>\"'-][^\r\n]*)"
)
"""What stands between scalars; `other` is what was not read as one."""
PLAIN_TEXT = Writing(allowed=re.compile(r"[^\r\n]*"))


def _folded(token: str) -> str:
    lines = token.count("\n")
    return " " if lines == 1 else "\n" * (lines - 1)


def _character(token: str) -> str:
    if token[0] != "\\":
        return "'" if token == _DOUBLED else _folded(token)
    if token[1] in "xuU":
        code = int(token.lstrip("\\xuU"), base=16)
        return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"
    return "" if token[1] in "\r\n" else _SHORT.get(token[1], token[1])


PLAIN = Writing(
    re.compile(_FOLD),
    _folded,
    lambda text: text.replace("\\", "\\\\").replace('"', '\\"'),
    re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL),
    "\n",
    finish=lambda raw: f'"{raw}"',
)
"""A scalar without quotes, which it has once it is edited."""
SINGLE = Writing(
    re.compile(f"''|{_FOLD}"), _character, lambda text: text.replace("'", "''"), re.compile(r"(?:[^']|'')*")
)
DOUBLE = Writing(
    re.compile(f"{_ESCAPE}|{_FOLD}"),
    _character,
    lambda text: json.dumps(text)[1:-1],
    re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL),
)


@cache
def _block(indent: int, *, folds: bool) -> Writing:
    """A block of lines with so many spaces before each."""
    line = re.compile(rf"(?:\r?\n[ ]*(?=\r?\n))*\r?\n(?:[ ]{{{indent}}}|(?=\r?\n|\Z))")

    def read(token: str) -> str:
        lines = token.count("\n")
        return "\n" * lines if not folds else " " if lines == 1 else "\n" * (lines - 1)

    return Writing(line, read, allowed=re.compile(r"(?:[^\r\n]|\r?\n)*"), sign="\n")


def looks_like_yaml(text: str, place: Place) -> bool:
    """Whether an undeclared text begins as a document does, or with a key that has its value below it."""
    return _BEGINS.match(text) is not None


def read_yaml(node: Node[str], media: MediaType, place: Place) -> None:
    """Read all documents of a stream."""
    text, prefix = node.content, place.kind("yaml")
    start = 1 if text.startswith("\ufeff") else 0
    try:
        scalars = list(_scalars(text[start:], start, place, prefix)) if len(text) <= LONGEST else []
    except (YAMLError, ValueError, RecursionError):
        scalars = []
    place.leaves(node, _with_rest(text, start, scalars, prefix))


def _with_rest(text: str, at: int, scalars: list[Found], prefix: str) -> Iterator[Found]:
    """The scalars, and each line between them that says something."""
    for one in (*scalars, ((len(text), len(text)), PLAIN_TEXT, "", "")):
        (start, end), *_ = one
        for match in _BETWEEN.finditer(text, at, start):
            kind = match.lastgroup or ""
            if not _NO_TEXT.fullmatch(match[kind]):
                # What names something elsewhere is not to be edited in one place.
                writing = READ_ONLY if kind == "name" else PLAIN_TEXT
                yield match.span(kind), writing, f"{prefix}!{kind}", ""
        if end > start:
            yield one
        at = max(at, end)


def _scalars(text: str, shift: int, place: Place, prefix: str) -> Iterator[Found]:
    # One frame a collection: its address, its label, and the number of the next member (None in a mapping).
    frames: list[tuple[str, str, int | None]] = []
    here, label, document = prefix, "", -1
    key: str | None = None
    index: int | None = None
    for event in _events(text):
        if isinstance(event, DocumentStartEvent):
            document += 1
            frames, here, label, key, index = (
                [],
                below(prefix, str(document)) if document else prefix,
                "",
                None,
                None,
            )
            continue
        if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
            here, label, index = frames.pop()
            key = None
        elif isinstance(event, (ScalarEvent, AliasEvent, CollectionStartEvent)):
            is_member = bool(frames)
            is_key = is_member and index is None and key is None
            if is_key and isinstance(event, ScalarEvent):
                key = shortened(event.value)
                yield from _scalar(text, shift, event, f"{below(here, key)}@key", label)
                continue
            if is_key:
                key = ""  # Something else than a scalar as key.
            step = str(index) if index is not None else key or ""
            where, called = (
                (below(here, step), label if index is not None else step) if is_member else (here, label)
            )
            index = None if index is None else index + 1
            if isinstance(event, CollectionStartEvent):
                if len(frames) >= place.reading.limits.max_depth:
                    raise UnreadableError("too-deep")
                frames.append((here, label, index))
                here, label, index = where, called, None if isinstance(event, MappingStartEvent) else 0
                key = None
                continue
            if isinstance(event, ScalarEvent):
                yield from _scalar(text, shift, event, where, called)
            key = None


def _events(text: str) -> Iterator[Event]:
    # libyaml takes a twentieth of the time, and not the square of it for brackets in brackets.
    yield from YAML(typ="safe", pure=False).parse(text)


def _scalar(text: str, shift: int, event: ScalarEvent, address: str, label: str) -> Iterator[Found]:
    start, end = event.start_mark.index, event.end_mark.index
    if start >= end:
        return
    writing: Writing
    if event.style in ("|", ">"):
        head = re.compile(r"[^\r\n]*\r?\n(?:[ \t]*\r?\n)*([ ]*)").match(text, start)
        if head is None:
            return
        start = head.end()
        writing = _block(len(head[1]), folds=event.style == ">")
        body = text[start:end].rstrip()
        end = start + len(body)
    elif event.style in ("'", '"'):
        opening = text.index(event.style, start, end)
        start, end = opening + 1, end - 1
        writing = SINGLE if event.style == "'" else DOUBLE
    else:
        while end > start and text[end - 1] in " \t\r\n":
            end -= 1
        writing = PLAIN
    if writing.decoded(text[start:end]).strip() == str(event.value).strip():
        yield (start + shift, end + shift), writing, address, label
