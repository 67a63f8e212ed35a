"""Office documents as programs write them, with a text in every place that can hold one."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import docx
import openpyxl
import pptx
from docx.document import Document
from openpyxl.comments import Comment

MADE_IN_2024 = (2024, 5, 6, 7, 8, 10)
_W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: object) -> bytes:
    """As the library saves it."""
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {one.filename: archive.read(one) for one in archive.infolist()}


def with_member(content: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """The package after a change of one part, or with a part more."""
    parts = members(content)
    parts[name] = change(parts.get(name, b""))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, part in parts.items():
            method = zipfile.ZIP_STORED if one == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(one, MADE_IN_2024), part, method)
    return out.getvalue()


def in_runs(document: Document, text: str) -> None:
    """A paragraph in which every word and the middle of each has a look of its own."""
    paragraph = document.add_paragraph()
    for number, start in enumerate(range(0, len(text), 4)):
        paragraph.add_run(text[start : start + 4]).bold = bool(number % 2)


def a_docx(text: str, author: str = "", hidden: str = "") -> bytes:
    """Text in runs, in a table, in a header, as author, and in a tracked deletion."""
    document = docx.Document()
    in_runs(document, text)
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Kontakt", text
    document.sections[0].header.paragraphs[0].text = text
    document.core_properties.author = author
    document.core_properties.comments = text
    deleted = f'<w:p {_W}><w:del w:id="1" w:author="{author}"><w:r><w:delText>{hidden}</w:delText></w:r></w:del></w:p>'
    return with_member(
        saved(document),
        "word/document.xml",
        lambda part: part.replace(b"<w:sectPr", deleted.encode() + b"<w:sectPr", 1),
    )


def an_xlsx(rows: list[list[object]], hidden: str = "", author: str = "") -> bytes:
    """A sheet, a hidden one, and a comment."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.active["A1"].comment = Comment(hidden or "note", author or "author")
    sheet = book.create_sheet("more")
    sheet["B7"] = hidden
    sheet.sheet_state = "hidden"
    book.properties.creator = author
    return saved(book)


def a_pptx(text: str, note: str = "") -> bytes:
    """A slide and what its speaker is to say."""
    show = pptx.Presentation()
    show.core_properties.last_modified_by = ""  # The library's template names its author.
    slide = show.slides.add_slide(show.slide_layouts[1])
    slide.shapes.title.text = text
    slide.notes_slide.notes_text_frame.text = note
    return saved(show)


_ODT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" office:version="1.2"><office:body><office:text>%s
</office:text></office:body></office:document-content>"""
_MANIFEST = """<?xml version="1.0" encoding="UTF-8"?>
<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.2">
<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>
<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>"""


def an_odt(text: str, note: str = "") -> bytes:
    """A paragraph in spans, with an annotation in its middle."""
    middle = len(text) // 2
    said = f"<office:annotation><dc:creator>editor</dc:creator><text:p>{note}</text:p></office:annotation>"
    spans = f"<text:span>{text[2:middle]}</text:span>{said}<text:span>{text[middle:]}</text:span>"
    inner = f"<text:p>{text[:2]}{spans}</text:p>"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in (
            ("mimetype", "application/vnd.oasis.opendocument.text"),
            ("content.xml", _ODT % inner),
            ("META-INF/manifest.xml", _MANIFEST),
        ):
            method = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, MADE_IN_2024), content, method)
    return out.getvalue()
