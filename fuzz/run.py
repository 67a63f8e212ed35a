"""Runs libFuzzer on one target in this process, which it ends: `python -m fuzz.run TARGET [libFuzzer options]`."""

from __future__ import annotations

import sys

import atheris


def main() -> None:
    """Instrument what is fuzzed, then fuzz it."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["gateway.decode", "gateway.detect", "gateway.inspector"]):
        from fuzz.targets import TARGETS

        target = TARGETS[name]()
    atheris.Setup([sys.argv[0], *options], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
