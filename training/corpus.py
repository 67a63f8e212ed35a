"""Labelled texts on disk: one JSON object a line, compressed, with the names' places in characters."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

LABELS = ("PERSON", "LOCATION", "ORGANIZATION")


@dataclass(frozen=True, slots=True)
class Name:
    """A name's place in a text."""

    start: int  # offset in characters
    end: int  # first character after it
    label: str  # one of LABELS


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text in which every name is known: what no name covers is none."""

    lang: str
    source: str
    text: str
    names: tuple[Name, ...]

    @property
    def named_properly(self) -> bool:
        """Whether every person in it goes by a name; some corpora also count "the mayor" or "his brother"."""
        people = (self.text[name.start : name.end] for name in self.names if name.label == "PERSON")
        return all(not person.split()[-1][0].islower() for person in people)


def bare(text: str) -> str:
    """A text's letters and digits, by which it is known again."""
    return "".join(one for one in text if one.isalnum()).casefold()


def read(path: Path) -> Iterator[Labelled]:
    """The texts of one file, in its order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            names = tuple(Name(one["start"], one["end"], one["label"]) for one in row["entities"])
            yield Labelled(row["lang"], row["source"], row["text"], names)


def write(path: Path, texts: Iterable[Labelled]) -> int:
    """Write a file that `read` takes, the same bytes for the same texts; how many there were."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as file:
        return sum(1 for one in texts if file.write(_line(one)))


def _line(one: Labelled) -> bytes:
    row = {"lang": one.lang, "source": one.source, "text": one.text}
    return (
        json.dumps(row | {"entities": [asdict(name) for name in one.names]}, ensure_ascii=False).encode()
        + b"\n"
    )
