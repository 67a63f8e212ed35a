"""Counting: what was wanted, what was found of it, and what was found that is nobody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from bench.detection.samples import Sample, Span

LOOSE = "others by hand"
"""Samples of which only the class of a value is labelled, and not where in the text it stands."""
Z = 1.96
"""Of a 95 % interval."""


@dataclass(slots=True)
class Tally:
    """Counts over samples. A name is found only with exactly its borders; of other values half will do."""

    wanted: int = 0
    found: int = 0
    """Wanted values found under their class."""
    reached: int = 0
    """Names that a finding of a person at least touches; other values of which no letter or digit is left."""
    reported: int = 0
    right: int = 0
    """Reported findings that are wanted."""

    def add(self, other: Tally) -> None:
        """Sum up."""
        self.wanted += other.wanted
        self.found += other.found
        self.reached += other.reached
        self.reported += other.reported
        self.right += other.right

    @property
    def recall(self) -> float:
        """Share of wanted values that were found."""
        return _share(self.found, self.wanted)

    @property
    def precision(self) -> float:
        """Share of findings that are wanted."""
        return _share(self.right, self.reported)

    @property
    def reach(self) -> float:
        """Share of wanted values that were reached."""
        return _share(self.reached, self.wanted)

    def f(self, beta: float) -> float:
        """F measure; with `beta` 2 recall weighs more."""
        weighed = beta * beta * self.precision + self.recall
        return (1 + beta * beta) * self.precision * self.recall / weighed if weighed else 0.0


def tally(sample: Sample, findings: Sequence[Span]) -> Tally:
    """Counts of one sample."""
    firm = [one for one in findings if not one.kind.endswith("?")]
    if sample.group == "names":
        people = {(one.start, one.end) for one in findings if one.kind == "PERSON"}
        wanted = {(one.start, one.end) for one in sample.spans}
        touched = sum(any(start < e and s < end for s, e in people) for start, end in wanted)
        exact = len(people & wanted)
        return Tally(len(wanted), exact, touched, len(people), exact)
    counted = Tally(wanted=len(sample.spans), reported=len(firm))
    for span in sample.spans:
        same = [one for one in findings if one.kind.rstrip("?") == span.kind]
        least = 1 if sample.group == LOOSE else span.end - span.start
        counted.found += any(2 * _shared(one, span) >= least for one in same)
        counted.reached += _covered(sample.text, span, findings)
    counted.right = sum(any(_shared(one, span) for span in sample.spans) for one in firm)
    return counted


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Wilson's score interval of a share, at 95 %."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    center = share + Z * Z / (2 * of)
    spread = Z * sqrt(share * (1 - share) / of + Z * Z / (4 * of * of))
    scale = 1 + Z * Z / of
    return max(0.0, (center - spread) / scale), min(1.0, (center + spread) / scale)


def _shared(one: Span, other: Span) -> int:
    return max(0, min(one.end, other.end) - max(one.start, other.start))


def _covered(text: str, span: Span, findings: Sequence[Span]) -> bool:
    return all(
        any(one.start <= place < one.end for one in findings)
        for place in range(span.start, span.end)
        if text[place].isalnum()
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
