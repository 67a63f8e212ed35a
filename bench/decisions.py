"""What a decision costs with many agents and a large opt-out register, and what a reload of the agents costs.

    python -m bench.decisions [--agents 5000] [--opt-outs 1000000] [--records 100000]

The registers stay on disk: the resident memory of this process is told before and after they are filled. A decision is
measured as the engine makes it, from looking the agent up to the explanation in words, with the choices of three people
looked up; every decision is of another agent than the one before.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import re
import resource
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from gateway.core.decide import Facts, decide
from gateway.core.model import Action, Evidence, Finding, Inspection
from gateway.ledger.record import FindingSummary, Record
from gateway.lookup import decide_by_registers
from gateway.rulebook import Rulebook, Snapshot
from gateway.settings import shipped
from gateway.simulate.replay import Outcome, Records, count, ending, replay
from gateway.store.registers import Refusal, Registers

TODAY = datetime.now(UTC).date()
DECISIONS = 20_000


def mark(number: int) -> str:
    return f"1:{hashlib.sha256(str(number).encode()).hexdigest()[:32]}"


def register(agents: int, files: int, rules: Path) -> None:
    """So many agents in so many files."""
    entry = (
        "  - id: agent-{n}\n    name: Agent {n}\n    match: [{{host: api-{n}.example.org, port: 443}}]\n"
        '    entity: {{name: "Agent {n}, Inc.", country: "US"}}\n    role: processor\n    purposes: [support]\n'
        '    categories: [identity, contact, financial]\n    processing_countries: ["US"]\n'
        "    review_due: {later}\n    assurances:\n"
        "      - {{instrument: eu-us-dpf, valid_from: 2024-01-01, valid_until: {later}, shown: [on_list, active_row], "
        "evidence: {{reference: R-{n}, checked_on: 2026-01-01, checked_by: bench}}}}\n"
        "      - {{instrument: swiss-us-dpf, valid_from: 2024-09-15, valid_until: {later}, shown: [active_row], "
        "evidence: {{reference: R-{n}, checked_on: 2026-01-01, checked_by: bench}}}}\n"
    )
    later = TODAY + timedelta(days=200)
    for file in range(files):
        texts = [entry.format(n=n, later=later) for n in range(file, agents, files)]
        (rules / "agents" / f"register-{file:03}.yaml").write_text("schema: 1\nagents:\n" + "".join(texts))


def inspection(number: int) -> Inspection:
    """A name, a mail address and an IBAN of one person; some of the people have opted out."""
    kinds = (
        ("PERSON", "identity", None),
        ("EMAIL_ADDRESS", "contact", None),
        ("IBAN_CODE", "financial", "DE"),
    )
    findings = tuple(
        Finding(
            f"body.json:/{entity}",
            0,
            9,
            entity,
            0.9,
            category,
            region,
            Evidence.HINT,
            mark(number * 3 + place),
        )
        for place, (entity, category, region) in enumerate(kinds)
    )
    return Inspection(findings, (), 3, 40)


def timed_us(what: Callable[[int], object], times: int) -> list[float]:
    taken = []
    for number in range(times):
        started = time.perf_counter_ns()
        what(number)
        taken.append((time.perf_counter_ns() - started) / 1000)
    return taken


def memory_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def show(name: str, taken: list[float]) -> None:
    cuts = statistics.quantiles(taken, n=100)
    print(f"{name:<58} median {statistics.median(taken):7.1f} µs   p95 {cuts[94]:7.1f}   p99 {cuts[98]:7.1f}")


def measure_decisions(snapshot: Snapshot, registers: Registers, agents: int, people: int, share: str) -> None:
    transfers = [inspection(random.randrange(people)) for _ in range(DECISIONS)]

    def decision(number: int, looked_up: bool = True) -> object:
        agent = snapshot.register.find(f"api-{number * 7 % agents}.example.org", 443, "/v1")
        found = transfers[number]
        facts = Facts(agent, TODAY)
        if looked_up:
            return decide_by_registers(facts, found, snapshot.rules, registers, datetime.now(UTC))
        return decide(facts, found, snapshot.rules)

    timed_us(decision, DECISIONS)  # Fills what is remembered, as the first minutes of a gateway do.
    show(
        f"decide alone, {share} opted out",
        timed_us(lambda number: decision(number, looked_up=False), DECISIONS),
    )
    show(f"with choices and exemptions looked up, {share} opted out", timed_us(decision, DECISIONS))


def show_once(name: str, what: Callable[[], object]) -> None:
    wall, processor = time.perf_counter(), time.process_time()
    what()
    print(
        f"{name:<58} {time.perf_counter() - wall:.2f} s, of a processor {time.process_time() - processor:.2f} s"
    )


def measure_reload(rules: Path, agents: int) -> None:
    books: list[Rulebook] = []
    show_once(f"first load of {agents} agents", lambda: books.append(Rulebook(rules)))
    file = rules / "agents" / "register-000.yaml"
    file.write_text(file.read_text().replace("checked_by: bench", "checked_by: somebody", 1))
    show_once("reload after a change in one of the files", books[0].read)


@dataclass(slots=True)
class Reloading:
    """What happened to decisions while rules were reloaded."""

    decided: int = 0
    wrong: int = 0
    slowest_reload_s: float = 0.0


def copied(place: Path, agents: int, files: int) -> Path:
    """The shipped rules and so many agents more."""
    rules = Path(shutil.copytree(shipped("rules"), place / "rules"))
    register(agents, files, rules)
    return rules


def deciding_through_reloads(rules: Path, agents: int, reloads: int) -> Reloading:
    """Decide without pause while one file of agents is suspended and taken back, again and again.

    Every decision must be the one that its own snapshot says: agents of the file are refused under every other one.
    """
    book = Rulebook(rules)
    file = rules / "agents" / "register-000.yaml"
    good, own = file.read_text(), set(re.findall(r"- id: (\S+)", file.read_text()))
    stopped = f"    suspended: {{since: {TODAY}, reason: test}}\n"
    bad = good.replace("    role: processor\n", f"    role: processor\n{stopped}")
    current = [(book.current, False)]
    told = Reloading()
    over = threading.Event()

    def reload() -> None:
        for number in range(reloads):
            started = time.perf_counter()
            file.write_text(good if number % 2 else bad)
            snapshot = book.read()
            told.slowest_reload_s = max(told.slowest_reload_s, time.perf_counter() - started)
            if snapshot is None:
                told.wrong += 1
            else:
                current[0] = (snapshot, number % 2 == 0)
        over.set()

    reloading = threading.Thread(target=reload)
    reloading.start()
    number = 0
    while not over.is_set() or number < agents:
        number += 1
        snapshot, suspended = current[0]
        agent = snapshot.register.find(f"api-{number % agents}.example.org", 443, "/v1")
        decision = decide(Facts(agent, TODAY), inspection(number), snapshot.rules)
        refused = suspended and f"agent-{number % agents}" in own
        told.wrong += decision.action is not (Action.BLOCK if refused else Action.PASS)
        told.decided += 1
    reloading.join()
    return told


def measure_replay(snapshot: Snapshot, records: int) -> None:
    def kept() -> Iterator[dict[str, object]]:
        for number in range(records):
            found = inspection(number)
            summaries = tuple(
                FindingSummary(one.entity, one.category, one.region, "body.json", 1, (one.fingerprint,))
                for one in found.findings
            )
            record = Record(
                id=str(number), at="2026-11-24T10:00:00.000+00:00", gateway="g", agent=f"agent-{number % 500}",
                host=f"api-{number % 500}.example.org", port=443, method="POST", action="pass", status="certified",
                reason="assured", rule="table/certified/elevated", why="", clauses=("ASSUR-2",), origins=("EU",),
                classes=("elevated",), evidence=("IBAN_CODE: DE (hint)",), rules="", source="", bytes=1, body="",
                findings=summaries,
            )  # fmt: skip
            yield asdict(record)

    rows = list(kept())
    ended = Snapshot(ending(snapshot.rules, "eu-us-dpf", TODAY), snapshot.register, snapshot.sources)
    outcome = Outcome("", None)
    pairs = replay(map(Records(ended).read, rows), ended, TODAY)
    show_once(f"replay of {records} records", lambda: [None for _ in count(pairs, outcome)])
    print(f"{outcome.changed} of them change")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", type=int, default=5_000)
    parser.add_argument("--opt-outs", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        rules = copied(Path(place), asked.agents, asked.files)
        measure_reload(rules, asked.agents)
        done = deciding_through_reloads(rules, asked.agents, reloads=10)
        print(
            f"{done.decided} decisions during 10 reloads: {done.wrong} wrong or refused; "
            f"slowest reload {done.slowest_reload_s:.2f} s beside them"
        )
        snapshot = Rulebook(rules).current
        registers = Registers(Path(place) / "registers.db")
        before = memory_mb()
        since = date(2020, 1, 1)
        registers.refuse(Refusal(mark(n * 3 + 1), "opt-out", "*", since) for n in range(asked.opt_outs))
        size = (Path(place) / "registers.db").stat().st_size / 2**20
        print(
            f"{asked.opt_outs} opt-outs: {size:.0f} MB on disk, {memory_mb() - before:.0f} MB more in memory"
        )
        for times, share in ((2, "every second person"), (20, "one in twenty")):
            measure_decisions(snapshot, registers, asked.agents, times * asked.opt_outs, share)
        registers.close()
        measure_replay(snapshot, asked.records)


if __name__ == "__main__":
    main()
