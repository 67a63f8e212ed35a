"""What the model learns from, as numbers: labelled corpora, generated texts, and parts of speech.

Rules kept here:
 * Nothing from a folder called `noncommercial` is learned from. It may be measured against.
 * A text is left out in which a person goes by a common noun alone.
"""

import argparse
import gzip
import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from spacy.tokens import Doc

from gateway.names.features import ROWS, bags
from gateway.names.tagger import pipeline
from training import corpus, generate
from training.arrays import KINDS, SWAPPED, TAGS, Group, Words, group, write
from training.corpus import Labelled
from training.noise import CHANGES
from training.salad import SOURCE, Salad

MUCH = 2_500  # texts of a language from which a third of the sentences without sense will do
PHRASES = 1_500  # lone words and titles cut from one corpus
LONGEST = 300  # words of a text
SEED = 2026

Tagged = tuple[list[int], list[int]]


class Vocabulary:
    """Words in the order in which they were first met."""

    def __init__(self) -> None:
        self.place_of: dict[str, int] = {}

    def places(self, words: Iterable[str]) -> list[int]:
        """The place of each word, new ones added at the end."""
        return [self.place_of.setdefault(word, len(self.place_of)) for word in words]

    def words(self) -> Words:
        """All words, those that noise makes of them included, with their features."""
        known = list(self.place_of)
        changed = [self.places(change(word) for word in known) for change in CHANGES]
        made = range(len(known), len(self.place_of))
        features = [bags(word) for word in self.place_of]
        pieces = [row for _, _, rows in features for row in rows]
        starts = np.cumsum([0, *(len(rows) for _, _, rows in features)])
        return Words(
            np.array([forms for forms, _, _ in features], np.int32),
            np.array([edges for _, edges, _ in features], np.int32),
            np.array(pieces, np.int32),
            starts,
            np.array([[*places, *made] for places in changed], np.int32),
            np.array(ROWS, np.int32),
        )


def permitted(folder: Path, split: str) -> list[Path]:
    """The files of a split that a shipped model may be trained on."""
    found = folder.glob(f"ner/**/*.{split}.jsonl.gz")
    return sorted(path for path in found if "noncommercial" not in path.parts)


def by_source(paths: Iterable[Path]) -> dict[str, list[Labelled]]:
    """The texts of files by language and source, those left out in which a person has no name."""
    groups: dict[str, list[Labelled]] = {}
    for path in paths:
        for one in corpus.read(path):
            if one.named_properly:
                groups.setdefault(f"ner {one.lang} {one.source}", []).append(one)
    return dict(sorted(groups.items()))


def tags(doc: Doc, one: Labelled) -> list[int]:
    """A tag for each token; a name widened to whole ones."""
    found = [TAGS.index("O")] * len(doc)
    for name in one.names:
        span = doc.char_span(name.start, name.end, alignment_mode="expand")
        if span is None:
            continue
        size = len(span)
        places = "U" if size == 1 else "B" + "I" * (size - 2) + "L"
        found[span.start : span.end] = [TAGS.index(f"{place}-{name.label}") for place in places]
    return found


def tagged(texts: Iterable[Labelled], vocabulary: Vocabulary) -> Iterator[Tagged]:
    """Texts as the gateway will split them, none longer than `LONGEST`."""
    nlp = pipeline()
    for one in texts:
        doc = nlp.make_doc(one.text)
        places = vocabulary.places(token.text for token in doc)
        if places:
            yield places[:LONGEST], tags(doc, one)[:LONGEST]


def parts_of_speech(folder: Path, vocabulary: Vocabulary) -> Iterator[Group]:
    """The groups of `upos/LANG.*.jsonl.gz`, whose lines have `tokens` and `upos`, each split as the gateway will."""
    nlp = pipeline()
    for path in sorted(folder.glob("upos/**/*.jsonl.gz")):
        if "noncommercial" in path.parts or ".train." not in path.name:
            continue
        texts = []
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                words: list[str] = []
                kinds: list[int] = []
                for token, kind in zip(row["tokens"], row["upos"], strict=True):
                    parts = [part.text for part in nlp.make_doc(token) if not part.is_space]
                    words += parts
                    kinds += [KINDS.index(kind) if kind in KINDS else KINDS.index("X")] * len(parts)
                if words:
                    texts.append((vocabulary.places(words[:LONGEST]), kinds[:LONGEST]))
        if texts:
            yield group(f"upos {path.name.split('.')[0]} {path.name}", texts)


def main() -> None:
    """Write one file of arrays."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--data", type=Path, action="append", required=True, help="holds ner/, upos/")
    arguments.add_argument("--out", type=Path, required=True, help="file to write")
    arguments.add_argument(
        "--senseless", type=int, default=9_000, help="sentences without sense for each language"
    )
    arguments.add_argument("--each", type=int, default=6_000, help="texts to generate for each language")
    chosen = arguments.parse_args()
    chance = random.Random(SEED)
    vocabulary = Vocabulary()
    corpora = by_source(path for folder in chosen.data for path in permitted(folder, "train"))
    groups = [group(name, tagged(texts, vocabulary)) for name, texts in corpora.items()]
    phrases = [one for texts in corpora.values() for one in generate.phrases(texts, PHRASES, chance)]
    groups.append(group("ner xx phrases", tagged(phrases, vocabulary)))
    salad = Salad((one for texts in corpora.values() for one in texts), SEED)
    for code in sorted({path.stem for path in generate.TEMPLATES.glob("??.toml")}):
        learned = sum(len(texts) for name, texts in corpora.items() if name.split()[1] == code)
        sentences = salad.sentences(code, chosen.senseless if learned < MUCH else chosen.senseless // 3)
        groups.append(group(f"ner {code} {SOURCE}", tagged(sentences, vocabulary)))
    for name, texts in corpora.items():
        groups.append(group(f"{name} {SWAPPED}", tagged(salad.with_other_people(texts), vocabulary)))
    groups = [one for one in groups if len(one)]
    made: dict[str, list[Labelled]] = {}
    for one in generate.everything(chosen.each, SEED):
        made.setdefault(f"ner {one.lang} {one.source}", []).append(one)
    groups += [group(name, tagged(texts, vocabulary)) for name, texts in made.items()]
    for folder in chosen.data:
        groups += parts_of_speech(folder, vocabulary)
    write(chosen.out, vocabulary.words(), groups)
    sizes = Counter({one.name: len(one.words) for one in groups})
    for name, size in sizes.most_common():
        print(f"{size:>10,} {name}")
    print(f"{sizes.total():>10,} words, {len(vocabulary.place_of):,} of them different")


if __name__ == "__main__":
    main()
