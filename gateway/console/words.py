"""What the console says, in each language: catalogues of messages as data.

A catalogue is a TOML file of keys and texts; `{name}` stands for a value. All catalogues have the same keys with the
same values, which the tests hold them to. What a key of a variable part is missing for (a state, a reason) is shown as
it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "messages"
DEFAULT = "en"


def load_catalogues() -> Mapping[str, Mapping[str, str]]:
    """All catalogues by language."""
    return {
        file.stem: _flat(tomllib.loads(file.read_text("utf-8"))) for file in sorted(FOLDER.glob("*.toml"))
    }


def _flat(tree: Mapping[str, object], before: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[f"{before}{key}"] = str(value)
    return flat


@dataclass(frozen=True, slots=True)
class Words:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]

    def say(self, key: str, **values: object) -> str:
        """The text of a key. Raises KeyError for one that no catalogue has."""
        return self.texts[key].format(**values)

    def name(self, kind: str, word: str) -> str:
        """A word of the rules or the ledger (an action, a status) as people say it; as it is where nobody named it."""
        return self.texts.get(f"{kind}.{word.replace('.', '-')}", word)

    def has(self, key: str) -> bool:
        """Whether there is such a text."""
        return key in self.texts


def preferred(accept: str, known: Mapping[str, object]) -> str:
    """The known language that comes first in an Accept-Language header; the default one where none is known."""
    wanted = []
    for place, part in enumerate(accept.split(",")[:20]):
        tag, _, weight = part.strip().partition(";q=")
        try:
            wanted.append((-float(weight or 1), place, tag.partition("-")[0].lower()))
        except ValueError:
            continue
    return next((tag for _, _, tag in sorted(wanted) if tag in known), DEFAULT)
