"""CSV and its kin: every cell is a segment, those of the head among them."""

from __future__ import annotations

import re
from functools import cache

from gateway.decode.media import MediaType
from gateway.decode.reading import Place, below, shortened
from gateway.decode.tree import Node, Writing

_DELIMITERS = ",;\t|"
_DATA_LIKE = re.compile(r"[-+0-9.,/: ]*|.*@.*", re.DOTALL)

QUOTED = Writing(
    re.compile('""'), lambda _: '"', lambda text: text.replace('"', '""'), re.compile('(?:[^"]|"")*'), '"'
)


@cache
def _bare(delimiter: str) -> Writing:
    """A cell without quotes, which gets them once an edit needs them."""
    needs_quotes = re.compile(f"[{re.escape(delimiter)}\r\n]")

    def finish(raw: str) -> str:
        return '"' + raw.replace('"', '""') + '"' if needs_quotes.search(raw) else raw

    return Writing(allowed=re.compile('(?!").*', re.DOTALL), finish=finish)


@cache
def _cell(delimiter: str) -> re.Pattern[str]:
    d = re.escape(delimiter)
    return re.compile(f'(?:"((?:[^"]++|"")*+)"(?=[{d}\r\n]|\\Z)|([^{d}\r\n]*+))(?:({d})|(\r\n|\n|\r)|\\Z)')


def read_csv(node: Node[str], media: MediaType, place: Place) -> None:
    """Read a table. Rows and columns count from 1, the head being row 1; a cell's column is called by its head."""
    text, start = node.content, 1 if node.content.startswith("\ufeff") else 0
    delimiter = "\t" if "tab-separated" in media.name else _likely_delimiter(text, start)
    prefix, bare = place.kind("csv"), _bare(delimiter)
    head: list[str] | None = None
    row: list[tuple[tuple[int, int], Writing]] = []
    number = 1
    for match in _cell(delimiter).finditer(text, start):
        quoted = match.lastindex is not None and match.start(1) >= 0
        row.append((match.span(1), QUOTED) if quoted else (match.span(2), bare))
        if match[3]:
            continue
        if head is None:
            cells = [writing.decoded(text[slice(*span)]) for span, writing in row]
            head = [] if media.parameters.get("header") == "absent" else head_of(cells)
            labels = [""] * len(row)
        else:
            labels = head
        address = below(prefix, str(number))
        for column, (span, writing) in enumerate(row):
            step = head[column] if column < len(head) and head[column] else str(column + 1)
            place.leaf(
                node, span, writing, below(address, step), labels[column] if column < len(labels) else ""
            )
        row, number = [], number + 1


def _likely_delimiter(text: str, start: int) -> str:
    first_line = text[start : start + (1 << 16)].lstrip("\r\n").partition("\n")[0]
    outside_quotes = re.sub('"[^"]*"', "", first_line)
    return max(_DELIMITERS, key=outside_quotes.count)


def head_of(cells: list[str]) -> list[str]:
    """Column names if the first row is a head: all filled, all different, and none looking like data."""
    if len(set(cells)) != len(cells) or any(_DATA_LIKE.fullmatch(cell) for cell in cells):
        return []
    return [shortened(cell.strip()).replace("~", "~0").replace("/", "~1") for cell in cells]
