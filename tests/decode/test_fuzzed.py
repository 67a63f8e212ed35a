"""What fuzzing found once, and what must not come back. `make fuzz` looks for more."""

from __future__ import annotations

import pytest

from fuzz.targets import decode_and_splice

FOUND = {
    "an empty field of what looks like a message": b"\n\n\n\x00%8f\n\n\x00",
    "a run of base64 whose padding was taken by an edit": (
        b'text/plain\n\n\n{"file": "eyJtYWlsIjogIm9sYUBleGF=tcGxlL578616d706c652e6f7267"'
    ),
    "a run of base64 that goes on in the next line": b'text/plain\n\n\nb2xhQGV4YW1w\nn"}',
    "a card that says how its name is to be read": (
        b"text/x-vcard\n\nv1/in\nBEGIN:VCARD\r\nVERSION:2.1\r\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=53=61=62="
        b"69=6E=65=\r\n=20=4B=C3=B6=68=6C=65=72\r\nEND:VCARD\r\n"
    ),
}
"""Media type, coding, target and body, as in the corpus."""


@pytest.mark.parametrize("case", FOUND)
def test_what_fuzzing_found_is_read_and_edited_without_error(case: str) -> None:
    decode_and_splice(FOUND[case])
