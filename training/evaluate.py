"""How well a model finds names: per language on texts it never saw, on text without names, and how quickly.

A name is found strictly when both its ends and its label are right. For redaction the overlap counts as well: the
share of names of which the model touched at least a character. Rows marked with * come from corpora that may be
measured against, but not learned from. The row "chats" is chats.txt: three short texts in each of the 26 languages,
written apart from the templates, people alone being marked in them.
"""

import argparse
import random
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from spacy.language import Language

from gateway.names import tagger
from training import corpus
from training.corpus import Labelled, Name
from training.prepare import tags

CHATS = Path(__file__).with_name("chats.txt")
CLEAN = Path(__file__).with_name("clean.txt")
SEED = 2026


@dataclass(slots=True)
class Tally:
    """Names of one label, counted."""

    right: int = 0
    found: int = 0
    true: int = 0
    touched: int = 0  # true names of which some part was found

    def add(self, found: set[Name], true: set[Name]) -> None:
        """Count one text."""
        self.right += len(found & true)
        self.found += len(found)
        self.true += len(true)
        self.touched += sum(
            any(one.start < name.end and name.start < one.end for one in found) for name in true
        )

    @property
    def precision(self) -> float:
        """Share of what was found that is right to the character."""
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        """Share of the true names found right to the character."""
        return self.right / self.true if self.true else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @property
    def overlap(self) -> float:
        """Share of the true names that were touched."""
        return self.touched / self.true if self.true else 0.0


def dev_sets(data: Path, limit: int) -> dict[str, list[Labelled]]:
    """At most `limit` texts for each language, those of non-commercial corpora under the language's code and a *."""
    sets: dict[str, list[Labelled]] = {}
    for path in sorted(data.glob("ner/**/*.dev.jsonl.gz")):
        mark = "*" if "noncommercial" in path.parts else ""
        for one in filter(lambda text: text.named_properly, corpus.read(path)):
            sets.setdefault(one.lang + mark, []).append(one)
    chance = random.Random(SEED)
    return {name: chance.sample(texts, min(limit, len(texts))) for name, texts in sorted(sets.items())}


def chats() -> list[Labelled]:
    """The texts of chats.txt, where each person stands in brackets."""
    rows = (line.split("\t") for line in CHATS.read_text("utf-8").splitlines())
    return [_unbracketed(lang, marked) for lang, marked in rows]


def _unbracketed(lang: str, marked: str) -> Labelled:
    before, rest = marked.split("[")
    person, after = rest.split("]")
    name = Name(len(before), len(before + person), "PERSON")
    return Labelled(lang, CHATS.name, before + person + after, (name,))


def found_in(nlp: Language, texts: Iterable[str]) -> list[set[Name]]:
    """What the model finds in each text."""
    return [
        {Name(e.start_char, e.end_char, e.label_) for e in doc.ents} for doc in nlp.pipe(texts, batch_size=64)
    ]


def _of(names: Iterable[Name], label: str) -> set[Name]:
    return {one for one in names if one.label == label}


def tallies(nlp: Language, texts: list[Labelled]) -> dict[str, Tally]:
    """One tally a label."""
    counts = {label: Tally() for label in corpus.LABELS}
    for one, found in zip(texts, found_in(nlp, (one.text for one in texts)), strict=True):
        for label, tally in counts.items():
            tally.add(_of(found, label), _of(one.names, label))
    return counts


def false_people(nlp: Language, texts: list[str]) -> float:
    """Names of people found in 10,000 characters of texts that have none."""
    found = sum(len(_of(names, "PERSON")) for names in found_in(nlp, texts))
    return 10_000 * found / sum(map(len, texts))


def characters_a_second(nlp: Language, texts: list[str]) -> float:
    """Speed in the processor's own time, so that other work on the machine does not count."""
    begun = time.process_time()
    found_in(nlp, texts)
    return sum(map(len, texts)) / (time.process_time() - begun)


def reliability(nlp: Language, texts: list[Labelled]) -> list[tuple[float, int, int]]:
    """From which probability, how many names of people the model gave with it, and how many of them were right."""
    bins = [[0, 0] for _ in range(10)]
    for one, doc in zip(texts, nlp.pipe((one.text for one in texts), batch_size=64), strict=True):
        true = {(name.start, name.end) for name in _of(one.names, "PERSON")}
        for ent, chance in zip(doc.ents, doc.user_data[tagger.SCORES], strict=True):
            if ent.label_ == "PERSON":
                cell = bins[min(int(chance * 10), 9)]
                cell[0] += 1
                cell[1] += (ent.start_char, ent.end_char) in true
    return [(place / 10, found, right) for place, (found, right) in enumerate(bins) if found]


def temperature(nlp: Language, texts: list[Labelled]) -> float:
    """By how much to multiply the model's temperature so that the probabilities of tags are the truest."""
    names = nlp.get_pipe("onward_names")
    assert isinstance(names, tagger.Names)
    docs = [nlp.make_doc(one.text) for one in texts]
    chances = np.concatenate([names.chances([doc]) for doc in docs if len(doc)])
    true = np.concatenate([tags(doc, one) for doc, one in zip(docs, texts, strict=True) if len(doc)])
    logs = np.log(np.maximum(chances, 1e-12))

    def loss(factor: float) -> float:
        scaled = logs / factor
        scaled -= np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        return float(-scaled[np.arange(len(true)), true].mean())

    return min(np.arange(0.6, 3.0, 0.05), key=loss)


def print_row(name: str, counts: dict[str, Tally]) -> Tally:
    """Print a row of the table; the tally of people in it."""
    people = counts["PERSON"]
    scores = (people.precision, people.recall, people.f1, people.overlap)
    others = (counts["LOCATION"].f1, counts["ORGANIZATION"].f1)
    print(f"| {name} | {people.true} |", " | ".join(f"{one:.2f}" for one in (*scores, *others)), "|")
    return people


def main() -> None:
    """Print the tables of README.md."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("model", type=Path)
    arguments.add_argument("--data", type=Path, required=True, help="folder that holds ner/**/*.dev.jsonl.gz")
    arguments.add_argument("--limit", type=int, default=400, help="most texts of one row")
    chosen = arguments.parse_args()
    nlp = tagger.load(chosen.model)
    sets = dev_sets(chosen.data, chosen.limit)
    print("| language | people | P | R | F1 | overlap | LOCATION F1 | ORGANIZATION F1 |")
    print("|---|---|---|---|---|---|---|---|")
    people = [print_row(name, tallies(nlp, texts)) for name, texts in sets.items()]
    f1, overlap = (
        sum(values) / len(people) for values in zip(*((one.f1, one.overlap) for one in people), strict=True)
    )
    print(f"| macro | | | | {f1:.3f} | {overlap:.3f} | | |")
    print_row("chats", tallies(nlp, chats()))
    nameless = [one.text for texts in sets.values() for one in texts if not one.names]
    machines = CLEAN.read_text("utf-8").splitlines()
    print("\nFalse people in 10,000 characters:", end=" ")
    print(f"{false_people(nlp, machines):.1f} in what machines write,", end=" ")
    print(f"{false_people(nlp, nameless):.1f} in sentences without names.")
    print(f"{characters_a_second(nlp, nameless):,.0f} characters a second.")
    everything = [one for texts in sets.values() for one in texts]
    print("\n| probability | names of people | right |\n|---|---|---|")
    for low, found, right in reliability(nlp, everything):
        print(f"| {low:.1f} to {low + 0.1:.1f} | {found} | {right / found:.2f} |")
    print(f"\nProbabilities would be truest at {temperature(nlp, everything):.2f} times the temperature.")


if __name__ == "__main__":
    main()
