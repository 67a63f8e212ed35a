"""`docs/coverage.md`, made from the gateway's own tables of carriers and from the corpus' known misses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import gateway
from gateway import decode
from gateway.core.carrier import Carrier
from gateway.detect.seams import WRITINGS
from tests.carriers.corpus import CASES

DOCUMENT = Path(gateway.__file__).parent.parent / "docs" / "coverage.md"
GROUPS: dict[str, tuple[Carrier, ...]] = {
    "Where in a message": decode.PLACES,
    "Content codings": decode.CODINGS,
    "Formats of bodies, of parts and of what a value holds": decode.FORMATS,
    "Documents that are archives": decode.PACKAGES,
    "What a value holds": decode.INSIDE,
    "How text is written": WRITINGS,
}
_HEAD = """# What is looked into

Made by `make coverage` from the tables that the gateway itself reads by; a test holds it up to date. Carriers may be
nested in each other to a bounded depth. *Edited* says what anonymizing does: `in place` changes nothing but what was
found, to the byte; `rebuilt` writes the content anew with all else as it was; `no` refuses instead. *Unread*
is what cannot be inspected, and everything that has no line here: by the shipped rules it is held for an agent with a
complete assurance and blocked for all others.
"""


def document() -> str:
    """The whole document."""
    cases = Counter(name for case in CASES for name in case.carriers)
    sections = [_HEAD]
    for title, carriers in GROUPS.items():
        rows = [
            (one.name, one.found, str(one.edited), one.otherwise, str(cases[one.name])) for one in carriers
        ]
        sections.append(
            f"## {title}\n\n" + _table(("carrier", "looked into", "edited", "if not", "cases"), rows)
        )
    return "\n".join([*sections, _known_misses()])


def _known_misses() -> str:
    hard = [case for case in CASES if case.adversarial]
    missed = [case for case in hard if case.missed]
    said = (
        f"## Known misses\n\nOf {len(CASES)} cases in `tests/carriers`, {len(CASES) - len(hard)} are written as "
        f"programs and people write, and in all of these every value is found. {len(hard)} are written to pass by; "
        f"{len(missed)} of these do:\n\n"
    )
    return said + _table(("case", "why it is not found"), [(case.name, case.missed) for case in missed])


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
