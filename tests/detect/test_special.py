"""Special categories and offences (GDPR Arts. 9 and 10): found where they are somebody's, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.detection.special import HELD_OUT, categories, messages, summed, tally
from bench.detection.special import segments as read
from gateway.core.model import Segment
from gateway.detect import Detector
from gateway.rulefiles import load_rules
from gateway.settings import shipped
from tests.detect.conftest import Find, segments, values_of
from tests.policy.builders import RULES


def test_DEF_2_most_of_what_is_told_of_people_is_found_and_next_to_nothing_else(naming: Detector):
    counts = summed(list(tally(naming, RULES, halves=[HELD_OUT]).values()))

    assert counts.told > 100
    assert counts.nobodys > 100
    assert counts.right >= 0.97 * counts.told
    assert counts.false <= 2


def test_the_messages_cover_every_special_category_in_seven_languages():
    told = {(one.language, one.category) for one in messages() if one.category}
    kinds = {one.id for one in RULES.categories.values() if one.data_class in ("special", "criminal")}

    assert {language for language, _ in told} == {"de", "en", "es", "fr", "it", "nl", "pl"}
    for language in {language for language, _ in told}:
        assert {category for one, category in told if one == language} == kinds - {"ch_extra"}


@pytest.mark.parametrize(
    "text",
    [
        "Our health insurance covers diabetes.",
        "Christian Krebs ordered two chairs.",
        "The server is sick again, Alex Miller looks into it.",
        "Ich glaube, Anna Schmidt hat recht.",
        "Anna Schmidt meldet eine Störung im Netz.",
        "Podejrzana aktywność na koncie Anny Kowalskiej.",
        "Quiero darme de baja. Carmen Ruiz",
    ],
)
def test_words_that_are_not_said_of_a_person_are_no_findings(naming: Detector, text: str):
    assert categories(text, naming, RULES) == frozenset()


def test_of_a_person_named_before_a_sentence_may_speak_as_she(find: Find):
    assert find("Write to anna@example.org. She has cancer.") == [
        ("EMAIL_ADDRESS", "anna@example.org"),
        ("HEALTH_DATA", "cancer"),
    ]
    assert find("She has cancer.") == []


def test_an_author_speaks_of_themselves_without_being_named(find: Find):
    assert find("I have been diagnosed with cancer.") == [("HEALTH_DATA", "cancer")]
    assert find("I read a book about cancer.") == []


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"email": "a@example.org", "diagnosis": "E11.9"}, True),
        ({"user": {"email": "a@example.org"}, "medical": {"diagnosis": "E11.9"}}, True),
        ({"email": "a@example.org", "diagnoses": [{"code": "E11.9"}]}, True),
        ({"email": "a@example.org", "diagnosis": "unknown"}, False),
        ({"diagnosis": "E11.9", "product": "test kit"}, False),
        ([{"email": "a@example.org"}, {"diagnosis": "E11.9"}], False),
    ],
)
def test_a_telling_field_counts_in_a_persons_record(detector: Detector, body: object, found: bool):
    among = read(json.dumps(body))

    assert ("HEALTH_DATA", "E11.9") in values_of(detector.detect(among), list(among)) or not found
    assert found or all(one.entity != "HEALTH_DATA" for one in detector.detect(among))


def test_the_name_of_a_field_in_running_text_counts_where_somebody_is_named(find: Find):
    assert ("RELIGION", "rk") in find("E-Mail: uta@example.org\nKonfession: rk\n")
    assert find("Konfession: rk\n") == []


def test_what_a_telling_field_holds_besides_is_still_found(find: Find):
    among = segments(("email", "a@example.org"), ("diagnosis", "see mail of dr@example.org please"))

    assert find(("email", "a@example.org"), ("diagnosis", among[1].text)) == [
        ("EMAIL_ADDRESS", "a@example.org"),
        ("HEALTH_DATA", "see mail of "),
        ("EMAIL_ADDRESS", "dr@example.org"),
        ("HEALTH_DATA", " please"),
    ]


def test_what_anonymizing_put_in_place_is_not_found_again(find: Find):
    assert find(("email", "a@example.org"), ("diagnosis", "[HEALTH_DATA]")) == [
        ("EMAIL_ADDRESS", "a@example.org")
    ]


def test_elevated_data_of_a_person_is_found_by_its_field(find: Find):
    found = find(("email", "a@example.org"), ("salary", "70,000"), ("child_name", "Mia"))

    assert ("SALARY", "70,000") in found
    assert ("CHILD", "Mia") in found


BIRTH, POSTCODE, SEX = ("birth_date", "3 Feb 1980"), ("postcode", "10115"), ("sex", "f")


def test_DEF_2_birth_date_postcode_and_sex_together_are_a_person_without_any_name(find: Find):
    assert [entity for entity, _ in find(BIRTH, POSTCODE, SEX)] == ["DATE_OF_BIRTH", "POSTCODE", "GENDER"]


@pytest.mark.parametrize("two", [(POSTCODE, SEX), (BIRTH, SEX), (BIRTH, POSTCODE)])
def test_DEF_2_two_of_the_three_leave_postcode_and_sex_alone(find: Find, two: tuple[tuple[str, str], ...]):
    assert {entity for entity, _ in find(*two)} <= {"DATE_OF_BIRTH"}


def test_DEF_2_what_is_told_in_a_record_of_these_three_is_told_of_a_person(find: Find):
    assert ("HEALTH_DATA", "E11.9") in find(BIRTH, POSTCODE, SEX, ("diagnosis", "E11.9"))


def test_DEF_3_a_token_that_stands_for_the_same_person_each_time_is_pseudonymous(find: Find):
    found = find(("pseudonym", "p-7f3a"), ("diagnosis", "E11.9"))

    assert found == [("PSEUDONYM", "p-7f3a"), ("HEALTH_DATA", "E11.9")]


def rows(*cells: dict[str, object], table: str = "rows") -> list[Segment]:
    return [
        Segment(f"body.json:/{table}/{place}/{name}", str(value), name)
        for place, cell in enumerate(cells)
        for name, value in cell.items()
    ]


def cell(diagnosis: str, count: int, sex: str = "f") -> dict[str, object]:
    return {"diagnosis": diagnosis, "sex": sex, "count": count}


def test_DEF_4_a_table_whose_cells_are_all_large_enough_is_out(detector: Detector):
    assert detector.detect(rows(cell("asthma", 10), cell("diabetes", 1840))) == ()


def test_DEF_4_a_cell_of_one_singles_somebody_out_with_all_that_it_tells(detector: Detector):
    among = rows(cell("asthma", 10), cell("HIV", 1))

    assert values_of(detector.detect(among), among) == [("HEALTH_DATA", "HIV"), ("SMALL_GROUP", "1")]


def test_DEF_4_nobody_is_in_a_cell_of_none(detector: Detector):
    assert detector.detect(rows(cell("asthma", 10), cell("HIV", 0))) == ()


def test_DEF_4_a_total_betrays_the_small_rest_that_is_not_shown(detector: Detector):
    leaving = rows(cell("asthma", 60), cell("diabetes", 39), cell("total", 100))
    complete = rows(cell("asthma", 60), cell("diabetes", 39), cell("total", 99))

    assert ("SMALL_GROUP", "100") in values_of(detector.detect(leaving), leaving)
    assert detector.detect(complete) == ()


def test_DEF_4_the_same_cell_told_twice_with_a_small_difference_betrays_who_makes_it(detector: Detector):
    first = rows(cell("asthma", 60), cell("diabetes", 40), table="all")
    second = rows(cell("asthma", 59), cell("diabetes", 40), table="without_one")

    assert detector.detect(first) == detector.detect(second) == ()
    assert ("SMALL_GROUP", "59") in values_of(detector.detect([*first, *second]), [*first, *second])


def test_DEF_4_free_text_in_a_table_is_inspected_like_any_other(detector: Detector):
    among = rows({**cell("asthma", 60), "remark": "ask uta@example.org"}, cell("diabetes", 40))

    assert ("EMAIL_ADDRESS", "uta@example.org") in values_of(detector.detect(among), among)


def test_the_smallest_group_is_a_rule():
    assert load_rules(Path(shipped("rules"))).detection.special.records.aggregates.smallest_group == 10
