"""What a case of the corpus is.

A case is written once, as a function from a sample to a message. It is called with a person, whose values must not
arrive, and with a thing in the person's place, which must arrive to the byte.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.core.model import Message


@dataclass(frozen=True, slots=True)
class Sample:
    """Values to be put into a carrier."""

    name: str
    email: str
    iban: str
    phone: str
    text: str
    """A sentence with name and address."""
    field: str
    """The name of a field that holds the name."""

    @property
    def first(self) -> str:
        """The name's first word."""
        return self.name.split()[0]

    @property
    def last(self) -> str:
        """The name's last word."""
        return self.name.split()[-1]


def _said(name: str, email: str) -> str:
    return f"Guten Tag, mein Name ist {name}, {email}."


PERSON = Sample(
    name="Sabine Köhler",
    email="sabine.koehler@example.de",
    iban="DE89 3704 0044 0532 0130 00",
    phone="+49 30 23125 432",
    text="Guten Tag, mein Name ist Sabine Köhler, sabine.koehler@example.de.",
    field="full_name",
)
THING = Sample(
    name="grüne Lampe",
    email="info@example.de",
    iban="RE 2026 0044 B 117 A",
    phone="Artikel 23125",
    text="Guten Tag, die grüne Lampe ist angekommen, danke an info@example.de.",
    field="product",
)


@dataclass(frozen=True, slots=True)
class Wire:
    """What goes over the wire."""

    body: bytes = b""
    media_type: str | None = None
    target: bytes = b"/v1/in"
    headers: tuple[tuple[str, str], ...] = ()
    method: str = "POST"

    def message(self) -> Message:
        """As the front hands it on."""
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        if self.media_type is not None:
            headers.append((b"content-type", self.media_type.encode()))
        headers.append((b"content-length", b"%d" % len(self.body)))
        return Message(self.method, self.target, tuple(headers), self.body)


@dataclass(frozen=True, slots=True)
class Case:
    """One message with personal data in one carrier, or in several within each other."""

    name: str
    carriers: tuple[str, ...]
    """Names of lines of the coverage table that the case is about."""
    build: Callable[[Sample], Wire]
    plants: Callable[[Sample], tuple[str, ...]] = lambda sample: (sample.name, sample.email)
    """What must not arrive, in no spelling; a case may hold some of it only."""
    adversarial: bool = False
    """Written by somebody who wants it to pass, rather than by a program or person with other things in mind."""
    refused: bool = False
    """Whether it can be found and not taken out: the message must be refused."""
    missed: str = ""
    """Why an adversarial case is not found; the coverage table says so, and a test that it is still so."""
    benign: Callable[[Sample], Wire] | None = None
    """Builds the twin, where the same carrier could not be innocent with any content."""
    twin: Sample = THING
