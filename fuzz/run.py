"""Runs libFuzzer on one target in this process, which it ends.

python -m fuzz.run TARGET FOUND [libFuzzer options]
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import atheris

TIME_LIMIT_S = 5


def keeping(target: Callable[[bytes], None], found: Path) -> Callable[[bytes], None]:
    """The target, which goes on after an error: the first input of each kind of error is kept, by where it arose.

    So is an input that took too long, in processor time: other programs on the machine make everything late.
    """

    def kept(data: bytes) -> None:
        began = spent_s()
        try:
            target(data)
        except Exception as error:  # noqa: BLE001 - whatever arises is what is looked for
            frames = traceback.extract_tb(error.__traceback__)
            where = repr([type(error), *((one.filename, one.lineno) for one in frames)])
            file = found / f"raised-{short_digest(where.encode())}"
            if not file.exists():
                file.write_bytes(data)
                traceback.print_exception(error)
        if spent_s() - began > TIME_LIMIT_S:
            (found / f"slow-{short_digest(data)}").write_bytes(data)

    return kept


def spent_s() -> float:
    """Processor time of this process and of those it waited for."""
    return sum(os.times()[:4])


def short_digest(data: bytes) -> str:
    """Enough to tell files apart."""
    return hashlib.sha256(data).hexdigest()[:16]


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
