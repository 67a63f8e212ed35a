"""The forms of a report: the same facts in each, readable in every script of the EEA, and harmless to open."""

from __future__ import annotations

import csv
import io
import json
import logging
from datetime import UTC, datetime

import pytest
from pypdf import PdfReader

from gateway.reports.forms import ReportError, as_csv, as_html, as_json
from gateway.reports.model import Bar, Report, Section, Table
from gateway.reports.pdf import as_pdf

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
WORDS = (
    "Příliš žluťoučký kůň",
    "Ξεσκεπάζω την ψυχοφθόρα",
    "Жълтата дюля беше щастлива",
    "Þú dazt á hnéð í vök",
    "Il-pixxispissi ħarab ġo għarb",
    "Pójdź, kińże tę chmurność",
    "Glāžšķūņa rūķīši",
    "Árvíztűrő tükörfúrógép",
    "Muzicologă în bej vând whisky și tequila",
    "Der große Bär heißt Jörg; l’œuvre naïve à Göteborg, Åse",
)


def a_report(*rows: tuple[str | int, ...], **changes: object) -> Report:
    table = Table((("word", "Word"), ("number", "Number")), rows)
    section = Section(
        "words", "Words & <signs>", ("Said once.",), (Bar("<b>", 3, "bad"), Bar("none", 0)), table
    )
    values: dict[str, object] = {
        "kind": "test",
        "title": "A <title>",
        "made_at": NOW,
        "about": (("company", "Company", "Example & Sons"),),
        "sections": (section,),
    }
    return Report(**(values | changes))  # type: ignore[arg-type]


def test_a_pdf_is_readable_in_every_script_of_the_eea(caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.WARNING)
    document = as_pdf(a_report(*((word, n) for n, word in enumerate(WORDS))))
    text = " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(document)).pages).split())

    assert [word for word in WORDS if word not in text] == []
    assert "Example & Sons" in text
    assert not [one for one in caplog.records if "glyph" in one.getMessage()]


def test_a_table_longer_than_a_page_goes_on_on_the_next():
    document = as_pdf(a_report(*((f"row {n}", n) for n in range(150))))
    pages = PdfReader(io.BytesIO(document)).pages

    assert len(pages) > 1
    assert "row 149" in pages[-1].extract_text()


def test_a_page_escapes_what_it_shows_and_runs_nothing():
    page = as_html(a_report(("<script>alert(1)</script>", 1)))

    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in page
    assert "<svg" in page


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_of_a_csv_file_is_a_formula(cell: str):
    (row,) = list(csv.DictReader(io.StringIO(as_csv(a_report((cell, 7))))))

    assert row == {"word": f"'{cell}", "number": "7"}


def test_json_has_every_row_by_the_names_of_its_cells():
    document = json.loads(as_json(a_report(("a", 1), ("b", 2))))

    assert document["sections"]["words"]["rows"] == [{"word": "a", "number": 1}, {"word": "b", "number": 2}]
    assert document["sections"]["words"]["figures"] == {"<b>": 3, "none": 0}
    assert document["about"] == {"company": "Example & Sons"}


def test_a_report_without_a_table_has_no_csv():
    with pytest.raises(ReportError, match="no table"):
        as_csv(a_report(sections=(Section("one", "One", ("said",)),)))


def test_the_color_of_a_bar_stays_out_of_the_rows_of_the_table_after_it():
    content = PdfReader(io.BytesIO(as_pdf(a_report(("a", 1))))).pages[0].get_contents()
    assert content is not None
    color, filled = "", []
    for line in content.get_data().decode("latin-1").splitlines():
        if line.endswith((" rg", " g")):
            color = line
        elif line.endswith(" re B"):
            filled.append(color)

    assert filled == ["1 g", "1 g"]  # White: the two cells of the row.
