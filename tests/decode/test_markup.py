"""XML and HTML."""

from __future__ import annotations

import pytest

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from tests.decode.builders import a_message, decoded, read, reasons, replaced

XML = "application/xml"
HTML = "text/html"


def data(texts: dict[str, str]) -> dict[str, str]:
    return {
        address: text for address, text in texts.items() if not address.endswith(("@element", "@attribute"))
    }


def test_text_attributes_comments_cdata_and_instructions_of_xml_are_segments() -> None:
    body = b"""<?xml version="1.0"?>
    <order id="7 &amp; 8"><?app Kari?>
      <customer><name>J&#xF8;rgen</name></customer>
      <customer><name><![CDATA[a<b]]></name><!-- Ola --></customer>
    </order>"""

    assert data(read(body, XML)) == {
        "body.xml:/order@id": "7 & 8",
        "body.xml:app@instruction": "app",
        "body.xml:/order!instruction": " Kari",
        "body.xml:/order/customer/name": "Jørgen",
        "body.xml:/order/customer[2]/name": "a<b",
        "body.xml:/order/customer[2]!comment": " Ola ",
    }


def test_names_of_elements_and_attributes_are_segments_once_and_cannot_be_edited() -> None:
    body = b"<list><kari age='1'/><kari age='2'/></list>"
    texts = read(body, XML)

    assert [texts[f"body.xml:{name}"] for name in ("list@element", "kari@element", "age@attribute")] == [
        "list",
        "kari",
        "age",
    ]
    assert len([address for address in texts if address.startswith("body.xml:kari")]) == 1
    with pytest.raises(SpliceError, match="cannot be written"):
        replaced(body, XML, "body.xml:kari@element", "kari", "x")


def test_an_edit_of_xml_is_escaped_for_its_place() -> None:
    body = b"""<a t='x &#65;'>Kari &lt;</a>"""

    assert replaced(body, XML, "body.xml:/a", "Kari", "<&>") == b"""<a t='x &#65;'>&lt;&amp;&gt; &lt;</a>"""
    assert replaced(body, XML, "body.xml:/a@t", "x", "'\"") == b"""<a t='&apos;&quot; &#65;'>Kari &lt;</a>"""


@pytest.mark.parametrize(
    ("body", "address", "replacement"),
    [
        (b"<a><!--Kari--></a>", "body.xml:/a!comment", "--"),
        (b"<a><![CDATA[Kari]]></a>", "body.xml:/a", "]]>"),
        (b"<a><?x Kari?></a>", "body.xml:/a!instruction", "?>"),
        (b"<a>Kari</a>", "body.xml:/a", "\x01"),
    ],
)
def test_what_cannot_be_escaped_in_its_place_is_refused(body: bytes, address: str, replacement: str) -> None:
    with pytest.raises(SpliceError, match="cannot be written"):
        replaced(body, XML, address, "Kari", replacement)


def test_the_charset_of_the_prolog_counts_and_is_kept() -> None:
    body = '<?xml version="1.0" encoding="iso-8859-1"?><a>Jørgen Ås</a>'.encode("latin-1")

    assert read(body, XML)["body.xml:/a"] == "Jørgen Ås"
    assert replaced(body, XML, "body.xml:/a", "Jørgen", "Ø").endswith(b"<a>\xd8 \xc5s</a>")
    with pytest.raises(SpliceError, match="charset"):
        replaced(body, XML, "body.xml:/a", "Jørgen", "Ł")


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b "Kari">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><a>&kari;</a>',
        b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd" []><a/>',
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "ha"><!ENTITY y "&x;&x;&x;">]><a>&y;</a>',
    ],
)
def test_a_dtd_is_refused(body: bytes) -> None:
    assert reasons(body, XML) == ["forbidden-dtd"]


def test_a_mere_reference_to_a_dtd_is_read_and_stays_as_it_is() -> None:
    body = b'<!DOCTYPE a PUBLIC "-//Kari//DTD" "http://example.org/a.dtd">\n<a>Kari &amp; &#79;la</a>'

    assert list(read(body, XML).values()) == [
        ' a PUBLIC "-//Kari//DTD" "http://example.org/a.dtd"',
        "a",
        "Kari & Ola",
    ]


@pytest.mark.parametrize(
    "body",
    [
        b"<a>",
        b"<a></b>",
        b"Kari",
        b"<a>&foo;</a>",
        b"<a/><b/>",
        b"<a/>Kari",
        b"<a b=c/>",
        b"</a>",
        b"<a>&#0;</a>",
    ],
)
def test_what_is_declared_xml_and_is_not_well_formed_is_unread(body: bytes) -> None:
    assert reasons(body, XML) == ["bad-syntax"]


@pytest.mark.parametrize("depth", [65, 300, 100_000])
def test_deep_xml_is_refused(depth: int) -> None:
    assert reasons(b"<a>" * depth + b"</a>" * depth, XML) == ["too-deep"]


def test_a_character_reference_of_thousands_of_zeros_is_read() -> None:
    reference = b"&#" + b"0" * 6_000 + b"75;"

    assert read(b"<a>" + reference + b"</a>", XML)["body.xml:/a"] == "K"
    assert read(b"<p>" + reference + b"</p>", HTML)["body.html:p"] == "K"


def test_undeclared_xml_is_read_as_xml() -> None:
    assert read(b'<?xml version="1.0"?><a>J&#xF8;</a>', "text/plain")["body.xml:/a"] == "Jø"


def test_text_attributes_comments_and_scripts_of_html_are_segments() -> None:
    body = b"""<!DOCTYPE html><title>A &amp; B</title><body class=main title='Kari'><!-- Ola -->
    <p>Hei <b>J&oslash;rgen</b> &amp; co<br>5 < 6</p><script>name = "<p>Per</p>"</script>"""

    assert data(read(body, HTML)) == {
        "body.html:title": "A & B",
        "body.html:body@class": "main",
        "body.html:body@title": "Kari",
        "body.html:body!comment": " Ola ",
        "body.html:p": "Hei Jørgen & co",
        "body.html:br": "5 < 6",
        "body.html:script.html:": 'name = "',
        "body.html:script.html:p": "Per",
        "body.html:script.html:p#2": '"',
    }


@pytest.mark.parametrize(
    "body",
    [
        b"<p title=Kari",
        b'<p title="Kari',
        b"<p Kari",
        b"<Kari",
        b"</p Kari>",
        b"<!-- Kari",
        b"<!Kari>",
        b"<?Kari",
        b"</ Kari>",
        b"<script>Kari",
        b"<!-->Kari-->",
        b"<textarea>Kari",
        b"<p =Kari>",
        b"a<Kari>b",
    ],
)
def test_broken_html_hides_nothing(body: bytes) -> None:
    assert any("Kari" in text or "kari" in text for text in read(body, HTML).values())


def test_an_edit_of_html_is_escaped_and_quoted_where_it_must_be() -> None:
    body = b"<p class=a>Kari &amp; &copy; co</p>"

    assert replaced(body, HTML, "body.html:p", "Kari", "<b>") == b"<p class=a>&lt;b&gt; &amp; &copy; co</p>"
    assert (
        replaced(body, HTML, "body.html:p@class", "a", 'x "y')
        == b'<p class="x &quot;y">Kari &amp; &copy; co</p>'
    )


def test_a_replacement_cannot_end_a_script() -> None:
    result = decoded(a_message(b"<script>Kari</script>", HTML))

    with pytest.raises(SpliceError, match="cannot be written"):
        result.splice({"body.html:script": [Edit(0, 4, "</script><p>")]})


@pytest.mark.parametrize("end", [0, 1])
def test_a_replacement_cannot_make_a_tag_of_a_stray_bracket(end: int) -> None:
    result = decoded(a_message(b"<p>5 < x</p>", HTML))

    with pytest.raises(SpliceError, match="cannot be written"):
        result.splice({"body.html:p": [Edit(3, 3 + end, "b"[end:])]})


def test_an_attribute_without_closing_quote_runs_to_the_end_and_can_be_edited() -> None:
    body = b"""<p title="Kari Ola"""

    assert read(body, HTML)["body.html:p@title"] == "Kari Ola"
    assert replaced(body, HTML, "body.html:p@title", "Kari", '"x"') == b"""<p title="&quot;x&quot; Ola"""


def test_the_charset_of_a_meta_tag_counts() -> None:
    body = '<meta charset="windows-1252"><p>Jørgen</p>'.encode("cp1252")

    assert read(body, HTML)["body.html:p"] == "Jørgen"
