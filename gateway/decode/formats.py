"""Every format that is read: by which types and marks it is known, who reads it, and what can be done with it.

One table. Bodies are dispatched from it, `docs/coverage.md` is made from it (`make coverage`), and `tests/carriers` has
a case for each of its lines. To add a format, write a module with one reader and add a line.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.carrier import UNREAD, Carrier, Editing
from gateway.decode.cards import looks_like_card, read_card
from gateway.decode.compressed import (
    looks_like_zlib,
    read_bzip2,
    read_gzip,
    read_xz,
    read_zlib,
    read_zstd_file,
)
from gateway.decode.events import looks_like_events, read_events
from gateway.decode.hl7 import looks_like_hl7, read_hl7
from gateway.decode.html import read_html
from gateway.decode.images import read_image
from gateway.decode.media import MediaType
from gateway.decode.mime import looks_like_mail, read_mail
from gateway.decode.multipart import read_multipart
from gateway.decode.office import read_document
from gateway.decode.ole import read_ole
from gateway.decode.packed import looks_like_cbor, looks_like_msgpack, read_cbor, read_msgpack
from gateway.decode.parquet import read_parquet
from gateway.decode.pdf import read_pdf
from gateway.decode.protobuf import looks_like_protobuf, read_grpc, read_grpc_web_text, read_protobuf
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.rtf import read_rtf
from gateway.decode.sevenzip import read_7z
from gateway.decode.sqlite import read_sqlite
from gateway.decode.structured import are_json_lines, is_json, read_json, read_json_lines
from gateway.decode.tabular import read_csv
from gateway.decode.tar import is_tar, read_tar
from gateway.decode.tree import Node, Writing
from gateway.decode.urls import read_form
from gateway.decode.yaml import looks_like_yaml, read_yaml
from gateway.decode.zipfiles import is_zip, read_zip

TextReader = Callable[[Node[str], MediaType, Place], None]
BinaryReader = Callable[[Node[bytes], MediaType, Place], None]

TEXT = Writing()
_XML_ENCODING = re.compile(rb"""\A(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_HTML_CHARSET = re.compile(rb"""<meta[^>]*?\scharset\s*=\s*["']?([A-Za-z0-9._:-]+)""", re.IGNORECASE)
_LOOKS_LIKE_XML = re.compile(r"\ufeff?\s*<\?xml\s")
_LOOKS_LIKE_HTML = re.compile(r"\ufeff?\s*<(?:!doctype\s+html|html)[\s>]", re.IGNORECASE)
_PERCENT_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFormat(Carrier):
    """A format of characters. Its bytes are decoded first, by charset."""

    types: tuple[str, ...]
    """Media types in lower case; also suffixes (`+json`) and whole families (`text/`)."""
    read: TextReader
    looks: Callable[[str, Place], bool] | None = None
    """Whether an undeclared text is of this format; None for what is read by declaration only."""
    charset_within: re.Pattern[bytes] | None = None
    """Where its first bytes name the charset, if they do."""
    charset_declared: bool = True
    """Whether a declared charset counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BinaryFormat(Carrier):
    """A format of bytes."""

    types: tuple[str, ...]
    """Media types in lower case; also suffixes and whole families."""
    read: BinaryReader
    marks: tuple[bytes, ...] = ()
    """How such contents begin. Marks beat the declared type, since receivers look at them, too."""
    marked: Callable[[bytes], bool] | None = None
    """Whether a content has a mark that is not at its very beginning, and counts as much."""
    looks: Callable[[bytes], bool] | None = None
    """Whether a content is of this format, where no mark at its beginning says so."""
    is_text: bool = False
    """Whether such contents may be taken for text, and so must be told from it by their look."""


def read_text(node: Node[str], media: MediaType, place: Place) -> None:
    """Read plain text as one segment."""
    start = 1 if node.content.startswith("\ufeff") else 0
    address = "body.text:" if place.base == "body" else place.base
    place.leaf(node, (start, len(node.content)), TEXT, address, place.label)


def read_nothing(node: Node[bytes], media: MediaType, place: Place) -> None:
    """Leave a file unread whose format is known and not looked into."""
    raise UnreadableError("unknown-media-type")


def read_undeclared(node: Node[str], media: MediaType, place: Place) -> None:
    """Read a text by its look."""
    for one in FORMATS:
        if isinstance(one, TextFormat) and one.looks is not None and one.looks(node.content, place):
            one.read(node, media, place)
            return
    read_text(node, media, place)


def _read_form_or_json(node: Node[str], media: MediaType, place: Place) -> None:
    """A form, unless it is JSON under the type that command-line clients set by default."""
    text = node.content
    json_instead = is_json(text, place.reading.limits.max_depth) and not _PERCENT_ESCAPE.search(text)
    (read_json if json_instead else read_form)(node, media, place)


_LEFT_OVER = f"broken, cut short, left-over bytes, out of proportion: {UNREAD}"

FORMATS: tuple[TextFormat | BinaryFormat, ...] = (
    TextFormat(
        name="JSON",
        types=("application/json", "text/json", "+json"),
        read=read_json,
        looks=lambda text, place: is_json(text, place.reading.limits.max_depth),
        charset_declared=False,
        found="strings, numbers, keys",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="JSON Lines",
        types=(
            *("application/x-ndjson", "application/ndjson", "application/jsonl"),
            *("application/x-jsonlines", "application/jsonlines", "application/json-seq", "+json-seq"),
        ),
        read=read_json_lines,
        looks=lambda text, place: are_json_lines(text, place.reading.limits.max_depth),
        charset_declared=False,
        found="strings, numbers, keys of every line",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="Form",
        types=("application/x-www-form-urlencoded",),
        read=_read_form_or_json,
        found="names and values",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="XML",
        types=("application/xml", "text/xml", "+xml"),
        read=read_document,
        looks=lambda text, _: _LOOKS_LIKE_XML.match(text) is not None,
        charset_within=_XML_ENCODING,
        found="text, CDATA, attributes, names, comments, instructions; SOAP and SAML are XML",
        edited=Editing.IN_PLACE,
        otherwise="what a document type definition says is never read: unread, but for a mere reference to one. "
        "Names of elements cannot be edited",
    ),
    TextFormat(
        name="HTML",
        types=("text/html",),
        read=read_html,
        looks=lambda text, _: _LOOKS_LIKE_HTML.match(text) is not None,
        charset_within=_HTML_CHARSET,
        found="text, attributes, names, comments, scripts",
        edited=Editing.IN_PLACE,
        otherwise="names of tags cannot be edited",
    ),
    TextFormat(
        name="CSV and TSV",
        types=("text/csv", "application/csv", "text/tab-separated-values"),
        read=read_csv,
        found="every cell, called by the head of its column",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="vCard and iCalendar",
        types=("text/vcard", "text/x-vcard", "text/directory", "text/calendar", "application/vcard"),
        read=read_card,
        looks=looks_like_card,
        found="values and parameters, unfolded, unescaped, quoted-printable undone; pictures by what they are",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="HL7 version 2",
        types=("application/hl7-v2", "x-application/hl7-v2+er7", "application/edi-hl7"),
        read=read_hl7,
        looks=looks_like_hl7,
        found="components of all fields, called by what they are where the segment is of people",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="Server-sent events",
        types=("text/event-stream",),
        read=read_events,
        looks=looks_like_events,
        found="data joined over its lines, comments, names",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="YAML",
        types=("application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "+yaml"),
        read=read_yaml,
        looks=looks_like_yaml,
        found="scalars in all styles, unfolded, escapes undone, called by their keys; keys, comments, anchors, tags",
        edited=Editing.IN_PLACE,
        otherwise="broken or over 256 Ki characters: read as text",
    ),
    TextFormat(
        name="GraphQL",
        types=("application/graphql", "application/graphql-request"),
        read=read_undeclared,
        found="query text with all its literals; variables are JSON",
        edited=Editing.IN_PLACE,
    ),
    TextFormat(
        name="Text",
        types=("text/",),
        read=read_undeclared,
        found="all of it; Markdown and source code are text",
        edited=Editing.IN_PLACE,
    ),
    BinaryFormat(
        name="Multipart",
        types=("multipart/",),
        read=read_multipart,
        found="headers, file names, contents by their own type, what stands before and after the parts",
        edited=Editing.IN_PLACE,
    ),
    BinaryFormat(
        name="Mail",
        types=("message/rfc822", "message/global"),
        read=read_mail,
        looks=looks_like_mail,
        is_text=True,
        found="headers with encoded words and pieces of parameters; content by type and transfer encoding",
        edited=Editing.IN_PLACE,
        otherwise="signed parts and pieces of parameters cannot be edited; encoded words and transfer encodings are "
        "written anew",
    ),
    BinaryFormat(
        name="MessagePack",
        types=("application/msgpack", "application/x-msgpack", "application/vnd.msgpack", "+msgpack"),
        read=read_msgpack,
        looks=looks_like_msgpack,
        found="texts, numbers, keys, byte strings and extensions",
        edited=Editing.IN_PLACE,
    ),
    BinaryFormat(
        name="CBOR",
        types=("application/cbor", "application/cbor-seq", "+cbor", "+cbor-seq"),
        read=read_cbor,
        marks=(b"\xd9\xd9\xf7",),
        looks=looks_like_cbor,
        found="texts, numbers, keys, byte strings, CBOR in these",
        edited=Editing.IN_PLACE,
    ),
    BinaryFormat(
        name="Protocol Buffers",
        types=(
            *("application/protobuf", "application/x-protobuf", "application/vnd.google.protobuf"),
            *("application/x-google-protobuf", "+proto", "+protobuf"),
        ),
        read=read_protobuf,
        looks=looks_like_protobuf,
        found="texts, messages in messages, numbers, all without a schema",
        edited=Editing.IN_PLACE,
        otherwise="texts that could be messages as well cannot be edited; numbers become 0",
    ),
    BinaryFormat(
        name="gRPC and gRPC-web",
        types=(
            *("application/grpc", "application/grpc+proto", "application/grpc+json"),
            *("application/grpc-web", "application/grpc-web+proto", "application/grpc-web+json"),
        ),
        read=read_grpc,
        found="the message in every frame, also compressed with gzip, and trailers",
        edited=Editing.IN_PLACE,
        otherwise=f"compressed otherwise: {UNREAD}",
    ),
    BinaryFormat(
        name="gRPC-web in Base64",
        types=("application/grpc-web-text", "application/grpc-web-text+proto"),
        read=read_grpc_web_text,
        found="as gRPC-web",
        edited=Editing.IN_PLACE,
    ),
    BinaryFormat(
        name="Compressed file (gzip)",
        types=("application/gzip", "application/x-gzip"),
        marks=(b"\x1f\x8b\x08",),
        read=read_gzip,
        found="the file in it, every member of it; file name and comment",
        edited=Editing.REBUILT,
        otherwise=_LEFT_OVER,
    ),
    BinaryFormat(
        name="Compressed (zlib)",
        types=("application/zlib",),
        looks=looks_like_zlib,
        read=read_zlib,
        found="what is compressed",
        edited=Editing.REBUILT,
        otherwise=_LEFT_OVER,
    ),
    BinaryFormat(
        name="Compressed file (bzip2)",
        types=("application/x-bzip2",),
        marked=lambda content: content.startswith(b"BZh") and content[4:10] == b"1AY&SY",
        read=read_bzip2,
        found="the file in it, every stream of it",
        edited=Editing.REBUILT,
        otherwise=_LEFT_OVER,
    ),
    BinaryFormat(
        name="Compressed file (xz)",
        types=("application/x-xz",),
        marks=(b"\xfd7zXZ\x00",),
        read=read_xz,
        found="the file in it, every stream of it",
        edited=Editing.REBUILT,
        otherwise=_LEFT_OVER,
    ),
    BinaryFormat(
        name="Compressed file (Zstandard)",
        types=("application/zstd",),
        marks=(b"\x28\xb5\x2f\xfd",),
        read=read_zstd_file,
        found="the file in it, every frame of it",
        edited=Editing.REBUILT,
        otherwise=_LEFT_OVER,
    ),
    BinaryFormat(
        name="ZIP",
        types=("application/zip", "application/x-zip-compressed"),
        marked=is_zip,
        read=read_zip,
        found="members by their own format, names, comments, unknown extra fields, what stands between members",
        edited=Editing.REBUILT,
        otherwise=f"encrypted, damaged, compressed in other ways (Deflate64), or with headers that disagree: {UNREAD}",
    ),
    BinaryFormat(
        name="TAR",
        types=("application/x-tar",),
        marked=is_tar,
        read=read_tar,
        found="members by their own format, names, owners, extended headers",
        edited=Editing.REBUILT,
        otherwise=f"names in extended headers cannot be edited; damaged, or with bytes behind: {UNREAD}",
    ),
    BinaryFormat(
        name="7z",
        types=("application/x-7z-compressed",),
        marks=(b"7z\xbc\xaf\x27\x1c",),
        read=read_7z,
        found="members by their own format, names",
        edited=Editing.NEVER,
        otherwise=f"encrypted, damaged, out of proportion: {UNREAD}",
    ),
    BinaryFormat(
        name="PDF",
        types=("application/pdf",),
        marks=(b"%PDF-",),
        read=read_pdf,
        found="pages, properties, XMP, forms, annotations, links, attachments, scripts, older revisions; images",
        edited=Editing.NEVER,
        otherwise=f"encrypted, or in fonts of unknown characters: {UNREAD}",
    ),
    BinaryFormat(
        name="RTF",
        types=("application/rtf", "text/rtf"),
        marks=(b"{\\rtf",),
        read=read_rtf,
        found="text with its escapes, properties, fields, notes",
        edited=Editing.IN_PLACE,
        otherwise=f"with pictures or objects: {UNREAD}",
    ),
    BinaryFormat(
        name="Outlook message (MSG)",
        types=("application/vnd.ms-outlook",),
        marks=(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
        read=read_ole,
        found="properties, text, HTML and RTF of the message, recipients, attachments by their own format",
        edited=Editing.NEVER,
        otherwise=f"other files of that container (older office documents, encrypted ones): {UNREAD}",
    ),
    BinaryFormat(
        name="SQLite",
        types=("application/vnd.sqlite3", "application/x-sqlite3"),
        marks=(b"SQLite format 3\0",),
        read=read_sqlite,
        found="names, schema, every row under its columns, blobs, free pages",
        edited=Editing.NEVER,
        otherwise=f"virtual tables: {UNREAD}",
    ),
    BinaryFormat(
        name="Parquet",
        types=("application/vnd.apache.parquet",),
        marks=(b"PAR1",),
        read=read_parquet,
        found="every value under its column, names, metadata",
        edited=Editing.NEVER,
    ),
    BinaryFormat(
        name="Image",
        types=("image/png", "image/jpeg", "image/gif", "image/webp", "image/tiff", "image/bmp"),
        marks=(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"II*\x00", b"MM\x00*"),
        marked=lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
        read=read_image,
        found="Exif with position, XMP, IPTC, texts, comments, bytes behind; pixels if Tesseract is installed",
        edited=Editing.NEVER,
        otherwise=f"pixels without text recognition, unless the image is blank: {UNREAD}",
    ),
    BinaryFormat(
        name="Other known files",
        types=(),
        marks=(
            *(b"Rar!\x1a\x07", b"\x01\x00\x00\x00\x6c\x00\x00\x00", b"\xd7\xcd\xc6\x9a"),
            *(b"=ybegin ", b"ARROW1", b"Obj\x01", b"ORC"),
        ),
        read=read_nothing,
        found="nothing",
        edited=Editing.NEVER,
    ),
)
"""Undeclared contents are tried in this order."""

_BY_TYPE = {name: one for one in FORMATS for name in one.types}
_MARKED = [(mark, one) for one in FORMATS if isinstance(one, BinaryFormat) for mark in one.marks]
_MARKED_ELSEWHERE = [one for one in FORMATS if isinstance(one, BinaryFormat) and one.marked is not None]
_LOOKED_AT = [one for one in FORMATS if isinstance(one, BinaryFormat) and one.looks is not None]


def declared_format(name: str) -> TextFormat | BinaryFormat | None:
    """The format of a media type: by its full name, else its suffix, else its first part."""
    kind, _, rest = name.partition("/")
    suffix = "+" + rest.rpartition("+")[2] if "+" in rest else ""
    return _BY_TYPE.get(name) or _BY_TYPE.get(suffix) or _BY_TYPE.get(f"{kind}/")


def marked_format(content: bytes) -> BinaryFormat | None:
    """The binary format that a content has the mark of, whatever else it is declared as."""
    at_start = next((one for mark, one in _MARKED if content.startswith(mark)), None)
    # Marks elsewhere come second: an archive may lie at the end of a file of another format.
    return at_start or next((one for one in _MARKED_ELSEWHERE if one.marked and one.marked(content)), None)


def likely_format(content: bytes, *, is_text: bool = False) -> BinaryFormat | None:
    """The binary format that a content without a mark or a declaration looks like."""
    return next(
        (one for one in _LOOKED_AT if one.is_text == is_text and one.looks and one.looks(content)), None
    )
