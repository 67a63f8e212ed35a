"""Parquet files: every value under its column, read row group by row group, never edited."""

from __future__ import annotations

import io

import arro3.io

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.media import MediaType
from gateway.decode.reading import Place
from gateway.decode.tree import Node


def read_parquet(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a table with the names of its columns and what the writer noted about it."""
    found = Foreign(node, place, "parquet")
    with foreign():
        batches = arro3.io.read_parquet(io.BytesIO(node.content))
        for key, value in batches.schema.metadata.items():
            found.content(bytes(value), f"@{bytes(key).decode('utf-8', 'replace')}"[:100])
        names = list(batches.schema.names)
        for name in names:
            found.text(name, "@column")
        row = 0
        for batch in batches:
            place.charge(batch.nbytes)
            for index, name in enumerate(names):
                for number, value in enumerate(batch.column(index).to_pylist(), row + 1):
                    _read_value(value, f"/{number}/{name}"[:200], name, found)
            row += batch.num_rows


def _read_value(value: object, address: str, label: str, found: Foreign) -> None:
    match value:
        case None:
            pass
        case bytes():
            found.content(value, address)
        case dict():
            for key, inner in value.items():
                found.text(str(key), address)
                _read_value(inner, address, str(key), found)
        case list() | tuple():
            for inner in value:
                _read_value(inner, address, label, found)
        case _:
            found.text(str(value), address, label)
