"""`onward detect`: why something is found in a text or is not, and fingerprints for the allow list."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from gateway.cli.findings import STYLES
from gateway.cli.options import AsJson, Config, Rules, State, key_for, settings_from
from gateway.cli.output import console, print_json
from gateway.core.model import Evidence, Finding
from gateway.core.origin import origin_of
from gateway.core.ruleset import RuleSet
from gateway.keys import load_key
from gateway.rulefiles import load_rules
from gateway.scan.files import ScanError
from gateway.scan.view import visible

if TYPE_CHECKING:
    from gateway.detect.trace import Candidate, Explanation

MOST, MOST_OF_ONE = 6, 2
"""Rejected candidates, and those of one place, that are shown unless all are asked for."""

app = typer.Typer(no_args_is_help=True, help="How detection comes to what it finds.")


@app.command()
def explain(
    text: Annotated[str, typer.Argument(help="A text; - or nothing for standard input.")] = "-",
    file: Annotated[
        Path | None, typer.Option("--file", help="Read the text from here, UTF-8.", show_default=False)
    ] = None,
    name: Annotated[
        str, typer.Option("--field", help="Name of the field the text stands in, e.g. firstName.")
    ] = "",
    at: Annotated[
        str | None, typer.Option("--at", help="Ask about the characters START:END.", show_default=False)
    ] = None,
    agent: Annotated[
        str, typer.Option("--agent", help="Id of the receiver: the allow list may say more for some.")
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="Show all that was rejected.")] = False,
    config: Config = None,
    rules: Rules = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Say why something is found or not. Exit code 0 if something is found (there), 1 if not. Shows the text itself."""
    settings = settings_from(config, rules=rules, state=state)
    ruleset = load_rules(settings.rules)
    content = _content(text, file)
    span = _span(at, content) if at else None
    # Here and not above: the language model's libraries take seconds to import, and no other command needs them.
    from gateway.detect.trace import Explainer
    from gateway.inspector import fingerprints_of

    key = key_for(ruleset.detection, settings)
    explainer = Explainer(
        ruleset.detection, settings.model, fingerprint=partial(fingerprints_of, key) if key else None
    )
    explanation = explainer.explain(content, name, agent)
    hints: list[str] = []
    if span:
        explanation = explanation.at(*span)
        weighed = {one.by for one in explanation.rejected}
        fitting = [] if explanation.found else explainer.shapes_of(content[slice(*span)])
        shapes = [one for one in fitting if one not in weighed]
        if shapes:
            hints = [f"by itself and without separators it would have the shape of {', '.join(shapes)}"]
        elif not explanation.found and not explanation.rejected:
            hints = ["no recognizer has a shape that fits here; see rules/detection/custom to add one"]
    if as_json:
        print_json(_as_dict(explanation, ruleset) | {"hints": hints})
    else:
        _print(explanation, content, ruleset, everything=everything)
        for hint in hints:
            console.print(f"  {hint}", soft_wrap=True, markup=False)
    raise typer.Exit(0 if explanation.found else 1)


@app.command()
def fingerprint(
    entity: Annotated[str, typer.Argument(help="What the value is found as, e.g. PL_PESEL.")],
    config: Config = None,
    rules: Rules = None,
    state: State = None,
) -> None:
    """Print the keyed fingerprints of the value on standard input, one for each version of the key, newest first."""
    settings = settings_from(config, rules=rules, state=state)
    known = load_rules(settings.rules).detection.category_of
    if entity not in known:
        raise ScanError(
            f"there is no entity {entity!r}; `onward scan --format json` says what a value is found as"
        )
    from gateway.inspector import fingerprints_of

    value = sys.stdin.read().strip()
    if not value:
        raise ScanError("standard input is empty; pipe the value in, so that no list of processes shows it")
    for one in fingerprints_of(load_key(settings.state / "keys", create=False), entity, value):
        console.print(one)


def _content(text: str, file: Path | None) -> str:
    try:
        if file is not None:
            return file.read_bytes().decode("utf-8-sig")
        return sys.stdin.buffer.read().decode("utf-8-sig").rstrip("\n") if text == "-" else text
    except OSError as error:
        raise ScanError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScanError(f"{file or 'standard input'}: is not UTF-8 text (byte {error.start})") from error


def _span(at: str, content: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+):(\d+)", at)
    if match is None or not int(match[1]) < int(match[2]) <= len(content):
        raise ScanError(f"--at {at!r} is no START:END within the {len(content)} characters of the text")
    return int(match[1]), int(match[2])


def _print(explanation: Explanation, content: str, ruleset: RuleSet, *, everything: bool) -> None:
    for note in explanation.notes:
        console.print(Text(note, "dim"), soft_wrap=True)
    if not explanation.found:
        console.print(Text("nothing is found here", "bold"))
    for one in explanation.found:
        _print_one(one, content, ruleset)
    if explanation.rejected:
        console.print(Text("\nrejected, the nearest to being found first", "bold"))
    shown = explanation.rejected if everything else _nearest(explanation.rejected)
    for one in shown:
        _print_one(one, content, ruleset)
    if len(explanation.rejected) > len(shown):
        console.print(Text(f"and {len(explanation.rejected) - len(shown)} more; --all shows them", "dim"))


def _nearest(rejected: Sequence[Candidate]) -> list[Candidate]:
    places: Counter[tuple[int, int]] = Counter()
    shown = []
    for one in rejected:
        places[one.start, one.end] += 1
        if places[one.start, one.end] <= MOST_OF_ONE:
            shown.append(one)
    return shown[:MOST]


def _print_one(one: Candidate, content: str, ruleset: RuleSet) -> None:
    category = ruleset.detection.category_of[one.entity]
    kind = ruleset.categories[category].data_class
    style = STYLES.get(kind, STYLES["special"]) if one.outcome.name == "FOUND" else "bold"
    console.print(
        Text(f"{one.start}:{one.end} ", "cyan"),
        Text(visible(content[one.start : one.end]), style),
        Text(f" {one.entity}", "bold"),
        Text("" if one.outcome.name == "FOUND" else f" - {one.outcome}", "red"),
        sep="",
        soft_wrap=True,
    )
    for head, said in _reasons(one, category, kind, ruleset):
        console.print(Text(f"    {head:<10}", "dim"), Text(said), sep="", soft_wrap=True)


def _reasons(one: Candidate, category: str, kind: str, ruleset: RuleSet) -> list[tuple[str, str]]:
    reasons = [("by", one.by + (f" ({one.note})" if one.note else ""))]
    if one.check:
        reasons.append(("check", f"{one.check} {'holds' if one.check_holds else 'does not hold'}"))
    if one.cues:
        reasons.append(("cues", ", ".join(map(_cue, one.cues[:4]))))
    elif one.check_holds is not None or one.alone < one.threshold:
        reasons.append(("cues", "none in sight"))
    weighed = f"{one.alone:.2f} alone, {one.score:.2f} in the end" if one.score else f"{one.alone:.2f} alone"
    reasons.append(("score", f"{weighed}; threshold {one.threshold:.2f}"))
    if one.outcome.name == "FOUND":
        reasons += [("category", f"{category} ({kind})"), ("origin", _origin(one, category, ruleset))]
    return reasons


def _cue(cue: Any) -> str:
    if cue.where == "field":
        return f"{cue.word!r} in the field name"
    far = "" if cue.counts else ", too far"
    return f"{cue.word!r} {cue.distance} characters {cue.where}{far}"


def _origin(one: Candidate, category: str, ruleset: RuleSet) -> str:
    found = Finding("text:", one.start, one.end, one.entity, one.score, category, one.region, one.evidence)
    shown = f"{one.region} ({one.evidence})" if one.region else "shows no country"
    why = (
        ""
        if one.region and one.evidence is Evidence.PROOF
        else ", by the rule that the unknown counts as all"
    )
    origin = origin_of(found, ruleset)
    return f"{shown}; judged as {origin}" + (why if origin == "unknown" else "")


def _as_dict(explanation: Explanation, ruleset: RuleSet) -> dict[str, Any]:
    def listed(candidates: Sequence[Candidate]) -> list[dict[str, Any]]:
        return [
            {
                "start": one.start,
                "end": one.end,
                "entity": one.entity,
                "by": one.by,
                "outcome": one.outcome.name.lower(),
                "check": one.check,
                "check_holds": one.check_holds,
                "cues": [
                    {"word": cue.word, "distance": cue.distance, "where": cue.where, "counts": cue.counts}
                    for cue in one.cues
                ],
                "alone": one.alone,
                "score": round(one.score, 4),
                "threshold": one.threshold,
                "region": one.region,
                "evidence": str(one.evidence),
                "category": ruleset.detection.category_of[one.entity],
                "note": one.note,
            }
            for one in candidates
        ]

    return {
        "found": listed(explanation.found),
        "rejected": listed(explanation.rejected),
        "notes": list(explanation.notes),
    }
