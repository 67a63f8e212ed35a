"""A cue announces its own value, and not the number next door."""

from __future__ import annotations

import pytest

from tests.detect.conftest import Find

PESEL, PEID = "44051401359", "8896697761"


@pytest.mark.parametrize(
    "text",
    [
        f"PESEL {PESEL}, zamówienie 1513725737",
        f"zamówienie 1513725737 przyjęte, PESEL ({PESEL})",
        f'{{"orderId": "1513725737", "pesel": "{PESEL}", "createdAt": 1513725737}}',
        f"PESEL: {PESEL}\nzamówienie: 1513725737",
    ],
)
def test_a_number_under_another_word_is_not_the_cues(find: Find, text: str):
    assert find(text) == [("PL_PESEL", PESEL)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Bitte prüfen: PEID {PEID}, Auftrag 63256695", [("LI_PEID", PEID)]),
        ("Tel. 0049 30 172523, Auftrag INV-2023-91175", [("PHONE_NUMBER", "0049 30 172523")]),
        ("Vorgang 03183438 wurde geschlossen, Telefon (01512 3471679)", [("PHONE_NUMBER", "01512 3471679")]),
        ("dowód osobisty ABA 212437, zamówienie 5650947438", [("PL_ID_CARD", "ABA 212437")]),
    ],
)
def test_values_that_only_a_cue_makes_personal(find: Find, text: str, expected: list[tuple[str, str]]):
    assert find(text) == expected


@pytest.mark.parametrize("text", ["Tel. 030 172523, 030 172524", "Telefon: 030 172523 oder 030 172524"])
def test_values_in_a_row_share_their_cue(find: Find, text: str):
    assert find(text) == [("PHONE_NUMBER", "030 172523"), ("PHONE_NUMBER", "030 172524")]


@pytest.mark.parametrize(
    "text",
    ["Mobil 978-3-20-513924-2", "tel. INV-2024-69092", "passport no. D-761412-7", "Tel.: AB1-030172523"],
)
def test_a_piece_of_a_longer_number_is_nobodys(find: Find, text: str):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"), [("Telefon-030172523", "030172523"), ("Tel. DE-030172523", "030172523")]
)
def test_a_hyphen_after_a_cue_or_a_country_does_not_make_it_longer(find: Find, text: str, value: str):
    assert find(text) == [("PHONE_NUMBER", value)]


@pytest.mark.parametrize(
    "key", ["numeroPasaporte", "numero_pasaporte", "NumeroPasaporte", "numero-pasaporte"]
)
def test_a_cue_may_stand_inside_a_word_written_together(find: Find, key: str):
    assert find(f'{{"{key}": "AAB964228"}}') == [("PASSPORT", "AAB964228")]
    assert find("ompass AAB964228") == []


def test_in_a_table_a_cue_counts_in_its_column(find: Find):
    assert find("order;passport;total\n42347369;387310657;19.90\n") == [("PASSPORT", "387310657")]
    assert find("passport\n387310657\n") == [("PASSPORT", "387310657")]


@pytest.mark.parametrize(
    "text", ["Versicherungsnummer liegt vor.", "Die Geburtsdatum-Angabe fehlt, Mobil auch."]
)
def test_what_announces_values_is_nobodys_name(find_names: Find, text: str):
    assert find_names(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "bsnNumber: 111222333",
        "bsnnummer 111222333",
        "CUSTOMER_BSN=111222333",
        "Patiëntbsn 111222333, BSN-nr. 111222333",
        "BSN111222333",
        '{"type": "bsn", "value": "111222333"}',
        "id;bsn;total\n1;111222333;20\n2;111222333;30\n",
        "| name | bsn |\n|---|---|\n| x | 111222333 |",
    ],
)
def test_spellings_of_a_short_cue(find: Find, text: str):
    assert {value for entity, value in find(text) if entity == "NL_BSN"} == {"111222333"}


@pytest.mark.parametrize(
    "text",
    [
        '{"bsn": "x", "orderId": "111222333"}',
        "<r><bsn/><batch>111222333</batch></r>",
        "bsn=unknown total=111222333",
        "the BSN is unknown, order 111222333",
        "total: 111222333\nbsn: none",
        "id;bsn;total\n1;;111222333\n",
        "bsnip 111222333",
    ],
)
def test_what_stands_under_another_name_is_not_the_cue_s_own(find: Find, text: str):
    assert find(text) == []
