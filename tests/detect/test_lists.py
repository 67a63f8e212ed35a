"""The operator's own recognizers and lists: what is always found, what never, and what wins."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from gateway.core.detection import CustomFile, DetectionRules, assemble
from gateway.core.detection import FieldsFile as Fields
from gateway.core.detection import RecognizersFile as Recognizers
from gateway.core.model import Message
from gateway.decode import Limits
from gateway.detect import Detector
from gateway.inspection import Anonymize, Inspect
from gateway.inspector import Inspector, fingerprint_of
from gateway.keys import Key
from tests.detect.conftest import segments, values_of

Detecting = Callable[..., list[tuple[str, str]]]
PESEL = "44051401359"
KEY = Key(1, b"k" * 32)


@pytest.fixture
def with_custom(rules: DetectionRules) -> Callable[..., DetectionRules]:
    """The shipped rules and a custom file of these parts."""

    def with_custom(**parts: object) -> DetectionRules:
        custom = TypeAdapter(CustomFile).validate_python({"schema": 1, **parts})
        shipped = [
            Recognizers(schema=1, recognizers=rules.recognizers),
            Fields(schema=1, fields=rules.fields),
            rules.names,
            rules.scoring,
            rules.special.records,
            *rules.special.languages,
        ]
        return assemble([*shipped, custom], rules.category_of)

    return with_custom


@pytest.fixture
def finding(with_custom, no_model: Path) -> Callable[..., Detecting]:
    """What is found with a custom file of these parts."""

    def finding(**parts: object) -> Detecting:
        detector = Detector(
            with_custom(**parts), no_model, fingerprint=lambda e, v: (fingerprint_of(KEY, e, v),)
        )

        def find(*values: str | tuple[str, str], agent: str = "") -> list[tuple[str, str]]:
            among = segments(*values)
            return values_of(detector.detect(among, agent), among)

        return find

    return finding


def employee(**more: object) -> dict[str, object]:
    return {
        "name": "employee",
        "entity": "EMPLOYEE_NUMBER",
        "category": "employment",
        "pattern": r"E-\d{6}",
    } | more


def test_a_recognizer_of_ones_own_counts_alone_by_its_score(finding):
    assert finding(recognizers=[employee(score=0.8)])("see E-123456") == [("EMPLOYEE_NUMBER", "E-123456")]


def test_or_only_beside_its_cues_or_in_its_fields(finding):
    find = finding(recognizers=[employee(cues=["personalnummer"], fields=["staff no"])])

    assert find("see E-123456") == []
    assert find("Personalnummer: E-123456") == [("EMPLOYEE_NUMBER", "E-123456")]
    assert find(("staffNo", "E-123456")) == [("EMPLOYEE_NUMBER", "E-123456")]


def test_its_check_says_which_numbers_count(finding):
    find = finding(recognizers=[employee(pattern=r"\d{8}", check="stdnum.luhn", score=0.8)])

    assert find("12345674", "12345675") == [("EMPLOYEE_NUMBER", "12345674")]


def test_its_region_and_category_are_those_of_the_entry(with_custom, no_model):
    rules = with_custom(recognizers=[employee(score=0.8, region="NO", evidence="proof")])

    (one,) = Detector(rules, no_model).detect(segments("see E-123456"))

    assert (one.region, one.evidence, one.category) == ("NO", "proof", "employment")


def test_without_a_pattern_all_that_stands_in_its_fields_is_found(finding):
    find = finding(
        recognizers=[{"name": "desk", "entity": "DESK", "category": "employment", "fields": ["desk code"]}]
    )

    assert find(("deskCode", "third floor, window"), "third floor") == [("DESK", "third floor, window")]


@pytest.mark.parametrize("written", ["PROJEKT NORDLYS", "projekt\nnördlys", "Projekt\u00a0Nordlys"])
def test_what_is_denied_is_found_whatever_its_case_accents_and_spaces(finding, written):
    find = finding(deny=[{"entity": "PERSON", "values": ["Projekt Nordlys"]}])

    assert find(f"the {written}, again") == [("PERSON", written)]


def test_but_only_between_word_borders(finding):
    assert finding(deny=[{"entity": "PERSON", "values": ["Anna"]}])("Annabelle, Johanna, Anna") == [
        ("PERSON", "Anna")
    ]


def test_a_denied_pattern_is_found_anywhere(finding):
    find = finding(deny=[{"entity": "CODE_NAME", "category": "employment", "patterns": [r"NORDLYS-\d+"]}])

    assert find("ref NORDLYS-77.") == [("CODE_NAME", "NORDLYS-77")]


def test_what_is_denied_wins_over_other_findings_of_the_same_place(finding):
    find = finding(deny=[{"entity": "CODE_NAME", "category": "employment", "values": [PESEL]}])

    assert find(f"PESEL: {PESEL}") == [("CODE_NAME", PESEL)]


def test_an_address_of_an_office_is_found_where_it_is_denied(finding):
    assert finding()("info@example.org") == []
    assert finding(deny=[{"entity": "EMAIL_ADDRESS", "values": ["info@example.org"]}])(
        "info@example.org"
    ) == [("EMAIL_ADDRESS", "info@example.org")]


def test_what_is_allowed_is_not_found_in_any_case(finding):
    find = finding(allow=[{"reason": "published", "values": ["Anna@Example.org"]}])

    assert find("anna@example.org, berta@example.org") == [("EMAIL_ADDRESS", "berta@example.org")]


def test_an_allowed_value_is_the_whole_value_and_nothing_like_it(finding):
    find = finding(allow=[{"reason": "x", "values": ["anna@example.org"], "patterns": ["b@example.org"]}])

    assert find("joanna@example.org, ànna@example.org, bb@example.org") == [
        ("EMAIL_ADDRESS", "joanna@example.org"),
        ("EMAIL_ADDRESS", "ànna@example.org"),
        ("EMAIL_ADDRESS", "bb@example.org"),
    ]


def test_what_is_allowed_as_one_entity_is_still_found_as_another(finding):
    text = f"PESEL: {PESEL}"

    assert finding(allow=[{"reason": "x", "values": [PESEL], "entities": ["PHONE_NUMBER"]}])(text)
    assert not finding(allow=[{"reason": "x", "values": [PESEL], "entities": ["PL_PESEL"]}])(text)


def test_what_is_allowed_to_one_agent_is_found_on_the_way_to_others(finding):
    find = finding(allow=[{"reason": "its own number", "values": [PESEL], "agents": ["helpdesk"]}])

    assert find(f"PESEL: {PESEL}", agent="helpdesk") == []
    assert find(f"PESEL: {PESEL}", agent="crm") == [("PL_PESEL", PESEL)]
    assert find(f"PESEL: {PESEL}") == [("PL_PESEL", PESEL)]


def test_a_fingerprint_allows_what_the_rules_do_not_hold(finding, with_custom, no_model):
    allow = [{"reason": "test data", "fingerprints": [fingerprint_of(KEY, "PL_PESEL", PESEL)]}]

    assert finding(allow=allow)(f"PESEL: {PESEL}, PESEL: 02070803628") == [("PL_PESEL", "02070803628")]
    # Without the key nobody can tell, so nothing is allowed.
    assert Detector(with_custom(allow=allow), no_model).detect(segments(f"PESEL: {PESEL}"))


def test_what_is_denied_cannot_be_allowed(finding):
    find = finding(
        deny=[{"entity": "PERSON", "values": ["Nordlys"], "patterns": [r"N-\d+"]}],
        allow=[{"reason": "x", "values": ["Nordlys"], "patterns": [r"N-\d+"]}],
    )

    assert find("Nordlys N-7") == [("PERSON", "Nordlys"), ("PERSON", "N-7")]


def test_what_was_put_aside_does_not_hide_what_it_overlaps(finding):
    find = finding(
        recognizers=[
            employee(name="wide", entity="WIDE", pattern=r"E-\d{6}-X", score=0.9),
            employee(score=0.6),
        ],
        allow=[{"reason": "x", "entities": ["WIDE"], "patterns": [r"E-\d{6}-X"]}],
    )

    assert finding(recognizers=[employee(name="wide", entity="WIDE", pattern=r"E-\d{6}-X", score=0.9)])(
        "E-123456-X"
    )
    assert find("E-123456-X") == [("EMPLOYEE_NUMBER", "E-123456")]


def test_the_memory_of_texts_knows_whom_they_went_to(finding):
    find = finding(allow=[{"reason": "x", "values": [PESEL], "agents": ["helpdesk"]}])

    for agent, found in (("", 1), ("helpdesk", 0), ("", 1), ("helpdesk", 0)):
        assert len(find(f"PESEL: {PESEL}", agent=agent)) == found


def test_anonymizing_takes_away_what_is_denied_and_leaves_what_is_allowed_to_that_agent(
    with_custom, no_model
):
    rules = with_custom(
        deny=[{"entity": "PERSON", "values": ["Nordlys"]}],
        allow=[{"reason": "x", "values": [PESEL], "agents": ["helpdesk"]}],
    )
    inspector = Inspector(Detector(rules, no_model), Limits(), frozenset(), KEY)
    message = Message("POST", b"/", (), f"Nordlys, PESEL: {PESEL}".encode())

    findings = inspector(Inspect(message, "helpdesk")).findings
    answer = inspector(Anonymize(message, findings, "helpdesk"))

    assert answer.message.body == f"[PERSON], PESEL: {PESEL}".encode()
    assert answer.inspection.findings == ()
    assert len(inspector(Inspect(message)).findings) == 2


def test_rules_without_lists_are_the_rules_as_they_were(rules, with_custom):
    assert with_custom() == rules
