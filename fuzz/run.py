"""Runs libFuzzer on one target in this process, which it ends.

python -m fuzz.run TARGET FOUND [libFuzzer options]
"""

from __future__ import annotations

import hashlib
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import atheris


def keeping(target: Callable[[bytes], None], found: Path) -> Callable[[bytes], None]:
    """The target, which goes on after an error: the first input of each kind of error is kept, by where it arose."""

    def kept(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - whatever arises is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            where = repr([type(error), *((one.filename, one.lineno) for one in frames)])
            file = found / f"raised-{hashlib.sha256(where.encode()).hexdigest()[:16]}"
            if not file.exists():
                file.write_bytes(data)
                traceback.print_exception(error)

    return kept


def main() -> None:
    """Instrument what is fuzzed, then fuzz it."""
    name, found, *options = sys.argv[1:]
    # Libraries say much about broken files.
    logging.disable()
    with atheris.instrument_imports(include=["gateway.decode", "gateway.detect", "gateway.inspector"]):
        from fuzz.targets import TARGETS

        target = keeping(TARGETS[name](), Path(found))
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
