"""Names of people: from the shipped model, and from fields that say so."""

from __future__ import annotations

import pytest

from gateway.core.model import Evidence, Segment
from gateway.detect import Detector
from tests.detect.conftest import Find, segments

SENTENCES = [
    ("Guten Tag, mein Name ist Sabine Köhler. Bitte rufen Sie an.", "Sabine Köhler"),
    ("Bonjour, je suis Camille Lefèvre et j'habite à Lyon.", "Camille Lefèvre"),
    ("Mijn collega Pieter van den Berg komt morgen.", "Pieter van den Berg"),
    ("Jeg har snakket med Ingrid Nygaard om saken.", "Ingrid Nygaard"),
    ("My colleague Thomas Whitfield will join the call.", "Thomas Whitfield"),
    ("Domnul Andrei Popescu a semnat contractul.", "Andrei Popescu"),
]


@pytest.mark.parametrize(("text", "name"), SENTENCES)
def test_the_model_finds_people_in_sentences(find_names: Find, text: str, name: str):
    assert any(entity == "PERSON" and name in value for entity, value in find_names(text))


def test_a_person_shows_no_region(naming: Detector):
    (finding,) = naming.detect(segments(("name", "Sabine Köhler")))

    assert (finding.region, finding.evidence, finding.category) == (None, Evidence.NONE, "identity")


@pytest.mark.parametrize(
    ("label", "value"),
    [
        ("firstName", "Sabine"),
        ("last_name", "Köhler"),
        ("customer.full-name", "sabine köhler"),
        ("Vorname", "Jörg"),
        ("prénom", "Zoé"),
        ("PRENOM", "ZOÉ"),
        ("apellidos", "García Márquez"),
        ("imię", "Łucja"),
        ("sukunimi", "Virtanen"),
        ("επώνυμο", "Παπαδόπουλος"),
        ("име", "Мария"),
        ("surname", "O'Brien"),
        ("account_holder", "Köhler, Sabine"),
        ("förnamn", "Åsa"),
    ],
)
def test_a_field_for_names_holds_a_name_whatever_the_model_says(find: Find, label: str, value: str):
    assert find((label, value)) == [("PERSON", value)]


@pytest.mark.parametrize("value", ["null", "unknown", "N/A", "-", "12345", "true", "admin", ""])
def test_a_field_for_names_may_hold_none(find: Find, value: str):
    assert find(("firstName", value)) == []


@pytest.mark.parametrize(
    "text",
    [
        "Siemens AG",
        "user",
        "system",
        "assistant",
        "gpt-4",
        "INFO",
        "Bergen",
        "Error",
        "Customer Support",
        "Hallo Team",
    ],
)
def test_companies_places_roles_and_log_words_are_nobody(find_names: Find, text: str):
    assert find_names(text) == []


def test_a_full_name_found_once_is_found_in_every_field(find_names: Find):
    found = find_names("Mein Name ist Sabine Köhler.", ("x", "sabine.k / Sabine Köhler / 7"))

    assert [value for _, value in found] == ["Sabine Köhler", "Sabine Köhler"]


def test_a_name_does_not_run_over_a_line_end(find_names: Find):
    found = find_names("Sabine Köhler\nIngrid Nygaard\n")

    assert found == [("PERSON", "Sabine Köhler"), ("PERSON", "Ingrid Nygaard")]


def test_replacements_put_a_placeholder_in_the_place_of_each_value(detector: Detector):
    among = segments("PESEL 44051401359, DE89370400440532013000")
    findings = detector.detect(among)

    edits = detector.replacements(findings, {one.address: one.text for one in among})

    assert {address: [edit.replacement for edit in its] for address, its in edits.items()} == {
        "body.json:/0": ["[PL_PESEL]", "[IBAN_CODE]"]
    }


def test_a_lone_word_in_a_table_or_in_code_is_no_name(find_names: Find):
    rows = "".join(f"AB-{n};Florence table;40012345{n:02};19.9{n % 10};{n};RAL 9010\n" for n in range(12))

    assert find_names(f"sku;name;ean;price;stock;colour\n{rows}") == []


def test_a_full_name_in_a_table_is_one(find_names: Find):
    rows = "".join(f"{n};Sabine Köhler;2026-11-{n:02};{n}.50\n" for n in range(10, 16))

    assert ("PERSON", "Sabine Köhler") in find_names(f"id;customer;date;total\n{rows}")


@pytest.mark.parametrize(
    "text",
    [
        '[{"sku": "AB-1", "name": "Victoria Lindqvist", "price": 19.9}, {"sku": "AB-2", "name": "Anna Berg"}]',
        "sku;name;ean;price\nAB-1;Victoria Lindqvist;4001234512345;19.90\nAB-2;Anna Berg;4001234512352;5.00\n",
        '- iso2: "XX"\n  name: Anna Lindqvist\n  bloc: EU\n',
        "brand: Nordlys\nproduct_name: Victoria Lindqvist\nweight: 3 kg\n",
    ],
    ids=["JSON", "CSV", "YAML", "a field for things"],
)
def test_in_a_record_of_a_thing_its_name_is_nobodys(find_names: Find, text: str):
    assert find_names(text) == []


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "Victoria Lindqvist", "email": "v.l@example.org", "price": 19.9}',
        "name;phone;stock\nVictoria Lindqvist;+46 8 123 456 78;3\nAnna Berg;+46 8 123 456 79;1\n",
    ],
    ids=["JSON", "CSV"],
)
def test_in_a_record_with_an_address_or_number_a_name_is_somebodys(find_names: Find, text: str):
    assert ("PERSON", "Victoria Lindqvist") in find_names(text)


def test_a_lone_word_in_a_manual_is_a_program(find_names: Find):
    manual = (
        "Use `{}` to render PDF_FILES with --dpi=300, see cairo.h and /usr/share/doc/README.md (v1.18.2):\n"
    )

    assert (
        find_names(manual.format("cairo_show()") + "Victoria renders SVG 1.1, PNG and PS2 via libpng16.\n")
        == []
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("H.L. Hansen var en usædvanlig og frisk skribent i sin tid.", "H.L. Hansen"),
        ("Au fost identificați ca fiind Florian N., de 50 de ani, și Sorin M., de 30 de ani.", "Florian N."),
        ("Vlani vyhlásili štátny smútok za Jána Pavla II. a ďalších.", "Jána Pavla II."),
    ],
)
def test_initials_and_numbers_belong_to_their_name_with_their_stops(find_names: Find, text: str, name: str):
    assert ("PERSON", name) in find_names(text)


def test_a_lone_word_is_somebodys_name_where_it_is_a_sentence(find_names: Find):
    assert ("PERSON", "Phillip") in find_names("Phillip!")
    assert find_names("Phillip") == []
    assert find_names("Zerstörung!") == []


@pytest.mark.parametrize("text", ["Anfrage: grüne Lampe", "Betreff: rote Tasche"])
def test_a_thing_under_a_label_is_nobody(find_names: Find, text: str):
    assert find_names(text) == []


def test_an_office_in_small_letters_is_no_part_of_a_name_and_a_particle_is(find_names: Find):
    found = find_names(
        "Gisteren sprak minister Johan van der Meulen lang met de pers over ludwig von Reichenau."
    )

    assert ("PERSON", "Johan van der Meulen") in found


def test_the_head_of_a_statement_says_what_its_rows_hold(find_names: Find):
    found = find_names(
        "INSERT INTO orders (id, full_name, email) VALUES\n(7, 'Sabine Köhler', 'x@y.example'),\n(8, NULL, NULL);\n"
    )

    assert ("PERSON", "Sabine Köhler") in found


def test_the_stop_that_ends_a_sentence_is_no_part_of_a_name(find_names: Find):
    found = find_names("Den Vertrag unterschrieb gestern Sabine Köhler. Danach ging sie.")

    assert ("PERSON", "Sabine Köhler") in found


def _record(**fields: str) -> list[Segment]:
    return [Segment(f"body.json:/items/0/{name}", value, name) for name, value in fields.items()]


def test_a_bare_name_beside_an_address_of_mail_is_somebodys(naming: Detector):
    found = naming.detect(_record(name="Sabine", email="sabine@example.org", price="3"))

    assert [(one.entity, one.address) for one in found if one.entity == "PERSON"] == [
        ("PERSON", "body.json:/items/0/name")
    ]


def test_a_bare_name_beside_a_price_is_a_things(naming: Detector):
    assert naming.detect(_record(sku="A", name="Victoria Lindqvist", price="3")) == ()
    assert naming.detect(_record(name="Victoria Lindqvist", note="called twice")) != ()
