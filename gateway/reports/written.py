"""A report as the bytes of a file, in one of its forms."""

from __future__ import annotations

from typing import Literal

from gateway.reports.forms import as_csv, as_html, as_json
from gateway.reports.model import Report

FormName = Literal["html", "pdf", "csv", "json"]


def in_form(report: Report, form: FormName) -> bytes:
    """The report as a file of this form holds it. Raises ReportError."""
    match form:
        case "json":
            return as_json(report).encode()
        case "csv":
            # With the mark by which spreadsheets know UTF-8.
            return as_csv(report).encode("utf-8-sig")
        case "html":
            return as_html(report).encode()
        case "pdf":
            # Here and not above: the library of PDF takes half a second to import.
            from gateway.reports.pdf import as_pdf

            return as_pdf(report)
