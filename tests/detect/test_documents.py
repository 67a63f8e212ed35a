"""Passports, identity cards and machine-readable lines: found beside their cue or by their shape, and not otherwise."""

from __future__ import annotations

import pytest

from tests.detect.conftest import Find

PASSPORTS = [
    ("Reisepass Nr.", "P 1234567"),
    ("Passnummer", "C01X00T47"),
    ("numéro de passeport", "12AB34567"),
    ("numer paszportu", "EA1234567"),
    ("pasaporte n.º", "AAB123456"),
    ("αριθμός διαβατηρίου", "AE1234567"),
    ("číslo pasu", "41234567"),
]
CARDS = [
    ("PL_ID_CARD", "dowodu osobistego", "ABA 300000"),
    ("GR_ID_CARD", "δελτίου ταυτότητας", "ΑΒ 123456"),
    ("IT_ID_CARD", "carta d'identità", "CA12345AA"),
    ("ID_CARD", "osebne izkaznice", "002123456"),
]


@pytest.mark.parametrize(("cue", "text"), PASSPORTS)
def test_a_passport_number_counts_beside_its_cue_only(find: Find, cue: str, text: str):
    assert ("PASSPORT", text) in find(f"{cue}: {text}")
    assert find(f"ref {text} ok") == []


@pytest.mark.parametrize(("entity", "cue", "text"), CARDS)
def test_an_identity_card_number_counts_beside_its_cue_only(find: Find, entity: str, cue: str, text: str):
    assert (entity, text) in find(f"{cue}: {text}")
    assert find(f"ref {text} ok") == []


def test_a_test_that_passes_is_no_passport(find: Find):
    assert find("All tests pass: 12345678 of 12345678 passed") == []


@pytest.mark.parametrize(
    "line",
    [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ],
    ids=["passport, first", "passport, second", "card, first", "card, second", "card, third"],
)
def test_machine_readable_lines_are_found_whole(find: Find, line: str):
    assert find(f"scan: {line} end") == [("MRZ", line)]


@pytest.mark.parametrize(
    "text",
    [
        "téléphone 0033 6 12 34 56 78",
        "telefoon 06 12345678",
        "τηλέφωνο 691 234 5678",
        "тел. 02 123 4567",
        "tlf. 40 61 26 27",
        "tālrunis 21 234 567",
        "mob. 061234567",
    ],
)
def test_words_for_telephone_in_all_languages_announce_a_national_number(find: Find, text: str):
    ((entity, value),) = find(text)

    assert (entity, value) == ("PHONE_NUMBER", text[text.index(next(c for c in text if c.isdigit())) :])


@pytest.mark.parametrize(
    ("cue", "date"),
    [
        ("nato il", "06/06/1956"),
        ("narozen", "26. 02. 1986"),
        ("született", "1980. július 11."),
        ("gimimo data", "1958 m. lapkričio 18 d."),
        ("dzimis", "1953. gada 25. septembrī"),
        ("γέννησης", "19 Σεπτεμβρίου 1962"),
        ("syntymäaika", "05. maaliskuuta 1995"),
    ],
)
def test_birth_dates_in_each_countrys_notation_are_found_whole(find: Find, cue: str, date: str):
    assert find(f"{cue} {date}") == [("DATE_OF_BIRTH", date)]


@pytest.mark.parametrize(
    "street",
    [
        "Calle de Alcalá 42",
        "Corso Vittorio Emanuele II 7",
        "Kossuth Lajos utca 5",
        "Brīvības iela 12",
        "Gedimino pr. 9",
        "Λεωφόρος Αλεξάνδρας 170",
        "бул. Витоша 15",
        "Strada Lungă nr. 8",
        "Kirkestræde 3",
        "14 Patrick Street Upper",
        "27, Triq San Pawl",
    ],
)
def test_streets_with_a_house_number_are_found(find: Find, street: str):
    assert ("STREET_ADDRESS", street) in find(f"x; {street}; y")
