"""Options of commands that write a report, and where it goes."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from gateway.cli.output import complain, console
from gateway.reports.model import Report
from gateway.reports.written import FormName, in_form

Form = Annotated[FormName, typer.Option("--format", "-f", help="Form of the report.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="File to write; standard output if left out.")]


def deliver(report: Report, form: FormName, out: Path | None) -> None:
    """Write a report to a file of its own, or to standard output; exit code 3 where it cannot be written."""
    content = in_form(report, form)
    if out is None and form == "pdf":
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    if out is None:
        console.file.write(content.decode())
        return
    try:
        out.touch(0o600)
        out.write_bytes(content)
    except OSError as error:
        complain(f"{out}: cannot be written: {error.strerror}")
        raise typer.Exit(3) from None
    console.print(f"written: {out}")
