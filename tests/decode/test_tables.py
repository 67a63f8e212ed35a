"""CSV and TSV."""

from __future__ import annotations

import csv
import io

import pytest

from gateway.core.errors import SpliceError
from tests.decode.builders import a_message, decoded, read, replaced

CSV = "text/csv"
PEOPLE = b'name,email\r\n"Nordmann, ""Kari""",kari@example.org\r\n'


def test_cells_are_addressed_by_row_and_head_and_the_head_is_read_too() -> None:
    assert read(PEOPLE, CSV) == {
        "body.csv:/1/name": "name",
        "body.csv:/1/email": "email",
        "body.csv:/2/name": 'Nordmann, "Kari"',
        "body.csv:/2/email": "kari@example.org",
    }


def test_a_cell_has_its_column_head_for_label() -> None:
    labels = [segment.label for segment in decoded(a_message(PEOPLE, CSV)).segments]

    assert labels == ["", "", "name", "email"]


@pytest.mark.parametrize("media_type", [CSV, "text/csv; header=absent"])
def test_without_a_head_columns_are_numbered(media_type: str) -> None:
    assert read(b"Kari,kari@example.org\nOla,7\n", media_type)["body.csv:/2/2"] == "7"


@pytest.mark.parametrize(
    ("media_type", "delimiter"), [(CSV, ";"), (CSV, "|"), ("text/tab-separated-values", "\t")]
)
def test_other_delimiters_are_recognized(media_type: str, delimiter: str) -> None:
    body = f"name{delimiter}note\nKari{delimiter}a,b\n".encode()

    assert read(body, media_type)["body.csv:/2/note"] == "a,b"


def test_an_edit_in_quotes_doubles_its_quotes() -> None:
    assert replaced(PEOPLE, CSV, "body.csv:/2/name", "Nordmann", '"') == (
        b'name,email\r\n""", ""Kari""",kari@example.org\r\n'
    )


def test_an_edit_that_needs_quotes_gets_them() -> None:
    body = replaced(PEOPLE, CSV, "body.csv:/2/email", "kari", "a,\nb")

    assert list(csv.reader(io.StringIO(body.decode(), newline="")))[1] == [
        'Nordmann, "Kari"',
        "a,\nb@example.org",
    ]


@pytest.mark.parametrize("body", [b'a,"Kari', b'a,"Kari"x,b', b'a,x"Kari"', b'"Kari', b"\xef\xbb\xbfKari"])
def test_broken_quotes_hide_nothing(body: bytes) -> None:
    assert any("Kari" in text for text in read(body, CSV).values())


def test_a_broken_quote_cannot_be_edited() -> None:
    with pytest.raises(SpliceError, match="cannot be written"):
        replaced(b'a,b\n1,"Kari', CSV, "body.csv:/2/b", "Kari", "x")


def test_a_table_in_an_undeclared_charset_is_read_by_its_look() -> None:
    assert read("navn\nJørgen\n".encode("latin-1"), CSV)["body.csv:/2/navn"] == "Jørgen"
