"""A report as JSON, CSV and HTML. The page needs nothing but itself and runs nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from html import escape

from gateway.core.errors import OnwardError
from gateway.reports.model import Bar, Cell, Report, Section, Table

TONES = {"good": "#2e7d32", "bad": "#c62828", "care": "#ef6c00", "plain": "#37618e"}
WIDTH, BAR, GAP, LEFT, RIGHT = 720, 20, 8, 260, 70
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First signs by which a spreadsheet takes a cell for a formula."""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin-top: 2.2rem; } dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; }
dt { color: #555; } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td { overflow-wrap: anywhere; } td.n { text-align: right; font-variant-numeric: tabular-nums; }
@media print { body { margin: 0; max-width: none; } h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


class ReportError(OnwardError):
    """A report has no such form."""


def as_json(report: Report) -> str:
    """One document: `sections` by id, each row with the names of its cells."""
    document = {
        "report": report.kind,
        "title": report.title,
        "made_at": report.made_at.isoformat(timespec="seconds"),
        "about": {name: value for name, _, value in report.about},
        **report.facts,
        "sections": {one.id: _section_facts(one) for one in report.sections},
    }
    return json.dumps(document, ensure_ascii=False, indent=2, default=str) + "\n"


def as_csv(report: Report) -> str:
    """The report's main table. Raises ReportError where it has none."""
    table = report.main
    if table is None:
        raise ReportError(f"the report {report.kind} holds no table; ask for html, pdf or json")
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name, _ in table.heads])
    writer.writerows([_harmless(cell) for cell in row] for row in table.rows)
    return out.getvalue()


def as_html(report: Report) -> str:
    """The whole page."""
    about = "".join(f"<dt>{escape(words)}</dt><dd>{escape(value)}</dd>" for _, words, value in report.about)
    sections = "".join(_section(one) for one in report.sections)
    return (
        f'<!doctype html><html lang="{escape(report.language)}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>{escape(report.title)}</title>"
        f"<style>{STYLE}</style></head><body><h1>{escape(report.title)}</h1><dl>{about}</dl>{sections}"
        "</body></html>\n"
    )


def _section_facts(section: Section) -> dict[str, object]:
    facts: dict[str, object] = {"heading": section.heading}
    if section.said:
        facts["said"] = list(section.said)
    if section.bars:
        facts["figures"] = {bar.label: bar.value for bar in section.bars}
    if section.table is not None:
        facts["rows"] = section.table.records()
    return facts


def _harmless(cell: Cell) -> Cell:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _section(section: Section) -> str:
    said = "".join(f"<p>{escape(one)}</p>" for one in section.said)
    return (
        f'<section id="{escape(section.id)}"><h2>{escape(section.heading)}</h2>{said}'
        f"{_chart(section.heading, section.bars)}{_table(section.table)}</section>"
    )


def _chart(label: str, bars: Sequence[Bar]) -> str:
    if not bars:
        return ""
    most = max(*(bar.value for bar in bars), 1)
    pieces = []
    for place, bar in enumerate(bars):
        y, width = place * (BAR + GAP), bar.value / most * (WIDTH - LEFT - RIGHT)
        name = bar.label if len(bar.label) <= 38 else f"{bar.label[:37]}…"
        pieces.append(
            f'<text x="0" y="{y + 15}" font-size="13">{escape(name)}<title>{escape(bar.label)}</title></text>'
            f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR}" fill="{TONES[bar.tone]}"/>'
            f'<text x="{LEFT + width + 6:.1f}" y="{y + 15}" font-size="13">{bar.value}</text>'
        )
    height = len(bars) * (BAR + GAP)
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" role="img" aria-label="{escape(label)}">'
        f"{''.join(pieces)}</svg>"
    )


def _table(table: Table | None) -> str:
    if table is None:
        return ""
    if not table.rows:
        return f"<p>{escape(table.empty)}</p>"
    head = "".join(f'<th scope="col">{escape(words)}</th>' for _, words in table.heads)
    rows = "".join("<tr>" + "".join(_cell(cell) for cell in row) + "</tr>" for row in table.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(cell: Cell) -> str:
    return f'<td class="n">{cell}</td>' if isinstance(cell, int) else f"<td>{escape(cell)}</td>"
