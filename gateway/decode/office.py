"""Office documents: what the parts of a DOCX, XLSX, PPTX or OpenDocument package hold, and how their text runs.

Such a file is a ZIP archive of XML, which `zipfiles` takes apart and puts together. Here stands what makes text of it:
which elements are one paragraph, and which column a cell of a sheet stands in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from xml.sax.saxutils import escape

from gateway.core.carrier import Carrier, Editing
from gateway.decode.markup import ATTRIBUTE, TEXT, Flow, read_flowing, read_xml
from gateway.decode.media import MediaType, charset_of, decode_charset
from gateway.decode.reading import Found, Place, UnreadableError
from gateway.decode.tabular import head_of
from gateway.decode.tree import READ_ONLY, Nested, Node, Writing
from gateway.decode.urls import PERCENT

PACKAGES = (
    Carrier(
        name="DOCX, XLSX, PPTX",
        found="text in runs together, tables, sheets by the heads of their columns, notes, comments, tracked changes, "
        "headers, properties, hidden parts, alternative texts, links, embedded files",
        edited=Editing.REBUILT,
        otherwise="signed: never edited. Images and macros count as unread",
    ),
    Carrier(
        name="ODT, ODS, ODP",
        found="text in spans together, notes, comments, tracked changes, properties, alternative texts, embedded files",
        edited=Editing.REBUILT,
        otherwise="signed: never edited. Images, macros and encrypted documents count as unread",
    ),
)
"""What ZIP archives are besides, for the coverage table."""

_STRUCTURE = re.compile(
    r"\s+(?:[\w:]*rsid\w*=\"[0-9A-Fa-f]{8}\"|w14:(?:paraId|textId)=\"[0-9A-Fa-f]{8}\""
    r"|r=\"[A-Z]{1,3}[0-9]{1,7}\"|(?:r:)?\w+=\"rId[0-9]+\"|xmlns(?::\w+)?=\"http://[\w./-]+\""
    r"|(?![\w:]*(?i:descr|title|name|author|initials|user|alt|label)\w*=)[\w:.-]+=\""
    r"(?:-?[0-9]{1,7}|[0-9A-Fa-f]{6}|[0-9A-F]{2}|[0-9.]{1,6}(?:pt|in|cm|mm|%)|[a-z][A-Za-z]{0,20}[0-9]{0,3})\")"
)
_OOXML = Flow(
    paragraphs=frozenset({"p", "si", "is", "text"}),
    texts=frozenset({"t", "delText", "instrText", "delInstrText"}),
    breaks={"tab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-", "softHyphen": "\u00ad"},
    structure=_STRUCTURE,
)
_ODF = Flow(
    paragraphs=frozenset({"p", "h"}),
    breaks={"s": " ", "tab": "\t", "line-break": "\n"},
    apart=frozenset({"annotation", "note-citation", "creator", "date", "frame", "ruby-text"}),
    structure=_STRUCTURE,
)
_FLAT = re.compile(r"<(?:\w+:)?(?:(?P<ooxml>package|wordDocument)|(?P<odf>document))(?=[\s>])[^>]*>")
_SUITES = {
    "ooxml": (_OOXML, "schemas.microsoft.com/office/"),
    "odf": (_ODF, "urn:oasis:names:tc:opendocument:xmlns:office:"),
}
"""How the text of a document in one file of XML runs, and what its outermost element names."""
_FLAT_WITHIN = 4096
_ENTITY_OR_ESCAPE = re.compile(rf"{ATTRIBUTE.token.pattern}|{PERCENT.token.pattern}")  # type: ignore[union-attr]


def _read_address(token: str) -> str:
    return (ATTRIBUTE if token.startswith("&") else PERCENT).read(token)


LINK = Writing(_ENTITY_OR_ESCAPE, _read_address, PERCENT.write, TEXT.allowed)
"""An address in an attribute: programs refuse a document in which one is none."""

_CELL = re.compile(
    r"<(?P<prefix>(?:\w+:)?)c(?P<attributes>(?:\s+\w+=\"[^\"<]*\")*)\s*>(?P<inner>.*?)</(?P=prefix)c>",
    re.DOTALL,
)
_NUMBER = re.compile(r"<((?:\w+:)?)v>[^<]*</\1v>")
_PLACE = re.compile(r"\sr=\"([A-Z]{1,3})([0-9]{1,7})\"")
_TYPE = re.compile(r"\st=\"(\w+)\"")
_STRING = re.compile(r"<(?:\w+:)?si(?:\s[^>]*)?(?:/>|>(.*?)</(?:\w+:)?si>)", re.DOTALL)
_TEXTS = re.compile(r"<(?:\w+:)?t(?:\s[^>]*)?>([^<]*)<")
_PRINTER = re.compile(r"(?:.*/)?printerSettings[0-9]*\.bin")
_PRINTABLE = re.compile(rb"[\x20-;=?-\x7e\t\r\n]{4,}|(?:[\x20-;=?-\x7e\xa0-\xff]\x00){4,}")
"""Without the marks of tags, so that only words are left of a list of properties."""
_LOOKS = re.compile(
    r"\w+/(?:\w+/)*(?:styles|stylesWithEffects|fontTable|theme[0-9]*|tableStyles|numbering|latentStyles)\.xml"
)
_MOST_OPAQUE_BYTES = 2048


def _cell_finish(raw: str) -> str:
    """A cell of a number that was edited holds a text."""
    head, rest = raw.split(">", 1)
    return _TYPE.sub("", head) + ' t="str">' + rest


NUMBER_CELL = Writing(
    re.compile(rf"<[^<>]*>|{TEXT.token.pattern}"),  # type: ignore[union-attr]
    lambda token: "" if token.startswith("<") else TEXT.read(token),
    escape,
    re.compile(r"<[^<>]*><[^<>]*>[^<]*<[^<>]*><[^<>]*>"),
    finish=_cell_finish,
)

_PAGE_CODE = r"&amp;(?:[A-Za-z+-]|[0-9]{1,3}|&quot;[^<&]*&quot;|\"[^<\"]*\")"
PAGE_HEADER = Writing(
    re.compile(rf"{_PAGE_CODE}|{TEXT.token.pattern}"),  # type: ignore[union-attr]
    lambda token: "\n" if len(token) > len("&amp;") and token.startswith("&amp;") else TEXT.read(token),
    escape,
    TEXT.allowed,
    "&",
)
"""What stands above and below the pages of a sheet, with codes for places and looks."""
_PAGE_HEADERS = frozenset(
    {f"{pages}{what}" for pages in ("odd", "even", "first") for what in ("Header", "Footer")}
)


@dataclass(slots=True)
class Package:
    """An office document: its parts by name, and what one part says of another."""

    is_odf: bool
    sealed: bool
    encrypted: frozenset[str] = frozenset()
    labels: list[str] = field(default_factory=list)
    """Labels of the shared strings of a workbook, by their columns."""
    heads: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Heads of columns, by sheet and letter."""

    def read(self, node: Node[bytes], name: str, place: Place) -> bool:
        """Read one part; False for one that is read as any other file."""
        if name in self.encrypted:
            raise UnreadableError("encrypted")
        if _PRINTER.fullmatch(name):
            _read_printer(node, place)
            return True
        if not name.endswith((".xml", ".rels", ".vml")):
            return False
        text = _text_of(node.content)
        if text is None:
            raise UnreadableError("bad-charset")
        charset, inner = text
        node.parts.append(Nested(0, len(node.content), inner, lambda new: new.encode(charset)))
        if self.is_odf:
            read_flowing(inner, _ODF, place)
        elif name in self.heads:
            _Sheet(inner, self.heads[name], place).read()
        else:
            labels = self.labels if name.endswith("/sharedStrings.xml") else ()
            revise = _as_look if _LOOKS.fullmatch(name) else partial(_as_link, inner.content)
            read_flowing(inner, _OOXML, place, revise, labels)
        return True


def read_document(node: Node[str], media: MediaType, place: Place) -> None:
    """Read one XML document, also one that is an office document in a single file."""
    root = _FLAT.search(node.content, 0, _FLAT_WITHIN)
    flow, namespace = _SUITES[root.lastgroup or ""] if root else (_OOXML, "")
    if root and namespace in root[0]:
        read_flowing(node, flow, place, partial(_as_link, node.content))
    else:
        read_xml(node, media, place)


def package_of(parts: Mapping[str, bytes]) -> Package | None:
    """The package that an archive of these members is; None for an archive of another kind."""
    names = parts.keys()
    if "[Content_Types].xml" in names:
        package = Package(is_odf=False, sealed=any(name.startswith("_xmlsignatures/") for name in names))
        _read_columns(package, parts)
        return package
    if "mimetype" in names and b"opendocument" in parts["mimetype"]:
        manifest = parts.get("META-INF/manifest.xml", b"").decode("utf-8", "replace")
        return Package(
            is_odf=True,
            sealed="META-INF/documentsignatures.xml" in names,
            encrypted=frozenset(names if "encryption-data" in manifest else ())
            - {"mimetype", "META-INF/manifest.xml"},
        )
    return None


def _text_of(content: bytes) -> tuple[str, Node[str]] | None:
    charset = charset_of(content, None)
    text = None if charset is None else decode_charset(content, charset)
    return None if charset is None or text is None else (charset, Node(text))


def _as_look(found: Found) -> Found:
    """Attributes where looks are defined name styles, fonts and colours."""
    span, writing, address, label = found
    return span, writing, address, "element name" if writing is ATTRIBUTE else label


def _as_link(text: str, found: Found) -> Found:
    span, writing, address, label = found
    if writing is ATTRIBUTE and label in ("Target", "xlink:href") and ":" in text[slice(*span)]:
        return span, LINK, address, label
    return found


def _read_columns(package: Package, parts: Mapping[str, bytes]) -> None:
    """Which head each shared string of a workbook stands under: a string is kept once, wherever it is used."""
    shared = next((content for name, content in parts.items() if name.endswith("xl/sharedStrings.xml")), b"")
    items = [match[1] for match in _STRING.finditer(shared.decode("utf-8", "replace"))]
    strings = [unescape("".join(_TEXTS.findall(item or ""))) for item in items]
    labels = [""] * len(strings)
    heads: dict[str, Mapping[str, str]] = {}
    for name, content in parts.items():
        if not re.fullmatch(r"xl/worksheets/[^/]+\.xml", name):
            continue
        row: dict[str, str] = {}
        head_row, head = "", dict[str, str]()
        for match in _CELL.finditer(content.decode("utf-8", "replace")):
            at, kind = _PLACE.search(match["attributes"]), _TYPE.search(match["attributes"])
            index = _TEXTS_INDEX.search(match["inner"])
            used = int(index[1]) if index and kind and kind[1] == "s" else -1
            if at is None:
                continue
            if not head_row or at[2] == head_row:
                head_row = at[2]
                row[at[1]] = (
                    strings[used] if 0 <= used < len(strings) else "".join(_TEXTS.findall(match["inner"]))
                )
                continue
            if not head:
                head = dict(zip(row, head_of(list(row.values())) or [""] * len(row), strict=True))
            if 0 <= used < len(labels) and not labels[used]:
                labels[used] = head.get(at[1], "")
        heads[name] = head
    # What is empty altogether is no paragraph.
    package.labels = [label for label, item in zip(labels, items, strict=True) if item is not None]
    package.heads = heads


_TEXTS_INDEX = re.compile(r"<(?:\w+:)?v>([0-9]{1,9})</")


@dataclass(slots=True)
class _Sheet:
    """One worksheet: values of cells under the heads of their columns, numbers so that they can become text."""

    node: Node[str]
    heads: Mapping[str, str]
    place: Place
    cells: dict[int, tuple[tuple[int, int], Writing | None, str]] = field(default_factory=dict)
    """By where a value begins: the range to be edited, how, and the label; without a writing it is no text."""

    def read(self) -> None:
        labels: list[str] = []
        for match in _CELL.finditer(self.node.content):
            at, kind = _PLACE.search(match["attributes"]), _TYPE.search(match["attributes"])
            label = self.heads.get(at[1], "") if at else ""
            labels += [label] * len(_INLINE.findall(match["inner"]))
            value = _VALUE.search(match["inner"])
            if value is None:
                continue
            start = match.start("inner") + value.start(1)
            end = match.start("inner") + value.end(1)
            is_number = kind is None or kind[1] in ("n", "d")
            if kind is not None and kind[1] in ("s", "b", "e"):
                self.cells[start] = (start, end), None, label
            elif is_number and _NUMBER.fullmatch(match["inner"]):
                self.cells[start] = match.span(), NUMBER_CELL, label
            else:
                self.cells[start] = (start, end), READ_ONLY if is_number else TEXT, label
        read_flowing(self.node, _OOXML, self.place, self._revised, labels)

    def _revised(self, found: Found) -> Found | None:
        if found[1] is TEXT and found[3].rpartition(":")[2] in _PAGE_HEADERS:
            return found[0], PAGE_HEADER, found[2], found[3]
        cell = self.cells.get(found[0][0]) if found[1] is TEXT else None
        if cell is None:
            return found
        span, writing, label = cell
        if writing is None:
            # The number of a shared string, a truth value or an error; anything longer is none.
            return None if len(self.node.content[slice(*found[0])]) <= len("#DIV/0!") else found
        return span, writing, found[2], label or found[3]


_INLINE = re.compile(r"<(?:\w+:)?is>")
_VALUE = re.compile(r"<(?:\w+:)?v(?:\s[^>]*)?>([^<]*)<")


def _read_printer(node: Node[bytes], place: Place) -> None:
    """Settings of a printer: the texts in them. They cannot be edited, and much besides text is unread."""
    rest = len(node.content) - node.content.count(b"\0")
    for match in _PRINTABLE.finditer(node.content):
        charset = "utf-16-le" if b"\0" in match[0] else "ascii"
        inner = Node(match[0].decode(charset))
        place.leaf(inner, (0, len(inner.content)), READ_ONLY, f"{place.base}.text:")
        node.parts.append(Nested(*match.span(), inner, partial(str.encode, encoding=charset)))
        rest -= len(match[0]) - match[0].count(b"\0")
    if rest > _MOST_OPAQUE_BYTES:
        raise UnreadableError("unknown-media-type")
