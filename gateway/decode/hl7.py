"""HL7 version 2: the components of every field, called by what they are in the segments that hold people."""

from __future__ import annotations

import re

from gateway.decode.media import MediaType
from gateway.decode.reading import Place, UnreadableError
from gateway.decode.tree import Node, Writing

_BEGINS = re.compile(r"\ufeff?\x0b?MSH(.)(.)(.)(.)(.)\1")
_SEGMENT = re.compile(r"[^\r\n\x0b\x1c]+")
_PERSON, _CODED_PERSON = (
    ("last name", "first name", "middle name"),
    ("id", "last name", "first name", "middle name"),
)
_ADDRESS, _PHONE, _BORN = ("address",) * 8, ("phone",) * 12, ("date of birth",)
_FIELDS: dict[str, dict[int, tuple[str, ...]]] = {
    "PID": {
        5: _PERSON,
        6: _PERSON,
        7: _BORN,
        9: _PERSON,
        11: _ADDRESS,
        13: _PHONE,
        14: _PHONE,
        19: ("ssn",),
    },
    "NK1": {2: _PERSON, 4: _ADDRESS, 5: _PHONE, 6: _PHONE, 16: _BORN, 30: _PERSON},
    "GT1": {3: _PERSON, 5: _ADDRESS, 6: _PHONE, 8: _BORN, 12: ("ssn",)},
    "IN1": {16: _PERSON, 18: _BORN, 19: _ADDRESS},
    "MRG": {7: _PERSON},
    "STF": {3: _PERSON, 6: _BORN, 10: _PHONE, 11: _ADDRESS},
    "PV1": dict.fromkeys((7, 8, 9, 17, 52), _CODED_PERSON),
    "ORC": dict.fromkeys((10, 11, 12), _CODED_PERSON),
    "OBR": dict.fromkeys((10, 16), _CODED_PERSON),
    "TXA": dict.fromkeys((9, 10, 11), _CODED_PERSON),
}
"""What the components of fields are (HL7 2.5.1, chapter 3 and others)."""
_TIMES = {"MSH": (7,), "EVN": (2, 6), "PV1": (44, 45), "OBR": (6, 7, 8, 14, 22), "OBX": (14,), "ORC": (9, 15)}


def looks_like_hl7(text: str, place: Place) -> bool:
    """Whether a text begins with the header of a message."""
    return _BEGINS.match(text) is not None


def read_hl7(node: Node[str], media: MediaType, place: Place) -> None:
    """Read one message or several."""
    text, prefix = node.content, place.kind("hl7")
    head = _BEGINS.match(text)
    if head is None:
        raise UnreadableError("bad-syntax")
    field_sign, component_sign, repeat_sign, _, part_sign = head.groups()
    signs = re.escape(component_sign + part_sign + repeat_sign)
    component = re.compile(f"[^{signs}]+|[{signs}]")
    # Signs of the syntax cannot stand in a value, and escapes of them are left as they are.
    writing = Writing(allowed=re.compile(f"[^{signs}{re.escape(field_sign)}\\r\\n]*"))
    for line in _SEGMENT.finditer(text):
        name, at = line[0][:3], line.start()
        for number, value in enumerate(line[0].split(field_sign), 1 if name == "MSH" else 0):
            labels = _FIELDS.get(name, {}).get(number, ())
            what = "time" if number in _TIMES.get(name, ()) else ""
            if not (name == "MSH" and number <= 2):
                index = 0
                for match in component.finditer(value):
                    sign = match[0]
                    if sign in (component_sign, repeat_sign):
                        index = index + 1 if sign == component_sign else 0
                    elif sign != part_sign:
                        label = labels[index] if index < len(labels) else what
                        span = (at + match.start(), at + match.end())
                        place.leaf(node, span, writing, f"{prefix}/{name}/{number}", label)
            at += len(value) + 1
