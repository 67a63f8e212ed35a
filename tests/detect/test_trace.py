"""The explanation of a text: it finds what the detector finds, and says of everything else what it lacked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

import gateway
from gateway.core.detection import CustomFile, DetectionRules
from gateway.core.model import Segment
from gateway.detect import Detector
from gateway.detect.trace import Candidate, Explainer, Outcome

PESEL = "44051401359"
TEXTS = (
    f"Mein PESEL: {PESEL}",
    f"Mein PESEL: {PESEL}, nochmals {PESEL}.",
    f"order {PESEL} v1.{PESEL}",
    "DE89 3704 0044 0532 0130 00, info@example.org, anna@example.org [PERSON]",
    "tel +47 22 86 44 00; ip 8.8.8.8, born 12.03.1981",
    "Sabine Köhler wrote to Lars Nygaard",
    "password=hunter2\nname: Anna Lindqvist",
    "passport C01X00T47",
    "",
)


@pytest.fixture(scope="module")
def explainer(rules: DetectionRules) -> Explainer:
    return Explainer(rules, Path(gateway.__file__).parent / "models" / "names-xx")


def rejected(explainer: Explainer, text: str, by: str, **more: str) -> Candidate:
    """The one candidate of a recognizer that was rejected."""
    (one,) = [one for one in explainer.explain(text, **more).rejected if one.by == by]
    return one


@given(
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4).map(" ".join),
    st.sampled_from(["", "firstName", "pesel", "product", "order", "password", "telefon"]),
)
@settings(max_examples=60)
def test_what_is_explained_as_found_is_what_the_detector_finds(naming: Detector, explainer, text, label):
    found = naming.detect([Segment("text:", text, label)])

    explained = {(one.start, one.end, one.entity) for one in explainer.explain(text, label).found}

    assert explained == {(one.start, one.end, one.entity) for one in found}


def test_a_find_names_recognizer_check_cue_distance_and_scores(explainer):
    (one,) = explainer.explain(f"Mein PESEL: {PESEL}").found

    assert (one.by, one.check, one.check_holds) == ("pl.pesel", "stdnum.pl.pesel", True)
    assert [(cue.word, cue.distance, cue.where, cue.counts) for cue in one.cues] == [
        ("pesel", 2, "before", True)
    ]
    assert (one.alone, one.score, one.threshold) == (0.0, 0.95, 0.5)
    assert (one.region, one.evidence) == ("PL", "proof")


def test_a_number_without_its_cue_lacked_that(explainer):
    one = rejected(explainer, f"Nummer {PESEL}", "pl.pesel")

    assert (one.outcome, one.check_holds, one.cues) == (Outcome.NO_CUE, True, ())


def test_a_cue_that_stands_too_far_away_is_told_with_its_distance(explainer):
    one = rejected(explainer, f"pesel {'x ' * 40}{PESEL}", "pl.pesel")

    (cue,) = one.cues
    assert (one.outcome, cue.word, cue.distance, cue.counts) == (Outcome.NO_CUE, "pesel", 81, False)


def test_a_wrong_check_digit_is_told_and_comes_before_mere_shapes(explainer):
    explained = explainer.explain("PESEL: 44051401358")

    one = next(one for one in explained.rejected if one.entity == "PL_PESEL")
    assert (one.outcome, one.check_holds) == (Outcome.CHECK_FAILED, False)
    assert explained.rejected.index(one) < [x.check for x in explained.rejected].index(None)


def test_a_field_name_counts_as_a_cue(explainer):
    (one,) = explainer.explain(PESEL, "pesel").found

    assert [(cue.word, cue.where) for cue in one.cues] == [("pesel", "field")]


def test_part_of_something_longer_is_told(explainer):
    assert rejected(explainer, f"PESEL {PESEL}ö", "pl.pesel").outcome is Outcome.JOINED


def test_an_overlap_names_its_winner(explainer):
    text = "api key: anna@example.org"
    explained = explainer.explain(text)

    (loser,) = [one for one in explained.rejected if one.outcome is Outcome.OVERLAPPED]
    (winner,) = explained.found
    assert winner.entity != loser.entity
    assert f"{winner.entity} {winner.score:.2f} at {winner.start}:{winner.end} wins" in loser.note


def test_an_address_of_an_office_and_a_placeholder_are_told(explainer):
    assert rejected(explainer, "info@example.org", "email").outcome is Outcome.OFFICE
    assert rejected(explainer, "[PERSON]", "field name", label="password").outcome is Outcome.PLACEHOLDER


def test_a_field_of_things_is_not_shown_to_the_model_and_the_note_says_so(explainer):
    explained = explainer.explain("Anna Lindqvist Chair", "productName")

    assert not explained.found
    assert "holds names of things" in explained.notes[0]


def test_a_value_that_is_no_name_in_a_field_for_names_is_told(explainer):
    explained = explainer.explain("4711", "firstName")

    assert rejected(explainer, "4711", "field name", label="firstName").outcome is Outcome.NO_NAME
    assert "the field name 'firstName' says PERSON" in explained.notes[0]


def test_what_the_lists_do_is_told(rules, no_model):
    lists = TypeAdapter(CustomFile).validate_python(
        {
            "schema": 1,
            "deny": [{"entity": "PERSON", "values": ["Nordlys"]}],
            "allow": [{"reason": "published", "values": ["anna@example.org"]}],
        }
    )

    explained = Explainer(replace(rules, deny=lists.deny, allow=lists.allow), no_model).explain(
        "Nordlys, anna@example.org"
    )

    assert [(one.entity, one.by) for one in explained.found] == [("PERSON", "deny list")]
    (allowed,) = [one for one in explained.rejected if one.outcome is Outcome.ALLOWED]
    assert allowed.note == "reason: published"


def test_one_stretch_can_be_asked_about(explainer):
    text = f"Mein PESEL: {PESEL}, anna@example.org"

    explained = explainer.explain(text).at(12, 14)

    assert {one.entity for one in explained.found} == {"PL_PESEL"}
    assert all(one.start < 14 and one.end > 12 for one in explained.rejected)


def test_a_value_in_odd_separators_would_have_a_shape_without_them(explainer):
    assert "se.pnr" in explainer.shapes_of("81-12-28-98.74")
    assert "pl.pesel" in explainer.shapes_of("440514 01359")
    assert explainer.shapes_of("hello") == []
