"""A report as PDF, with fonts of its own for Latin, Greek and Cyrillic script; the only place that knows fpdf2."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

from gateway.reports.forms import TONES
from gateway.reports.model import Bar, Report, Section, Table

FONT = "DejaVu"
MARGIN_MM = 15.0
LINE_MM = 5.0
BAR_MM = 4.5
LABEL_MM = 70.0
WIDE = 6
"""With so many columns a table is laid across."""


class _Pages(FPDF):
    def __init__(self, title: str, *, across: bool) -> None:
        super().__init__("L" if across else "P", "mm", "A4")
        folder = resources.files("gateway") / "fonts"
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            with resources.as_file(folder / file) as path:
                self.add_font(FONT, style, path)
        self.set_margin(MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=MARGIN_MM + 5)
        self.set_title(title)
        self.set_lang("en")

    def footer(self) -> None:
        self.set_y(-MARGIN_MM)
        self.set_font(FONT, size=8)
        self.cell(0, LINE_MM, f"{self.page_no()} / {{nb}}", align="C")


def as_pdf(report: Report) -> bytes:
    """The whole document."""
    across = any(one.table is not None and len(one.table.heads) >= WIDE for one in report.sections)
    pages = _Pages(report.title, across=across)
    pages.set_lang(report.language)
    pages.set_creation_date(report.made_at)
    pages.add_page()
    _text(pages, report.title, size=17, bold=True)
    pages.ln(2)
    for _, words, value in report.about:
        _text(pages, f"{words}: {value}", size=9)
    for section in report.sections:
        _section(pages, section)
    return bytes(pages.output())


def _section(pages: _Pages, section: Section) -> None:
    pages.ln(5)
    _text(pages, section.heading, size=12, bold=True)
    pages.ln(1)
    for one in section.said:
        _text(pages, one, size=9)
        pages.ln(1)
    _bars(pages, section.bars)
    if section.table is not None:
        _table(pages, section.table)


def _text(pages: _Pages, text: str, *, size: float, bold: bool = False) -> None:
    pages.set_font(FONT, "B" if bold else "", size)
    pages.multi_cell(0, size * 0.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT, align="L")


def _bars(pages: _Pages, bars: Sequence[Bar]) -> None:
    if not bars:
        return
    most = max(*(bar.value for bar in bars), 1)
    room = pages.epw - LABEL_MM - 18
    pages.set_font(FONT, size=8)
    for bar in bars:
        if pages.will_page_break(BAR_MM + 1.5):
            pages.add_page()
        label = bar.label if len(bar.label) <= 42 else f"{bar.label[:41]}…"
        y = pages.get_y()
        pages.cell(LABEL_MM, BAR_MM, label)
        tone = TONES[bar.tone].removeprefix("#")
        pages.set_fill_color(*(int(tone[i : i + 2], 16) for i in (0, 2, 4)))
        width = bar.value / most * room
        if width:
            pages.rect(MARGIN_MM + LABEL_MM, y, width, BAR_MM, style="F")
        pages.set_xy(MARGIN_MM + LABEL_MM + width + 2, y)
        pages.cell(16, BAR_MM, str(bar.value))
        pages.set_xy(MARGIN_MM, y + BAR_MM + 1.5)
    # Tables fill their cells with the color that was set last.
    pages.set_fill_color(255)


def _table(pages: _Pages, table: Table) -> None:
    if not table.rows:
        _text(pages, table.empty, size=9)
        return
    pages.set_font(FONT, size=7.5)
    widths = _widths(table)
    head = FontFace(emphasis="BOLD", fill_color=(232, 236, 241))
    with pages.table(
        col_widths=widths, headings_style=head, line_height=4, text_align="LEFT", first_row_as_headings=True
    ) as grid:
        grid.row([words for _, words in table.heads])
        for row in table.rows:
            grid.row([str(cell) for cell in row])


def _widths(table: Table) -> tuple[int, ...]:
    """By the longest text of each column, within bounds: no word is broken, and a long explanation leaves room."""
    widths = []
    for (_, words), column in zip(table.heads, zip(*table.rows, strict=True), strict=True):
        texts = [words, *(str(cell) for cell in column)]
        word = max(len(one) for text in texts for one in text.split() or [""])
        widths.append(max(min(max(map(len, texts)), 36), min(word + 5, 26), 6))
    return tuple(widths)
