"""Bytes spelled out in a text: digits of all bases, the alphabets of 32 and 85 signs, uuencode, quoted-printable.

Each is a pattern, and a way there and back. What a run stands for counts only if it is a text or a known format: the
caller judges. Base64 has rules of its own and is not here.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

GROUP_WIDTHS = (4, 5, 6, 8, 10)
"""Characters of Base64 that people put between spaces; longer groups are runs by themselves."""
Encode = Callable[[bytes], str]


@dataclass(frozen=True, slots=True)
class _Spelling:
    pattern: re.Pattern[str]
    undo: Callable[[re.Match[str]], tuple[bytes, Encode]]
    """Raises ValueError for what only looks so."""


def _pairs(match: re.Match[str]) -> tuple[bytes, Encode]:
    first = re.match(r"((?:0x)?)[0-9A-Fa-f]{2}", match[0])
    assert first is not None
    prefix, between = first[1], match[1]
    case = str.lower if match[0] == match[0].lower() else str.upper
    return (
        bytes.fromhex(re.sub(r"0x|[^0-9A-Fa-f]", "", match[0])),
        lambda new: between.join(prefix + case(f"{byte:02x}") for byte in new),
    )


def _numbers(match: re.Match[str]) -> tuple[bytes, Encode]:
    return bytes(map(int, re.findall("[0-9]+", match[0]))), lambda new: match[1].join(map(str, new))


def _bits(match: re.Match[str]) -> tuple[bytes, Encode]:
    digits = re.sub("[^01]", "", match[0])
    data = bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits), 8))
    return data, lambda new: match[1].join(f"{byte:08b}" for byte in new)


def _base32(match: re.Match[str]) -> tuple[bytes, Encode]:
    return _in_32(match, base64.b32decode, base64.b32encode)


def _base32hex(match: re.Match[str]) -> tuple[bytes, Encode]:
    return _in_32(match, base64.b32hexdecode, base64.b32hexencode)


def _in_32(
    match: re.Match[str], undo: Callable[[str], bytes], redo: Callable[[bytes], bytes]
) -> tuple[bytes, Encode]:
    digits, pads = match[0].rstrip("="), match[0].endswith("=")
    case = str.lower if match[0] == match[0].lower() else str.upper

    def encode(new: bytes) -> str:
        made = case(redo(new).decode())
        return made if pads else made.rstrip("=")

    return undo(digits.upper() + "=" * (-len(digits) % 8)), encode


def _base64(match: re.Match[str]) -> tuple[bytes, Encode]:
    """Base64 in groups of one length."""
    width, between = match.end("group") - match.start(), match["between"]
    pads = match[0].endswith("=")

    def encode(new: bytes) -> str:
        made = base64.b64encode(new).decode()
        made = made if pads else made.rstrip("=")
        return between.join(made[at : at + width] for at in range(0, len(made), width))

    digits = match[0].replace(between, "").rstrip("=")
    return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True), encode


def _adobe85(match: re.Match[str]) -> tuple[bytes, Encode]:
    return base64.a85decode(match[0], adobe=True), lambda new: base64.a85encode(new, adobe=True).decode()


def _ascii85(match: re.Match[str]) -> tuple[bytes, Encode]:
    return base64.a85decode(match[0]), lambda new: base64.a85encode(new).decode()


def _base85(match: re.Match[str]) -> tuple[bytes, Encode]:
    return base64.b85decode(match[0]), lambda new: base64.b85encode(new).decode()


def _uuencode(match: re.Match[str]) -> tuple[bytes, Encode]:
    lines = [line.rstrip("\r") for line in match[1].split("\n")]
    data = b"".join(binascii.a2b_uu(line) for line in lines if line)
    pieces = range(0, len(data), 45)

    def encode(new: bytes) -> str:
        head, tail = match[0].split(match[1], 1)
        made = "".join(binascii.b2a_uu(new[at : at + 45]).decode() for at in range(0, len(new), 45))
        return f"{head}{made.rstrip(chr(10))}{tail}"

    return (data, encode) if pieces else (b"", encode)


def _printable(match: re.Match[str]) -> tuple[bytes, Encode]:
    return quopri.decodestring(match[0].encode("latin-1")), lambda new: quopri.encodestring(new).decode(
        "latin-1"
    )


_PAIR = r"(?:0x)?[0-9A-Fa-f]{2}"
_SPELLINGS = (
    _Spelling(
        re.compile(rf"(?<![0-9A-Za-z]){_PAIR}(?:([ :,;.-]|, ){_PAIR})(?:\1{_PAIR}){{6,}}(?![0-9A-Za-z])"),
        _pairs,
    ),
    _Spelling(
        re.compile(r"(?<![0-9])(?:[0-9]{2,3}([ ,;.-]|, ))(?:[0-9]{2,3}\1){6,}[0-9]{2,3}(?![0-9])"), _numbers
    ),
    _Spelling(re.compile(r"(?<![0-9])[01]{8}(?:([ ,]?)[01]{8})(?:\1[01]{8}){6,}(?![0-9])"), _bits),
    _Spelling(
        re.compile(r"(?<![0-9A-Za-z])(?:[A-Z2-7]{16,}+|[a-z2-7]{16,}+)={0,6}+(?![0-9A-Za-z])"), _base32
    ),
    _Spelling(
        re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-V]{16,}+|[0-9a-v]{16,}+)={0,6}+(?![0-9A-Za-z])"), _base32hex
    ),
    *(
        _Spelling(
            re.compile(
                rf"(?<![0-9A-Za-z+/])(?P<group>[0-9A-Za-z+/]{{{width}}})(?P<between>[ ,|.:;-])"
                rf"(?:[0-9A-Za-z+/]{{{width}}}(?P=between)){{3,}}[0-9A-Za-z+/]{{1,{width}}}={{0,2}}(?![0-9A-Za-z+/=])"
            ),
            _base64,
        )
        for width in GROUP_WIDTHS
    ),
    _Spelling(re.compile(r"<~[!-uz\s]{10,}~>"), _adobe85),
    _Spelling(re.compile(r"(?<!\S)[!-u]{20,20000}+(?!\S)"), _ascii85),
    _Spelling(re.compile(r"(?<!\S)[0-9A-Za-z!#$%&()*+;<=>?@^_`{|}~-]{20,20000}+(?!\S)"), _base85),
    _Spelling(re.compile(r"(?<![!-<>-~])[!-<>-~]*+(?:=[2-7C-F][0-9A-F][!-<>-~]*+){2,}+"), _printable),
    _Spelling(
        re.compile(r"(?m)^begin [0-7]{3,4} [^\r\n]+\r?\n((?:[ -`]{1,62}\r?\n)+?)(?:`\r?\n| ?\r?\n)?end\b"),
        _uuencode,
    ),
)


def spelled(text: str) -> Iterator[tuple[tuple[int, int], bytes, Encode]]:
    """Runs of the text with the bytes that they may stand for, and how to write others in their place."""
    for one in _SPELLINGS:
        for match in one.pattern.finditer(text):
            try:
                data, encode = one.undo(match)
            except ValueError:  # Also what binascii raises.
                continue
            yield match.span(), data, encode
