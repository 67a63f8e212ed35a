"""`onward detect`: why something is found or not, and fingerprints for the allow list."""

from __future__ import annotations

from gateway.keys import load_key

PESEL = "44051401359"


def test_explain_says_what_spoke_for_a_find(onward):
    said = onward("detect", "explain", f"Mein PESEL: {PESEL}")

    assert said.code == 0
    for line in (
        f"12:23 {PESEL} PL_PESEL",
        "by        pl.pesel",
        "check     stdnum.pl.pesel holds",
        "cues      'pesel' 2 characters before",
        "score     0.00 alone, 0.95 in the end; threshold 0.50",
        "category  identifier_national (elevated)",
        "origin    PL (proof); judged as EU",
    ):
        assert line in said.out


def test_explain_says_what_something_lacked_that_is_not_found(onward):
    said = onward("detect", "explain", f"Nummer {PESEL}", "--at", "7:18", "--all")

    assert said.code == 1
    assert "nothing is found here" in said.out
    assert "PL_PESEL - the shape fits, but no cue is near" in said.out


def test_explain_says_so_where_nothing_fits_at_all(onward):
    assert (
        "no recognizer has a shape that fits here"
        in onward("detect", "explain", "hello you", "--at", "0:5").out
    )


def test_explain_names_the_shape_that_something_glued_or_oddly_separated_would_have(onward):
    glued = onward("detect", "explain", f"x{PESEL}x", "--at", "1:12")
    apart = onward("detect", "explain", "so 4405-1401-359 it is", "--at", "3:16")

    for said in (glued, apart):
        assert said.code == 1
        assert "it would have the shape of" in said.out
        assert "pl.pesel" in said.out


def test_explain_reads_standard_input_and_files_and_knows_field_names(onward, place):
    file = place.folder / "value.txt"
    file.write_text("Nygaard")

    assert onward("detect", "explain", "--field", "surname", stdin="Nygaard\n").code == 0
    assert onward("detect", "explain", "--file", str(file), "--field", "surname").code == 0
    assert onward("detect", "explain", "--file", str(file), "--field", "product").code == 1


def test_explain_for_programs_holds_places_and_reasons_and_no_value(onward):
    said = onward("detect", "explain", f"Mein PESEL: {PESEL}", "--json")

    (found,) = said.json["found"]
    assert (found["start"], found["end"], found["outcome"], found["by"]) == (12, 23, "found", "pl.pesel")
    assert PESEL not in said.out


def test_a_stretch_outside_the_text_is_refused(onward):
    said = onward("detect", "explain", "short", "--at", "3:99")

    assert said.code == 2
    assert "START:END within the 5 characters" in said.err


def test_a_fingerprint_goes_from_the_command_into_the_allow_list_and_the_value_need_not(onward, place):
    load_key(place.state / "keys", create=True)
    printed = onward("detect", "fingerprint", "PL_PESEL", stdin=f"{PESEL}\n").out.strip()
    assert onward("scan", stdin=f"PESEL: {PESEL}").code == 1

    (place.rules / "detection" / "custom" / "ours.yaml").write_text(
        f"schema: 1\nallow:\n  - {{reason: test data, fingerprints: ['{printed}']}}\n"
    )

    assert onward("rules", "check").code == 0
    assert onward("scan", stdin=f"PESEL: {PESEL}").code == 0
    explained = onward("detect", "explain", f"PESEL: {PESEL}").out
    assert "PL_PESEL - on the allow list" in explained
    assert "reason: test data" in explained


def test_fingerprints_without_the_key_allow_nothing_and_the_command_says_so(onward, place):
    (place.rules / "detection" / "custom" / "ours.yaml").write_text(
        "schema: 1\nallow:\n  - {reason: test data, fingerprints: ['1:00000000000000000000000000000000']}\n"
    )

    said = onward("scan", stdin=f"PESEL: {PESEL}")

    assert said.code == 1
    assert "allow nothing here" in said.err


def test_rules_check_names_the_line_of_a_broken_pattern(onward, place):
    (place.rules / "detection" / "custom" / "ours.yaml").write_text(
        "schema: 1\ndeny:\n  - entity: PERSON\n    patterns: ['(']\n"
    )

    said = onward("rules", "check")

    assert said.code == 1
    assert "ours.yaml:4: deny.0.patterns.0: pattern '(' is not RE2" in said.err.replace("\n", "")
