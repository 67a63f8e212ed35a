"""The tables, in Markdown."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bench.detection.clean import INVENTED
from bench.detection.running import Answers
from bench.detection.samples import HELD_OUT, TUNED, Sample, half_of
from bench.detection.scoring import Tally, tally, wilson

SHOWN_FALSE = 25
VALUES = ("identifiers", "passports", "phones", "IBANs", "e-mails", "cards", "birth dates", "addresses")
WILD = tuple(
    f"{one} in the wild"
    for one in ("numbers", "papers", "phones", "births", "IBANs", "cards", "mails", "secrets")
) + tuple(f"{one} by hand" for one in ("numbers", "births", "streets", "others"))
"""Samples written apart from the recognizers, part of them held out (`wild`, `hand`)."""
Key = Callable[[Sample], Any]


def report(samples: Sequence[Sample], everyone: Sequence[Answers]) -> Iterator[str]:
    """All tables. Only samples that every tool was asked about are compared."""
    yield from _table(
        ["tool", "what ran", "characters/s of clean text", "load, s", "memory, MB"],
        ([one.tool.name, one.description, _speed(samples, one, "clean"), *_costs(one)] for one in everyone),
    )
    ran = [one for one in everyone if not one.missing]
    yield "\n### Characters a second, by length of text\n"
    yield from _lengths(samples, ran)
    groups = [group for group in ("names", *VALUES) if any(one.group == group for one in samples)]
    yield "\n### By kind of data\n"
    yield "Precision / recall / F1 / F2; share of values reached: touched for names, wholly covered for others.\n"
    yield from _table(
        ["data", "values", *(one.tool.name for one in ran)],
        (
            [
                group,
                str(_of(samples, ran[0], group).wanted),
                *(_brief(_of(samples, one, group)) for one in ran),
            ]
            for group in groups
        ),
    )
    yield "\n### By language\n"
    yield "F2, the mean over the kinds of data that there are in a language.\n"
    yield from _table(
        ["language", "kinds", *(one.tool.name for one in ran)],
        (
            [lang, str(kinds or ""), *(f"{one:.3f}" for one in mean)]
            for lang, (kinds, mean) in by_language(samples, ran).items()
        ),
    )
    wild = [group for group in WILD if any(one.group == group for one in samples)]
    if wild:
        yield "\n### As people and programs write them\n"
        yield from _by(samples, ran, wild, lambda one: f"{one.group}, {one.form.partition(',')[0]}", "data")
        yield "\n### National numbers as people and programs write them, by country\n"
        yield from _by(
            samples, ran, WILD[:1], lambda one: f"{one.source}, {one.form.partition(',')[0]}", "country"
        )
        yield "\n### National numbers by another hand, by country\n"
        yield from _by(samples, ran, ("numbers by hand",), lambda one: f"{one.source}, {one.form}", "country")
    yield "\n### How far scores can be believed\n"
    yield from _reliability(samples, ran[0])
    yield "\n### Clean text: findings in 10,000 characters\n"
    yield from _clean(samples, ran)
    yield from _most_frequent(samples, ran[0])
    if "names" in groups:
        yield "\n### Names by language\n"
        yield from _by(samples, ran, ("names",), lambda one: one.lang, "language")
        yield "\n### Names by language and corpus\n"
        yield from _by(samples, ran, ("names",), lambda one: f"{one.lang}, {one.source}", "language, corpus")
    yield "\n### Identifiers by country\n"
    yield from _by(samples, ran, ("identifiers",), lambda one: one.source, "country")
    for title, group in (("Identifiers", "identifiers"), ("Passports", "passports")):
        yield f"\n### {title} by entity, language, country\n"
        yield from _by(
            samples,
            ran,
            (group,),
            lambda one: f"{one.spans[0].entity}, {one.lang}, {one.source}",
            "entity, language, country",
        )
    yield "\n### Identifiers by how they are written\n"
    yield from _by(
        samples, ran, ("identifiers", "passports"), lambda one: f"{one.group}, {one.form}", "written"
    )
    for group in ("phones", "birth dates", "addresses", "IBANs"):
        yield f"\n### {group[0].upper()}{group[1:]} by language and country\n"
        yield from _by(
            samples,
            ran,
            (group,),
            lambda one: f"{one.lang}, {one.source}" if one.lang != one.source else one.lang,
            "from",
        )
    yield "\n### Telephone numbers, accounts and cards by how they are written\n"
    yield from _by(
        samples, ran, ("phones", "IBANs", "cards"), lambda one: f"{one.group}, {one.form}", "written"
    )


def figures(samples: Sequence[Sample], everyone: Sequence[Answers]) -> list[dict[str, Any]]:
    """Every count by tool, entity, language, source and form, for other programs."""
    rows = []
    for answers in everyone:
        sums: dict[tuple[str, ...], Tally] = defaultdict(Tally)
        for one in samples:
            if one.id in answers.found:
                entity = one.spans[0].entity if one.spans else ""
                key = (answers.tool.name, one.group, entity, one.lang, one.source, one.form)
                sums[key].add(tally(one, answers.found[one.id]))
        for key, counted in sums.items():
            names = ("tool", "group", "entity", "lang", "source", "form")
            counts = {name: getattr(counted, name) for name in Tally.__slots__}
            rows.append(dict(zip(names, key, strict=True)) | counts)
    return rows


def _of(samples: Iterable[Sample], answers: Answers, group: str) -> Tally:
    counted = Tally()
    for one in samples:
        if one.group == group and one.id in answers.found:
            counted.add(tally(one, answers.found[one.id]))
    return counted


def _by(
    samples: Sequence[Sample], ran: Sequence[Answers], groups: Sequence[str], key: Key, head: str
) -> Iterator[str]:
    """Ours with intervals; the others' precision and recall."""
    sums: dict[Any, list[Tally]] = defaultdict(lambda: [Tally() for _ in ran])
    for one in samples:
        if one.group in groups:
            for place, answers in enumerate(ran):
                sums[key(one)][place].add(tally(one, answers.found[one.id]))
    reached = "touched" if groups == ("names",) else "covered"
    others = [f"{one.tool.name} P / R" for one in ran[1:]]
    rows = []
    for name, (own, *rest) in sorted(sums.items()):
        brief = [f"{one.precision:.2f} / {one.recall:.2f}" for one in rest]
        rows.append(
            [
                str(name),
                str(own.wanted),
                _with_interval(own.right, own.reported),
                _with_interval(own.found, own.wanted),
                f"{own.f(1):.2f}",
                f"{own.f(2):.2f}",
                f"{own.reach:.2f}",
                *brief,
            ]
        )
    yield from _table([head, "values", "precision", "recall", "F1", "F2", reached, *others], rows)


def _clean(samples: Sequence[Sample], ran: Sequence[Answers]) -> Iterator[str]:
    all_asked = [one for one in samples if not one.spans and one.group in ("clean", "noise")]
    shared = [one for one in all_asked if all(one.id in answers.found for answers in ran)]
    kinds = [*sorted({one.source for one in all_asked}), f"all {TUNED}", f"all {HELD_OUT}", "all"]
    rows = []
    for kind in kinds:
        own = [one for one in all_asked if kind in (one.source, f"all {half_of(one.form)}", "all")]
        both = [one for one in shared if kind in (one.source, f"all {half_of(one.form)}", "all")]
        row = [kind, f"{sum(len(one.text) for one in own):,}", _rates(own, ran[0])]
        row += [_rates(both, answers) for answers in ran]
        rows.append(row)
    heads = [f"{one.tool.name}, same {sum(len(s.text) for s in shared):,}" for one in ran]
    origins = Counter(one.form for one in all_asked if one.group == "clean")
    real = [name for name in origins if name != INVENTED]
    size = sum(len(one.text) for one in all_asked if one.form in real)
    yield f"Of these, {size:,} characters are from {len(real)} origins; half of the origins are held out.\n"
    yield "All classes / identifiers and passports / people.\n"
    yield from _table(["text", "characters", f"{ran[0].tool.name}, all of it", *heads], rows)


def _rates(samples: Sequence[Sample], answers: Answers) -> str:
    size = sum(len(one.text) for one in samples)
    kinds: Counter[str] = Counter()
    for one in samples:
        kinds.update(hit.kind for hit in answers.found[one.id] if not hit.kind.endswith("?"))
    counts = (kinds.total(), kinds["NATIONAL_ID"] + kinds["PASSPORT"], kinds["PERSON"])
    return " / ".join(f"{10_000 * count / size:.2f}" if size else "-" for count in counts)


def _most_frequent(samples: Sequence[Sample], answers: Answers) -> Iterator[str]:
    """Values are masked: the text may be anybody's."""
    shapes: Counter[tuple[str, str, str]] = Counter()
    for one in samples:
        if one.group in ("clean", "noise"):
            for hit in answers.found[one.id]:
                shapes[hit.entity, one.source, masked(one.text[hit.start : hit.end])] += 1
    totals: Counter[tuple[str, str]] = Counter()
    for (entity, source, _), count in shapes.items():
        totals[entity, source] += count
    yield f"\n### Most frequent false findings of {answers.tool.name}, values masked\n"
    yield from _table(
        ["entity", "text", "findings", "shapes"],
        (
            [
                entity,
                source,
                str(count),
                ", ".join(
                    f"`{shape}` {times}"
                    for (e, s, shape), times in shapes.most_common()
                    if (e, s) == (entity, source)
                )[:110],
            ]
            for (entity, source), count in totals.most_common(SHOWN_FALSE)
        ),
    )


def masked(value: str) -> str:
    """The shape of a value: `9` for digits, `A` and `a` for letters, runs shortened."""
    shape = "".join("9" if c.isdigit() else "A" if c.isupper() else "a" if c.isalpha() else c for c in value)
    return re.sub(
        r"(.)\1{3,}", lambda run: f"{run[1]}{{{len(run[0])}}}", shape.replace("\n", " ").replace("|", "¦")
    )


def by_language(samples: Sequence[Sample], ran: Sequence[Answers]) -> dict[str, tuple[int, list[float]]]:
    """For each language, and their mean: how many kinds of data there are in it, and each tool's mean F2 over them."""
    sums: dict[str, dict[str, list[Tally]]] = defaultdict(lambda: defaultdict(lambda: [Tally() for _ in ran]))
    for one in samples:
        if one.group in ("names", *VALUES) and one.lang:
            for place, answers in enumerate(ran):
                sums[one.lang][one.group][place].add(tally(one, answers.found[one.id]))
    means: dict[str, tuple[int, list[float]]] = {}
    for lang, kinds in sorted(sums.items()):
        counted = [tallies for tallies in kinds.values() if tallies[0].wanted]
        means[lang] = (
            len(counted),
            [sum(one[place].f(2) for one in counted) / len(counted) for place in range(len(ran))],
        )
    columns = zip(*(mean for _, mean in means.values()), strict=True)
    return means | {"mean": (0, [sum(column) / len(means) for column in columns])}


def _reliability(samples: Sequence[Sample], answers: Answers) -> Iterator[str]:
    """Of findings with about the same score, how many are right: in texts with that kind of data, and in all."""
    sums: dict[tuple[str, float], list[int]] = defaultdict(lambda: [0, 0, 0])
    for one in samples:
        if one.id not in answers.found or one.group == "speed":
            continue
        for hit in answers.found[one.id]:
            # Corpora are labelled with names alone: of other findings in them nobody says whether they are right.
            if hit.kind.endswith("?") or (one.group == "names" and hit.kind != "PERSON"):
                continue
            cell = sums[hit.kind, min(int(hit.score * 10), 9) / 10]
            right = any(hit.start < span.end and span.start < hit.end for span in one.spans)
            cell[0] += 1
            cell[1] += right
            cell[2] += 1 if one.group not in ("clean", "noise") else 0
    rows = []
    for (kind, low), (found, right, among) in sorted(sums.items()):
        rows.append(
            [kind, f"{low:.1f}–{low + 0.1:.1f}", str(found), _with_interval(right, found), f"{found - among}"]
        )
    yield from _table(["class", "score", "findings", "share right", "of them in clean text"], rows)


def speeds(samples: Sequence[Sample], ran: Sequence[Answers]) -> dict[tuple[str, str], list[float | None]]:
    """For each kind and length of text, how many characters each tool does in a second; None where it was not asked."""
    kinds: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for one in samples:
        if one.group == "speed":
            kinds[one.form, one.source].append(one)
    rows: dict[tuple[str, str], list[float | None]] = {}
    for key, them in kinds.items():
        taken = [sum(answers.seconds.get(one.id, 0.0) for one in them) for answers in ran]
        rows[key] = [sum(len(one.text) for one in them) / one if one else None for one in taken]
    return rows


def _lengths(samples: Sequence[Sample], ran: Sequence[Answers]) -> Iterator[str]:
    yield from _table(
        ["text", "length", *(one.tool.name for one in ran)],
        (
            [*key, *(f"{one:,.0f}" if one else "-" for one in row)]
            for key, row in speeds(samples, ran).items()
        ),
    )


def false_findings(samples: Sequence[Sample], ran: Sequence[Answers]) -> dict[str, list[float | None]]:
    """For each kind of clean text that all were asked about, each tool's false findings in 10,000 characters."""
    shared = [
        one for one in samples if one.group == "clean" and all(one.id in answers.found for answers in ran)
    ]
    return {
        kind: [float(_rates([s for s in shared if s.source == kind], one).partition(" ")[0]) for one in ran]
        for kind in sorted({one.source for one in shared})
    }


def _costs(answers: Answers) -> list[str]:
    return [f"{answers.load_s:.1f}", f"{answers.memory_bytes / 2**20:,.0f}" if answers.memory_bytes else "-"]


def _speed(samples: Sequence[Sample], answers: Answers, group: str) -> str:
    asked = [one for one in samples if one.group == group and one.id in answers.seconds]
    seconds = sum(answers.seconds[one.id] for one in asked)
    return f"{sum(len(one.text) for one in asked) / seconds:,.0f}" if seconds else "-"


def _brief(counted: Tally) -> str:
    figures = (counted.precision, counted.recall, counted.f(1), counted.f(2))
    return " / ".join(f"{one:.2f}" for one in figures) + f"; {counted.reach:.2f}"


def _with_interval(hits: int, of: int) -> str:
    if not of:
        return "-"
    low, high = wilson(hits, of)
    return f"{hits / of:.2f} ({low:.2f}–{high:.2f})"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
