"""What the engine asks of a worker, and how a worker is made.

Light on purpose: the proxy's process imports this and never the language model, which lives in the workers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.core.detection import DetectionRules
from gateway.core.model import Finding, Inspection, Message
from gateway.decode import Limits
from gateway.keys import Key


@dataclass(frozen=True, slots=True)
class Inspect:
    """Ask what a message holds."""

    message: Message
    agent: str = ""
    """Id of the receiver, where the allow list says more for it than for others."""


@dataclass(frozen=True, slots=True)
class Anonymize:
    """Ask for the message without these findings, and what the changed message still holds."""

    message: Message
    remove: tuple[Finding, ...]
    agent: str = ""


@dataclass(frozen=True, slots=True)
class Anonymized:
    """A message after removal, scanned a second time."""

    message: Message
    inspection: Inspection


def build_inspector(
    rules: DetectionRules, model: Path, limits: Limits, untouched_headers: frozenset[str], key: Key
) -> Callable[[object], object]:
    """An Inspector with its model loaded. Importable by name, so that a fresh process can call it."""
    # Here and not above: importing it brings spaCy and Presidio along.
    from gateway.inspector import Inspector

    return Inspector.loaded(rules, model, limits, untouched_headers, key)
