"""The operator's own recognizers and lists are checked like any other rule: with file, line, field, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.errors import RulesError
from gateway.rulefiles import load_rules
from tests.rules.test_rulefiles import folder

__all__ = ["folder"]

NAME = "detection/custom/ours.yaml"


def problem(folder: Path, *lines: str, patterns: bool = False) -> tuple[int, str, str]:
    """Line, field and message of the only problem of a file of these lines."""
    (folder / NAME).write_text("\n".join(["schema: 1", *lines]) + "\n")
    with pytest.raises(RulesError) as caught:
        load_rules(folder, trying_patterns=patterns)
    (one,) = caught.value.problems
    assert one.file == str(folder / NAME)
    return one.line, one.field, one.what


def recognizer(pattern: str, entity: str = "PERSON", check: str | None = None) -> list[str]:
    lines = [
        "recognizers:",
        "  - name: x",
        f"    entity: {entity}",
        f"    pattern: '{pattern}'",
        "    score: 0.6",
    ]
    return lines + ([f"    check: {check}"] if check else [])


def test_there_need_be_no_file_of_ones_own(folder: Path):
    for file in (folder / "detection" / "custom").iterdir():
        file.unlink()

    assert load_rules(folder).detection.deny == ()


def test_several_files_count_together(folder: Path):
    (folder / NAME).write_text("schema: 1\ndeny:\n  - {entity: PERSON, values: [Nordlys]}\n")
    (folder / "detection/custom/more.yaml").write_text(
        "schema: 1\ndeny:\n  - {entity: PERSON, values: [Sørlys]}\n"
    )

    assert [entry.values for entry in load_rules(folder).detection.deny] == [("Sørlys",), ("Nordlys",)]


def test_the_examples_in_the_shipped_file_are_valid(folder: Path):
    shipped = folder / "detection" / "custom" / "company.yaml"
    lines = []
    for line in shipped.read_text().splitlines():
        lines.append(line[1:] if line.startswith("# ") and line.startswith("#  ") else line)
    shipped.write_text(
        "\n".join(line for line in lines if not line.endswith(": []")).replace("fingerprints", "#")
    )
    text = shipped.read_text()
    for key, first in (("recognizers", "- name"), ("deny", "- entity"), ("allow", "- reason")):
        text = text.replace(f"  {first}", f"{key}:\n  {first}", 1)
    shipped.write_text(text)

    detection = load_rules(folder, trying_patterns=True).detection

    assert "custom.employee-number" in {one.id for one in detection.recognizers}
    assert len(detection.deny) == len(detection.allow) == 1


def test_a_new_entity_needs_a_category(folder: Path):
    line, field, what = problem(
        folder, "recognizers:", "  - name: x", "    entity: STAFF", "    pattern: 'E'", "    score: 0.8"
    )

    assert (line, field) == (4, "recognizers.0.entity")
    assert "write `category:`" in what


def test_a_category_that_does_not_exist_is_refused_with_the_nearest_name(folder: Path):
    line, field, what = problem(
        folder, "deny:", "  - entity: STAFF", "    category: employmnet", "    values: [Nordlys]"
    )

    assert (line, field) == (4, "deny.0.category")
    assert "did you mean 'employment'" in what


def test_an_entity_that_has_a_category_keeps_it(folder: Path):
    line, field, what = problem(folder, "deny:", "  - {entity: PERSON, category: health, values: [Nordlys]}")

    assert (line, field) == (3, "deny.0.category")
    assert "belongs to 'identity' already" in what


def test_an_agent_or_entity_nobody_knows_is_refused(folder: Path):
    line, field, what = problem(
        folder, "allow:", "  - reason: x", "    values: [y]", "    agents: [example-llm, exmple-crm]"
    )

    assert (line, field) == (5, "allow.0.agents.1")
    assert "did you mean 'example-crm'" in what
    assert (
        problem(folder, "allow:", "  - {reason: x, values: [y], entities: [PERSN]}")[1]
        == "allow.0.entities.0"
    )


@pytest.mark.parametrize(
    ("lines", "field", "what"),
    [
        (["recognizers:", "  - {name: x, entity: PERSON}"], "recognizers.0", "write a `pattern`"),
        (
            ["recognizers:", "  - {name: x, entity: PERSON, pattern: 'E'}"],
            "recognizers.0",
            "can never find anything",
        ),
        (
            ["recognizers:", "  - {name: x, entity: Person, pattern: 'E', score: 0.6}"],
            "recognizers.0",
            "capitals",
        ),
        (
            ["recognizers:", "  - {name: x, entity: PERSON, pattern: 'E', score: 1.0}"],
            "recognizers.0",
            "below 1",
        ),
        (
            ["recognizers:", "  - {name: x, entity: PERSON, pattern: 'E', cues: [Staff]}"],
            "recognizers.0",
            "lower case",
        ),
        (["deny:", "  - {entity: PERSON}"], "deny.0", "denies nothing"),
        (["deny:", "  - {entity: PERSON, values: ['a-']}"], "deny.0", "at least 3 letters"),
        (["allow:", "  - {values: [x]}"], "allow.0.reason", "is missing"),
        (["allow:", "  - {reason: ' ', values: [x]}"], "allow.0", "a hole"),
        (["allow:", "  - {reason: x}"], "allow.0", "allows nothing"),
        (["alow: []"], "alow", "no field of this file"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused(folder: Path, lines, field, what):
    _, at, said = problem(folder, *lines)

    assert at == field
    assert what in said


@pytest.mark.parametrize(
    ("lines", "field", "what"),
    [
        (recognizer("("), (5, "recognizers.0.pattern"), "is not RE2: missing )"),
        (recognizer("E(?=x)"), (5, "recognizers.0.pattern"), "is not RE2"),
        (recognizer("E", check="stdnum.lun"), (7, "recognizers.0.check"), "no module 'stdnum.lun'"),
        (
            recognizer("E", check="ibn"),
            (7, "recognizers.0.check"),
            "or one of: after-word, be-eid, be-nrn, before-town, card, ",
        ),
        (
            ["deny:", "  - entity: PERSON", "    patterns: ['ok', '[']"],
            (4, "deny.0.patterns.1"),
            "is not RE2",
        ),
        (["allow:", "  - reason: x", "    patterns: ['.*']"], (4, "allow.0.patterns.0"), "allows everything"),
        (["allow:", "  - reason: x", "    patterns: ['.+']"], (4, "allow.0.patterns.0"), "allows everything"),
    ],
)
def test_the_check_compiles_every_pattern_and_looks_up_every_check(folder: Path, lines, field, what):
    line, at, said = problem(folder, *lines, patterns=True)

    assert (line, at) == field
    assert what in said


def test_a_broken_pattern_of_the_shipped_recognizers_is_found_too(folder: Path):
    file = folder / "detection" / "documents.recognizers.yaml"
    text = file.read_text()
    file.write_text(text.replace("'\\d{6,9}'", "'\\d{6,9'", 1).replace("'\\d{6,9'", "'(\\d{6,9}'", 1))

    with pytest.raises(RulesError) as caught:
        load_rules(folder, trying_patterns=True)

    (one,) = caught.value.problems
    assert one.field == "recognizers.0.forms.2.pattern"
    assert one.line == text[: text.index("'\\d{6,9}'")].count("\n") + 1


def test_a_name_used_twice_is_refused(folder: Path):
    entry = "  - {name: x, entity: PERSON, pattern: 'E', score: 0.6}"

    assert "defined already" in problem(folder, "recognizers:", entry, entry)[2]
