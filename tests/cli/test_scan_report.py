"""`onward scan --html`: one page that needs nothing but itself, and that no file can break out of."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from lxml import html

PESEL = "44051401359"
HOSTILE = (
    '</pre></main><script>alert(1)</script>" onmouseover="alert(2)" style="x" '
    "<img src=//example.org/x> &amp; \x1b\x00 "
)


@pytest.fixture
def page(onward, tmp_path: Path):
    """The report over some files, as text and as a tree."""

    def page(files: dict[str, str], *options: str):
        folder, report = tmp_path / "in", tmp_path / "report.html"
        folder.mkdir(exist_ok=True)
        for name, content in files.items():
            (folder / name).write_text(content)
        onward("scan", str(folder), "--html", str(report), *options)
        text = report.read_text("utf-8")
        return text, html.document_fromstring(text)

    return page


def test_findings_stand_marked_in_the_text_of_their_file_with_class_score_and_evidence(page):
    _, tree = page({"a.txt": f"first\nMein PESEL: {PESEL}, Ende\n"})

    (mark,) = tree.xpath("//mark")
    assert mark.text == PESEL
    assert mark.get("class") == "elevated"
    assert "".join(mark.getparent().itertext()).startswith(f"Mein PESEL: {PESEL}")
    assert mark.getparent().get("data-n") == "2"
    assert mark.get("data-tip").splitlines() == [
        "PL_PESEL, score 0.95",
        "identifier_national (elevated)",
        "points to PL (proof)",
        "line 2, column 13",
    ]
    # What a pointer shows, a reader of the screen is told, and the keyboard reaches it.
    assert "PL_PESEL, score 0.95" in mark.xpath("string(span[@class='unseen'])")
    assert mark.get("tabindex") == "0"


def test_the_charts_count_by_entity_category_country_and_file(page):
    _, tree = page({"a.txt": f"PESEL: {PESEL}", "b.csv": "mail\nlars@example.no\nanna@example.no\n"})

    charts = {
        card.xpath("string(h3)"): [
            (row.xpath("string(th)").rpartition("/")[2], row.xpath("string(td[last()])"))
            for row in card.xpath(".//tr")
        ]
        for card in tree.xpath("//div[contains(@class, 'charts')]/div")
    }
    assert charts == {
        "By entity": [("EMAIL_ADDRESS", "2"), ("PL_PESEL", "1")],
        "By category": [("contact", "2"), ("identifier_national", "1")],
        "By country": [("NO (hint)", "2"), ("PL (proof)", "1")],
        "By file": [("b.csv", "2"), ("a.txt", "1")],
    }
    assert tree.xpath("//svg[@role='img']/@aria-label") == ["ordinary 2, elevated 1"]


def test_the_page_allows_itself_nothing_but_its_own_style(page):
    text, tree = page({"a.txt": f"PESEL: {PESEL}"})

    (policy,) = tree.xpath("//meta[@http-equiv='Content-Security-Policy']/@content")
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in style
    assert "@import" not in style


def test_no_content_and_no_file_name_becomes_markup(page):
    files = {'<img src=x onerror="alert(1)">&\u202e\x1b.txt': f"{HOSTILE} PESEL: {PESEL}\n"}

    text, tree = page(files, "--exclude", "<none>")

    assert not tree.xpath("//script | //img | //iframe | //link | //base | //object | //form")
    assert not tree.xpath("//@*[starts-with(name(), 'on')] | //@style | //@src")
    assert all(href.startswith("#") for href in tree.xpath("//@href"))
    assert len(tree.xpath("//main")) == 1
    assert HOSTILE.replace("\x1b", "\u241b").replace("\x00", "\u2400") in tree.xpath("string(//pre)")
    assert not {"\x1b", "\x00", "\u202e"} & set(text)


def test_a_redacted_report_holds_no_value_that_was_found(page):
    text, tree = page({"a.txt": f"PESEL: {PESEL}, mail lars@example.no"}, "--redact", "--only", "PL_PESEL")

    assert PESEL not in text
    assert "lars@" not in text
    assert tree.xpath("//mark")[0].text == "[PL_PESEL]"
    assert "masked" in tree.xpath("string(//p[@class='care'])")


def test_of_a_large_file_the_lines_with_findings_are_shown_and_the_rest_is_counted(page):
    lines = [f"line {number} of many that hold nothing" for number in range(1, 5001)]
    lines[2999] = f"PESEL: {PESEL}"

    text, tree = page({"big.txt": "\n".join(lines) + "\n"})

    assert [line.get("data-n") for line in tree.xpath("//pre/span[@class='l']")] == [
        "2998",
        "2999",
        "3000",
        "3001",
        "3002",
    ]
    assert tree.xpath("//pre/span[@class='gap']/text()") == [
        "… 2,997 lines left out …",
        "… 1,998 lines left out …",
    ]
    assert len(text) < 40_000


def test_of_a_long_line_what_stands_around_values_is_shown(page):
    _, tree = page({"one.txt": "x" * 9000 + f" PESEL: {PESEL} " + "y" * 9000})

    shown = tree.xpath("string(//pre)")
    assert f"PESEL: {PESEL}" in shown
    assert "characters …" in shown
    assert len(shown) < 1000


def test_what_was_not_read_and_what_holds_nothing_is_listed(page):
    _, tree = page({"clean.txt": "nothing", "logo.rar": "Rar!\x1a\x07\x00\x01"})

    assert "logo.rar" in tree.xpath("string(//table[@class='list'])")
    assert "unknown-media-type" in tree.xpath("string(//table[@class='list'])")
    assert "clean.txt" in tree.xpath("string(//li)")


def test_only_its_owner_may_read_the_report(page, tmp_path):
    page({"a.txt": f"PESEL: {PESEL}"})

    assert (tmp_path / "report.html").stat().st_mode & 0o077 == 0


def test_a_report_that_cannot_be_written_is_exit_code_2(onward, tmp_path):
    said = onward("scan", "-", "--html", str(tmp_path / "missing" / "report.html"), stdin="x")

    assert said.code == 2
    assert "--html" in said.err
