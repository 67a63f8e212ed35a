"""Tools as processes: a line in, a line out, timed. A tool that is not there is reported as missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field
from hashlib import sha256
from pathlib import Path

import bench
from bench.detection.samples import Sample, Span, table

TOOLS = Path(__file__).parent / "tools"
ROOT = Path(bench.__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Tool:
    """How one tool is started."""

    name: str
    """As in the tables."""
    entities: str
    """Whose names of entities it uses (`data/entities.yaml`)."""
    environment: str | None
    """Folder under the cache that holds its virtual environment; none for this project's own."""
    arguments: tuple[str, ...]

    def command(self, cache: Path) -> list[str] | None:
        """What to run; nothing where its environment is not there."""
        if self.environment is None:
            return [sys.executable, *self.arguments]
        python = cache / self.environment / "bin" / "python"
        return [str(python), *self.arguments] if python.exists() else None


TOOLS_KNOWN = (
    Tool("Onward", "onward", None, (str(TOOLS / "onward.py"),)),
    Tool("Presidio", "presidio", "presidio", (str(TOOLS / "presidio.py"), "default", "0")),
    Tool("Presidio, all", "presidio", "presidio", (str(TOOLS / "presidio.py"), "all", "0.4")),
    Tool("euredact", "euredact", "euredact", (str(TOOLS / "euredact.py"),)),
)


@dataclass(slots=True)
class Answers:
    """What one tool said."""

    tool: Tool
    description: str
    """The tool's own words, or why there are no answers."""
    found: dict[str, list[Span]] = field(default_factory=dict)
    """Findings by sample, with our class; `lenient` ones have the class followed by `?`."""
    seconds: dict[str, float] = field(default_factory=dict)
    load_s: float = 0.0
    """From the start of the process to its first line."""
    memory_bytes: int = 0
    """The most it ever held, where the system says so."""

    @property
    def missing(self) -> bool:
        """Whether it did not run."""
        return not self.found


def kept(tool: Tool, samples: Iterable[Sample], cache: Path) -> Answers | None:
    """What a tool said of those of the samples' texts that it was asked about before; None where of none."""
    path = _kept_at(tool, cache)
    if not path.exists():
        return None
    row = json.loads(path.read_text("utf-8"))
    answers = Answers(tool, row["description"], load_s=row["load_s"], memory_bytes=row["memory_bytes"])
    for one in samples:
        if (said := row["texts"].get(_key(one))) is not None:
            answers.found[one.id], answers.seconds[one.id] = [Span(*span) for span in said[0]], said[1]
    return answers if answers.found else None


def keep(answers: Answers, samples: Iterable[Sample], cache: Path) -> None:
    """Keep what a tool said, for `kept`."""
    path = _kept_at(answers.tool, cache)
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {
        _key(one): ([astuple(span) for span in answers.found[one.id]], answers.seconds[one.id])
        for one in samples
    }
    row = {name: getattr(answers, name) for name in ("description", "load_s", "memory_bytes")}
    path.write_text(json.dumps(row | {"texts": texts}), "utf-8")


def _kept_at(tool: Tool, cache: Path) -> Path:
    return cache / "answers" / f"{tool.name.replace(', ', '-')}.json"


def _key(sample: Sample) -> str:
    return sha256(f"{sample.form.startswith('JSON')}\t{sample.text}".encode()).hexdigest()[:32]


def run(tool: Tool, samples: Iterable[Sample], cache: Path, before: Answers | None = None) -> Answers:
    """Ask a tool about each sample, one after the other; not about those that it answered `before`."""
    samples = [one for one in samples if before is None or one.id not in before.found]
    if before and not samples:
        return before
    command = tool.command(cache)
    if command is None:
        return Answers(tool, f"missing: no environment {tool.environment!r} in the cache folder")
    environment = os.environ | {"PYTHONPATH": str(ROOT)} if tool.environment is None else dict(os.environ)
    begun = time.perf_counter()
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        first = process.stdout.readline()
        if not first:
            return Answers(tool, "missing: ended at its start, see above")
        answers = Answers(tool, json.loads(first)["tool"], load_s=time.perf_counter() - begun)
        if before:
            answers.found |= before.found
            answers.seconds |= before.seconds
        for sample in samples:
            started = time.perf_counter()
            line = {"id": sample.id, "text": sample.text, "json": sample.form.startswith("JSON")}
            process.stdin.write(json.dumps(line) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline())
            answers.seconds[sample.id] = time.perf_counter() - started
            answers.found[sample.id] = translated(tool.entities, answer["findings"])
        # A run that was asked little more than nothing needs less than the one before did.
        answers.memory_bytes = max(peak_bytes(process.pid), before.memory_bytes if before else 0)
        process.stdin.close()
    return answers


def peak_bytes(pid: int) -> int:
    """The most memory a process ever held; 0 where the system does not say."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace")
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def translated(entities: str, findings: Iterable[Mapping[str, object]]) -> list[Span]:
    """Findings in our classes, without those of classes that are not measured."""
    known, lenient = ENTITIES["tools"][entities], ENTITIES["lenient"].get(entities, ())
    spans = []
    for one in findings:
        entity = str(one["entity"])
        kind = known.get(entity, known.get("*"))
        if kind is not None:
            kind += "?" if entity in lenient else ""
            score = float(str(one.get("score", 1.0)))
            spans.append(Span(int(str(one["start"])), int(str(one["end"])), kind, entity, score))
    return spans


ENTITIES = table("entities.yaml")
