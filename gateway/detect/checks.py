"""Checks that recognizers name: does this text really hold such a value, how much of it, and which region does it show?

Check digits come from python-stdnum; IBANs from schwifty; phone plans from phonenumbers; what python-stdnum lacks, from
`detect.national`.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
import schwifty
from schwifty import registry
from stdnum import luhn
from stdnum.exceptions import ValidationError

from gateway.detect.national import RULES


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that holds."""

    length: int
    """Characters from the start of the candidate that belong to the value."""
    region: str | None = None
    skip: int = 0
    """Characters at the start that only announce the value."""


Check = Callable[[str], Passed | None]


def check_named(name: str) -> Check:
    """The check a recognizer names.

    Raises:
        ValueError: no such check; the message lists those there are.
    """
    if name.startswith("stdnum."):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            raise ValueError(f"python-stdnum has no module {name!r}") from error
        return lambda text: _stdnum(module.validate, text)
    if name not in CHECKS:
        raise ValueError(
            f"there is no check {name!r}; write stdnum.MODULE or one of: {', '.join(sorted(CHECKS))}"
        )
    return CHECKS[name]


_SEPARATORS = str.maketrans("", "", " ./-")


def _stdnum(validate: Callable[[str], str], text: str) -> Passed | None:
    """As it is written, or with the separators that its module does not know left out."""
    for written in (text, text.translate(_SEPARATORS)):
        try:
            validate(written)
        except ValidationError:
            continue
        return Passed(len(text))
    return None


def _whole(holds: Callable[[str], bool]) -> Check:
    return lambda text: Passed(len(text)) if holds(text) else None


def _digits(text: str) -> str:
    return "".join(sign for sign in text if sign.isdigit())


def _iban(text: str) -> Passed | None:
    """An IBAN ends where its country's length says, whatever word follows (ISO 13616)."""
    country = text[:2].upper()
    length = _IBAN_LENGTHS.get(country)
    if length is None:
        return None
    kept = [place for place, sign in enumerate(text) if sign not in " -"]
    if len(kept) < length:
        return None
    end = kept[length - 1] + 1
    try:
        schwifty.IBAN(text[:end].replace("-", ""))
    except schwifty.exceptions.SchwiftyException:
        return None
    return Passed(end, country)


_IBAN_LENGTHS: dict[str, int] = {
    country: registry.get_iban_spec(country).iban_length for country in registry.get_countries()
}


def _phone(text: str) -> Passed | None:
    """An international number that its country's plan knows; the region is that of the plan."""
    written = "+" + text[2:] if text.startswith("00") else text
    written = written.replace("(0)", "")
    try:
        number = phonenumbers.parse(written, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    region = phonenumbers.region_code_for_number(number)
    # Satellite and free-phone numbers belong to no country; their code is 001.
    return Passed(len(text), region if region and region.isalpha() else None)


def _national_phone(text: str) -> bool:
    """A number without country code; no plan is asked, since beside a cue any number of that length is somebody's."""
    digits = _digits(text)
    return 7 <= len(digits) <= 12 and len(set(digits)) > 2 and not _DATE.fullmatch(text)


_DATE = re.compile(r"\d\d?([./ -])\d\d?\1(?:19|20)\d\d|(?:19|20)\d\d([./ -])\d\d?\2\d\d?")


def _secret(text: str) -> Passed | None:
    """What follows the word for a secret, where it looks like one and not like code, a type or a gap to be filled."""
    start = max(text.rfind(sign) for sign in " :=\"'") + 1
    value = text[start:]
    told = any(sign.isdigit() or sign in "!?#&*+@^~" for sign in value) and any(map(str.isalpha, value))
    coded = _CODE.search(value) is not None or value.lower() in _GAPS
    return Passed(len(text), skip=start) if told and not coded else None


def _after_word(text: str) -> Passed:
    """From the first digit on."""
    return Passed(len(text), skip=next(place for place, sign in enumerate(text) if sign.isdigit()))


def _connection(text: str) -> Passed | None:
    """An address with user and password in it, which is none of a manual's."""
    secret = text.partition("://")[2].rpartition("@")[0].partition(":")[2]
    return None if not secret or _CODE.search(secret) or secret.lower() in _GAPS else Passed(len(text))


_CODE = re.compile(r"[(){}\[\]<>$|\\]|\*\*|\w\.\w+\.\w|%[sd(]")
_GAPS = frozenset(
    ["password", "passwd", "pass", "secret", "pwd", "user", "changeme", "changeit", "example", "xxx", "hunter2", "pw",
     "your_password", "your-password", "mypassword", "p4ssw0rd", "passw0rd", "password1", "password123", "secret123"]
)  # fmt: skip
"""What manuals write where a secret would stand."""


def _card(text: str) -> bool:
    """A payment card: issuer range and Luhn digit (ISO/IEC 7812-1)."""
    digits = _digits(text)
    return digits[0] in "23456" and len(set(digits)) > 1 and luhn.is_valid(digits)


def _address(text: str) -> Passed | None:
    """A public IP address; private and reserved ones point to no person outside the sender's network."""
    # A pattern may begin with the sign before it, to say that there is no digit.
    skip = 0 if text[0] == ":" or text[0].isalnum() else 1
    text = text[: skip + len(text[skip:].partition(" ")[0])]
    try:
        address = ipaddress.ip_address(text[skip:])
    except ValueError:
        return None
    return Passed(len(text), skip=skip) if address.is_global and not address.is_multicast else None


def _email(text: str) -> Passed | None:
    """An address with a country's domain hints at that country."""
    domain = text.rpartition("@")[2].rstrip(".")
    top = domain.rpartition(".")[2]
    country = {"uk": "GB"}.get(top.lower(), top.upper())
    key = _KEY.match(text)
    return Passed(
        len(text), country if len(top) == 2 and top.isascii() else None, skip=key.end() if key else 0
    )


_KEY = re.compile(
    r"(?:[^@]*[?&])?(?:[A-Z_]+|[a-z]|[\w.-]*(?i:mail|user|login|addr|address|account|contact|recipient|sender|owner|to|from|cc|bcc))="
    r"(?=[^=@?&]+@)"
)
"""The name of a setting or of a field in a query, whose value the address is."""


def _before_town(text: str) -> Passed:
    """A street and house number, without the comma, postcode and town that showed what it is."""
    return Passed(text.rindex(",") if text.count(",") == 1 or text[0].isalpha() else text.index(","))


CHECKS: dict[str, Check] = {
    "iban": _iban,
    "phone": _phone,
    "national-phone": _whole(_national_phone),
    "card": _whole(_card),
    "ip": _address,
    "email": _email,
    "before-town": _before_town,
    "after-word": _after_word,
    "secret": _secret,
    "connection": _connection,
    **{name: _whole(rule) for name, rule in RULES.items()},
}
