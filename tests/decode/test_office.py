"""Office documents: text is found however it is broken into runs, and the edited file opens and lacks it."""

from __future__ import annotations

import io
import re
import subprocess
from pathlib import Path

import docx
import openpyxl
import pptx
import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from tests.decode import documents
from tests.decode.builders import a_message, decoded

TEXT = "Mein Name ist Kari Nordmann, bitte melden."
HIDDEN = "Ola Nordmann"
NAMES = ("Kari Nordmann", HIDDEN, "Nordmann")


def without_names(content: bytes) -> bytes:
    """The document after every name is replaced wherever it is read."""
    result = decoded(a_message(content))
    edits = {}
    for segment in result.segments:
        at = [(start, name) for name in NAMES[:2] if (start := segment.text.find(name)) >= 0]
        if at:
            edits[segment.address] = [
                Edit(start, start + len(name), "[PERSON]") for start, name in sorted(at)
            ]
    assert edits
    return result.splice(edits).body


def assert_gone(before: bytes, after: bytes) -> None:
    """No part says a name any more, and parts that said none are as they were, to the byte."""
    old, new = documents.members(before), documents.members(after)
    assert list(old) == list(new)
    for name, part in new.items():
        text = "".join(documents_text(part))
        assert not any(one in text for one in NAMES), name
        if not any(one in "".join(documents_text(old[name])) for one in NAMES):
            assert part == old[name]


def documents_text(part: bytes) -> list[str]:
    text = part.decode("utf-8", "replace")
    return [text, re.sub("<[^>]*>", "", text)]


def test_a_text_document_is_edited_everywhere_and_opens() -> None:
    content = documents.a_docx(TEXT, author="Kari Nordmann", hidden=HIDDEN)

    changed = without_names(content)

    assert_gone(content, changed)
    document = docx.Document(io.BytesIO(changed))
    assert document.paragraphs[0].text == "Mein Name ist [PERSON], bitte melden."
    assert document.tables[0].rows[0].cells[1].text == "Mein Name ist [PERSON], bitte melden."
    assert document.core_properties.author == "[PERSON]"
    assert [run.bold for run in document.paragraphs[0].runs] == [
        run.bold for run in docx.Document(io.BytesIO(content)).paragraphs[0].runs
    ]


def test_a_workbook_is_edited_everywhere_and_opens() -> None:
    content = documents.an_xlsx(
        [["name", "phone"], ["Kari Nordmann", 4790012345], ["thing", 12]],
        hidden=HIDDEN,
        author="Kari Nordmann",
    )
    changed = without_names(content)

    assert_gone(content, changed)
    book = openpyxl.load_workbook(io.BytesIO(changed))
    assert [[cell.value for cell in row] for row in book["Sheet"].rows] == [
        ["name", "phone"],
        ["[PERSON]", 4790012345],
        ["thing", 12],
    ]
    assert book["more"]["B7"].value == "[PERSON]"
    assert book["Sheet"]["A1"].comment.text.endswith("[PERSON]")


def test_a_number_in_a_cell_becomes_a_text_and_is_called_by_its_column() -> None:
    content = documents.an_xlsx([["name", "phone"], ["thing", 4790012345]])
    result = decoded(a_message(content))
    number = next(one for one in result.segments if one.text == "4790012345")
    assert number.label == "phone"

    changed = result.splice({number.address: [Edit(0, 10, "[PHONE]")]}).body

    assert openpyxl.load_workbook(io.BytesIO(changed))["Sheet"]["B2"].value == "[PHONE]"


def test_shared_strings_are_called_by_their_columns() -> None:
    content = documents.an_xlsx([["name", "city"], ["x", "y"]])
    shared = (
        b"<sst><si><t>name</t></si><si/><si><t>city</t></si><si><r><t>Ka</t></r><r><t>ri</t></r></si></sst>"
    )
    row = (
        b'<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>2</v></c></row>'
        b'<row r="2"><c r="B2" t="s"><v>3</v></c></row>'
    )
    content = documents.with_member(content, "xl/sharedStrings.xml", lambda _: shared)
    content = documents.with_member(
        content,
        "xl/worksheets/sheet1.xml",
        lambda _: b"<worksheet><sheetData>" + row + b"</sheetData></worksheet>",
    )

    labels = {one.text: one.label for one in decoded(a_message(content)).segments}

    assert labels["Kari"] == "city"


def test_a_presentation_is_edited_with_its_notes_and_opens() -> None:
    content = documents.a_pptx(TEXT, HIDDEN)

    changed = without_names(content)

    assert_gone(content, changed)
    slide = pptx.Presentation(io.BytesIO(changed)).slides[0]
    assert slide.shapes.title.text == "Mein Name ist [PERSON], bitte melden."
    assert slide.notes_slide.notes_text_frame.text == "[PERSON]"


def test_an_open_document_is_edited_around_its_annotations() -> None:
    content = documents.an_odt(TEXT, HIDDEN)

    changed = without_names(content)

    assert_gone(content, changed)


def test_the_edited_documents_open_in_an_office_program(tmp_path: Path) -> None:
    files = {
        "a.docx": documents.a_docx(TEXT, "Kari Nordmann", HIDDEN),
        "b.xlsx": documents.an_xlsx([["name"], ["Kari Nordmann"]]),
        "c.pptx": documents.a_pptx(TEXT, HIDDEN),
        "d.odt": documents.an_odt(TEXT, HIDDEN),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(without_names(content))

    subprocess.run(
        [
            *("soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/profile"),
            *("--convert-to", "pdf", "--outdir", str(tmp_path), *(str(tmp_path / name) for name in files)),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )

    for name in files:
        shown = subprocess.run(
            ["pdftotext", str((tmp_path / name).with_suffix(".pdf")), "-"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert "[PERSON]" in shown
        assert "Nordmann" not in shown


def test_a_link_to_an_address_stays_an_address() -> None:
    rels = (
        b'<?xml version="1.0"?><Relationships><Relationship Id="rId1" Type="hyperlink" '
        b'Target="mailto:kari%20nordmann@example.org" TargetMode="External"/></Relationships>'
    )
    content = documents.with_member(
        documents.an_xlsx([["a"]]), "xl/worksheets/_rels/x.xml.rels", lambda _: rels
    )
    result = decoded(a_message(content))
    link = next(one for one in result.segments if "kari nordmann@example.org" in one.text)

    changed = result.splice({link.address: [Edit(7, len(link.text), "[EMAIL]")]}).body

    assert b'Target="mailto:%5BEMAIL%5D"' in documents.members(changed)["xl/worksheets/_rels/x.xml.rels"]


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (documents.an_xlsx([["Kari Nordmann"]]), "_xmlsignatures/sig1.xml"),
        (documents.an_odt("Kari Nordmann"), "META-INF/documentsignatures.xml"),
    ],
    ids=["OOXML", "ODF"],
)
def test_a_signed_document_is_read_and_never_edited(content: bytes, part: str) -> None:
    with pytest.raises(SpliceError, match="signed"):
        without_names(documents.with_member(content, part, lambda _: b"<signature/>"))


def test_an_encrypted_open_document_is_unread() -> None:
    content = documents.with_member(
        documents.an_odt("x"),
        "META-INF/manifest.xml",
        lambda part: part.replace(b'/xml"/>', b'/xml"><encryption-data/></manifest:file-entry>'),
    )
    assert [one.reason for one in decoded(a_message(content)).unread] == ["encrypted"]


def test_documents_without_names_come_out_as_they_came() -> None:
    for content in (documents.a_docx("Lampe"), documents.an_xlsx([["Lampe", 1]]), documents.a_pptx("Lampe")):
        result = decoded(a_message(content))
        assert result.splice({}).body is content
        assert [one.address for one in result.unread if "thumbnail" not in one.address] == []
