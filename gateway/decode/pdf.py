"""PDF: text of pages, properties, forms, annotations, attachments and every other string, of all revisions in the file.

It is read by pypdf and never edited: text lies in drawing operators, in several streams, and in older revisions.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pypdf
from pypdf.errors import LimitReachedError
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    NullObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from gateway.decode.foreign import Foreign, foreign
from gateway.decode.images import read_pixels
from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Node

_EOF = re.compile(rb"%%EOF[\r\n \t\0]*")
_SHOWN = re.compile(
    rb"\[((?:[^\[\]()\\]|\((?:\\.|[^\\()])*\))*)\]\s*TJ|(\((?:\\.|[^\\()])*\))\s*(?:Tj|'|\")", re.DOTALL
)
_STRING = re.compile(rb"\(((?:\\.|[^\\()])*)\)", re.DOTALL)
_MOST_REVISIONS = 20
_OF_FONTS = frozenset({"/CMap", "/XRef", "/ObjStm", "/Pattern", "/Halftone"})
_FONT_FILES = (
    "/FontFile",
    "/FontFile2",
    "/FontFile3",
    "/ToUnicode",
    "/CIDToGIDMap",
    "/CIDSet",
    "/DestOutputProfile",
)
_LARGEST_KEY_BYTES = 2048


def read_pdf(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Read a PDF, with all of its revisions and what follows the last one."""
    content = node.content
    found = Foreign(node, place, "pdf")
    ends = [match.end() for match in _EOF.finditer(content)]
    if not content.startswith(b"%PDF-") or not ends:
        raise UnreadableError("bad-syntax")
    if len(ends) > _MOST_REVISIONS:
        raise UnreadableError("too-many-parts")
    if rest := content[ends[-1] :].strip():
        found.content(rest, "@behind")
    for end in reversed(ends):
        # The beginning of a file that is ordered for the web has such a mark, too, and is no revision.
        if end != ends[0] or end == ends[-1] or b"/Linearized" not in content[:1024]:
            _read_revision(content[:end], found)


def _read_revision(content: bytes, found: Foreign) -> None:
    most = found.place.reading.limits.max_expanded_bytes
    limits = pypdf.apply_configuration(
        zlib_maximum_output_length=most,
        lzw_maximum_output_length=most,
        run_length_maximum_output_length=most,
        jbig2_maximum_output_length=most,
        array_based_stream_maximum_output_length=most,
    )
    with foreign(), limits:
        try:
            _Revision(content, found).read()
        except LimitReachedError:
            raise UnreadableError("expands-too-much") from None


class _Revision:
    def __init__(self, content: bytes, found: Foreign) -> None:
        self._reader = pypdf.PdfReader(io.BytesIO(content), strict=False)
        self._found = found
        self._skipped: set[int] = set()
        """Numbers of objects that hold fonts and colours, and no text."""

    def read(self) -> None:
        if self._reader.is_encrypted and not self._reader.decrypt(""):
            raise UnreadableError("encrypted")
        if len(self._reader.pages) > self._found.place.reading.limits.max_parts:
            raise UnreadableError("too-many-parts")
        for number, page in enumerate(self._reader.pages, 1):
            self._found.text(page.extract_text(), f"/{number}")
        objects = list(self._objects())
        for _, one in objects:
            self._note_fonts(one)
        for number, one in objects:
            self._strings(one, f"/object/{number}", 0)
            if isinstance(one, StreamObject) and number not in self._skipped:
                self._stream(one, number)
        if trailer := self._reader.trailer:
            self._strings(trailer, "/trailer", 0)

    def _objects(self) -> Iterator[tuple[int, PdfObject]]:
        numbers = {number for generation in self._reader.xref.values() for number in generation}
        numbers |= set(self._reader.xref_objStm)
        for number in sorted(numbers):
            one = self._reader.get_object(IndirectObject(number, 0, self._reader))
            if one is not None and not isinstance(one, NullObject):
                yield number, one

    def _note_fonts(self, one: PdfObject) -> None:
        if not isinstance(one, DictionaryObject):
            return
        for key in _FONT_FILES:
            if isinstance(value := one.raw_get(key) if key in one else None, IndirectObject):
                self._skipped.add(value.idnum)
        if one.get("/Subtype") in ("/Type0", "/Type3") and "/ToUnicode" not in one:
            # Nobody knows which characters its signs are.
            raise UnreadableError("bad-charset")
        if isinstance(procedures := one.get("/CharProcs"), DictionaryObject):
            self._skipped |= {
                value.idnum
                for key in procedures
                if isinstance(value := procedures.raw_get(key), IndirectObject)
            }

    def _strings(self, one: PdfObject | None, address: str, depth: int, label: str = "") -> None:
        """Every string in an object, but those in objects it refers to: they have their own turn."""
        if depth > self._found.place.reading.limits.max_depth:
            raise UnreadableError("too-deep")
        if isinstance(one, TextStringObject):
            self._found.text(str(one), address, label)
        elif isinstance(one, ByteStringObject) and label not in (
            "ID",
            "Contents",
            "U",
            "O",
            "OE",
            "UE",
            "Perms",
        ):
            self._found.strings(bytes(one), address)
        elif isinstance(one, DictionaryObject):
            for key in one:
                self._strings(one.raw_get(key), f"{address}{key}", depth + 1, str(key).lstrip("/"))
        elif isinstance(one, ArrayObject):
            for value in one:
                self._strings(value, address, depth + 1, label)

    def _stream(self, one: StreamObject, number: int) -> None:
        kind, subtype = one.get("/Type"), one.get("/Subtype")
        if kind in _OF_FONTS or "/FunctionType" in one or "/ShadingType" in one or "/N" in one:
            return
        if subtype == "/Image":
            self._picture(one, number)
            return
        data = one.get_data()
        address = f"/stream/{number}"
        if kind == "/EmbeddedFile":
            self._found.content(data, address)
        elif kind == "/Metadata" or subtype == "/XML" or data.lstrip()[:1] == b"<":
            self._found.content(data, address, "application/xml")
        else:
            self._found.place.charge(len(data))
            for match in _SHOWN.finditer(data):
                shown = b"".join(_STRING.findall(match[1] if match[1] is not None else match[2]))
                self._found.text(shown.decode("latin-1"), address)
            if kind not in ("/XObject", None) and len(data) > _LARGEST_KEY_BYTES and b"\0" in data:
                raise UnreadableError("unknown-media-type")

    def _picture(self, one: StreamObject, number: int) -> None:
        width, height = int(one.get("/Width", 0)), int(one.get("/Height", 0))
        place = self._found.place.within(f"{self._found.prefix}/image/{number}")
        with place.unread_on_error():
            if "/ImageMask" in one and width * height <= 64:
                return
            if width * height > place.reading.limits.max_pixels:
                raise UnreadableError("too-large")
            with foreign():
                picture = one.decode_as_image()
            for text in read_pixels(picture, place):
                self._found.text(text, f"/image/{number}")
