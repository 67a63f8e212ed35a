"""Files that pages hand out: never shown in the console's own origin, always on a disk of who asked."""

from __future__ import annotations

from typing import get_args

from starlette.responses import Response

from gateway.console.service import now
from gateway.console.visit import Visit
from gateway.core.review import NotAllowed
from gateway.reports.model import Report, Section, Table
from gateway.reports.written import FormName, in_form

TYPES = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
}


def file(content: bytes, name: str, form: str) -> Response:
    """A download. `name` is of our own words."""
    headers = {
        "content-disposition": f'attachment; filename="{name}.{form}"',
        "content-security-policy": "default-src 'none'; sandbox",
    }
    return Response(content, media_type=TYPES[form], headers=headers)


def table_file(name: str, table: Table, visit: Visit) -> Response:
    """A table as CSV."""
    report = Report(name, name, now(), (), (Section(name, name, table=table),), visit.words.language)
    return file(in_form(report, "csv"), name, "csv")


def report_file(report: Report, form: str, name: str) -> Response:
    """A report in one of its forms. Raises NotAllowed for another."""
    known: tuple[FormName, ...] = get_args(FormName)
    chosen = next((one for one in known if one == form), None)
    if chosen is None:
        raise NotAllowed(f"there is no such form; there are {', '.join(known)}")
    return file(in_form(report, chosen), name, chosen)
