"""`onward scan`: what it reads, what it says of it, and what its exit code means."""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest

TEXT = "Guten Tag, hier ist Sabine Köhler. Mein PESEL: 44051401359, Konto DE89370400440532013000.\n"


def test_scan_prints_findings_with_character_offsets(onward, place):
    file = place.folder / "letter.txt"
    file.write_text(TEXT)

    said = onward("scan", str(file), "--json")

    found = said.json["findings"]
    assert said.code == 1
    values = {one["entity"]: TEXT[one["start"] : one["end"]] for one in found}
    assert values["PERSON"] == "Sabine Köhler"
    assert values["PL_PESEL"] == "44051401359"
    assert values["IBAN_CODE"] == "DE89370400440532013000"
    assert {one["category"] for one in found} == {"identity", "identifier_national", "financial"}


def test_scan_reads_standard_input_and_shows_people_the_text(onward):
    said = onward("scan", "-", stdin=TEXT)

    assert said.code == 1
    assert "Sabine Köhler" in said.out
    assert "3 findings" in said.err


def test_scan_of_lines_answers_line_by_line(onward):
    lines = [
        {"id": 7, "text": TEXT, "lang": "de"},
        {"id": "b", "text": "order 12345678 shipped"},
        {"id": 9, "text": ""},
    ]

    said = onward("scan", "--jsonl", stdin="".join(json.dumps(line) + "\n" for line in lines))

    answers = [json.loads(line) for line in said.out.splitlines()]
    assert [answer["id"] for answer in answers] == [7, "b", 9]
    assert [len(answer["findings"]) for answer in answers] == [3, 0, 0]
    first = answers[0]["findings"][0]
    assert set(first) == {"start", "end", "entity", "score", "region", "category"}
    assert TEXT[first["start"] : first["end"]] == "Sabine Köhler"


def test_a_broken_line_is_named_by_its_number(onward):
    said = onward("scan", "--jsonl", stdin='{"id": 1, "text": "x"}\n{"id": 2}\n')

    assert said.code == 2
    assert "standard input:2" in said.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one file of each kind, invented people in all of them."""
    root = tmp_path / "samples"
    (root / "deep" / "er").mkdir(parents=True)
    (root / "customers.csv").write_text("name;email\nLars Nygaard;lars.nygaard@example.no\n")
    (root / "chat.json").write_text(
        '{\n  "text": "hier ist Sabine K\\u00f6hler, Mein PESEL: 44051401359"\n}\n'
    )
    (root / "deep" / "order.xml").write_text(
        "<order>\n<customerName>Anna Lindqvist</customerName>\n</order>\n"
    )
    (root / "deep" / "er" / "letter.txt").write_text(TEXT)
    (root / "clean.txt").write_text("Nothing to see here.\n")
    return root


def places(said, *keys: str) -> list[tuple[object, ...]]:
    lines = [json.loads(line) for line in said.out.splitlines()]
    return [tuple(Path(line[key]).name if key == "path" else line.get(key) for key in keys) for line in lines]


def test_every_file_below_a_folder_is_read_by_its_kind_and_every_finding_has_line_and_column(onward, folder):
    said = onward("scan", str(folder), "--format", "json")

    assert said.code == 1
    assert places(said, "path", "line", "column", "entity") == [
        ("chat.json", 2, 21, "PERSON"),
        ("chat.json", 2, 53, "PL_PESEL"),
        ("customers.csv", 2, 1, "PERSON"),
        ("customers.csv", 2, 14, "EMAIL_ADDRESS"),
        ("letter.txt", 1, TEXT.index("Sabine") + 1, "PERSON"),
        ("letter.txt", 1, TEXT.index("4405") + 1, "PL_PESEL"),
        ("letter.txt", 1, TEXT.index("DE89") + 1, "IBAN_CODE"),
        ("order.xml", 2, 15, "PERSON"),
    ]


def test_nothing_found_is_exit_code_0(onward, folder):
    said = onward("scan", str(folder / "clean.txt"))

    assert (said.code, said.out) == (0, "")
    assert "0 findings in 0 of 1 file" in said.err


def test_a_path_that_does_not_exist_is_exit_code_2_and_the_others_are_read_all_the_same(onward, folder):
    said = onward("scan", str(folder / "missing.txt"), str(folder / "customers.csv"))

    assert said.code == 2
    assert "missing.txt: No such file or directory" in said.err
    assert "Lars Nygaard" in said.out


def test_what_cannot_be_read_is_listed_with_its_reason_and_fails_a_strict_scan(onward, folder):
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\0")
    (folder / "big.txt").write_bytes(b"x" * ((1 << 20) + 1))
    (folder / "link").symlink_to(folder / "clean.txt")
    os.mkfifo(folder / "pipe")
    (folder / ".git").mkdir()

    said = onward("scan", str(folder), "--max-mib", "1", "--only", "special")
    strict = onward("scan", str(folder), "--max-mib", "1", "--only", "special", "--strict")

    assert said.code == 0
    assert strict.code == 2
    for path, why in (
        ("picture.png", "bad-syntax"),
        ("big.txt", "too-large"),
        ("link", "symbolic link"),
        ("pipe", "no regular file"),
        (".git", "version control"),
    ):
        assert f"{path}: {why}" in said.err.replace("folder of a ", "")


def test_programs_are_told_too_what_was_not_read(onward, folder):
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe\0")

    said = onward("scan", str(folder / "picture.png"), str(folder / "missing"), "--format", "json")

    assert places(said, "path", "not_read", "error") == [
        ("picture.png", "bad-syntax", None),
        ("missing", None, "No such file or directory"),
    ]


def test_a_file_that_is_not_what_its_name_says_is_read_as_text(onward, folder):
    (folder / "broken.json").write_text('{"text": "Mein PESEL: 44051401359"')

    said = onward("scan", str(folder / "broken.json"))

    assert said.code == 1
    assert "read as plain text (bad-syntax)" in said.out


def test_what_git_ignores_is_read_unless_it_is_asked_to_be_left_out_and_then_it_is_listed(onward, folder):
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    (folder / ".gitignore").write_text("*.csv\ndeep/\n")

    everything = onward("scan", str(folder), "--format", "json")
    kept = onward("scan", str(folder), "--format", "json", "--gitignore", "--exclude", "clean*")

    assert ("customers.csv", "PERSON") in places(everything, "path", "entity")
    assert [one for one in places(kept, "path", "left_out") if one[1]] == [
        (".git", "folder of a version control system"),
        ("clean.txt", "excluded"),
        ("customers.csv", "ignored by git"),
        ("deep", "ignored by git"),
    ]


def test_a_mail_is_read_with_its_parts_and_their_encodings(onward, folder):
    note = base64.b64encode(b"Telefon: +49 30 901820\n").decode()
    (folder / "mail.eml").write_text(
        "From: Sabine Koehler <sabine.koehler@example.de>\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=xx\n\n--xx\nContent-Type: text/plain\n"
        f"Content-Transfer-Encoding: base64\n\n{note}\n--xx\nContent-Type: application/json\n\n"
        '{"iban": "DE89370400440532013000"}\n--xx--\n'
    )

    said = onward("scan", str(folder / "mail.eml"), "--format", "json")

    assert places(said, "entity", "line", "column") == [
        ("PERSON", 1, 7),
        ("EMAIL_ADDRESS", 1, 23),
        ("PHONE_NUMBER", 9, 0),
        ("IBAN_CODE", 13, 11),
    ]


def test_a_compressed_file_is_read_through_its_coding(onward, folder):
    (folder / "log.jsonl.gz").write_bytes(gzip.compress(b'{"mail": "anna@example.org"}\n', mtime=0))

    said = onward("scan", str(folder / "log.jsonl.gz"), "--format", "json", "--show-values")

    assert places(said, "entity", "value") == [("EMAIL_ADDRESS", "anna@example.org")]


def test_a_text_in_another_charset_is_read_and_can_be_named(onward, folder):
    (folder / "old.txt").write_bytes(TEXT.encode("cp1252"))

    assert "not read" not in onward("scan", str(folder / "old.txt")).err
    assert "Sabine Köhler" in onward("scan", str(folder / "old.txt"), "--charset", "windows-1252").out


def test_standard_input_can_be_read_as_a_file_of_some_kind(onward):
    said = onward(
        "scan", "-", "--as", "people.csv", "--format", "json", stdin="surname;city\nNygaard;Bergen\n"
    )

    assert places(said, "path", "line", "column", "entity") == [("people.csv", 2, 1, "PERSON")]


@pytest.mark.parametrize("form", [["--format", "json"], ["--json"], ["--redact"]])
def test_no_value_is_in_what_programs_get_or_in_what_is_redacted(onward, folder, form):
    (folder / "keys.json").write_text('{"anna@example.org": {"name": "Marie Dubois wrote"}}')

    said = onward("scan", str(folder), *form)

    shown = said.out + said.err
    for value in ("Sabine", "44051401359", "Nygaard", "lars", "anna@example.org", "Dubois", "DE89"):
        assert value not in shown


def test_redacting_masks_also_what_was_not_asked_for(onward, folder):
    said = onward("scan", str(folder / "customers.csv"), "--redact", "--only", "EMAIL_ADDRESS")

    assert "[PERSON];[EMAIL_ADDRESS]" in said.out
    assert "1 finding in 1 of 1 file: 1 EMAIL_ADDRESS" in said.err


def test_findings_can_be_narrowed_to_entities_categories_classes_and_countries(onward, folder):
    def found(*options: str) -> set[object]:
        said = onward("scan", str(folder), "--format", "json", *options)
        return {entity for (entity,) in places(said, "entity")}

    assert found("--only", "person") == {"PERSON"}
    assert found("--only", "contact,financial") == {"EMAIL_ADDRESS", "IBAN_CODE"}
    assert found("--only", "elevated") == {"PL_PESEL", "IBAN_CODE"}
    assert found("--country", "NO", "--country", "pl") == {"EMAIL_ADDRESS", "PL_PESEL"}


def test_a_class_that_does_not_exist_is_refused_with_the_nearest_name(onward):
    said = onward("scan", "-", "--only", "persons")

    assert said.code == 2
    assert "did you mean person" in " ".join(said.err.split())


def test_a_threshold_replaces_that_of_the_rules_both_ways(onward):
    text = "Server 93.184.216.34, ich heiße Sabine Köhler."

    assert "IP_ADDRESS" in onward("scan", stdin=text).out
    assert "IP_ADDRESS" not in onward("scan", "--threshold", "0.8", stdin=text).out
    assert "PERSON" not in onward("scan", "--threshold", "0.9", stdin=text).out


def test_several_processes_find_the_same_in_the_same_order(onward, folder):
    alone = onward("scan", str(folder), "--format", "json")
    together = onward("scan", str(folder), "--format", "json", "--jobs", "2")

    assert together.out == alone.out


def test_values_are_pointed_out_by_signs_where_there_is_no_colour(onward, folder):
    said = onward("scan", str(folder / "customers.csv"))

    assert (
        "Lars Nygaard;lars.nygaard@example.no\n         | ^^^^^^^^^^^^ ^^^^^^^^^^^^^^^^^^^^^^^\n" in said.out
    )
    assert "\x1b" not in said.out


def test_of_a_long_line_only_what_stands_around_the_value_is_shown(onward):
    said = onward("scan", stdin="x" * 5000 + " PESEL: 44051401359 " + "y" * 5000)

    assert "44051401359" in said.out
    assert max(map(len, said.out.splitlines())) < 200


def test_signs_that_steer_a_terminal_are_shown_and_not_sent(onward, folder):
    hostile = folder / "a\x1b[31m\u202eb.txt"
    hostile.write_text("\x1b]0;owned\x07 PESEL: 44051401359 \x9b2J \u202e\n")

    said = onward("scan", str(hostile))

    assert "44051401359" in said.out
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said.out + said.err)
