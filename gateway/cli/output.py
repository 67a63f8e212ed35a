"""What commands print: tables and colours for people, one JSON document for programs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.core.review import NotAllowed

console = Console(highlight=False)
"""Standard output."""
errors = Console(stderr=True, highlight=False)

STYLES = {
    "pass": "green",
    "anonymize": "cyan",
    "hold": "yellow",
    "block": "red",
    "intra_eea": "green",
    "adequate": "green",
    "certified": "green",
    "contract_complete": "green",
    "contract_incomplete": "yellow",
    "claimed": "yellow",
    "out_of_scope": "yellow",
}


def coloured(word: str) -> Text:
    """An action or status in its colour; statuses without one of their own are red."""
    return Text(word, style=STYLES.get(word, "red"))


def print_json(value: Any) -> None:
    """One JSON document on standard output, unwrapped and uncoloured."""
    console.file.write(json.dumps(value, ensure_ascii=False, default=str) + "\n")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[str | Text]], title: str | None = None) -> None:
    """A table that wraps at the terminal's width."""
    table = Table(*heads, title=title, title_justify="left", header_style="bold")
    for row in rows:
        table.add_row(*row)
    console.print(table)


def complain(message: str) -> None:
    """An error on standard error."""
    errors.print(Text("error: ", style="bold red") + Text(message))


def warn(message: str) -> None:
    """Something the reader should know that ends nothing, on standard error."""
    errors.print(Text("note: ", style="bold yellow") + Text(message))


@contextmanager
def counting() -> Iterator[Callable[[str, int], None]]:
    """What takes long tells how far it is, on standard error of people; programs get nothing of it."""
    if not errors.is_terminal:
        yield lambda _doing, _count: None
        return
    with errors.status("") as status:
        yield lambda doing, count: status.update(f"{count:,} records {doing}")


@contextmanager
def telling() -> Iterator[None]:
    """Tells what is not allowed, and ends with 1."""
    try:
        yield
    except NotAllowed as error:
        complain(str(error))
        raise typer.Exit(1) from None
