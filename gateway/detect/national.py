"""Check-digit rules of national numbers that python-stdnum lacks, each with its source.

A function says whether a text, already of the recognizer's shape, holds such a number. Separators do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from stdnum import luhn, verhoeff
from stdnum.be import eid, ssn
from stdnum.de import stnr
from stdnum.es import nif
from stdnum.fi import hetu
from stdnum.hr import oib
from stdnum.ie import pps

SERIAL_SIGNS = frozenset("0123456789CFGHJKLMNPRTVWXYZ")
"""What serial numbers of German documents are made of."""


def _signs(text: str) -> str:
    return "".join(sign for sign in text if sign.isalnum()).upper()


def _digits(text: str) -> list[int]:
    return [int(sign) for sign in text if sign.isdigit()]


def _weighted(digits: Iterable[int], weights: Iterable[int]) -> int:
    return sum(digit * weight for digit, weight in zip(digits, weights, strict=False))


def _cross_sum(values: Iterable[int]) -> int:
    return sum(value // 10 + value % 10 for value in values)


def _letter_as_number(letter: str) -> str:
    return f"{ord(letter) - ord('A') + 1:02d}"


def icao(text: str) -> bool:
    """Whether the last digit is that of the rest: weights 7 3 1, letters from A = 10, modulo 10.

    Source: ICAO Doc 9303, part 3, section 4.9.
    """
    signs = _signs(text)
    return _weighted((int(sign, 36) for sign in signs[:-1]), (7, 3, 1) * 5) % 10 == int(signs[-1], 36)


def be_nrn(text: str) -> bool:
    """Belgian national or bis number: modulo 97, with 2 before it for births since 2000 (python-stdnum be.ssn)."""
    return bool(ssn.is_valid(_signs(text)))


def be_eid(text: str) -> bool:
    """Number of a Belgian identity card: modulo 97; one with letters bears no check digit (python-stdnum be.eid)."""
    signs = _signs(text)
    return not signs.isdigit() or bool(eid.is_valid(signs))


def de_id_card(text: str) -> bool:
    """German identity card or passport: nine signs without vowels, then perhaps the check digit of ICAO Doc 9303.

    Source: PAuswV, annex; serial numbers of digits alone begin with those of an authority.
    """
    signs = _signs(text)
    return SERIAL_SIGNS.issuperset(signs) and (len(signs) == 9 or icao(signs))


def de_rvnr(text: str) -> bool:
    """German pension insurance number: weights 2 1 2 5 7 1 2 1 2 1 2 1, cross sums, modulo 10 (VKVV § 4)."""
    signs = _signs(text)
    expanded = signs[:8] + _letter_as_number(signs[8]) + signs[9:11]
    if not 1 <= int(signs[2:4]) % 50 <= 31 or not 1 <= int(signs[4:6]) <= 12:
        return False
    weights = (2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1)
    total = _cross_sum(int(digit) * weight for digit, weight in zip(expanded, weights, strict=True))
    return total % 10 == int(signs[11])


def de_kvnr(text: str) -> bool:
    """German health insurance number: weights 1 and 2 alternating, cross sums, modulo 10 (SGB V § 290)."""
    signs = _signs(text)
    expanded = _letter_as_number(signs[0]) + signs[1:9]
    total = _cross_sum(int(digit) * weight for digit, weight in zip(expanded, (1, 2) * 5, strict=True))
    return total % 10 == int(signs[9])


def de_stnr(text: str) -> bool:
    """German tax number in the layout of some Land (python-stdnum de.stnr); it has no check digit common to all."""
    return bool(stnr.is_valid(_signs(text)))


def es_nif(text: str) -> bool:
    """Spanish number of a person: DNI, or K, L, M for those without (python-stdnum es.nif); no company's."""
    signs = _signs(text)
    signs = signs if signs[0].isalpha() else signs.zfill(9)
    return bool(nif.is_valid(signs)) and signs[0] in "0123456789KLM"


def es_nss(text: str) -> bool:
    """Spanish social security: province and number modulo 97 are the last two digits.

    Source: Tesorería General de la Seguridad Social; a number below ten million is added to ten million provinces.
    """
    signs = _signs(text)
    province, number, control = int(signs[:2]), int(signs[2:-2]), int(signs[-2:])
    if not 1 <= province <= 66:
        return False
    joined = province * 10_000_000 + number if number < 10_000_000 else int(signs[:-2])
    return joined % 97 == control


def fi_hetu(text: str) -> bool:
    """Finnish personal identity code (python-stdnum fi.hetu), also those for temporary use (900 to 999)."""
    return bool(hetu.is_valid(text, allow_temporary=True))


def gb_nino(text: str) -> bool:
    """National Insurance number: prefixes that are issued; it has no check digit (HMRC, NIM39110)."""
    return _signs(text)[:2] not in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def hr_oib(text: str) -> bool:
    """Croatian OIB (python-stdnum hr.oib), alone or as VAT number."""
    return bool(oib.is_valid(text))


def hu_personal(text: str) -> bool:
    """Hungarian personal number: weights 1 to 10, or 10 to 1 for births since 1997, modulo 11.

    Source: 1996. évi XX. törvény, annex 1.
    """
    digits = _digits(text)
    since_1997 = digits[0] in (3, 4, 7, 8) or digits[1] * 10 + digits[2] >= 97
    weights = range(10, 0, -1) if since_1997 else range(1, 11)
    dated = 1 <= digits[3] * 10 + digits[4] <= 12 and 1 <= digits[5] * 10 + digits[6] <= 31
    return dated and _weighted(digits[:10], weights) % 11 == digits[10]


def hu_taj(text: str) -> bool:
    """Hungarian social security number: weights 3 and 7 alternating, modulo 10 (1996. évi XX. törvény, annex)."""
    digits = _digits(text)
    return len(digits) == 9 and any(digits) and _weighted(digits[:8], [3, 7] * 4) % 10 == digits[8]


def hu_tax(text: str) -> bool:
    """Hungarian personal tax number: starts with 8, weights 1 to 9, modulo 11 (1996. évi XX. törvény, annex)."""
    digits = _digits(text)
    return len(digits) == 10 and digits[0] == 8 and _weighted(digits[:9], range(1, 10)) % 11 == digits[9]


def ie_pps(text: str) -> bool:
    """Irish PPS number (python-stdnum ie.pps), with or without a space."""
    return bool(pps.is_valid(_signs(text)))


def letters_and_digits(text: str) -> bool:
    """At least three digits, so that no word is taken for a number."""
    return sum(sign.isdigit() for sign in text) >= 3


def lu_matricule(text: str) -> bool:
    """Luxembourg matricule: birth date, then a Luhn and a Verhoeff digit over the first eleven.

    Source: loi du 19 juin 2013 relative à l'identification des personnes physiques.
    """
    digits = _signs(text)
    if len(digits) != 13 or not ("01" <= digits[4:6] <= "12" and "01" <= digits[6:8] <= "31"):
        return False
    return luhn.is_valid(digits[:12]) and verhoeff.is_valid(digits[:11] + digits[12])


def pl_id_card(text: str) -> bool:
    """Polish identity card: weights 7 3 1 9 7 3 1 7 3, letters from A = 10, modulo 10.

    Source: Rozporządzenie MSWiA, Dz.U. 2019 poz. 400; the fourth sign is the check digit.
    """
    values = [int(sign, 36) for sign in _signs(text)]
    return _weighted(values, (7, 3, 1, 9, 7, 3, 1, 7, 3)) % 10 == 0


def pt_niss(text: str) -> bool:
    """Portuguese social security: falling primes as weights, nine minus the sum modulo ten.

    Source: Instituto de Informática da Segurança Social, structure of the NISS.
    """
    digits = _digits(text)
    primes: Sequence[int] = (29, 23, 19, 17, 13, 11, 7, 5, 3, 2)
    return 9 - _weighted(digits, primes) % 10 == digits[10]


def se_pnr(text: str) -> bool:
    """Swedish personal or coordination number, whose day is raised by 60: Luhn over the last ten digits.

    Source: Folkbokföringslag (1991:481), § 18 and § 18 a.
    """
    digits = _signs(text)[-10:]
    month, day = int(digits[2:4]), int(digits[4:6]) % 60
    return 1 <= month <= 12 and 1 <= day <= 31 and luhn.is_valid(digits)


RULES: dict[str, Callable[[str], bool]] = {
    re.sub("_", "-", rule.__name__): rule
    for rule in (
        be_nrn, be_eid, de_id_card, de_rvnr, de_kvnr, de_stnr, es_nif, es_nss, fi_hetu, gb_nino, hr_oib,
        hu_personal, hu_taj, hu_tax, ie_pps, letters_and_digits, lu_matricule, pl_id_card, pt_niss, se_pnr,
    )
}  # fmt: skip
"""By the name under which a recognizer asks for it."""
