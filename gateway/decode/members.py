"""The members of an archive: by their names, where these say more than their look."""

from __future__ import annotations

from gateway.decode.media import MediaType
from gateway.decode.reading import Place
from gateway.decode.tree import Node

_BY_EXTENSION = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "htm": "text/html",
    "html": "text/html",
    "ndjson": "application/x-ndjson",
    "jsonl": "application/x-ndjson",
}


def read_member(node: Node[bytes], name: str, place: Place) -> None:
    """Read a file of this name."""
    media = _BY_EXTENSION.get(name.rpartition(".")[2].lower(), "")
    place.reading.read_body(node, MediaType(media), place)
