"""What is sent: JSON bodies, with nobody in them or with German letters to customer service, most of two kilobytes."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator

SIZE_BYTES = 2048
RECORDS = 23
"""Records that fill that size."""
MANY = 50
"""Times that size."""
TURNS, TURN_LENGTH = 20, 400
"""Of a conversation, and characters of each turn."""

Bodies = Callable[[], Iterator[bytes]]

FIRST_NAMES = ("Sabine", "Jürgen", "Anneliese", "Torsten", "Friederike", "Matthias", "Ulrike", "Henning")
LAST_NAMES = (
    "Köhler",
    "Brandstetter",
    "Lindemann",
    "Vogelsang",
    "Hagedorn",
    "Ostermann",
    "Wiesner",
    "Albrecht",
)
TOWNS = ("Oldenburg", "Würzburg", "Görlitz", "Trier", "Rostock", "Passau", "Kassel", "Ulm")
THINGS = (
    "Rechnung",
    "Lieferung",
    "Bestellung",
    "Mahnung",
    "Gutschrift",
    "Kündigung",
    "Reklamation",
    "Anfrage",
)
FAULTS = (
    "beschädigt",
    "unvollständig",
    "doppelt gebucht",
    "verspätet",
    "nicht angekommen",
    "falsch berechnet",
)
WISHES = (
    "Bitte prüfen Sie den Vorgang und geben Sie mir eine kurze Rückmeldung",
    "Ich bitte um eine Antwort bis zum Ende der kommenden Woche",
    "Über eine zügige Bearbeitung würde ich mich sehr freuen",
    "Falls noch Unterlagen fehlen, reiche ich sie gerne nach",
    "Am Telefon konnte mir leider niemand weiterhelfen",
)


def records() -> Iterator[bytes]:
    """Structured records of machines, different each time, without free text and without anybody in them."""
    chance = random.Random(1)
    while True:
        rows = [
            {
                "sku": f"X-{chance.randrange(10**5)}",
                "quantity": chance.randrange(1, 40),
                "price": round(chance.uniform(1, 90), 2),
                "in_stock": chance.random() < 0.5,
                "currency": "EUR",
            }
            for _ in range(RECORDS)
        ]
        yield json.dumps({"batch": chance.randrange(10**6), "rows": rows}).encode()


def letters() -> Iterator[bytes]:
    """German letters to customer service, different each time: no inspection is of use for the next."""
    chance = random.Random(2)
    while True:
        text = f"Guten Tag, mein Name ist {_name(chance)} aus {chance.choice(TOWNS)}."
        while len(text) < SIZE_BYTES - 200:
            text += (
                f" Die {chance.choice(THINGS)} vom {chance.randrange(1, 29)}. Mai war {chance.choice(FAULTS)},"
                f" obwohl Frau {chance.choice(LAST_NAMES)} das Gegenteil zugesagt hatte."
                f" {chance.choice(WISHES)}. Der Betrag beläuft sich auf {chance.randrange(10, 900)} Euro."
            )
        text += f" Mit freundlichen Grüßen, {_name(chance)}"
        message = {"role": "user", "content": text}
        yield json.dumps({"model": "assistant-large", "messages": [message]}, ensure_ascii=False).encode()


def one_letter() -> Iterator[bytes]:
    """The same letter again and again."""
    return itertools.repeat(next(letters()))


def many_records() -> Iterator[bytes]:
    """Records of a hundred kilobytes."""
    several = records()
    while True:
        rows = [row for body in itertools.islice(several, MANY) for row in json.loads(body)["rows"]]
        yield json.dumps({"rows": rows}).encode()


def chats() -> Iterator[bytes]:
    """Conversations of twenty turns, which are sent as a whole with each turn."""
    turns = letters()
    while True:
        said: list[dict[str, str]] = []
        for number in range(TURNS):
            content = json.loads(next(turns))["messages"][0]["content"][:TURN_LENGTH]
            said.append({"role": "assistant" if number % 2 else "user", "content": content})
            yield json.dumps({"model": "assistant-large", "messages": said}, ensure_ascii=False).encode()


CASES: dict[str, Bodies] = {
    "records, nobody in them": records,
    "records of 100 KB": many_records,
    "German letter, new each time": letters,
    "German letter, repeated": one_letter,
    "chat of 20 turns, all resent": chats,
}


def _name(chance: random.Random) -> str:
    return f"{chance.choice(FIRST_NAMES)} {chance.choice(LAST_NAMES)}"
