"""Fuzz for a while; what was learned is kept, and the next run goes on from there.

    python -m fuzz [--minutes 5] [--work build/fuzz] [decode] [detect] [pipeline]

Needs atheris (`fuzz/requirements.txt`; CPython up to 3.13 on Linux). Seeds stand in fuzz/corpus, and every case of
tests/carriers is one; the grown corpora and what went wrong go to WORK/TARGET. Exits with 1 where an input raised, took
more than five seconds of processor time, a minute or too much memory; it is kept in WORK/TARGET/found and becomes a
regression case.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from tests.carriers.case import PERSON, Wire
from tests.carriers.corpus import CASES

TARGETS = ("decode", "detect", "pipeline")
SEEDS = Path(__file__).parent / "corpus"
HANGS_AFTER_S = 60
MEMORY_LIMIT_MIB = 2048
LONGEST_BYTES = 16384


def main() -> int:
    """Fuzz the targets one after the other, each in a process of its own: libFuzzer ends the one it runs in."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--minutes", type=float, default=5, help="for each target")
    parser.add_argument("--work", type=Path, default=Path("build/fuzz"))
    given = parser.parse_args()
    if strangers := set(given.targets) - {*TARGETS}:
        parser.error(f"no such target: {', '.join(sorted(strangers))}")
    cases = given.work / "cases"
    write_cases(cases)
    failed = [
        name for name in given.targets or TARGETS if not fuzz(name, given.minutes, given.work / name, cases)
    ]
    for name in failed:
        print(f"{name}: found something, see {given.work / name / 'found'}", file=sys.stderr)
    return int(bool(failed))


def write_cases(folder: Path) -> None:
    """Leave an input in the folder for every case of the corpus that is not too long for one."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, case in enumerate(CASES):
        data = as_input(case.build(PERSON))
        if len(data) <= LONGEST_BYTES:
            (folder / f"case-{number}").write_bytes(data)


def as_input(wire: Wire) -> bytes:
    """A message as the targets read it, without the headers that they have no line for."""
    coding = dict(wire.headers).get("content-encoding", "")
    head = [(wire.media_type or "").encode(), coding.encode(), wire.target.removeprefix(b"/")]
    return b"\n".join([*head, wire.body])


def fuzz(name: str, minutes: float, work: Path, cases: Path) -> bool:
    """Whether a target held for so long."""
    found = work / "found"
    for folder in (work / "corpus", found):
        folder.mkdir(parents=True, exist_ok=True)
    limits = {
        "max_total_time": int(minutes * 60),
        "timeout": HANGS_AFTER_S,
        "report_slow_units": HANGS_AFTER_S,
        "rss_limit_mb": MEMORY_LIMIT_MIB,
        "max_len": LONGEST_BYTES,
        "artifact_prefix": f"{found}/",
        "print_final_stats": 1,
    }
    options = [f"-{key}={value}" for key, value in limits.items()]
    command = [
        sys.executable,
        "-m",
        "fuzz.run",
        name,
        str(found),
        *options,
        str(work / "corpus"),
        str(SEEDS),
        str(cases),
    ]
    ended_well = subprocess.run(command, check=False).returncode == 0
    return ended_well and not any(found.iterdir())


if __name__ == "__main__":
    sys.exit(main())
