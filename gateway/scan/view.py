"""What of a scan is shown: which findings, whether their values, and no sign that could play tricks on the reader."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from gateway.core.ruleset import RuleSet
from gateway.scan.found import Mark, Scan
from gateway.scan.selection import Selection


@dataclass(frozen=True, slots=True)
class View:
    """What of a scan is shown, and how."""

    rules: RuleSet
    wanted: Selection
    redact: bool = False
    """Whether values are masked where the text around them is shown."""
    values: bool = False
    """Whether objects for programs hold the values."""

    def marks(self, scan: Scan) -> list[Mark]:
        """The findings that were asked for."""
        return [one for one in scan.marks if self.wanted.takes(one.finding)]

    def class_of(self, mark: Mark) -> str:
        """The class of data, e.g. `special`."""
        return self.rules.categories[mark.finding.category].data_class

    def shown(self, mark: Mark, written: str) -> str:
        """What stands for a value."""
        return f"[{mark.finding.entity}]" if self.redact else visible(written)


def visible(text: str) -> str:
    """`text` without signs that steer a terminal or turn the writing direction."""
    return text if text.isascii() and text.isprintable() else "".join(map(_visible, text))


def _visible(sign: str) -> str:
    code = ord(sign)
    if sign == "\t":
        return " "
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    steers = unicodedata.category(sign) in ("Cc", "Cs") or unicodedata.bidirectional(sign) in _TURNING
    return "\ufffd" if steers or sign in _INVISIBLE else sign


_TURNING = frozenset({"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"})
_INVISIBLE = frozenset("\u200e\u200f\u061c\u2028\u2029\ufeff")
