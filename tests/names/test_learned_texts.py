"""What the model of names learns from: labels that are had from treebanks, and names in the script of the place."""

from __future__ import annotations

import random
import unicodedata
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training import foreign, treebank


def conllu(text: str, *words: str) -> str:
    """A sentence of a treebank; each word is given as "FORM" or "FORM/KIND", kinds being PROPN or features."""
    lines = [f"# text = {text}"]
    for place, word in enumerate(words, 1):
        form, _, kind = word.partition("/")
        kind_of_word = "PROPN" if kind else "X"
        features = f"NameType={kind}" if kind not in {"", "PROPN"} else "_"
        lines.append("\t".join([str(place), form, form, kind_of_word, "_", features, "0", "_", "_", "_"]))
    return "\n".join(lines)


def said(sentences: object) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (text, [(text[one.start : one.end], one.label) for one in names])
        for text, names in sentences  # type: ignore[attr-defined]
    ]


def test_a_sentence_without_a_proper_noun_names_nobody():
    without = conllu("Hun kom hjem i dag.", "Hun", "kom", "hjem", "i", "dag", ".")
    names_one = conllu("Anna kom hjem i dag.", "Anna/PROPN", "kom", "hjem", "i", "dag", ".")
    assert said(treebank.nameless(f"{without}\n\n{names_one}\n\n", "")) == [("Hun kom hjem i dag.", [])]


def test_a_treebank_that_says_whose_a_name_is_gives_people_places_and_organizations():
    whole = conllu("Jan Novák přijel do Prahy.", "Jan/Giv", "Novák/Sur", "přijel", "do", "Prahy/Geo", ".")
    unsaid = conllu("Karel zůstal doma.", "Karel/PROPN", "zůstal", "doma", ".")
    assert said(treebank.said_whose(f"{whole}\n\n{unsaid}\n\n", "")) == [
        ("Jan Novák přijel do Prahy.", [("Jan Novák", "PERSON"), ("Prahy", "LOCATION")])
    ]


LABELLED = dedent(
    """\
    # text = Anna Berg met Lee in Paris.
    1\tAnna\tB-PER\t-\t-
    2\tBerg\tI-PER\t-\t-
    3\tmet\tO\t-\t-
    4\tLee\tB-PER\t-\t-
    5\tin\tO\t-\t-
    6\tParis\tB-LOC\t-\t-
    """
)


def test_names_are_known_from_the_same_sentence_in_another_language():
    text = "W Paryżu Anna Berg spotkała Lee."
    same = conllu(text, "W", "Paryżu/PROPN", "Anna/PROPN", "Berg/PROPN", "spotkała", "Lee/PROPN", ".")
    ((written, names),) = said(treebank.parallel(same, LABELLED.replace("Paris", "Pary")))
    assert written == text
    assert names == [("Paryżu", "LOCATION"), ("Anna Berg", "PERSON"), ("Lee", "PERSON")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Anna Berg spotkała Kowalską.", ("Anna/PROPN", "Berg/PROPN", "spotkała", "Kowalską/PROPN", ".")),
        ("Ona spotkała Lee.", ("Ona", "spotkała", "Lee/PROPN", ".")),
    ],
    ids=["a name that nobody labelled", "somebody who is not found again"],
)
def test_a_sentence_is_left_out_when_a_name_in_it_stays_unknown(text: str, words: tuple[str, ...]):
    assert said(treebank.parallel(conllu(text, *words), LABELLED)) == []


@given(st.text(alphabet="abcdefghijklmnoprstuvwyzäöüéñçščž", min_size=3, max_size=12), st.integers())
def test_a_foreign_name_is_written_in_the_script_of_the_place(name: str, seed: int):
    for code, script in (("el", "GREEK"), ("bg", "CYRILLIC")):
        written = foreign.written(name.capitalize(), code, random.Random(seed))
        assert {unicodedata.name(one).split()[0] for one in written} <= {script}
        assert written[:1].isupper() or not written


def test_greek_names_are_declined_and_others_stay():
    assert foreign.genitive("Αλέξης Τσίπρας") == "Αλέξη Τσίπρα"
    assert foreign.accusative("Κώστας Παπαδόπουλος") == "Κώστα Παπαδόπουλο"
    assert foreign.genitive("Μαρία Παπαδοπούλου") == "Μαρίας Παπαδοπούλου"
    assert foreign.accusative("Maria Weber") == "Maria Weber"
