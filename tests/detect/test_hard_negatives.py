"""What must stay unseen: machines talk in numbers and capitals all day."""

from __future__ import annotations

import pytest

from tests.detect.conftest import Find

PLAIN = [
    "550e8400-e29b-41d4-a716-446655440000",
    "2026-11-24T03:36:24.120Z",
    "2026-11-24 03:36:24",
    "1764000000000",
    "1771212112345",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "d41d8cd98f00b204e9800998ecf8427e",
    "GET /api/v2/items/183746 HTTP/1.1 200 5321 0.012",
    "2026-11-24 03:36:24,120 INFO worker-3 request 88213477 done in 182 ms",
    "ERROR [pool-1-thread-7] Connection to 10.0.0.12:5432 refused",
    "EUR 1,299.00",
    "1.234.567,89",
    "12.50 - 13.75",
    "v12.3.1",
    "Chrome/120.0.6099.109 Safari/537.36",
    "version 4.18.2.1",
    "order 4405140135",
    "invoice 2026-000123456",
    "ISBN 978-3-16-148410-0",
    "0.30901820",
    "3.141592653589793",
    "000000000000",
    "1234567890",
    "12345678901",
    "4111111111111",
    "127.0.0.1",
    "192.168.178.21",
    "0.0.0.0",
    "00:00:00",
    "12:30:45",
    "page_load",
    "logo@2x.png",
    "getty@tty1.service",
    "git@code.example.org:group/project.git",
    "@types/node",
    "#123456",
    "A4 B5 C6",
    "temperature 21.5, humidity 40",
    "52, 13",
    "SELECT id, total FROM orders WHERE id = 183746251",
    "gpt-4o-mini-2024-07-18",
    "Spring 2007",
    "2024-2025",
    "Section 12.4.1",
    "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
]


@pytest.mark.parametrize("text", PLAIN)
def test_text_of_machines_holds_nothing(find: Find, text: str):
    assert find(text) == []


@pytest.mark.parametrize("text", PLAIN)
def test_nor_does_the_model_see_people_in_it(find_names: Find, text: str):
    assert find_names(text) == []


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("createdAt", "1771212112345"),
        ("timestamp", "1631012112345"),
        ("orderId", "44051401359"),
        ("version", "4.18.2.1"),
        ("sku", "10259033P"),
        ("price", "129900"),
        ("model", "gpt-4"),
        ("role", "assistant"),
        ("firstName", "null"),
        ("lastName", "unknown"),
        ("status", "Active"),
        ("id", "550e8400-e29b-41d4-a716-446655440000"),
        ("name", "assistant-large"),
        ("temperature", "0.20"),
        ("productName", "Blue Widget"),
        ("city", "San Marino Alto"),
        (
            "user-agent",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
        ),
        ("event_type", "Customer Created"),
    ],
)
def test_fields_of_machines_hold_nothing(find: Find, find_names: Find, label: str, text: str):
    assert find((label, text)) == []
    assert find_names((label, text)) == []


@pytest.mark.parametrize(
    "code", ["registry.Hook = WeakSet()", "self._Helper(x)", "path/Compress/Rules", "AsJson"]
)
def test_words_joined_by_the_signs_of_code_are_no_names(find_names: Find, code: str):
    assert find_names(code) == []


def test_a_name_with_a_capital_inside_is_a_name(find_names: Find):
    assert find_names("Please call Fiona McKay back about the order.") == [("PERSON", "Fiona McKay")]


CATALOGUE = 'msgctxt "abbrev. month January"\nmsgid "Jan"\nmsgstr "Jan"\n\nmsgid "Remove"\nmsgstr "Eemalda"\n'


def test_messages_of_a_catalogue_are_labels_and_no_names(find_names: Find):
    assert find_names(CATALOGUE) == []


def test_somebody_in_the_midst_of_a_message_is_found(find_names: Find):
    text = 'msgid "Reviewed"\nmsgstr "Diese Seite wurde von Frau Sabine Köhler aus Trier geprüft."\n'
    assert [value for _, value in find_names(text)] == ["Sabine Köhler"]


def test_the_full_name_of_a_service_is_nobodys(find: Find):
    assert find(("serviceFullName", "Amazon Elastic Compute Cloud")) == []
    assert find(("customerFullName", "Sabine Köhler")) == [("PERSON", "Sabine Köhler")]


def test_a_picture_in_a_url_is_looked_through_in_a_time_that_grows_with_its_length(find: Find):
    # In a time that grows with the square, this would take half an hour.
    assert find("data:image/png;base64," + "iVBORw0KGgoAAAANSUhEUgAA" * 20_000) == []


def test_a_comment_behind_a_value_is_no_part_of_it(find: Find):
    assert find("owner: x\ncustomer name: Sabine Köhler  # since May\n") == [("PERSON", "Sabine Köhler")]
