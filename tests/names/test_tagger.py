"""The model of names: the same text gives the same names, and every name is whole."""

from __future__ import annotations

import re
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from spacy.language import Language
from spacy.tokenizer import Tokenizer

import gateway
from gateway.names.network import BATCH, START, TAGS, WINDOW, Sentence, Weights, _batches, sureness
from gateway.names.pieces import FIRST, LONGEST, MOST, SPACE, Pieces, words
from gateway.names.tagger import DOUBTFUL, PEOPLE, SCORES, load, names, people, pipeline

MODEL = Path(gateway.__file__).parent / "models" / "names-xx"
LETTER = "Sehr geehrte Frau Köhler, Jan Kowalski aus Gdańsk und Μαρία Παπαδοπούλου warten auf Antwort. "


@pytest.fixture(scope="module")
def nlp() -> Language:
    return load(MODEL)


def found(nlp: Language, text: str) -> list[tuple[str, str]]:
    (doc,) = nlp.pipe([text])
    return [(one.text, one.label_) for one in doc.ents]


def test_people_are_marked_in_several_scripts(nlp: Language):
    people = [text for text, label in found(nlp, LETTER) if label == "PERSON"]

    assert people == ["Köhler", "Jan Kowalski", "Μαρία Παπαδοπούλου"]


def test_each_name_has_its_probability(nlp: Language):
    (doc,) = nlp.pipe([LETTER])

    assert len(doc.user_data[SCORES]) == len(doc.ents) > 0
    assert all(0 < one <= 1 for one in doc.user_data[SCORES])


def test_people_are_told_with_those_that_are_less_likely_than_not():
    likely, doubtful, nobody = (np.zeros(len(TAGS), np.float32) for _ in range(3))
    likely[[TAGS.index("U-PERSON"), 0]] = 0.9, 0.1
    doubtful[[TAGS.index("U-PERSON"), 0]] = 0.3, 0.7
    nobody[[TAGS.index("U-PERSON"), 0]] = 0.01, 0.99

    told = list(people(np.stack([likely, nobody, doubtful]), np.zeros(3, np.int64)))

    assert [(start, end) for start, end, _ in told] == [(0, 1), (2, 3)]
    assert [round(chance, 2) for *_, chance in told] == [0.9, 0.3]


def test_every_person_of_the_best_sequence_is_told(nlp: Language):
    (doc,) = nlp.pipe([LETTER])

    best = {(one.start_char, one.end_char) for one in doc.ents if one.label_ == "PERSON"}
    assert best <= {(start, end) for start, end, _ in doc.user_data[PEOPLE]}


def test_a_sentence_is_read_as_deep_as_it_takes_to_be_sure(nlp: Language):
    network = nlp.get_pipe("onward_names")._network
    rows: list[list[int]] = []
    stages = list(network._stages)

    class Counted:
        def __init__(self, at: int) -> None:
            self._at = at

        def run(self, names: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
            rows[-1][self._at] += len(given["states"])
            return stages[self._at].run(names, given)

    network._stages = [Counted(at) for at in range(len(stages))]
    try:
        for text in (
            "Der Betrag ist da.",
            "Die Reklamation ist da.",
            "Der Termin mit Frau Wiesnerová-Brandstätter ist bestätigt.",
        ):
            rows.append([0] * len(stages))
            list(nlp.pipe([text]))
    finally:
        network._stages = stages

    plain, sure, unsure = rows
    assert plain == [0, 0, 0]
    assert sure == [1, 0, 0]
    assert unsure == [1, 1, 1]


def test_what_may_be_a_person_never_ends_early(nlp: Language):
    enough = Weights.load(MODEL / "onward_names").enough

    assert (enough >= 1 - DOUBTFUL - 1e-6).all()


def test_sureness_is_of_being_no_person_or_of_one_part_of_a_name():
    chances = np.zeros((3, len(TAGS)), np.float32)
    chances[0, [0, TAGS.index("U-LOCATION"), TAGS.index("U-PERSON")]] = 0.5, 0.48, 0.02
    chances[1, [TAGS.index("B-PERSON"), 0]] = 0.97, 0.03
    chances[2, [TAGS.index("B-PERSON"), TAGS.index("U-PERSON")]] = 0.5, 0.5

    assert sureness(chances).tolist() == pytest.approx([0.98, 0.97, 0.5])


@given(st.text(st.sampled_from("ab1_ \n\t.,\u0301é\u200b-'\x00\x1c\u00a0Ω"), max_size=40))
def test_tokens_are_those_of_spacys_tokenizer_and_say_the_whole_text(text: str):
    apart = r"(?:[^\w\s\u0300-\u036f]|_)"
    nlp = spacy.blank("xx")
    spacys = Tokenizer(
        nlp.vocab,
        prefix_search=re.compile(f"^{apart}").search,
        suffix_search=re.compile(f"{apart}$").search,
        infix_finditer=re.compile(apart).finditer,
    )

    ours = pipeline().make_doc(text)

    assert ours.text == text
    assert [(one.text, one.whitespace_) for one in ours] == [
        (one.text, one.whitespace_) for one in spacys(text)
    ]


def test_a_text_gives_the_same_names_whatever_it_is_read_with(nlp: Language):
    others = ["", "x", LETTER * 30, "Anna"]

    alone = found(nlp, LETTER)
    among = [
        [(one.text, one.label_) for one in doc.ents]
        for doc in nlp.pipe([*others, LETTER, *others], batch_size=4)
    ][len(others)]

    assert alone == among


def test_a_long_text_gives_the_same_names_as_its_lines(nlp: Language):
    lines = [LETTER, "Bestellung 4711 ist da.", LETTER] * 12

    whole = found(nlp, "\n".join(lines))

    assert [text for text, _ in whole].count("Jan Kowalski") == 24


@given(st.lists(st.integers(1, WINDOW)).map(sorted))
def test_every_sentence_is_computed_once_and_with_little_padding(lengths: list[int]):
    sentences = [Sentence((7,) * length, (1,), True) for length in lengths]

    batches = list(_batches(sentences))

    assert [one for batch in batches for one in batch] == sentences
    for batch in batches:
        longest = len(batch[-1].ids)
        assert len(batch) == 1 or len(batch) * (longest + 2) <= BATCH
        assert sum(longest - len(one.ids) for one in batch) <= START * len(batch)


def test_the_weights_are_the_same_after_writing_and_reading(nlp: Language, tmp_path: Path):
    nlp.to_disk(tmp_path / "model")

    assert found(load(tmp_path / "model"), LETTER) == found(nlp, LETTER)


def test_a_likelier_name_is_trusted_no_less():
    trust = Weights.load(MODEL / "onward_names").trust

    assert (np.diff(trust) >= 0).all()
    assert 0 <= trust[0] < trust[-1] <= 1


@pytest.fixture(scope="module")
def pieces() -> Pieces:
    return Pieces.load(MODEL / "onward_names" / "pieces.txt")


@given(word=st.text(max_size=60))
def test_any_word_has_pieces(pieces: Pieces, word: str):
    ids = pieces.ids(word)

    assert 0 < len(ids) <= MOST
    assert all(0 <= one < len(pieces.pieces) for one in ids)


@given(
    word=st.text(alphabet="abcdefghijklmnopqrstuvwxyzABCXYZäöüßåøéèçñłžščőűθπλбгж", min_size=1, max_size=20)
)
def test_pieces_put_together_begin_the_word(pieces: Pieces, word: str):
    ids = pieces.ids(SPACE + word)
    spelled = "".join(pieces.pieces[one] for one in ids)

    assert all(one >= FIRST for one in ids)
    assert unicodedata.normalize("NFKC", SPACE + word)[:LONGEST].startswith(spelled)
    assert len(ids) == MOST or len(spelled) == len(word) + 1


def test_the_likeliest_pieces_are_taken():
    known = ["<s>", "<pad>", "</s>", "<unk>", SPACE, "a", "b", "ab", SPACE + "a"]
    pieces = Pieces(known, [0, 0, 0, 0, -2, -2, -2, -3, -1.5])

    assert [known[one] for one in pieces.ids(SPACE + "ab")] == [SPACE + "a", "b"]
    assert [known[one] for one in pieces.ids("ab")] == ["ab"]
    assert [known[one] for one in pieces.ids("?")] == ["<unk>"]


def test_words_after_a_space_or_a_line_end_are_marked():
    doc = pipeline()("Hi Ann,\nten")

    assert list(words(doc)) == [f"{SPACE}Hi", f"{SPACE}Ann", ",", "\n", f"{SPACE}ten"]


@given(
    arrays(np.float32, st.tuples(st.integers(1, 30), st.just(len(TAGS))), elements=st.floats(0, 1, width=32))
)
def test_names_are_whole_and_do_not_overlap(chances: np.ndarray):
    text_of = np.arange(len(chances)) // 7

    spans = list(names(chances, text_of))

    ends = [0, *(end for _, end, _, _ in spans)]
    assert all(before <= start < end for before, (start, end, _, _) in zip(ends, spans, strict=False))
    assert all(text_of[start] == text_of[end - 1] for start, end, _, _ in spans)
    assert all(0 <= chance <= 1 for _, _, _, chance in spans)


def test_a_changed_file_is_refused(tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    (folder / "meta.json").write_text("{}")

    with pytest.raises(OSError, match=r"meta\.json is not the file that SHA256SUMS lists"):
        load(folder)


def test_a_folder_without_checksums_is_any_pipeline(tmp_path: Path):
    pipeline().to_disk(tmp_path / "model")

    assert found(load(tmp_path / "model"), "Jan Kowalski") == []
