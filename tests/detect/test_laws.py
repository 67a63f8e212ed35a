"""Laws: offline, the same every time, nothing skipped that could be found, nothing lost on a seam."""

from __future__ import annotations

import itertools
import random
import socket
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Segment
from gateway.detect import Detector, normalize, resolve
from gateway.detect.pages import MARGIN, STRETCH, windows_of
from gateway.detect.text import folded, plain
from tests.detect.conftest import Find, segments, values_of
from tests.detect.test_countries import NUMBERS
from tests.detect.test_generic import FOUND
from tests.detect.test_hard_negatives import PLAIN

LOREM = "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor. "
SEEDS = [f"{n.cue} {n.beginning.replace('?', '0').replace('@', 'A')}" for n in NUMBERS] + PLAIN
SEEDS += [case[0] for cases in FOUND.values() for case in cases] + [f"{n.cue}: {n.made()}" for n in NUMBERS]
NOISE = st.text(alphabet="0123456789 .-/+:_@[]()\n abcXYZæłßÅЖω\u00a0４", max_size=40)
LABELS = st.sampled_from(
    ["", "pesel", "phone", "firstName", "password", "nationalId", "created_at", "note", "iban"]
)
TEXTS = st.lists(st.one_of(st.sampled_from(SEEDS), NOISE), min_size=1, max_size=4).map(" ".join)
SEGMENTS = st.lists(st.tuples(LABELS, TEXTS), min_size=1, max_size=3).map(lambda pairs: segments(*pairs))
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="session")
def unstaged(rules: DetectionRules, no_model: Path) -> Detector:
    return Detector(rules, no_model, staged=False, remembered=0)


@QUICK
@given(among=SEGMENTS)
def test_staging_skips_only_what_cannot_be_found(
    detector: Detector, unstaged: Detector, among: list[Segment]
):
    assert detector.detect(among) == unstaged.detect(among)


def test_what_is_remembered_is_found_again_at_its_new_place_and_under_no_other_label(naming: Detector):
    chat = Segment("body.json:/1", "Mein Name ist Sabine Köhler, PESEL 44051401359.", "content")
    again = Segment("body.json:/2", chat.text, "content")
    number = Segment("body.json:/3", "44051401359", "pesel")
    unlabelled = Segment("body.json:/4", "44051401360", "count")

    first = naming.detect([chat])
    second = naming.detect([again, number, unlabelled])

    assert [(one.entity, one.start, one.end) for one in first] == [
        (one.entity, one.start, one.end) for one in second if one.address == again.address
    ]
    assert {one.address for one in second} == {again.address, number.address}


@QUICK
@given(among=SEGMENTS)
def test_a_text_is_judged_alike_seen_for_the_first_time_and_again(detector: Detector, among: list[Segment]):
    assert detector.detect(among) == detector.detect(among)


class OutOfMemory:
    """A set whose automaton does not fit: RE2 then answers as if nothing matched."""

    def Match(self, text: bytes) -> None:
        return None


def test_a_set_that_runs_out_of_memory_skips_nothing(
    rules: DetectionRules, no_model: Path, detector: Detector, monkeypatch: pytest.MonkeyPatch
):
    cramped = Detector(rules, no_model)
    monkeypatch.setattr(cramped._scanner._alone, "_set", OutOfMemory())
    among = segments(*SEEDS)

    assert cramped.detect(among) == detector.detect(among)


def test_the_model_keeps_no_word_of_what_it_saw(naming: Detector):
    words = naming._engine._nlp.vocab.strings
    before = len(words)

    naming.detect(segments("Mein Name ist Wendelgard Quorstaedt aus Zwiefelsbruck."))

    assert len(words) == before
    assert "Quorstaedt" not in words


@settings(QUICK, max_examples=30)
@given(among=SEGMENTS)
def test_the_model_is_spared_only_text_in_which_it_is_not_believed(
    rules: DetectionRules, naming: Detector, among: list[Segment]
):
    everything = Detector.__new__(Detector)
    everything.__dict__ |= naming.__dict__ | {"_staged": False}

    assert naming.detect(among) == everything.detect(among)


@QUICK
@given(among=SEGMENTS)
def test_findings_are_ordered_apart_above_threshold_and_known(
    detector: Detector, rules: DetectionRules, among: list[Segment]
):
    findings = detector.detect(among)

    order = {one.address: place for place, one in enumerate(among)}
    places = [(order[one.address], one.start) for one in findings]
    assert places == sorted(places)
    for first, second in itertools.pairwise(findings):
        assert first.address != second.address or first.end <= second.start
    texts = {one.address: one.text for one in among}
    for one in findings:
        assert 0 <= one.start < one.end <= len(texts[one.address])
        assert one.score >= rules.threshold(one.entity)
        assert one.category == rules.category_of[one.entity]
        assert one.fingerprint == ""


@QUICK
@given(among=SEGMENTS)
def test_the_same_input_gives_the_same_findings(detector: Detector, among: list[Segment]):
    assert detector.detect(among) == detector.detect(among)


@QUICK
@given(among=SEGMENTS)
def test_nothing_found_survives_anonymizing(detector: Detector, among: list[Segment]):
    """What is left after replacement holds none of the values; a second look finds no placeholder again."""
    findings = detector.detect(among)
    texts = {one.address: one.text for one in among}
    edits = detector.replacements(findings, texts)

    for segment in among:
        text, shift = segment.text, 0
        for edit in edits.get(segment.address, ()):
            text = text[: edit.start + shift] + edit.replacement + text[edit.end + shift :]
            shift += len(edit.replacement) - (edit.end - edit.start)
        again = detector.detect([Segment(segment.address, text, segment.label)])
        assert not {value for _, value in values_of(again, [Segment(segment.address, text)])} & {"[PERSON]"}
        assert all("[" not in text[one.start : one.end] for one in again if one.entity != "PASSWORD")


@given(text=st.text())
def test_plain_and_folded_text_keep_every_offset(text: str):
    assert len(plain(text)) == len(folded(text)) == len(text)


@given(length=st.integers(0, 5 * STRETCH), seed=st.integers(0, 9))
@settings(max_examples=40)
def test_each_character_is_owned_by_one_window(length: int, seed: int):
    rng = random.Random(seed)
    text = "".join(rng.choices("ab .\n", (9, 9, 3, 1, 0.1), k=length))
    windows = list(windows_of(text))

    assert "".join(text[one.owns_from : one.owns_to] for one in windows) == text
    for one in windows:
        assert one.owns_to - one.owns_from <= STRETCH
        assert one.shown_from <= one.owns_from < one.owns_to <= one.shown_to
        assert one.shown_to - one.shown_from <= STRETCH + 2 * MARGIN


@pytest.mark.parametrize("shift", range(0, 60, 3))
@pytest.mark.parametrize("filler", [LOREM, "x" * 50, "ab " * 20])
def test_nothing_is_lost_on_a_seam(find: Find, filler: str, shift: int):
    value = "DE89 3704 0044 0532 0130 00"
    before = (filler * 100)[: STRETCH - shift]

    assert find(f"{before} {value} {filler * 100}") == [("IBAN_CODE", value)]


@pytest.mark.parametrize("shift", range(0, 60, 6))
def test_no_name_is_lost_on_a_seam(find_names: Find, shift: int):
    before = (LOREM * 100)[: STRETCH - shift]

    found = find_names(f"{before}. Mein Name ist Sabine Köhler. {LOREM * 10}")

    assert ("PERSON", "Sabine Köhler") in found


def test_nothing_asks_the_network(rules: DetectionRules, no_model: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*args: object, **kwargs: object) -> None:
        raise AssertionError("detection opened a socket")

    monkeypatch.setattr(socket, "socket", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    monkeypatch.setattr(socket, "create_connection", refused)
    among = segments(*SEEDS)

    assert Detector(rules, no_model).detect(among)


def test_the_higher_score_wins_then_the_longer_the_earlier_and_the_name():
    def finding(start: int, end: int, score: float, entity: str = "PERSON") -> Finding:
        return Finding("a", start, end, entity, score, "identity")

    high, long, early, other = (
        finding(3, 6, 0.9),
        finding(5, 20, 0.8),
        finding(10, 14, 0.7),
        finding(30, 34, 0.7),
    )

    assert resolve([long, early, high, other]) == [high, early, other]
    assert resolve([early, long]) == [long]
    assert resolve([finding(0, 4, 0.7, "B"), finding(0, 4, 0.7, "A")]) == [finding(0, 4, 0.7, "A")]
    assert resolve([finding(2, 6, 0.7), finding(0, 4, 0.7)]) == [finding(0, 4, 0.7)]


@pytest.mark.parametrize(
    ("entity", "one", "other"),
    [
        ("EMAIL_ADDRESS", "Lars@Example.NO", "lars@example.no "),
        ("IBAN_CODE", "DE89 3704 0044 0532 0130 00", "de89370400440532013000"),
        ("PHONE_NUMBER", "+49 (30) 901820", "0049-30-901820"),
        ("PERSON", "Sabine  KÖHLER", "sabine köhler"),
        ("PL_PESEL", "４４０５１４０１３５９", "44051401359"),
        ("BE_NRN", "85.07.30-033.28", "85073003328"),
    ],
)
def test_one_value_has_one_normal_form(entity: str, one: str, other: str):
    assert normalize(entity, one) == normalize(entity, other)


@given(
    entity=st.sampled_from(["PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "PL_PESEL"]), text=st.text(min_size=1)
)
def test_the_normal_form_of_different_digits_differs(entity: str, text: str):
    assert normalize(entity, text + "1") != normalize(entity, text + "2")
