"""The model of names: the same text gives the same names, and every name is whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from spacy.language import Language

import gateway
from gateway.names.features import ROWS, bags
from gateway.names.network import TAGS
from gateway.names.tagger import SCORES, load, names, pipeline

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


def test_a_text_gives_the_same_names_whatever_it_is_read_with(nlp: Language):
    others = ["", "x", LETTER * 30, "Anna"]

    alone = found(nlp, LETTER)
    among = [
        [(one.text, one.label_) for one in doc.ents]
        for doc in nlp.pipe([*others, LETTER, *others], batch_size=4)
    ][len(others)]

    assert alone == among


@given(st.text(max_size=60))
def test_any_word_has_features_in_the_table(word: str):
    for bag in bags(word or "x"):
        assert 0 < len(bag) <= 80
        assert all(0 <= row < ROWS for row in bag)


@given(
    arrays(np.float32, st.tuples(st.integers(1, 30), st.just(len(TAGS))), elements=st.floats(0, 1, width=32))
)
def test_names_are_whole_and_do_not_overlap(chances: np.ndarray):
    text_of = np.arange(len(chances)) // 7

    spans = list(names(chances, text_of))

    ends = [0, *(end for _, end, _ in spans)]
    assert all(before <= start < end for before, (start, end, _) in zip(ends, spans, strict=False))
    assert all(text_of[start] == text_of[end - 1] for start, end, _ in spans)


def test_a_changed_file_is_refused(tmp_path: Path):
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    (folder / "meta.json").write_text("{}")

    with pytest.raises(OSError, match=r"meta\.json is not the file that SHA256SUMS lists"):
        load(folder)


def test_a_folder_without_checksums_is_any_pipeline(tmp_path: Path):
    pipeline().to_disk(tmp_path / "model")

    assert found(load(tmp_path / "model"), "Jan Kowalski") == []
