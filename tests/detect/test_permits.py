"""Licences, plates, permits, patients and students: found beside the word that announces them, in many languages."""

from __future__ import annotations

import pytest

from tests.detect.conftest import Find

WALLET = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"


@pytest.mark.parametrize(
    ("text", "entity", "value"),
    [
        ("Führerschein-Nr. B072RRE2I55", "DRIVING_LICENCE", "B072RRE2I55"),
        ("Permis de conduire n° 12AA34567", "DRIVING_LICENCE", "12AA34567"),
        ("Numero patente: U1B34567XK", "DRIVING_LICENCE", "U1B34567XK"),
        ("Numer prawa jazdy 12345/06/2114", "DRIVING_LICENCE", "12345/06/2114"),
        ("Rijbewijs 5123456789 geldig tot 2030", "DRIVING_LICENCE", "5123456789"),
        ("Körkortsnummer 198112289874", "DRIVING_LICENCE", "198112289874"),
        ("Kørekort nr. 12345678", "DRIVING_LICENCE", "12345678"),
        ("Řidičský průkaz EK 263442", "DRIVING_LICENCE", "EK 263442"),
        ("driverLicense: C04790322", "DRIVING_LICENCE", "C04790322"),
        ("driver_license: C04790322", "DRIVING_LICENCE", "C04790322"),
        ("Das Kennzeichen lautet M-AB 1234", "VEHICLE_PLATE", "M-AB 1234"),
        ("Kenteken: RX-123-X", "VEHICLE_PLATE", "RX-123-X"),
        ("Immatriculation AB-123-CD", "VEHICLE_PLATE", "AB-123-CD"),
        ("Matrícula 4321 KLM", "VEHICLE_PLATE", "4321 KLM"),
        ("Targa AB123CD", "VEHICLE_PLATE", "AB123CD"),
        ("Numer rejestracyjny WA 12345", "VEHICLE_PLATE", "WA 12345"),
        ("Registreringsnummer ABC 12D", "VEHICLE_PLATE", "ABC 12D"),
        ("SPZ: 1A2 3456", "VEHICLE_PLATE", "1A2 3456"),
        ("Rendszám: ABC-123", "VEHICLE_PLATE", "ABC-123"),
        ("Αριθμός κυκλοφορίας ΙΖΡ-1234", "VEHICLE_PLATE", "ΙΖΡ-1234"),
        ("Рег. номер СВ 1234 АК", "VEHICLE_PLATE", "СВ 1234 АК"),
        ("Aufenthaltstitel Nr. Y12345678", "RESIDENCE_PERMIT", "Y12345678"),
        ("Titre de séjour 9903012345", "RESIDENCE_PERMIT", "9903012345"),
        ("Karta pobytu RP1234567", "RESIDENCE_PERMIT", "RP1234567"),
        ("Patientennummer 4711008", "PATIENT_NUMBER", "4711008"),
        ("Matrikelnummer 1023456", "STUDENT_NUMBER", "1023456"),
        ("Fahrgestellnummer WVWZZZ1JZXW000001", "VIN", "WVWZZZ1JZXW000001"),
        ("IMSI 262011234567890", "IMSI", "262011234567890"),
        ("to bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq", "CRYPTO_WALLET", WALLET),
        ("idfa=38400000-8cf0-11bd-b23e-10b96e40000d", "ADVERTISING_ID", "38400000-8cf0-11bd-b23e-10b96e40000d"),
        ("_ga=GA1.2.1234567890.1700000000", "COOKIE_ID", "GA1.2.1234567890.1700000000"),
        ("https://www.linkedin.com/in/jan-kowalski-1a2b", "PROFILE_URL", "www.linkedin.com/in/jan-kowalski-1a2b"),
    ],
)  # fmt: skip
def test_what_is_announced_is_found(find: Find, text: str, entity: str, value: str):
    assert (entity, value) in find(text)


@pytest.mark.parametrize(
    "text",
    [
        "M-AB 1234",
        "model AB-123-CD in stock",
        "flight LH 1234",
        "RFC 2119",
        "WVWZZZ1JZXW000001",
        "bc1 and bc2",
        "https://www.linkedin.com/company/example",
        "38400000-8cf0-11bd-b23e-10b96e40000d",
        "0x1F9840a85d5aF5bf1D1762F925BDADdC4201F984",
        "patient since 2019",
        "The license plate is missing.",
    ],
)
def test_the_same_shapes_without_the_word_are_nobodys(find: Find, text: str):
    assert find(text) == []
