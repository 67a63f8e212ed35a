"""Cases for the places in documents and pictures where few people look."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from urllib.parse import quote

import docx
import openpyxl
import pptx
import pypdf
from openpyxl.workbook.defined_name import DefinedName
from pypdf.annotations import Link
from pypdf.generic import DictionaryObject, NameObject, TextStringObject

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.files import ODF, OOXML, as_zip, file
from tests.carriers.interfaces import email_only, name_only
from tests.decode import documents, files


def book(change: object, rows: list[list[object]] | None = None) -> bytes:
    """A workbook after a change by the library."""
    made = openpyxl.Workbook()
    for row in rows or [["a"]]:
        made.active.append(row)
    change(made)  # type: ignore[operator]
    return documents.saved(made)


def named(s: Sample) -> bytes:
    """A name that stands for a text."""

    def change(made: openpyxl.Workbook) -> None:
        made.defined_names["contact"] = DefinedName("contact", attr_text=f'"{s.email}"')

    return book(change)


def titled(s: Sample) -> bytes:
    """A sheet that is called by the address, and prints it."""

    def change(made: openpyxl.Workbook) -> None:
        made.active.oddHeader.center.text = s.email

    return book(change)


def numbers(s: Sample, heads: list[str], row: list[object]) -> bytes:
    """A table of numbers that are kept as numbers."""
    return book(lambda made: None, [heads, row])


def a_letter(s: Sample, place: str) -> bytes:
    """A letter with the sentence in one place."""
    letter = docx.Document()
    paragraph = letter.add_paragraph("items")
    if place == "comment":
        letter.add_comment(paragraph.runs, text=s.text, author="editor", initials="e")
    elif place == "footer":
        letter.sections[0].footer.paragraphs[0].text = s.text
    elif place == "keywords":
        letter.core_properties.keywords = s.email
        letter.core_properties.subject = s.text
    made = documents.saved(letter)
    without = {
        name: part for name, part in documents.members(made).items() if name != "docProps/thumbnail.jpeg"
    }
    if place == "sheet":
        without["word/embeddings/sheet1.xlsx"] = documents.an_xlsx([["note"], [s.text]])
    if place == "box":
        box = (
            "<w:p><w:r><w:pict><v:textbox xmlns:v='urn:schemas-microsoft-com:vml'><w:txbxContent><w:p><w:r><w:t>"
            f"{s.text}</w:t></w:r></w:p></w:txbxContent></v:textbox></w:pict></w:r></w:p><w:sectPr"
        )
        without["word/document.xml"] = without["word/document.xml"].replace(b"<w:sectPr", box.encode(), 1)
    if place == "field":
        field = f'<w:p><w:r><w:instrText> HYPERLINK "mailto:{s.email}" </w:instrText></w:r></w:p><w:sectPr'
        without["word/document.xml"] = without["word/document.xml"].replace(b"<w:sectPr", field.encode(), 1)
    if place == "property":
        without["docProps/custom.xml"] = (
            '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
            'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
            f'<property fmtid="{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}" pid="2" name="{s.field}">'
            f"<vt:lpwstr>{s.name}</vt:lpwstr></property></Properties>"
        ).encode()
    return as_zip(without)


def a_show(s: Sample) -> bytes:
    """A show with a table, and a group of shapes."""
    show = pptx.Presentation()
    show.core_properties.last_modified_by = ""
    slide = show.slides.add_slide(show.slide_layouts[6])
    table = slide.shapes.add_table(2, 2, 0, 0, 900000, 900000).table
    for at, value in enumerate((s.field, "email", s.name, s.email)):
        table.cell(at // 2, at % 2).text = value
    return as_zip(
        {
            name: part
            for name, part in documents.members(documents.saved(show)).items()
            if name != "docProps/thumbnail.jpeg"
        }
    )


def an_epub(s: Sample) -> bytes:
    """A book."""
    page = f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml"><body><p>{s.text}</p></body></html>'
    container = (
        '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<rootfiles><rootfile full-path="a.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    return as_zip(
        {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": container.encode(),
            "a.xhtml": page.encode(),
        },
        zipfile.ZIP_STORED,
    )


def an_odt_with(part: str, inner: str) -> bytes:
    """A text document with another part."""
    return documents.with_member(documents.an_odt("items"), part, lambda _: inner.encode())


OFFICE = (
    *(
        Case(f"DOCX {place}", OOXML, file(lambda s, place=place: a_letter(s, place)), plants=plants)  # type: ignore[misc]
        for place, plants in (
            ("comment", email_only),
            ("footer", email_only),
            ("keywords", email_only),
            ("sheet", email_only),
            ("box", email_only),
            ("field", email_only),
            ("property", name_only),
        )
    ),
    Case("XLSX defined name", OOXML, file(named), plants=email_only),
    Case("XLSX page header", OOXML, file(titled), plants=email_only),
    Case(
        "XLSX numbers kept as numbers",
        OOXML,
        file(lambda s: numbers(s, ["BSN", "n"], [111222333, 5])),
        plants=lambda s: ("111222333",),
        benign=file(lambda s: numbers(s, ["Bestelling", "n"], [111222334, 5])),
    ),
    Case("PPTX table", OOXML, file(a_show)),
    Case("EPUB", ("ZIP",), file(an_epub), plants=email_only),
    Case(
        "ODT properties",
        ODF,
        file(
            lambda s: an_odt_with(
                "meta.xml",
                '<?xml version="1.0"?><office:document-meta '
                'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
                f'xmlns:dc="http://purl.org/dc/elements/1.1/"><office:meta><dc:subject>{s.text}</dc:subject></office:meta>'
                "</office:document-meta>",
            )
        ),
        plants=email_only,
    ),
)


def pdf_with(change: object) -> bytes:
    """A page after a change by the library."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(files.a_pdf("items")))
    change(writer)  # type: ignore[operator]
    return files.written(writer)


def field_value(s: Sample) -> bytes:
    """A form with a value."""

    def change(writer: pypdf.PdfWriter) -> None:
        field = DictionaryObject(
            {
                NameObject("/FT"): NameObject("/Tx"),
                NameObject("/T"): TextStringObject(s.field),
                NameObject("/V"): TextStringObject(s.name),
            }
        )
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
            {NameObject("/Fields"): pypdf.generic.ArrayObject([writer._add_object(field)])}
        )

    return pdf_with(change)


PAPERS = (
    Case("PDF form", ("PDF",), file(field_value), plants=lambda s: ("/AcroForm",), refused=True),
    Case(
        "PDF outline",
        ("PDF",),
        file(lambda s: pdf_with(lambda writer: writer.add_outline_item(s.email, 0))),
        plants=lambda s: ("/Outlines",),
        refused=True,
        adversarial=True,
    ),
    Case(
        "PDF link",
        ("PDF",),
        file(
            lambda s: pdf_with(
                lambda writer: writer.add_annotation(
                    0,
                    Link(rect=(0, 0, 9, 9), url=f"https://example.org/?m={quote(s.email)}"),
                )
            )
        ),
        plants=lambda s: ("/URI",),
        refused=True,
        adversarial=True,
    ),
    Case(
        "RTF that hides a text and says who wrote it",
        ("RTF",),
        file(
            lambda s: files.an_rtf(r"{\info{\author x}{\doccomm " + s.email + r"}}items {\v " + s.email + "}")
        ),
        plants=email_only,
        adversarial=True,
    ),
    Case(
        "RTF in hexadecimal escapes",
        ("RTF",),
        file(lambda s: files.an_rtf("".join(rf"\'{byte:02x}" for byte in s.email.encode()) + r"\par")),
        plants=lambda s: ("".join(rf"\'{byte:02x}" for byte in s.email.encode()),),
        adversarial=True,
    ),
)


def itxt(s: Sample) -> bytes:
    """A picture with a compressed text."""
    picture = files.a_picture()
    data = b"Comment\0\1\0de\0\0" + zlib.compress(s.text.encode())
    return picture[:33] + files.png_chunk(b"iTXt", data) + picture[33:]


def xmp(s: Sample) -> bytes:
    """A picture with a packet of XMP."""
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:rights>{s.email}</dc:rights></rdf:Description>'
        "</rdf:RDF></x:xmpmeta>"
    )
    head = b"http://ns.adobe.com/xap/1.0/\0" + packet.encode()
    picture = files.a_picture("JPEG")
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(head) + 2) + head + picture[2:]


PICTURES = (
    Case(
        "PNG compressed text",
        ("Image",),
        file(itxt),
        plants=lambda s: ("iTXt",),
        refused=True,
        adversarial=True,
    ),
    Case("JPEG with XMP", ("Image",), file(xmp), plants=email_only, refused=True),
    Case(
        "GIF comment",
        ("Image",),
        file(lambda s: files.a_picture("GIF", comment=s.email.encode())),
        plants=email_only,
        refused=True,
        adversarial=True,
    ),
    Case(
        "drawing with a title",
        ("XML",),
        lambda s: Wire(
            f"<svg xmlns='http://www.w3.org/2000/svg'><title>{s.text}</title><metadata>{s.email}</metadata></svg>".encode(),
            "image/svg+xml",
        ),
    ),
)


CASES = (*OFFICE, *PAPERS, *PICTURES)
