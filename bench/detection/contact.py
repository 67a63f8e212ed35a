"""Invented contact data: telephone numbers, bank accounts, e-mail addresses, cards, birth dates and streets."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import phonenumbers
import schwifty
from phonenumbers import PhoneNumberFormat, PhoneNumberType
from stdnum import luhn

from bench.detection.identifiers import noise
from bench.detection.samples import Sample, Span, around, table

EEA_AND_CH = tuple(sorted({one["country"] for one in table("identifiers.yaml")}))
CARDS = {"visa": ("4", 16), "mastercard": ("53", 16), "amex": ("37", 15)}
MAILS = [
    "{a}.{b}@example.{tld}",
    "{a}{n}@mail.example.org",
    "{a}_{b}+news@example.com",
    "{b}@sub.example.{tld}",
    "{a}.{b}@exämple.{tld}",
]
NAMES = [
    "anna",
    "jan",
    "zofia",
    "mikkel",
    "chloé",
    "søren",
    "jiri",
    "ines",
    "lukas",
    "maja",
    "giulia",
    "pekka",
]
EACH = 4


def contact(seed: int) -> Iterator[Sample]:
    """All of it, in the languages of the EEA and Switzerland."""
    langs, sentences = table("contact.yaml"), table("sentences.yaml")
    for lang, row in langs.items():
        random = Random(f"{seed}:{lang}")
        for region in row["regions"]:
            for form, cue, value in _phones(random, region, row["phone"]):
                yield _sample(random, "phones", sentences[lang], lang, region, form, cue, value, "PHONE")
        for place in range(EACH * 2):
            cue = row["birth"][place % len(row["birth"])]
            written = row["dates"][place // len(row["birth"]) % len(row["dates"])]
            value = _date(random, written, row["months"])
            yield _sample(
                random, "birth dates", sentences[lang], lang, lang, written, cue, value, "BIRTH_DATE"
            )
        for place in range(EACH):
            value = _mail(random, lang)
            yield _sample(random, "e-mails", sentences[lang], lang, lang, "e-mail", "E-Mail", value, "EMAIL")
            brand = sorted(CARDS)[place % len(CARDS)]
            for form, value in _cards(random, brand):
                cue = {"bare": brand.capitalize()}.get(form, brand.capitalize())
                yield _sample(random, "cards", sentences[lang], lang, brand, form, cue, value, "CARD")
    for country in EEA_AND_CH:
        random = Random(f"{seed}:iban:{country}")
        lang = next((lang for lang, row in langs.items() if country in row["regions"]), "en")
        for place in range(EACH):
            iban = schwifty.IBAN.random(country_code=country, random=random)
            for form, value in (
                ("grouped", iban.formatted),
                ("bare", iban.compact),
                ("lower", iban.compact.lower()),
            ):
                cue = ("IBAN", "", "konto")[place % 3]
                yield _sample(random, "IBANs", sentences[lang], lang, country, form, cue, value, "IBAN")


def addresses(seed: int) -> Iterator[Sample]:
    """Street and house number; the town beside it is not counted either way."""
    sentences = table("address_sentences.yaml")
    for lang, row in table("addresses.yaml").items():
        random = Random(f"{seed}:{lang}")
        for number, street in enumerate(row["streets"]):
            for place, template in enumerate(sentences[lang]):
                value = street.replace("{n}", str(random.randrange(1, 190)))
                text, start, end = around(template, value, {"town": random.choice(row["towns"])})
                span = Span(start, end, "ADDRESS", "street")
                yield Sample(
                    f"address-{lang}-{number}-{place}", "addresses", text, (span,), lang, lang, street
                )


_made = iter(range(10**9))


def _sample(
    random: Random,
    group: str,
    sentences: list[str],
    lang: str,
    source: str,
    form: str,
    cue: str,
    value: str,
    kind: str,
) -> Sample:
    text, start, end = around(random.choice(sentences), value, {"cue": cue, "noise": noise(random)})
    return Sample(f"{group}-{next(_made)}", group, text, (Span(start, end, kind, group),), lang, source, form)


def _phones(random: Random, region: str, cues: list[str]) -> Iterator[tuple[str, str, str]]:
    for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
        for place in range(EACH):
            number = valid_phone(random, region, kind)
            if number is None:
                continue
            international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
            national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            cue = cues[place % len(cues)]
            yield "international", cue, international
            yield "international, no cue", "", international
            yield "E.164", cue, phonenumbers.format_number(number, PhoneNumberFormat.E164)
            yield "00", cue, "00" + international[1:]
            yield "national", cue, national
            yield "national, bare", cue, "".join(sign for sign in national if sign.isdigit())


def valid_phone(random: Random, region: str, kind: int) -> phonenumbers.PhoneNumber | None:
    """An invented number of a kind that the region's plan has; none where it has no such kind."""
    example = phonenumbers.example_number_for_type(region, kind)
    if example is None:
        return None
    written = phonenumbers.format_number(example, PhoneNumberFormat.E164)
    for _ in range(1000):
        tail = "".join(random.choice("0123456789") for _ in range(5))
        number = phonenumbers.parse(written[:-5] + tail, None)
        if phonenumbers.is_valid_number(number):
            return number
    return example


def _date(random: Random, written: str, months: list[str]) -> str:
    month = random.randrange(12)
    parts = {
        "%d": f"{random.randrange(1, 29):02d}",
        "%m": f"{month + 1:02d}",
        "%B": months[month],
        "%Y": str(random.randrange(1935, 2008)),
    }
    for sign, part in parts.items():
        written = written.replace(sign, part)
    return written


def _mail(random: Random, lang: str) -> str:
    tld = {"en": "ie", "da": "dk", "sv": "se", "cs": "cz", "sl": "si", "et": "ee", "el": "gr", "ga": "ie"}
    template = random.choice(MAILS)
    a, b = random.sample(NAMES, 2)
    return template.format(a=a, b=b, n=random.randrange(100), tld=tld.get(lang, lang))


def _cards(random: Random, brand: str) -> Iterator[tuple[str, str]]:
    start, length = CARDS[brand]
    digits = start + "".join(random.choice("0123456789") for _ in range(length - len(start) - 1))
    digits += luhn.calc_check_digit(digits)
    yield "bare", digits
    if length == 16:
        yield "grouped", " ".join(digits[i : i + 4] for i in range(0, 16, 4))
    else:
        yield "grouped", f"{digits[:4]} {digits[4:10]} {digits[10:]}"
