"""Carriers inside a value: JSON, markup, forms, escapes, base64, hexadecimal, data URLs and tokens within a text.

A text that is wholly something else (JSON in a string, an escaped form) is read as that and as nothing else. A run of
base64 or hexadecimal digits in a text is read besides, where what it stands for is a text, a known format, or too much
to be a mere key: then it is unread, as any content is that nobody can look into. Nesting is bounded, and so is what
all of it expands to.
"""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from operator import attrgetter

import brotli

from gateway.core.carrier import UNREAD, Carrier, Editing
from gateway.core.errors import SpliceError
from gateway.core.model import Unread
from gateway.decode.codings import undo_codings
from gateway.decode.foreign import Foreign
from gateway.decode.formats import likely_format, marked_format
from gateway.decode.html import read_html
from gateway.decode.media import MediaType, charset_of, decode_charset
from gateway.decode.mime import as_encoded_words, told_by_words
from gateway.decode.office import read_document
from gateway.decode.opaque import LARGEST_KEY_BYTES
from gateway.decode.reading import NOTHING, Inside, Place, UnreadableError
from gateway.decode.spelled import GROUP_WIDTHS, spelled
from gateway.decode.structured import is_json, read_json
from gateway.decode.tree import Nested, Node, Writing
from gateway.decode.urls import PERCENT, read_form

_LOOKED_AT = 4096
_A_FILE = 256
"""Characters of a text that is Base64 from end to end, from which on it can be nothing else."""
SHORTEST_RUN = 12
"""Characters of a run that are worth undoing: nine bytes."""

_QUICK = re.compile(
    r"[A-Za-z0-9+/_-]{12}|%[0-9A-Fa-f]{2}|%u[0-9A-Fa-f]{4}|\\(?:[uU][0-9A-Fa-f{]{4}|x[0-9A-Fa-f]{2}|[01][0-7]{2})"
    r"|=\?[\w-]|&#?\w{2,8}[;&]|<[A-Za-z/!?]"
)
_SIGN = re.compile(r"[%\\&<=]")
"""What stands in every text that `_QUICK` or `_SPELLED` matches, if it is shorter than a run."""
_GROUPS = "|".join(rf"(?:[0-9A-Za-z+/]{{{width}}}[ ,|.:;-]){{4}}" for width in GROUP_WIDTHS)
_SPELLED = re.compile(
    rf"\b(?:{_GROUPS})|(?:(?:0x)?[0-9A-Fa-f]{{2,3}}(?:, |[ :,;.-])){{7}}|=[2-7C-F][0-9A-F]|\S{{20}}"
)
"""What digits with signs between them look like, and other signs in the place of letters."""
_UTF_8_BYTE = r"\\x[89ABab][0-9A-Fa-f]"
_ESCAPE = re.compile(
    rf"\\x[Ff][0-4](?:{_UTF_8_BYTE}){{3}}|\\x[Ee][0-9A-Fa-f](?:{_UTF_8_BYTE}){{2}}|\\x(?:[Cc][2-9A-Fa-f]|[Dd][0-9A-Fa-f])"
    rf"{_UTF_8_BYTE}|\\x[0-9A-Fa-f]{{2}}|\\u[0-9A-Fa-f]{{4}}|\\u\{{0{{0,4}}[0-9A-Fa-f]{{1,6}}\}}|\\U000[0-9A-Fa-f]{{5}}"
    r"|\\0[01][0-9A-Fa-f]{4} ?|\\(?:0[4-7][0-7]|1[0-7]{2})(?![0-9])|%u[0-9A-Fa-f]{4}"
)
_TEXT_IN_BYTES = re.compile(rb"(?:[\x20-\x7e]|[\xc3-\xc5][\x80-\xbf]){8,}|(?:[\x20-\x7e]\0){8,}")
"""What of a key reads like text by mere chance is shorter than this, but for a few in a hundred."""
_WORD = r"=\?[\w.*+-]{2,60}\?[bBqQ]\?[!->@-~]*\?="
_ENCODED_WORDS = re.compile(rf"{_WORD}(?:\s{{1,9}}{_WORD})*")
_XML = re.compile(r"\s*<(\?xml\b|([A-Za-z_][\w:.-]*)(?:\s[^<>]*)?>.*</\2\s*>\s*\Z)", re.DOTALL)
_HTML = re.compile(
    r"</?(?:a|abbr|b|big|blockquote|body|br|center|code|div|em|font|form|h[1-6]|head|hr|html|i|img|input|label|li|link"
    r"|meta|ol|option|p|pre|script|section|select|small|span|strong|style|sub|sup|table|tbody|td|textarea|th|thead"
    r"|title|tr|u|ul)(?:\s[^<>]*)?/?>|&(?:#[0-9]{2,7}(?:;|(?=&#))|#[xX][0-9A-Fa-f]{2,6}(?:;|(?=&#))|[A-Za-z]{2,8};)",
    re.IGNORECASE,
)
_FORM = re.compile(r"[^\s&=?#/:]+=[^\s&=]*(?:&[^\s&=]+=[^\s&=]*)*")
_PERCENT = re.compile("%[0-9A-Fa-f]{2}")
_RUN = re.compile(r"[A-Za-z0-9+/]{40,}+(?:\r?\n[A-Za-z0-9+/]++)+={0,2}|[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){8,}")
_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w-]+=[\w.-]+)*);base64,\Z")
_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{6,}\.(?:[A-Za-z0-9_-]++\.?)++")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_WORDS = re.compile(r"[\w\s.,;:@'\"(){}\[\]&=+/-]+")


def _character(token: str) -> str:
    if token[1] == "x":
        return PERCENT.read(token.replace("\\x", "%"))
    octal = token[1].isdigit() and len(token) == len("\\101")
    code = int(token[1:], 8) if octal else int(token[1:].lstrip("uU").strip("{} "), 16)
    return chr(code) if code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"


def _escaped(text: str) -> str:
    """Control characters as escapes: written plainly they make a text look like no text."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


ESCAPES = Writing(_ESCAPE, _character, _escaped)
"""Plain text in which characters are written as in JavaScript, Python, C or style sheets."""


_WITHIN_BOUNDS = f"too deep or too large: {UNREAD}"

INSIDE = (
    Carrier(
        name="JSON, XML, HTML or a form in a value",
        found="as in a body of that format",
        edited=Editing.IN_PLACE,
        otherwise=_WITHIN_BOUNDS,
    ),
    Carrier(
        name="Percent signs and escapes in a value",
        found="what they stand for, also one in another: as in JavaScript, Python, C and style sheets, octal ones "
        "among them; encoded words of mail",
        edited=Editing.IN_PLACE,
        otherwise=_WITHIN_BOUNDS,
    ),
    Carrier(
        name="Base64 and Base64url in a value",
        found="text, also compressed, and every format above, alone, in groups or in the middle of a text; text among "
        "bytes of no known format",
        edited=Editing.IN_PLACE,
        otherwise=f"long and of no known format: {UNREAD}; short: a key or signature, but for text in it, which cannot "
        "be edited",
    ),
    Carrier(
        name="Digits and other alphabets in a value",
        found="text and every format above, in hexadecimal, decimal or binary digits with and without signs between "
        "them, Base32 of both alphabets, Ascii85, Base85, uuencode, quoted-printable",
        edited=Editing.IN_PLACE,
        otherwise="of no known format: a hash or key, let be",
    ),
    Carrier(
        name="data: URL",
        found="by the type it declares",
        edited=Editing.IN_PLACE,
        otherwise=UNREAD,
    ),
    Carrier(
        name="Signed token (JWT)",
        found="header and claims",
        edited=Editing.IN_PLACE,
        otherwise="claims are under the signature: a token is taken out as a whole, or the transfer refused",
    ),
)
"""What is read within texts, for the coverage table."""


def read_inside(text: str, place: Place, address: str, label: str) -> Inside:
    """Read what a text of this address and label holds besides being text."""
    if len(text) < SHORTEST_RUN and not _SIGN.search(text):
        looks = False
    else:
        looks = bool(_QUICK.search(text) or _SPELLED.search(text))
    if not looks and text.lstrip()[:1] not in ("{", "["):
        return NOTHING
    place = replace(place, base=address, label=label)
    node = Node(text)
    try:
        if _read_wholly(node, place):
            return Inside((Nested(0, len(text), node, str),), says_all=True)
    except UnreadableError as error:
        place.reading.unread.append(Unread(place.base, error.reason))
        return Inside((Nested(0, len(text), node, str),))
    words = list(_encoded_words(text, place))
    rest = _blanked(text, words)
    taken = sorted([*words, *_runs(rest, place)], key=_start)
    for one in _spelled(rest, place, taken):
        insort(taken, one, key=_start)
    runs = tuple(taken)
    # A file in Base64 says nothing as it stands, and what looks like a number in it is none.
    files = [one for one in runs if one.end - one.start >= _A_FILE and one.encode is not _refuse_signed]
    if not files:
        return Inside(runs)
    blank = _blanked(text, files)
    return Inside(runs, says_all=len(runs) == 1 and blank.isspace(), apart_from=blank)


_start = attrgetter("start")


def _blanked(text: str, parts: Iterable[Nested]) -> str:
    """The text with spaces in place of parts that follow each other."""
    pieces: list[str] = []
    at = 0
    for one in parts:
        pieces += (text[at : one.start], " " * (one.end - one.start))
        at = one.end
    return "".join((*pieces, text[at:]))


def _encoded_words(text: str, place: Place) -> Iterator[Nested]:
    """Words of mail, of which those that follow each other are one text."""
    for match in _ENCODED_WORDS.finditer(text):
        told = told_by_words(re.sub(r"\s+", " ", match[0]))
        if told is not None:
            inner = Node(told)
            within = _deeper(place, len(told), ".words")
            within.leaf(inner, (0, len(told)), Writing(), within.kind("text"), place.label)
            yield Nested(*match.span(), inner, as_encoded_words)


def _read_wholly(node: Node[str], place: Place) -> bool:
    """Read the text as something else altogether; False where it is nothing else."""
    text, limits = node.content, place.reading.limits
    if text.lstrip()[:1] in ("{", "[") and is_json(text, limits.max_depth):
        return _read(read_json, node, place)
    if _XML.match(text) and _is_xml(text, place):
        return _read(read_document, node, place)
    if _HTML.search(text):
        return _read(read_html, node, place)
    if ("%" in text or "+" in text) and _FORM.fullmatch(text) and not _RUN.fullmatch(text):
        return _read(read_form, node, place)
    for kind, writing in (("escaped", ESCAPES), ("percent", PERCENT)):
        found = (_ESCAPE if writing is ESCAPES else _PERCENT).search(text)
        if found and writing.decoded(text) != text:
            inner = _deeper(place, len(text))
            inner.leaf(node, (0, len(text)), writing, inner.kind(kind), place.label)
            return True
    return False


def _read(reader: Callable[[Node[str], MediaType, Place], None], node: Node[str], place: Place) -> bool:
    reader(node, MediaType(), _deeper(place, len(node.content)))
    return True


def _deeper(place: Place, size: int, kind: str = "") -> Place:
    place.charge(size)
    return place.within(place.base + kind, place.label)


def _is_xml(text: str, place: Place) -> bool:
    try:
        # Judged apart, so that a text which only begins like XML leaves nothing behind.
        trial = place.apart()
        read_document(Node(text), MediaType(), trial)
    except UnreadableError as error:
        if error.reason == "bad-syntax":
            return False
        raise
    return True


def _runs(text: str, place: Place) -> Iterator[Nested]:
    signed = deque(match.span() for match in _TOKEN.finditer(text))
    for match in _RUN.finditer(text):
        while signed and signed[0][1] <= match.start():
            signed.popleft()
        is_signed = bool(signed) and signed[0][0] <= match.start()
        declared = _DATA_URL.search(text, max(match.start() - 120, 0), match.start())
        media = MediaType((declared[1] or "text/plain").lower()) if declared else None
        whole = _run(match.span(), text, media, place, is_signed)
        yield from whole or ()
        if whole is None and "/" in match[0] and "\n" not in match[0]:
            # A path may end in one.
            at = match.start()
            for piece in match[0].split("/"):
                yield from _run((at, at + len(piece)), text, media, place, is_signed) or ()
                at += len(piece) + 1


def _spelled(text: str, place: Place, taken: list[Nested]) -> Iterator[Nested]:
    """What is spelled out besides what is taken, in order: a run that is read has to have its place in the text."""
    for span, data, encode in spelled(text):
        at = bisect_left(taken, span[1], key=_start)
        if (at and taken[at - 1].end > span[0]) or not (_is_text(data) or _is_known(data)):
            continue
        inner = Node(data)
        within = _deeper(place, len(data), ".spelled")
        with within.unread_on_error():
            place.reading.read_body(inner, MediaType(), within)
        yield Nested(*span, inner, encode)


def _run(
    span: tuple[int, int], text: str, media: MediaType | None, place: Place, is_signed: bool
) -> tuple[Nested, ...] | None:
    """What a run holds, read or on record as unread; None for a run that is only itself."""
    run = text[slice(*span)]
    coded = _undone(run, media) if len(run) >= SHORTEST_RUN else None
    if coded is None:
        return None
    data, encode = coded
    inner = Node(data)
    try:
        within = _deeper(place, len(data), ".base64")
    except UnreadableError as error:
        place.reading.unread.append(Unread(place.base, error.reason))
        return ()
    if media is None and not (_is_text(data) or _is_known(data)):
        if (plain := _unpacked(inner, within)) is not None:
            place.reading.read_body(plain, MediaType(), within)
            return (Nested(*span, inner, _refuse_signed if is_signed else encode),)
        if len(data) <= LARGEST_KEY_BYTES and not _begins_packed(data):
            return (Nested(*span, _texts_in(inner, within), encode),)
        if not place.base.startswith(("header:", "cookie:")):
            place.reading.unread.append(Unread(within.base, "unknown-media-type"))
        return ()
    with within.unread_on_error():
        place.reading.read_body(inner, media or MediaType(), within)
    return (Nested(*span, inner, _refuse_signed if is_signed else encode),)


def _texts_in(node: Node[bytes], place: Place) -> Node[bytes]:
    """The node with what reads like text among bytes of no known format; it cannot be edited."""
    found = Foreign(node, place, "bytes")
    for match in _TEXT_IN_BYTES.finditer(node.content):
        found.text(match[0].decode("utf-16-le" if b"\0" in match[0] else "utf-8"), "")
    return node


def _undone(run: str, media: MediaType | None) -> tuple[bytes, Callable[[bytes], str]] | None:
    """The bytes that a run stands for where that is worth a look, and how to write others in its way."""
    if media is None and _HEX.fullmatch(run):
        data = bytes.fromhex(run)
        if _is_text(data) or _is_known(data):
            return data, (bytes.hex if run.islower() or run.isdigit() else lambda new: new.hex().upper())
    if media is None and (run.islower() or run.isupper() or run.isdigit() or run.istitle()):
        return None  # A word, a number, a name: base64 of text has both cases.
    line = re.search(r"\r?\n", run)
    compact = re.sub(r"\s", "", run).rstrip("=")
    url = "-" in compact or "_" in compact
    if len(compact) % 4 == 1 or (url and ("+" in compact or "/" in compact)):
        return None
    try:
        data = base64.b64decode(compact.translate(_STANDARD) + "=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return None
    if media is None and not (
        _is_text(data)
        or len(data) > LARGEST_KEY_BYTES
        or _is_known(data)
        or _begins_packed(data)
        or _TEXT_IN_BYTES.search(data)
    ):
        return None
    padded = run.endswith("=") or len(compact) % 4 == 0

    def encode(new: bytes) -> str:
        made = (base64.urlsafe_b64encode(new) if url else base64.b64encode(new)).decode()
        made = made if padded else made.rstrip("=")
        if line is None:
            return made
        width = line.start()
        return line[0].join(made[at : at + width] for at in range(0, len(made), width))

    return data, encode


_STANDARD = str.maketrans("-_", "+/")


def _unpacked(node: Node[bytes], place: Place) -> Node[bytes] | None:
    """What is in a content compressed without a mark, where that is a text or of a known format."""
    for coding in ("deflate", "br"):
        try:
            plain = undo_codings(node, [coding], place)
        except UnreadableError:
            continue
        if _is_text(plain.content) or _is_known(plain.content):
            return plain
        node.parts.clear()
    return None


def _begins_packed(data: bytes) -> bool:
    """Whether the first bytes can be undone to a text, as those of keys cannot."""
    for undo in (
        lambda: zlib.decompressobj().decompress(data, _LOOKED_AT),
        lambda: zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, _LOOKED_AT),
        lambda: brotli.Decompressor().process(data, output_buffer_limit=_LOOKED_AT),
    ):
        try:
            plain = undo()
        except (zlib.error, brotli.error):
            continue
        if len(plain) >= SHORTEST_RUN and (_is_text(plain) or _is_known(plain)):
            return True
    return False


def _is_known(data: bytes) -> bool:
    return bool(data) and (marked_format(data) or likely_format(data)) is not None


def _is_text(data: bytes) -> bool:
    charset = charset_of(data, None)
    text = None if charset is None else decode_charset(data, charset)
    if not text or _CONTROL.search(text):
        return False
    if len(data) < 16 and not _WORDS.fullmatch(text):
        return False
    wordy = sum(sign.isalnum() or sign.isspace() for sign in text)
    return wordy >= 0.6 * len(text) and any(sign.isalpha() for sign in text)


def _refuse_signed(new: bytes) -> str:
    raise SpliceError("signed: a token's signature covers what the edits would change")
