"""Checks that recognizers name: does this text really hold such a value, how much of it, and which region does it show?

Check digits come from python-stdnum; IBANs from schwifty; phone plans from phonenumbers. Own code is only what none of
them has, with the source of the rule in the docstring.
"""

from __future__ import annotations

import importlib
import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import phonenumbers
import schwifty
from schwifty import registry
from stdnum import luhn, verhoeff
from stdnum.exceptions import ValidationError


@dataclass(frozen=True, slots=True)
class Passed:
    """A check that holds."""

    length: int
    """Characters from the start of the candidate that belong to the value."""
    region: str | None = None


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


def _stdnum(validate: Callable[[str], str], text: str) -> Passed | None:
    try:
        validate(text)
    except ValidationError:
        return None
    return Passed(len(text))


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
    kept = [place for place, sign in enumerate(text) if not sign.isspace()]
    if len(kept) < length:
        return None
    end = kept[length - 1] + 1
    try:
        schwifty.IBAN(text[:end])
    except schwifty.exceptions.SchwiftyException:
        return None
    return Passed(end, country)


_IBAN_LENGTHS: dict[str, int] = {
    country: registry.get_iban_spec(country).iban_length for country in registry.get_countries()
}


def _phone(text: str) -> Passed | None:
    """An international number that its country's plan knows; the region is that of the plan."""
    written = "+" + text[2:] if text.startswith("00") else text
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
    return 7 <= len(digits) <= 12 and len(set(digits)) > 2


def _card(text: str) -> bool:
    """A payment card: issuer range and Luhn digit (ISO/IEC 7812-1)."""
    digits = _digits(text)
    return digits[0] in "23456" and len(set(digits)) > 1 and luhn.is_valid(digits)


def _address(text: str) -> Passed | None:
    """A public IP address; private and reserved ones point to no person outside the sender's network."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return Passed(len(text)) if address.is_global else None


def _email(text: str) -> Passed | None:
    """An address with a country's domain hints at that country."""
    domain = text.rpartition("@")[2].rstrip(".")
    top = domain.rpartition(".")[2]
    country = {"uk": "GB"}.get(top.lower(), top.upper())
    return Passed(len(text), country if len(top) == 2 and top.isascii() else None)


def _before_town(text: str) -> Passed:
    """A street and house number, without the comma, postcode and town that showed what it is."""
    return Passed(text.rindex(",") if text.count(",") == 1 or text[0].isalpha() else text.index(","))


def _weighted(digits: Iterable[int], weights: Iterable[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def _hu_taj(text: str) -> bool:
    """Hungarian social security number: weights 3 and 7 alternating, modulo 10 (1996. évi XX. törvény, annex)."""
    digits = [int(one) for one in _digits(text)]
    return len(digits) == 9 and any(digits) and _weighted(digits[:8], [3, 7] * 4) % 10 == digits[8]


def _hu_tax(text: str) -> bool:
    """Hungarian personal tax number: starts with 8, weights 1 to 9, modulo 11 (1996. évi XX. törvény, annex)."""
    digits = [int(one) for one in _digits(text)]
    return len(digits) == 10 and digits[0] == 8 and _weighted(digits[:9], range(1, 10)) % 11 == digits[9]


def _lu_matricule(text: str) -> bool:
    """Luxembourg matricule: birth date, then a Luhn and a Verhoeff digit over the first eleven.

    Source: loi du 19 juin 2013 relative à l'identification des personnes physiques.
    """
    digits = _digits(text)
    if len(digits) != 13 or not ("01" <= digits[4:6] <= "12" and "01" <= digits[6:8] <= "31"):
        return False
    return luhn.is_valid(digits[:12]) and verhoeff.is_valid(digits[:11] + digits[12])


def _cross_sum(values: Iterable[int]) -> int:
    return sum(value // 10 + value % 10 for value in values)


def _letter_as_number(letter: str) -> str:
    return f"{ord(letter.upper()) - ord('A') + 1:02d}"


def _de_rvnr(text: str) -> bool:
    """German pension insurance number: weights 2 1 2 5 7 1 2 1 2 1 2 1, cross sums, modulo 10 (VKVV § 4)."""
    compact = re.sub(r"\s", "", text)
    expanded = compact[:8] + _letter_as_number(compact[8]) + compact[9:11]
    if not 1 <= int(compact[2:4]) % 50 <= 31 or not 1 <= int(compact[4:6]) <= 12:
        return False
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = _cross_sum(int(digit) * weight for digit, weight in zip(expanded, weights, strict=True))
    return total % 10 == int(compact[11])


def _de_kvnr(text: str) -> bool:
    """German health insurance number: weights 1 and 2 alternating, cross sums, modulo 10 (SGB V § 290)."""
    expanded = _letter_as_number(text[0]) + text[1:9]
    total = _cross_sum(int(digit) * weight for digit, weight in zip(expanded, (1, 2) * 5, strict=True))
    return total % 10 == int(text[9])


CHECKS: dict[str, Check] = {
    "iban": _iban,
    "phone": _phone,
    "national-phone": _whole(_national_phone),
    "card": _whole(_card),
    "ip": _address,
    "email": _email,
    "before-town": _before_town,
    "hu-taj": _whole(_hu_taj),
    "hu-tax": _whole(_hu_tax),
    "lu-matricule": _whole(_lu_matricule),
    "de-rvnr": _whole(_de_rvnr),
    "de-kvnr": _whole(_de_kvnr),
}
