"""The evaluation of detection: its samples hold what they say, and its counting counts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.detection.contact import addresses, contact
from bench.detection.hand import by_hand
from bench.detection.identifiers import EACH, documents, identifiers, noise_only
from bench.detection.lengths import lengths
from bench.detection.report import masked, report
from bench.detection.running import TOOLS_KNOWN, Answers, keep, kept, translated
from bench.detection.samples import Sample, Span, table
from bench.detection.scoring import Tally, tally, wilson
from bench.detection.wild import HELD_OUT, TUNED, national, nobodys, papers
from bench.detection.wild_contact import accounts, births, phones, secrets
from gateway.rulefiles import load_rules
from gateway.settings import shipped

TEXT = "PESEL 44051401359, order 12345678"
SAMPLE = Sample("1", "identifiers", TEXT, (Span(6, 17, "NATIONAL_ID", "PL_PESEL"),))
NAMED = Sample("2", "names", "Jan Kowalski waits", (Span(0, 12, "PERSON"),))


def test_every_eea_state_and_switzerland_is_asked_about():
    states = {country.iso2 for country in load_rules(shipped("rules")).countries}

    assert {row["country"] for row in table("identifiers.yaml")} == states
    assert {row["country"] for row in table("documents.yaml")} == states


def test_the_same_seed_gives_the_same_samples():
    assert list(documents(3)) == list(documents(3))
    assert list(documents(3)) != list(documents(4))
    assert list(noise_only(3)) == list(noise_only(3))


def test_invented_samples_are_unlike_each_other():
    samples = [*documents(1), *addresses(1), *contact(1)]

    assert len({one.id for one in samples}) == len(samples)
    assert all(one.text[span.start : span.end].strip() for one in samples for span in one.spans)


def test_identifiers_come_in_every_wrapping():
    pesels = [one for one in identifiers(1) if one.spans[0].entity == "PL_PESEL"]

    assert {one.form for one in pesels} == {"sentence, written", "json, written", "csv, written"}
    assert len(pesels) == 3 * EACH
    assert all(len(one.text[one.spans[0].start : one.spans[0].end]) == 11 for one in pesels)


@pytest.mark.parametrize(
    ("findings", "counts"),
    [
        ([Span(6, 17, "NATIONAL_ID")], Tally(1, 1, 1, 1, 1)),
        ([Span(6, 17, "PHONE")], Tally(1, 0, 1, 1, 1)),
        ([Span(6, 12, "NATIONAL_ID")], Tally(1, 1, 0, 1, 1)),
        ([Span(25, 33, "NATIONAL_ID")], Tally(1, 0, 0, 1, 0)),
        ([Span(25, 33, "BIRTH_DATE?")], Tally(1, 0, 0, 0, 0)),
        ([], Tally(1, 0, 0, 0, 0)),
    ],
    ids=[
        "found",
        "under another class",
        "half of it",
        "another number",
        "not claimed to be personal",
        "nothing",
    ],
)
def test_a_value_is_found_under_its_class_and_reached_when_all_of_it_is(findings: list[Span], counts: Tally):
    assert tally(SAMPLE, findings) == counts


def test_a_name_is_found_with_exactly_its_borders():
    assert tally(NAMED, [Span(0, 12, "PERSON")]) == Tally(1, 1, 1, 1, 1)
    assert tally(NAMED, [Span(0, 3, "PERSON")]) == Tally(1, 0, 1, 1, 0)
    assert tally(NAMED, [Span(0, 12, "ADDRESS")]) == Tally(1, 0, 0, 0, 0)


def test_measures_follow_from_counts():
    counted = Tally(wanted=10, found=5, reached=5, reported=6, right=3)

    assert (counted.precision, counted.recall, counted.f(1)) == (0.5, 0.5, 0.5)
    assert Tally(wanted=10, found=8, reported=10, right=4).f(2) == pytest.approx(2 / 3)


def test_wilsons_interval_is_that_of_the_books():
    # Newcombe (1998), table I, method 3: 81 of 263, and 0 of 20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)


def test_masking_keeps_the_shape_and_no_value():
    assert masked("Ab 12345678-9") == "Aa 9{8}-9"


def test_only_what_a_tool_calls_personal_is_counted():
    found = [{"start": 0, "end": 3, "entity": name} for name in ("PL_PESEL", "URL", "DATE_TIME")]

    assert [one.kind for one in translated("presidio", found)] == ["NATIONAL_ID", "BIRTH_DATE?"]


def test_scores_are_believed_as_far_as_findings_with_them_were_right():
    ours = Answers(TOOLS_KNOWN[0], "ours")
    clean = Sample("3", "clean", "Order 44051401359", ())
    ours.found = {
        "1": [Span(6, 17, "NATIONAL_ID", "PL_PESEL", 0.95), Span(25, 33, "NATIONAL_ID", "X", 0.75)],
        "2": [Span(0, 12, "PERSON", "PERSON", 0.8), Span(0, 12, "PHONE", "PHONE", 0.8)],
        "3": [Span(6, 17, "NATIONAL_ID", "PL_PESEL", 0.95)],
    }

    page = "\n".join(report([SAMPLE, NAMED, clean], [ours]))

    assert "| NATIONAL_ID | 0.9–1.0 | 2 | 0.50 (0.09–0.91) | 1 |" in page
    assert "| NATIONAL_ID | 0.7–0.8 | 1 | 0.00 (0.00–0.79) | 0 |" in page
    assert "| PERSON | 0.8–0.9 | 1 |" in page
    assert "| PHONE |" not in page, "corpora say nothing about what is not a name"


def test_a_language_counts_each_kind_of_data_alike():
    ours = Answers(TOOLS_KNOWN[0], "ours", found={"1": [Span(6, 17, "NATIONAL_ID")], "2": [], "4": []})
    samples = [replace(SAMPLE, lang="pl"), replace(NAMED, lang="pl"), replace(SAMPLE, id="4", lang="de")]

    page = "\n".join(report(samples, [ours]))

    assert "| pl | 2 | 0.500 |" in page
    assert "| de | 1 | 0.000 |" in page
    assert "| mean |  | 0.250 |" in page


def test_texts_to_time_have_their_length():
    sizes = {(one.form, one.source): len(one.text) for one in lengths()}

    assert sizes["letters", "950 KB"] == 950_000
    assert 950_000 <= sizes["JSON records", "950 KB"] < 960_000


def test_numbers_in_the_wild_are_half_held_out_and_of_every_state():
    states = {country.iso2 for country in load_rules(shipped("rules")).countries}
    samples = [*national(1), *papers(1), *phones(1), *births(1), *accounts(1), *secrets(1)]

    assert {one.source for one in samples if one.spans[0].kind == "NATIONAL_ID"} >= states
    assert {one.form.partition(",")[0] for one in samples} == {TUNED, HELD_OUT}
    assert all(one.text[span.start : span.end] for one in samples for span in one.spans)
    assert list(nobodys(2, 20)) == list(nobodys(2, 20))


def test_texts_by_another_hand_hold_their_values_and_both_parts():
    samples = list(by_hand(1))

    assert len({one.id for one in samples}) == len(samples)
    assert {(one.group, one.form) for one in samples} == {
        (f"{what} by hand", half)
        for what in ("numbers", "births", "streets", "others")
        for half in (TUNED, HELD_OUT)
    }
    assert all(one.text[span.start : span.end].strip() for one in samples for span in one.spans)


def test_what_a_tool_said_is_kept_for_the_same_texts_alone(tmp_path: Path):
    tool = TOOLS_KNOWN[0]
    said = Answers(tool, "said before", {SAMPLE.id: [Span(6, 17, "NATIONAL_ID")]}, {SAMPLE.id: 0.5})

    keep(said, [SAMPLE], tmp_path)

    assert kept(tool, [SAMPLE], tmp_path) == said
    assert kept(tool, [NAMED], tmp_path) is None
