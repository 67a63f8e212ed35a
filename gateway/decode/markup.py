"""XML: text, attributes, comments, CDATA and processing instructions are segments, and so is each name once.

An iterative scanner finds the places, and expat judges whether the document is well formed, so that scanner and
receiver agree on where markup ends. A DTD could give text any meaning, and is refused, but for a mere reference to one
in a document that uses none of its entities.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from xml.parsers import expat
from xml.sax.saxutils import escape

from gateway.decode.media import MediaType
from gateway.decode.reading import Found, Place, UnreadableError, below, shortened
from gateway.decode.tree import READ_ONLY, Node, Writing

_NOT_A_CHARACTER = r"\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_MARKUP = re.compile(
    r"<(?:!--(?P<comment>.*?)-->|!\[CDATA\[(?P<cdata>.*?)]]>|\?(?P<target>[^\s?]++)(?P<instruction>.*?)\?>|!DOCTYPE(?P<doctype>[^<>\[]*+)>"
    r"|(?P<dtd>!DOCTYPE)"
    r"|/(?P<end>[^\s<>/]++)\s*+>"
    r"|(?P<start>[^\s<>/!?][^\s<>/]*+)(?P<attributes>(?:\s++[^\s=<>/\"']++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))*+)\s*+(?P<empty>/?)>)",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"\s++([^\s=]++)\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)')")
_NAMESPACE = re.compile(
    r"""\s+xmlns(?::[\w.-]+)?\s*=\s*["'](?:http://(?:www\.w3\.org|schemas\.[\w.]+|purl\.org|ns\.adobe\.com)/"""
    r"""|urn:(?:oasis|iso|schemas-microsoft-com):|adobe:ns:)[\w./:#-]{0,80}["']"""
)
"""A namespace of the great standards: many have dates in them, and a changed one breaks the document."""
_DECLARATION = re.compile(
    r"""<\?xml\s+version\s*=\s*["']1\.[0-9]["'](\s+encoding\s*=\s*["'][A-Za-z0-9._-]{1,20}["'])?"""
    r"""(\s+standalone\s*=\s*["'](yes|no)["'])?\s*\?>"""
)
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&", "&quot;": '"', "&apos;": "'"}
_ENTITY = re.compile("&(?!(?:lt|gt|amp|quot|apos);)[^#;\\s]*;")
"""A reference to something that a DTD says."""
_QUOTES = {'"': "&quot;", "'": "&apos;", "\n": "&#10;", "\t": "&#9;", "\r": "&#13;"}


def _character(token: str) -> str:
    if named := _ENTITIES.get(token):
        return named
    # Leading zeros may be thousands, which int() would refuse to read.
    digits = token[2:-1]
    return chr(int(digits[1:], 16) if digits[0] == "x" else int(digits.lstrip("0") or "0"))


_TOKEN = re.compile("&(?:lt|gt|amp|quot|apos|#x[0-9A-Fa-f]+|#[0-9]+);")
TEXT = Writing(_TOKEN, _character, escape, re.compile(f"[^<{_NOT_A_CHARACTER}]*"), "&")
ATTRIBUTE = Writing(_TOKEN, _character, lambda text: escape(text, _QUOTES), TEXT.allowed, "&")
CDATA = Writing(allowed=re.compile(rf"(?:(?!]]>)[^{_NOT_A_CHARACTER}])*"))
COMMENT = Writing(allowed=re.compile(rf"(?:[^{_NOT_A_CHARACTER}-]|-(?!-|\Z))*"))
INSTRUCTION = Writing(allowed=re.compile(rf"(?=\s|\Z)(?:(?!\?>)[^{_NOT_A_CHARACTER}])*"))


Pieces = list[tuple[tuple[int, int], Writing]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """How text runs through the markup of a document: names are local, without their prefix."""

    paragraphs: frozenset[str]
    """Elements whose text is one, into however many runs of different looks it is broken."""
    texts: frozenset[str] = frozenset()
    """Elements of a paragraph that hold its text, those of one name together; empty for all of them."""
    breaks: Mapping[str, str] = field(default_factory=dict)
    """Empty elements that stand for a sign between two texts."""
    apart: frozenset[str] = frozenset()
    """Elements in a paragraph that are no part of its text."""
    structure: re.Pattern[str] = re.compile(r"(?!)")
    """Attributes, with name and value, that hold numbers and words of the format only, and are no segments."""


@dataclass(slots=True)
class _Paragraph:
    path: str
    label: str
    pieces: dict[str, Pieces] = field(default_factory=dict)
    """By the name of the elements that hold them."""


def read_xml(node: Node[str], media: MediaType, place: Place) -> None:
    """Read one XML document. A second sibling of a name is `name[2]` in addresses."""
    read_flowing(node, _NO_FLOW, place)


INLINE: dict[str, frozenset[str]] = {
    "html": frozenset(
        [
            "a",
            "abbr",
            "acronym",
            "b",
            "bdi",
            "bdo",
            "big",
            "code",
            "data",
            "del",
            "em",
            "font",
            "i",
            "ins",
            "kbd",
            "mark",
            "nobr",
            "q",
            "s",
            "samp",
            "small",
            "span",
            "strike",
            "strong",
            "sub",
            "sup",
            "time",
            "tt",
            "u",
            "var",
            "wbr",
        ]
    ),
    "svg": frozenset({"a", "tspan", "textPath"}),
}
"""Elements that begin no text of their own, by the document's outermost element."""
_NO_FLOW = Flow(paragraphs=frozenset())


def read_flowing(
    node: Node[str],
    flow: Flow,
    place: Place,
    revise: Callable[[Found], Found | None] | None = None,
    labels: Sequence[str] = (),
) -> None:
    """Read one XML document whose text flows. `revise` has a last word on each place that is no paragraph's.

    `labels` are those of the paragraphs, in order, where they do not go by their element.
    """
    flowing: list[_Paragraph] = []
    found = _scan(node.content, place, flow, flowing)
    _judge(node.content)
    place.leaves(node, found if revise is None else (one for each in found if (one := revise(each))))
    for number, paragraph in enumerate(flowing):
        label = labels[number] if number < len(labels) else paragraph.label
        for pieces in paragraph.pieces.values():
            place.pieces(node, pieces, paragraph.path, label)
    if flowing:
        node.parts.sort(key=lambda part: part.start)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _scan(text: str, place: Place, flow: Flow, flowing: list[_Paragraph]) -> list[Found]:
    found: list[Found] = []
    names: set[str] = set()
    prefix, depth = place.kind("xml"), place.reading.limits.max_depth
    at = 1 if text.startswith("\ufeff") else 0
    if declaration := _DECLARATION.match(text, at):
        at = declaration.end()
    frames: list[tuple[str, str, Counter[str], str, _Paragraph | None]] = []
    path, label, siblings, local = prefix, "", Counter[str](), ""
    paragraph: _Paragraph | None = None
    # What follows each other in an element with nothing but comments and inline elements between is one text.
    run = _Paragraph(path, label)
    run_place = 0
    inline: frozenset[str] = frozenset()

    def named(span: tuple[int, int], kind: str) -> None:
        name = text[slice(*span)]
        if name not in names:
            names.add(name)
            found.append((span, READ_ONLY, f"{prefix}{shortened(name)}@{kind}", f"{kind} name"))

    def add(span: tuple[int, int], writing: Writing) -> None:
        nonlocal run, run_place
        if paragraph is not None and (not flow.texts or local in flow.texts):
            paragraph.pieces.setdefault(local if flow.texts else "", []).append((span, writing))
            return
        if not run.pieces:
            run, run_place = _Paragraph(path, label), len(found)
        run.pieces.setdefault("", []).append((span, writing))

    def end_run() -> None:
        nonlocal run
        pieces = run.pieces.get("", [])
        if len(pieces) == 1:
            found.insert(run_place, (*pieces[0], run.path, run.label))
        elif pieces:
            flowing.append(run)
        run = _Paragraph(path, label)

    while at < len(text):
        less = text.find("<", at)
        less = len(text) if less < 0 else less
        if less > at:
            add((at, less), TEXT)
        if less == len(text):
            break
        match = _MARKUP.match(text, less)
        if match is None:
            raise UnreadableError("bad-syntax")
        at = match.end()
        kind = match.lastgroup
        if kind == "comment":
            found.append((match.span("comment"), COMMENT, f"{path}!comment", label))
        elif kind == "cdata":
            add(match.span("cdata"), CDATA)
        elif kind == "instruction":
            named(match.span("target"), "instruction")
            # A declaration of unknown form decides how the rest is read.
            writing = READ_ONLY if match["target"].lower() == "xml" else INSTRUCTION
            found.append((match.span("instruction"), writing, f"{path}!instruction", label))
        elif kind == "doctype":
            found.append((match.span("doctype"), READ_ONLY, f"{path}!doctype", label))
        elif kind == "dtd":
            raise UnreadableError("forbidden-dtd")
        elif kind == "end":
            if not frames:
                raise UnreadableError("bad-syntax")
            if local not in inline:
                end_run()
            path, label, siblings, local, paragraph = frames.pop()
        else:
            name = match["start"]
            if not frames:
                inline = INLINE.get(_local(name), inline)
            if _local(name) not in inline:
                end_run()
            named(match.span("start"), "element")
            siblings[name] += 1
            count = siblings[name]
            inner = below(path, name if count == 1 else f"{name}[{count}]")
            sign = flow.breaks.get(_local(name)) if match["empty"] and paragraph is not None else None
            if (
                sign is not None
                and paragraph is not None
                and flow.structure.sub("", match["attributes"]) == ""
            ):
                texts = paragraph.pieces.setdefault(_BREAK_IN if flow.texts else "", [])
                texts.append((match.span(), _break(sign)))
                continue
            for attribute in _ATTRIBUTE.finditer(text, *match.span("attributes")):
                if flow.structure.fullmatch(attribute[0]) or _NAMESPACE.fullmatch(attribute[0]):
                    continue
                named(attribute.span(1), "attribute")
                attribute_name = shortened(attribute[1])
                span = attribute.span(2) if attribute[2] is not None else attribute.span(3)
                found.append((span, ATTRIBUTE, f"{inner}@{attribute_name}", attribute_name))
            if not match["empty"]:
                if len(frames) >= depth:
                    raise UnreadableError("too-deep")
                frames.append((path, label, siblings, local, paragraph))
                path, label, siblings, local = inner, shortened(name), Counter(), _local(name)
                if local in flow.paragraphs:
                    paragraph = _Paragraph(path, label)
                    flowing.append(paragraph)
                elif local in flow.apart:
                    paragraph = None
    end_run()
    return found


_BREAK_IN = "t"
"""Among whose texts a break stands."""


@cache
def _break(sign: str) -> Writing:
    """An empty element that stands for a sign; it can go with the text around it, and nothing can take its place."""
    whole = re.compile(".+", re.DOTALL)
    return Writing(whole, lambda _: sign, allowed=re.compile("(?:<[^<>]*>)?"))


def _judge(text: str) -> None:
    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = partial(_judge_dtd, text)
    try:
        parser.Parse(text, True)
    except expat.ExpatError:
        raise UnreadableError("bad-syntax") from None


def _judge_dtd(text: str, name: str, system: str | None, public: str | None, has_subset: int) -> None:
    if has_subset or _ENTITY.search(text):
        raise UnreadableError("forbidden-dtd")
