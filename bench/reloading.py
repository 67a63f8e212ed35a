"""What a reload of a large register does to requests under load: a real gateway, one agent flipping all the time.

    python -m bench.reloading [--agents 5000] [--reloads 10] [--connections 8]

Records with a person in them go to an assured agent over kept connections; any other answer than 200 ends the run. A
second agent stands in a file with a fiftieth of the register: it is suspended and reinstated, and asked all the while.
It may answer by the old rules until the new ones are said to be in force, and only by the new ones from then on.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import re
import ssl
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from bench import processes
from bench.decisions import TODAY, register
from bench.load import Target, send
from gateway.demo.agents import make_certificate

FILES = 50
IN_FORCE = re.compile("rules [0-9a-f]{12} are in force")
WITHIN_S = 30.0


@dataclass(slots=True)
class Told:
    """What the flipping agent's requests came to."""

    asked: int = 0
    misjudged: int = 0
    reload_s: list[float] = field(default_factory=list)
    """From the change of the file until the gateway said that it holds."""
    over: bool = False


def taken_up(log: Path) -> int:
    """How many reloads the gateway has said to be in force."""
    return len(IN_FORCE.findall(log.read_text()))


def bodies() -> Iterator[bytes]:
    """A person of the EEA, anew in each request."""
    number = 0
    while True:
        number += 1
        yield json.dumps({"customer": f"anna.{number}@example.org", "order": number}).encode()


def flipping(file: Path, port: int) -> tuple[str, str]:
    """Add the second agent to a file of the register; the file's text with it in force, and with it suspended."""
    good = file.read_text()
    rest = good.partition("    entity:")[2].partition("  - id:")[0]
    mark = "    name: Flipping\n"
    good += f"  - id: flipping\n{mark}    match: [{{host: localhost, port: {port}, path: /flip/}}]\n    entity:{rest}"
    return good, good.replace(mark, f"{mark}    suspended: {{since: {TODAY}, reason: test}}\n")


async def flip(
    texts: tuple[str, str], file: Path, log: Path, told: Told, reloads: int, ask: httpx.AsyncClient
) -> None:
    """Change the file, and judge every answer by what is in force."""
    right = {200}
    for number in range(reloads):
        before = taken_up(log)
        text = texts[(number + 1) % 2]
        await asyncio.to_thread(file.write_text, text)
        begun = time.perf_counter()
        new = {403} if number % 2 == 0 else {200}
        while taken_up(log) == before:
            if time.perf_counter() - begun > WITHIN_S:
                raise TimeoutError(f"the gateway did not take the change up: see {log}")
            await question(ask, right | new, told)
        told.reload_s.append(time.perf_counter() - begun)
        right = new
        for _ in range(20):
            await question(ask, right, told)
    told.over = True


async def question(ask: httpx.AsyncClient, right: set[int], told: Told) -> None:
    """One request to the flipping agent."""
    answer = await ask.post("/flip/in", json={"customer": f"b{told.asked}@example.org"})
    told.asked += 1
    as_said = answer.status_code == 200 or answer.json()["reason"] == "suspended"
    told.misjudged += answer.status_code not in right or not as_said


async def measure(
    target: Target, told: Told, flipped: tuple[tuple[str, str], Path, Path], given: argparse.Namespace
) -> int:
    """Send until the reloads are over; how many requests passed."""
    passed = 0
    secure = ssl.create_default_context(cafile=target.authority)
    base, proxy = f"https://localhost:{target.port}", f"http://127.0.0.1:{target.proxy_port}"
    async with httpx.AsyncClient(base_url=base, proxy=proxy, verify=secure, timeout=WITHIN_S) as ask:
        flips = asyncio.create_task(flip(*flipped, told, given.reloads, ask))
        while not told.over and not flips.done():
            passed += (await send(target, bodies(), connections=given.connections, seconds=1.0)).requests
        await flips
    return passed


def run(given: argparse.Namespace, cleanup: contextlib.ExitStack) -> None:
    folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="onward-bench-")))
    certificate = make_certificate(folder)
    port = cleanup.enter_context(processes.origin(folder, certificate))
    _, proxy, authority = cleanup.enter_context(processes.gateway(folder, certificate, port, 1))
    rules, log = folder / "rules", folder / "gateway.log"
    before = taken_up(log)
    begun = time.perf_counter()
    register(given.agents, FILES, rules)
    file = rules / "agents" / "register-000.yaml"
    texts = flipping(file, port)
    file.write_text(texts[0])
    while taken_up(log) == before:
        time.sleep(0.05)
    print(f"{given.agents} agents taken up after {time.perf_counter() - begun:.1f} s")
    told = Told()
    passed = asyncio.run(measure(Target(port, str(authority), proxy), told, (texts, file, log), given))
    slowest = max(told.reload_s)
    print(
        f"{passed} requests to the assured agent during {given.reloads} reloads: all passed\n"
        f"{told.asked} requests to the flipping one: {told.misjudged} misjudged\n"
        f"from the change of the file until it holds: slowest {slowest:.2f} s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=5_000)
    parser.add_argument("--reloads", type=int, default=10)
    parser.add_argument("--connections", type=int, default=8)
    with contextlib.ExitStack() as cleanup:
        run(parser.parse_args(), cleanup)


if __name__ == "__main__":
    main()
