"""Every case of the corpus through the running gateway to a real TLS agent, many under way at once."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from gateway.core.model import Message
from gateway.demo.agents import Certificate
from tests.carriers.case import PERSON, Case
from tests.carriers.corpus import CASES
from tests.carriers.gateway import anonymizing
from tests.carriers.leaks import leaked
from tests.end_to_end.harness import EchoingAgent, GatewayProcess, running

UNDER_WAY = 16
SHORTEST = 4
"""Letters of what was planted from which it cannot well be in an answer by chance."""
each_case = pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a message of the client came to."""

    status: int
    sent: Message
    answer: bytes
    """What arrived at the agent, or why nothing did."""

    @property
    def arrived(self) -> Message:
        head, _, body = self.answer.partition(b"\n\n")
        line, *headers = head.split(b"\n")
        method, target, _ = line.split(b" ")
        pairs = (header.partition(b": ") for header in headers)
        return Message(method.decode(), target, tuple((name, value) for name, _, value in pairs), body)


async def all_sent(gateway: GatewayProcess, url: str, messages: dict[str, Message]) -> dict[str, Exchange]:
    """All the messages, some at a time; what each came to."""
    came_to: dict[str, Exchange] = {}
    waiting = iter(messages.items())

    async def sender(client: httpx.AsyncClient) -> None:
        for name, message in waiting:
            answer = await client.request(
                message.method,
                httpx.URL(url).copy_with(raw_path=message.target),
                content=message.body,
                headers=list(message.headers),
            )
            came_to[name] = Exchange(answer.status_code, message, answer.content)

    async with (
        httpx.AsyncClient(proxy=gateway.proxy, verify=str(gateway.authority), timeout=120) as client,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(UNDER_WAY):
            group.create_task(sender(client))
    return came_to


Sent = dict[str, Exchange]


@pytest.fixture(scope="module")
def sent(certificate: Certificate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sent, Sent]]:
    """What each case came to, and what its twin did."""
    agent = EchoingAgent(certificate)
    gateway = GatewayProcess(
        tmp_path_factory.mktemp("corpus"), certificate, {"lapsed": agent.port}, workers=2, time_limit_s=60.0
    )
    anonymizing(gateway.rules)
    cases = {case.name: case.build(PERSON).message() for case in CASES}
    twins = {case.name: (case.benign or case.build)(case.twin).message() for case in CASES}
    with running(gateway):
        yield (
            asyncio.run(all_sent(gateway, agent.url, cases)),
            asyncio.run(all_sent(gateway, agent.url, twins)),
        )
    agent.close()


@each_case
def test_SCOPE_4_nothing_of_a_person_gets_through_the_running_gateway(case: Case, sent: tuple[Sent, Sent]):
    exchange = sent[0][case.name]

    assert exchange.status == (403 if case.refused else 200), exchange.answer
    if case.refused:
        # What stands for all of a file that nobody searches, such as "7z", may be in the id of a decision by chance.
        values = [one for one in case.plants(PERSON) if len(one) >= SHORTEST]
        assert leaked(Message("", b"", (), exchange.answer), (PERSON.name, PERSON.email, *values)) == []
    elif not case.missed:
        assert leaked(exchange.arrived, case.plants(PERSON)) == []


@each_case
def test_INTEG_1_what_holds_nobody_gets_through_the_running_gateway_to_the_byte(
    case: Case, sent: tuple[Sent, Sent]
):
    exchange = sent[1][case.name]
    message = exchange.sent

    assert exchange.status == 200, exchange.answer
    assert hashlib.sha256(exchange.arrived.body).digest() == hashlib.sha256(message.body).digest()
    assert exchange.arrived.target == message.target
    assert {(name.lower(), value) for name, value in message.headers} <= {
        (name.lower(), value) for name, value in exchange.arrived.headers
    }
