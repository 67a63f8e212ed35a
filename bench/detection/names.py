"""People in real text: the labelled corpora, where somebody names. They are read, never copied."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

from bench.detection.samples import Sample, Span


def names(folder: Path, most: int) -> Iterator[Sample]:
    """Sentences of every `*.dev.jsonl.gz` under `folder`, at most so many of each file."""
    for path in sorted(folder.rglob("*.dev.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            rows = [json.loads(line) for line in lines]
        # Files are ordered by source: every so many sentences one, so that each source has a part of each.
        step = max(1, len(rows) // most)
        for place, row in enumerate(rows[::step][:most]):
            spans = tuple(
                Span(one["start"], one["end"], "PERSON", "name")
                for one in row["entities"]
                if one["label"] == "PERSON"
            )
            # The folder says under which terms the corpus may be used.
            source = f"{path.parent.name}: {row['source'].split(' (')[0]}"
            yield Sample(
                f"{path.parent.name}-{path.name}-{place}", "names", row["text"], spans, row["lang"], source
            )
