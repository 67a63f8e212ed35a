"""What people do not see makes no difference to what is found, and findings stand where the text has them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.detect import normalize
from gateway.detect.normal import normal
from tests.detect.conftest import Find

PESEL = "44051401359"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PESEL 4405\u200b1401\u200b359 ok", "4405\u200b1401\u200b359"),
        ("PE\u00adSEL 44051401359 ok", "44051401359"),
        ("PESEL \u202e44051401359\u202c ok", "44051401359\u202c"),
        ("РЕSEL 44051401359 ok", "44051401359"),
        ("PESEL ４４０５１４０１３５９ ok", "４４０５１４０１３５９"),
    ],
    ids=["zero width", "soft hyphen", "bidi", "other script", "full width"],
)
def test_identifiers(find: Find, text: str, value: str):
    assert find(text) == [("PL_PESEL", value)]


def test_an_address_with_letters_of_another_script(find: Find):
    assert find("аnna.kowalska@example.org") == [("EMAIL_ADDRESS", "аnna.kowalska@example.org")]


def test_names_with_accents_as_signs_of_their_own(find_names: Find):
    written = unicodedata.normalize("NFD", "Mein Name ist Jürgen Köhler, guten Tag.")

    assert find_names(written) == [("PERSON", unicodedata.normalize("NFD", "Jürgen Köhler"))]


def test_cues_with_accents_as_signs_of_their_own(find: Find):
    assert find(unicodedata.normalize("NFD", "Téléphone : 01 23 45 67 89")) == [
        ("PHONE_NUMBER", "01 23 45 67 89")
    ]


@pytest.mark.parametrize("word", ["Αθήνα", "София", "Müller", "naïve", "Łódź", "iPhone", "Ωmega3"])
def test_words_in_one_script_stay_as_they_are(word: str):
    assert normal(word).text == word


@given(st.text(alphabet=st.sampled_from("aeÜ\u0301\u0308\u200b\u00ad 1")))
def test_every_stretch_stands_where_it_stood(text: str):
    reading = normal(text)

    assert reading.span(0, len(reading.text))[1] == len(text) or not reading.moved
    for start in range(len(reading.text)):
        low, high = reading.span(start, start + 1)
        assert 0 <= low < high <= len(text)
        assert normal(text[low:high]).text == reading.text[start]


def test_a_value_has_one_fingerprint_however_it_is_written():
    spellings = ("Jürgen\u200b Köhler", unicodedata.normalize("NFD", "Jürgen Köhler"))

    assert {normalize("PERSON", one) for one in spellings} == {normalize("PERSON", "Jürgen Köhler")}
