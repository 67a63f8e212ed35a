"""Looks for planted values in whatever a gateway leaves behind, in clear and in the spellings that hide them."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path


def spellings(value: str) -> list[bytes]:
    """The value in clear, UTF-16, hexadecimal digits and Base64; each as it would stand inside something longer."""
    plain = value.encode()
    found = [plain, value.encode("utf-16-le"), value.encode("utf-16-be"), value.lower().encode()]
    for raw in (plain, value.encode("utf-16-le")):
        found += [raw.hex().encode(), raw.hex().upper().encode()]
        # Base64 depends on where the value begins among three bytes; the ends that its neighbors decide are left out.
        for shift in range(3):
            coded = base64.b64encode(bytes(shift) + raw)
            inner = coded[4 if shift else 0 : len(coded) - 4]
            found += [inner, inner.replace(b"+", b"-").replace(b"/", b"_")]
    return [one for one in dict.fromkeys(found) if len(one) >= 8]


def found_in(places: Iterable[Path], values: Sequence[bytes]) -> list[str]:
    """Which values stand in which files below these places, as `FILE: place of the value in the list`."""
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place])]
    found = []
    for file in files:
        if file.is_file():
            content = file.read_bytes()
            found += [f"{file}: {number}" for number, value in enumerate(values) if value in content]
    return found
