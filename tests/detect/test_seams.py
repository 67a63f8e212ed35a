"""Values written apart or split over fields are found at their pieces; what only follows each other is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detect.apart import together
from tests.detect.conftest import Find

IBAN = "DE89370400440532013000"


@pytest.mark.parametrize(
    "text",
    [
        " ".join(IBAN),
        ".".join(IBAN),
        "DE89-3704-0044-0532-0130-00",
        "DE89 3704\r\n0044 0532\r\n0130 00",
        "I B A N   " + " ".join(IBAN),
    ],
)
def test_account_numbers_written_apart(find: Find, text: str):
    ((entity, value),) = find(text)

    assert entity == "IBAN_CODE"
    assert value in text
    assert value.endswith("0")


@pytest.mark.parametrize(
    "text",
    [
        "kari dot nordmann at example dot org",
        "kari.nordmann (at) example (dot) org",
        "kari.nordmann [ät] example.org",
        "kari . nordmann @ example . org",
        "k a r i . n o r d m a n n @ e x a m p l e . o r g",
        "kari.nordmann@\nexample.org",
    ],
)
def test_addresses_written_apart(find: Find, text: str):
    assert find(f"Write to {text}, please.") == [("EMAIL_ADDRESS", text)]


@pytest.mark.parametrize(
    ("fields", "entity"),
    [
        ([("iban1", IBAN[:4]), ("iban2", IBAN[4:12]), ("iban3", IBAN[12:])], "IBAN_CODE"),
        ([("card1", "4111"), ("card2", "1111"), ("card3", "1111"), ("card4", "1111")], "CREDIT_CARD"),
        ([("", one) for one in IBAN], "IBAN_CODE"),
        ([("a", "kari.nordmann"), ("b", "@example.org")], "EMAIL_ADDRESS"),
        ([("birth_day", "14"), ("birth_month", "3"), ("birth_year", "1984")], "DATE_OF_BIRTH"),
        ([("first", "Kari"), ("last", "Nordmann")], "PERSON"),
    ],
)
def test_values_split_over_fields_are_found_at_every_piece(
    find: Find, fields: list[tuple[str, str]], entity: str
):
    assert find(*fields) == [(entity, text) for _, text in fields]


def test_of_an_address_in_two_fields_the_part_before_the_sign_is_the_persons(find: Find):
    assert find(("mail_local", "kari.nordmann"), ("mail_domain", "example.org")) == [
        ("EMAIL_ADDRESS", "kari.nordmann")
    ]


@pytest.mark.parametrize(
    "fields",
    [
        [("", str(year)) for year in (2019, 2020, 2021, 2022)],
        [("", "4111"), ("", "1111"), ("", "1111"), ("", "1111"), ("", "1111")],
        [("", one) for one in "4405140135944051401359"],
        [("user", "deploy"), ("host", "ci.example.org")],
        [("", "info@example.org"), ("", "support@example.org")],
        [("day", "14"), ("month", "3"), ("year", "1984")],
        [("first", "1"), ("last", "10")],
        [("a", "@angular/core"), ("b", "@types/node")],
        [("size", "12"), ("x1", "0.5"), ("x2", "0.7")],
        [("", "DE89"), ("", "3704"), ("", "0044")],
    ],
)
def test_what_merely_follows_each_other_is_nobody(find: Find, fields: list[tuple[str, str]]):
    assert find(*fields) == []


@pytest.mark.parametrize(
    "text",
    [
        "A B C D E F G H I J K",
        "a, b, c, d, e, f, g, h, i",
        "Meet at 5. See example.org (dot) the rest",
        "1 2 3 4 5 6 7 8 9 10",
        "|-|-|-|-|-|-|-|-|",
        "x = y @ z\nnext line",
    ],
)
def test_what_is_written_apart_for_other_reasons_is_nobody(find: Find, text: str):
    assert find(text) == []


@given(st.text(alphabet=st.sampled_from("a1.@ -\n(t)")))
def test_what_is_put_together_stands_where_it_stood(text: str):
    reading = together(text)

    if reading is not None:
        assert reading.places is not None
        assert len(reading.places) == len(reading.text) + 1
        assert reading.places[-1] == len(text)
        assert list(reading.places) == sorted(reading.places)


@pytest.mark.parametrize(
    "repeated", ["a @ ", "a dot ", "a at ", "DE89 3" + "N" * 400 + " ", "a-", "1-\n", "' "]
)
def test_signs_of_values_written_apart_do_not_make_a_long_text_take_long(repeated: str):
    text = repeated * (20_000 // len(repeated))

    reading = together(text)

    assert reading is None or len(reading.text) <= len(text)
