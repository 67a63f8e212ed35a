"""`onward scan`: personal data in files and folders, without any traffic.

Exit codes are those of a search: 0 nothing found, 1 something found, 2 something could not be read or was asked for
wrongly; the last wins. With --jsonl, which answers programs line by line, finding something is no answer of its own.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer
from rich.progress import Progress

from gateway.cli.findings import Summary, not_read, objects, paragraphs
from gateway.cli.options import Config, Rules, State, key_for, settings_from
from gateway.cli.output import console, errors, print_json
from gateway.core.model import Finding, Segment
from gateway.core.ruleset import RuleSet
from gateway.rulefiles import load_rules
from gateway.scan.files import Entry, ScanError, entries
from gateway.scan.found import Scan, Work
from gateway.scan.report import Report
from gateway.scan.selection import Selection, selection_of
from gateway.scan.view import View, visible

if TYPE_CHECKING:
    from gateway.detect import Detector

BATCH = 64
"""Lines detected at once in --jsonl: enough to feed the language model well, few enough to show progress."""
STANDARD_INPUT = Path("-")


class Format(StrEnum):
    """How findings are printed."""

    TEXT = "text"
    JSON = "json"


def scan(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(help="Files and folders; - or nothing for standard input.", show_default=False),
    ] = None,
    output: Annotated[
        Format,
        typer.Option("--format", help="text for people; json: one JSON object a line, without values."),
    ] = Format.TEXT,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document, without values.")] = False,
    show_values: Annotated[bool, typer.Option("--show-values", help="Put the values into the JSON.")] = False,
    redact: Annotated[bool, typer.Option("--redact", help="Mask values in what is shown.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a report into this file, too.", show_default=False)
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help="Entity, category or class of data, e.g. PERSON, contact, special."),
    ] = None,
    country: Annotated[
        list[str] | None, typer.Option("--country", help="Only what points to this country, e.g. NO.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", min=0.01, max=1, help="Lowest score, in place of the rules'."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option("--exclude", help="Leave out what has such a name or path, e.g. '*.log'."),
    ] = None,
    gitignore: Annotated[
        bool, typer.Option("--gitignore", help="Leave out what git ignores. Without it, all is read.")
    ] = False,
    charset: Annotated[
        str | None, typer.Option("--charset", help="Of texts that do not say it; UTF-8 if left out.")
    ] = None,
    max_mib: Annotated[int, typer.Option("--max-mib", min=1, help="Largest file that is read.")] = 64,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit code 2 also where part of a file could not be read.")
    ] = False,
    name: Annotated[
        str, typer.Option("--as", help="File name by which standard input is read, e.g. a.csv.")
    ] = "standard input",
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Processes that read files.")] = 1,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help='Read lines {"id","text","lang"?}, write lines {"id","findings"}.')
    ] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Find personal data in files. Exit code 0: nothing found, 1: found, 2: something could not be read."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset = _at_threshold(load_rules(settings.rules), threshold)
    if redact and show_values:
        raise ScanError("--redact and --show-values contradict each other; give one of them")
    if jsonl:
        # Here and not above: the language model's libraries take seconds to import, and no other command needs them.
        from gateway.detect import Detector
        from gateway.inspector import fingerprints_of

        key = key_for(ruleset.detection, settings)
        fingerprint = partial(fingerprints_of, key) if key else None
        detector = Detector(ruleset.detection, settings.model, fingerprint=fingerprint)
        _scan_lines(detector, (paths or [STANDARD_INPUT])[0])
        return
    wanted = selection_of(only or (), country or (), ruleset)
    view = View(ruleset, wanted, redact=redact, values=show_values)
    found = entries(paths or [STANDARD_INPUT], exclude or (), heed_gitignore=gitignore)
    work = Work(
        ruleset.detection, settings.model, max_mib << 20, charset, key_for(ruleset.detection, settings)
    )
    summary = Summary()
    scans = _counted(_scans(found, work, jobs, name), view, summary)
    report = Report(view, _asked(paths, wanted, threshold), datetime.now(UTC)) if html else None
    if report:
        scans = _reported(scans, report)
    if as_json:
        listed = [shown for one in scans for shown in objects(one, view)]
        findings = [shown for shown in listed if "entity" in shown]
        others = [shown for shown in listed if "entity" not in shown]
        print_json({"findings": findings, "not_read": others, "files": summary.files})
    else:
        for one in scans:
            _print(one, view, output)
        errors.print(str(summary), soft_wrap=True)
    if report and html:
        _write(report, html)
    raise typer.Exit(2 if summary.errors or (strict and summary.unread) else 1 if summary.findings else 0)


def _at_threshold(ruleset: RuleSet, threshold: float | None) -> RuleSet:
    if threshold is None:
        return ruleset
    scoring = replace(ruleset.detection.scoring, threshold=threshold, thresholds={})
    return replace(ruleset, detection=replace(ruleset.detection, scoring=scoring))


def _scans(found: Iterable[Entry], work: Work, jobs: int, name: str) -> Iterator[Scan]:
    """Files in order; standard input is read here, since no other process has it."""
    # Here and not above: the language model's libraries take seconds to import, and no other command needs them.
    from gateway.scan.work import scanner_for, scans_of

    ordered = list(found)
    if STANDARD_INPUT not in [entry.path for entry in ordered]:
        yield from scans_of(work, ordered, min(jobs, len(ordered)) or 1)
    elif len(ordered) == 1:
        yield scanner_for(work).scan_bytes(name, sys.stdin.buffer.read())
    else:
        raise ScanError("- stands for standard input, and is scanned alone")


def _counted(scans: Iterable[Scan], view: View, summary: Summary) -> Iterator[Scan]:
    """Counts what passes, and shows on a terminal how far it is."""
    shown = sys.stderr.isatty()
    for number, one in enumerate(scans, 1):
        summary.add(one, view)
        if shown:
            errors.file.write("\r\x1b[K")
        yield one
        if shown:
            path = visible(one.path)[-60:]
            errors.file.write(f"\r\x1b[K{number} files, {summary.findings} findings  {path}")
            errors.file.flush()
    if shown:
        errors.file.write("\r\x1b[K")


def _reported(scans: Iterable[Scan], report: Report) -> Iterator[Scan]:
    for one in scans:
        report.add(one)
        yield one


def _asked(paths: Sequence[Path] | None, wanted: Selection, threshold: float | None) -> list[str]:
    """What was asked for, in the report's words."""
    said = [
        ", ".join(
            "standard input" if one == STANDARD_INPUT else str(one) for one in paths or [STANDARD_INPUT]
        )
    ]
    said += [f"only {', '.join(sorted(wanted.entities))}"] if wanted.entities else []
    said += [f"only of {', '.join(sorted(wanted.countries))}"] if wanted.countries else []
    return said + ([f"threshold {threshold}"] if threshold else [])


def _write(report: Report, file: Path) -> None:
    try:
        report.write(file)
    except OSError as error:
        raise ScanError(f"--html {file}: cannot be written: {error.strerror}") from error
    errors.print(f"report: {visible(str(file))}", soft_wrap=True, markup=False)


def _print(one: Scan, view: View, output: Format) -> None:
    if output is Format.JSON:
        for shown in objects(one, view):
            print_json(shown)
        return
    coloured = console.is_terminal and not console.no_color
    for line in paragraphs(one, view, coloured=coloured):
        console.print(line, soft_wrap=True)
    for said in not_read(one):
        errors.print(said, soft_wrap=True, markup=False)


def _scan_lines(detector: Detector, file: Path) -> None:
    try:
        source: TextIO = sys.stdin if file == STANDARD_INPUT else file.open(encoding="utf-8")
        total = None if file == STANDARD_INPUT else file.stat().st_size
    except OSError as error:
        raise ScanError(f"{file}: cannot be read: {error.strerror}") from error
    shown = sys.stderr.isatty()
    with source, Progress(console=errors, disable=not shown, transient=True) as progress:
        task = progress.add_task("Scanning", total=total)
        for batch in _batches(source, file):
            segments = [Segment(str(place), text) for place, (_, text, _) in enumerate(batch)]
            found: dict[str, list[dict[str, Any]]] = {segment.address: [] for segment in segments}
            for one in detector.detect(segments):
                found[one.address].append(_as_dict(one))
            for place, (line_id, _, size) in enumerate(batch):
                sys.stdout.write(
                    json.dumps({"id": line_id, "findings": found[str(place)]}, ensure_ascii=False) + "\n"
                )
                progress.advance(task, size)


def _batches(source: Iterable[str], file: Path) -> Iterator[list[tuple[Any, str, int]]]:
    batch: list[tuple[Any, str, int]] = []
    for number, line in enumerate(source, 1):
        if not line.strip():
            continue
        try:
            read = json.loads(line)
            batch.append((read["id"], read["text"] + "", len(line.encode())))
        except (ValueError, KeyError, TypeError) as error:
            where = f"{'standard input' if file == STANDARD_INPUT else file}:{number}"
            raise ScanError(f'{where}: is no line {{"id", "text"}}: {type(error).__name__}') from error
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "start": finding.start,
        "end": finding.end,
        "entity": finding.entity,
        "score": round(finding.score, 4),
        "region": finding.region,
        "category": finding.category,
    }
