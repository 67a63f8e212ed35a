"""What looks the same in every country: contact data, money, devices, secrets."""

from __future__ import annotations

import pytest
from schwifty import IBAN

from gateway.core.model import Evidence
from gateway.detect import Detector
from tests.detect.conftest import Find, segments

FOUND = {
    "EMAIL_ADDRESS": [
        ("write to anna.b_nowak+x@example.co.uk now", "anna.b_nowak+x@example.co.uk"),
        ("<lars@post.example.no>", "lars@post.example.no"),
        ("bjørn@blåbær.example", "bjørn@blåbær.example"),
        ("a.kowalska@firma.local,", "a.kowalska@firma.local"),
    ],
    "PHONE_NUMBER": [
        ("+49 30 901820", "+49 30 901820"),
        ("(+48) 22 694 60 00", "+48) 22 694 60 00"),
        ("ring 0046 8 508 000 00", "0046 8 508 000 00"),
        ("Telefon: 030/901820", "030/901820"),
        ("puhelin 09 160 01", "09 160 01"),
        ("mobil 070-174 06 05", "070-174 06 05"),
    ],
    "CREDIT_CARD": [
        ("pay with 4111 1111 1111 1111 please", "4111 1111 1111 1111"),
        ("Kreditkarte? Karte 4111111111111111", "4111111111111111"),
        ("3782 822463 10005", "3782 822463 10005"),
    ],
    "IP_ADDRESS": [
        ("from 193.99.144.80 again", "193.99.144.80"),
        ("at 2a02:2e0:3fe:1001:302::", "2a02:2e0:3fe:1001:302::"),
    ],
    "MAC_ADDRESS": [("mac 00:1b:44:11:3a:b7", "00:1b:44:11:3a:b7")],
    "IMEI": [("IMEI 490154203237518", "490154203237518")],
    "DATE_OF_BIRTH": [
        ("geboren am 4.5.1971 in Ulm", "4.5.1971"),
        ("née le 04/05/1971", "04/05/1971"),
        ("urodzona 1971-05-04", "1971-05-04"),
        ("født 4. mai 1971", "4. mai 1971"),
    ],
    "API_KEY": [
        ("key AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("sk-proj-abcdefghijklmnopqrstuv", "sk-proj-abcdefghijklmnopqrstuv"),
    ],
    "GPS_COORDINATES": [("seen at 52.51631, 13.37777 today", "52.51631, 13.37777")],
    "STREET_ADDRESS": [
        ("wohnt Lindenstraße 14", "Lindenstraße 14"),
        ("habite 12 rue de la Paix", "12 rue de la Paix"),
        ("ul. Długa 7", "ul. Długa 7"),
        ("Storgata 5", "Storgata 5"),
    ],
}


@pytest.mark.parametrize(
    ("entity", "text", "value"), [(e, *case) for e, cases in FOUND.items() for case in cases]
)
def test_it_is_found(find: Find, entity: str, text: str, value: str):
    assert (entity, value) in find(text)


@pytest.mark.parametrize("country", ["DE", "ES", "FR", "IT", "NL", "NO", "PL", "RO", "CH", "LI", "MT"])
@pytest.mark.parametrize("shape", ["{0}", "{1}", "{0} para Cecilia", "{1} pentru Ana", "({0})", "{2}"])
def test_an_iban_is_found_whatever_follows_it(find: Find, country: str, shape: str):
    iban = IBAN.random(country_code=country, random=__import__("random").Random(7))
    text = shape.format(iban.compact, iban.formatted, iban.compact.lower())

    ((entity, value),) = find(text)

    assert entity == "IBAN_CODE"
    assert value.replace(" ", "").upper() == iban.compact


def test_neighbors_are_each_found(find: Find):
    first, second = "DE89370400440532013000", "ES9121000418450200051332"

    assert [value for _, value in find(f"{first} {second},{first};lars@example.no,ola@example.no")] == [
        first,
        second,
        first,
        "lars@example.no",
        "ola@example.no",
    ]


def test_a_jwt_and_a_private_key_are_secrets(find: Find):
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF==\n-----END PRIVATE KEY-----"

    assert find(f"token={jwt}&x=1", key) == [("SESSION_TOKEN", jwt), ("PRIVATE_KEY", key)]


def test_a_private_key_cut_short_is_a_secret_to_its_end(find: Find):
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF"

    assert find(key) == [("PRIVATE_KEY", key)]


@pytest.mark.parametrize(
    "label", ["password", "userPassword", "user_password", "Passwort", "mot de passe", "hasło"]
)
def test_a_password_field_holds_a_secret_whatever_it_is(find: Find, label: str):
    assert find((label, "correct horse")) == [("PASSWORD", "correct horse")]


@pytest.mark.parametrize(
    "text", ["password: geheim12", 'x\n  "password" = "geheim12";\ny', "login\npassword=geheim12"]
)
def test_a_line_of_text_may_be_a_field(find: Find, text: str):
    assert find(text) == [("PASSWORD", "geheim12")]


@pytest.mark.parametrize(
    ("text", "entity", "region"),
    [
        ("+48 22 694 60 00", "PHONE_NUMBER", "PL"),
        ("DE89370400440532013000", "IBAN_CODE", "DE"),
        ("lars@example.no", "EMAIL_ADDRESS", "NO"),
    ],
)
def test_a_phone_an_iban_and_an_address_hint_at_a_region(
    detector: Detector, text: str, entity: str, region: str
):
    (finding,) = detector.detect(segments(text))

    assert (finding.entity, finding.region, finding.evidence) == (entity, region, Evidence.HINT)


def test_an_address_without_country_shows_no_region(detector: Detector):
    (finding,) = detector.detect(segments("lars@example.org"))

    assert (finding.region, finding.evidence) == (None, Evidence.NONE)


@pytest.mark.parametrize(
    "address", ["info@example.de", "Support@example.org", "no-reply@example.fr", "noreply+x@example.fr"]
)
def test_a_role_mailbox_belongs_to_nobody(find: Find, address: str):
    assert find(f"write to {address}") == []


@pytest.mark.parametrize(
    "text", ["[PERSON]", "[PL_PESEL]", "Dear [PERSON], your [IBAN_CODE] and [EMAIL_ADDRESS]"]
)
@pytest.mark.parametrize("label", ["", "firstName", "password", "pesel"])
def test_placeholders_are_not_found_again(find: Find, text: str, label: str):
    assert find((label, text)) == []


def test_a_value_found_once_is_found_wherever_it_stands(find: Find):
    assert find(("pesel", "44051401359"), ("note", "see 44051401359")) == [
        ("PL_PESEL", "44051401359"),
        ("PL_PESEL", "44051401359"),
    ]


@pytest.mark.parametrize(
    ("text", "street"),
    [
        ("Die Lieferung geht an Unter den Eichen 46, 8001 Zürich.", "Unter den Eichen 46"),
        ("De bestelling gaat naar Singel 189, 3511 CE Utrecht.", "Singel 189"),
        ("Dostava na naslov Pod gradom 39, 2000 Maribor.", "Pod gradom 39"),
        ("Please send it to 43 The Green, Dublin D02 X285.", "43 The Green"),
        ("Η παράδοση θα γίνει στη διεύθυνση Τσιμισκή 9, 546 24 Θεσσαλονίκη.", "Τσιμισκή 9"),
        ("Od května bydlí na adrese U Lesa 176.", "U Lesa 176"),
        ("Hon bor sedan maj på Norra Kajen 114.", "Norra Kajen 114"),
        ("She has lived at 72 Oak Drive since May.", "72 Oak Drive"),
    ],
)
def test_a_street_without_a_street_word_is_shown_by_postcode_or_announcement(
    find: Find, text: str, street: str
):
    assert ("STREET_ADDRESS", street) in find(text)


@pytest.mark.parametrize(
    "text", ["Chapter Two 12, 2024 Edition", "In Kapitel Drei 12 steht mehr.", "Suite Alpha 300"]
)
def test_a_word_and_a_number_alone_are_no_street(find: Find, text: str):
    assert find(text) == []


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("mobil: +36 (0)1 233 3660", "+36 (0)1 233 3660"),
        ("tél. 01.42.68.53.00", "01.42.68.53.00"),
        ("Handynr. 0171/1234567", "0171/1234567"),
        ("DE89-3704-0044-0532-0130-00", "DE89-3704-0044-0532-0130-00"),
        ("DOB: April 1, 1939", "April 1, 1939"),
        ("nar. 18/01/91", "18/01/91"),
        ("Pasienten (f. 15.07.1980) kom", "15.07.1980"),
        ("my password is tr0ub4dor&3", "tr0ub4dor&3"),
        ("postgresql://app:x7Gh2kkP@db.example.org/shop", "postgresql://app:x7Gh2kkP@db.example.org/shop"),
        ("Authorization: Bearer w4QzWx8JWUjv9MiYyvWcKf2z", "w4QzWx8JWUjv9MiYyvWcKf2z"),
        ("token ghp_swRcHxoCXgku4GxhpJksTCdi6GKzWN0sGaAa", "ghp_swRcHxoCXgku4GxhpJksTCdi6GKzWN0sGaAa"),
        ("5.12.33.44 - - [26/Nov/2026:10:00:00 +0000]", "5.12.33.44"),
    ],
)
def test_further_notations(find: Find, text: str, value: str):
    assert [found for _, found in find(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "password: string",
        "password: str | None = None",
        "secret_key: str | bytes",
        "password = os.environ['DB_PASSWORD1']",
        "postgresql://user:password@localhost/db",
        "postgresql://app:${DB_PASSWORD}@db.example.org/shop",
        "libfoo (>= 2.3.3.4), Git 1.7.12.2 Release Notes",
        "addMembership('224.0.0.114')",
        "sku;name\nKFZ-25727;Steel hinge\nVLF-55751;Chaise longue\n",
    ],
)
def test_declarations_manuals_and_versions_hold_nothing(find: Find, text: str):
    assert find(text) == []
