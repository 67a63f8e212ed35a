"""Files in a message: what their names say, and members of archives read by them where these say more than the look."""

from __future__ import annotations

import re
from functools import cache

from gateway.decode.media import MediaType
from gateway.decode.reading import Place
from gateway.decode.tree import Node, Writing

FILE_NAME = "document"
"""What the names of files are called, to whoever looks for people in them."""
# Not between capitals: what anonymizing writes is no file name.
_SPACE = r"(?<![A-Z])_|_(?![A-Z])|[.+-](?=[^\W\d_])"


@cache
def naming(written: Writing) -> Writing:
    """How a file name is read that is written so: signs in the place of spaces are spaces."""
    token = written.token.pattern + "|" if written.token else ""
    is_space = re.compile(r"[_.+-]")
    return Writing(
        re.compile(token + _SPACE),
        lambda sign: " " if is_space.fullmatch(sign) else written.read(sign),
        written.write,
        written.allowed,
        finish=written.finish,
    )


def writing_of_name(name: str, written: Writing) -> Writing:
    """How a file name is written, read for the words in it unless it holds an address."""
    return written if "@" in name or "%40" in name else naming(written)


_BY_EXTENSION = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "htm": "text/html",
    "html": "text/html",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/x-ndjson",
    "yaml": "application/yaml",
    "yml": "application/yaml",
}


def read_member(node: Node[bytes], name: str, place: Place) -> None:
    """Read a file of this name."""
    media = _BY_EXTENSION.get(name.rpartition(".")[2].lower(), "")
    place.reading.read_body(node, MediaType(media), place)
