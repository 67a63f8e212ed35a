"""Arrows go one way: addons, proxy, cli -> runtime, engine -> decode, detect, ledger and the like -> core.

The two tables below are the rule. `MAY_USE` says what of the gateway a part may import; `ONLY_IN` says where a package
from outside may be imported. A fault is told as file, line and what was imported.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STANDARD_LIBRARY = "the standard library"
ANYTHING = "any package"

MAY_USE: dict[str, tuple[str, tuple[str, ...]]] = {
    # part                  from outside        of the gateway
    "gateway/core":        (STANDARD_LIBRARY,   ("gateway.core",)),
    "gateway/decode":      (ANYTHING,           ("gateway.core", "gateway.decode")),
    "gateway/names":       (ANYTHING,           ("gateway.names",)),
    "gateway/detect":      (ANYTHING,           ("gateway.core", "gateway.detect", "gateway.names")),
}  # fmt: skip

ONLY_IN: dict[str, tuple[str, ...]] = {
    # package               may be imported in
    "presidio_analyzer":   ("gateway/detect",),
    "presidio_anonymizer": ("gateway/detect",),
    "spacy":               ("gateway/detect", "gateway/names"),
    "mitmproxy":           ("gateway/proxy", "gateway/simulate", "addons"),
    "sqlite3":             ("gateway/store", "gateway/decode/sqlite.py"),
    "psycopg":             ("gateway/store",),
    "alembic":             ("gateway/store",),
    "sqlalchemy":          ("gateway/store", "gateway/ledger", "gateway/review"),
    "fpdf":                ("gateway/reports",),
    "starlette":           ("gateway/console",),
    "uvicorn":             ("gateway/console",),
    "jinja2":              ("gateway/console",),
    "argon2":              ("gateway/console",),
    "authlib":             ("gateway/console",),
    "joserfc":             ("gateway/console",),
    "typer":               ("gateway/cli",),
    "rich":                ("gateway/cli", "gateway/demo"),
    "gateway.cli":         ("gateway/cli", "gateway/__main__.py"),
    "gateway.console":     ("gateway/cli", "gateway/console", "gateway/demo"),
    "gateway.demo":        ("gateway/cli", "gateway/demo"),
    "gateway.proxy":       ("gateway/cli", "gateway/proxy", "gateway/runtime.py", "addons"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module and where it says so."""

    module: str
    file: str
    line: int


def imports_of(source: str, file: str) -> Iterator[Import]:
    """Every module that `source` imports, wherever in it; of `from a import b`, both `a` and `a.b`."""
    for node in ast.walk(ast.parse(source, file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, file, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno}: relative import; write it in full"
            assert node.module is not None
            yield Import(node.module, file, node.lineno)
            for alias in node.names:
                yield Import(f"{node.module}.{alias.name}", file, node.lineno)


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def lies_in(file: str, part: str) -> bool:
    return file == part or file.startswith(f"{part}/")


def faults_of(one: Import) -> Iterator[str]:
    """What the two tables have against this import."""
    here = f"{one.file}:{one.line}: imports {one.module}"
    for part, (outside, parts) in MAY_USE.items():
        if not lies_in(one.file, part):
            continue
        if belongs(one.module, "gateway"):
            # `from gateway import core` first names `gateway` itself, which says nothing yet.
            if one.module != "gateway" and not any(belongs(one.module, allowed) for allowed in parts):
                yield f"{here}; of the gateway, {part} may use {', '.join(parts)} only"
        elif outside == STANDARD_LIBRARY and one.module.partition(".")[0] not in sys.stdlib_module_names:
            yield f"{here}; {part} may use {STANDARD_LIBRARY} only"
    for package, places in ONLY_IN.items():
        if belongs(one.module, package) and not any(lies_in(one.file, place) for place in places):
            yield f"{here}; only {', '.join(places)} may"


def test_every_import_of_the_gateway_points_the_right_way():
    files = sorted(file for part in ("gateway", "addons") for file in (ROOT / part).rglob("*.py"))
    assert files

    faults = [
        fault
        for file in files
        for one in imports_of(file.read_text("utf-8"), file.relative_to(ROOT).as_posix())
        for fault in faults_of(one)
    ]

    assert not faults, "\n" + "\n".join(dict.fromkeys(faults))


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("gateway/core/decide.py", "import pydantic"),
        ("gateway/core/decide.py", "from gateway import ledger"),
        ("gateway/core/decide.py", "from gateway.decode import decode"),
        ("gateway/decode/json.py", "import gateway.detect"),
        ("gateway/detect/names.py", "from gateway.rulefiles import load"),
        ("gateway/engine.py", "def late():\n    import spacy.tokens"),
        ("gateway/engine.py", "from mitmproxy import http"),
        ("gateway/engine.py", "import sqlite3"),
        ("gateway/runtime.py", "from rich.console import Console"),
        ("gateway/ledger/writer.py", "from gateway.cli import main"),
        ("gateway/ledger/writer.py", "import sqlite3"),
    ],
)
def test_an_import_against_the_arrows_is_found(file: str, source: str):
    assert [fault for one in imports_of(source, file) for fault in faults_of(one)]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("gateway/core/decide.py", "from datetime import date\nfrom gateway.core.model import Transfer"),
        ("gateway/core/decide.py", "from gateway import core"),
        ("gateway/detect/names.py", "import spacy\nfrom presidio_analyzer import AnalyzerEngine"),
        ("gateway/proxy/front.py", "from mitmproxy import http\nfrom gateway.engine import Engine"),
        ("addons/onward.py", "from gateway.proxy import addon"),
        ("gateway/store/database.py", "import sqlite3"),
    ],
)
def test_an_import_along_the_arrows_is_not(file: str, source: str):
    assert not [fault for one in imports_of(source, file) for fault in faults_of(one)]
