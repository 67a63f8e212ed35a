"""Telephone numbers, birth dates, accounts, cards, addresses of mail and secrets, as people and programs write them.

As in `wild`: half of the words that announce a value are held out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from random import Random

import phonenumbers
import schwifty
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from bench.detection.contact import CARDS, EEA_AND_CH, valid_phone
from bench.detection.identifiers import noise
from bench.detection.samples import TUNED, Sample, Span, around, half_of, table
from bench.detection.wild import cased, filled_around, wrapping

NUMERIC = [
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%d-%m-%Y",
    "%Y-%m-%d",
    "%e.%n.%Y",
    "%d.%m.%y",
    "%d/%m/%y",
    "%Y/%m/%d",
    "%d %m %Y",
]
MONTHLY = ["%e. %B %Y", "%e %B %Y", "%e. %b %Y", "%B %e, %Y"]
BIRTH_KEYS = [
    "birth_date",
    "date_of_birth",
    "dob",
    "geburtsdatum",
    "date_naissance",
    "fecha_nacimiento",
    "data_nascita",
    "geboortedatum",
    "data_urodzenia",
    "datum_narozeni",
    "syntymaaika",
    "fodselsdato",
    "birthday",
    "data_nasterii",
    "szuletesi_datum",
    "born_on",
    "datum_rodjenja",
    "gimimo_data",
    "dzimsanas_datums",
    "sunniaeg",
]
PHONE_KEYS = [
    "phone",
    "phone_number",
    "mobile",
    "telefon",
    "tel",
    "telefono",
    "telephone",
    "mobil",
    "handy",
    "gsm",
    "contact_phone",
    "mobile_number",
    "telefonnummer",
    "puhelin",
    "telefoon",
    "telemovel",
    "msisdn",
]


def phones(seed: int) -> Iterator[Sample]:
    """Numbers of every state in national and international notation, beside a word or under a field name."""
    words, frames = table("wild_contact.yaml"), table("wild_frames.yaml")
    for lang, row in table("contact.yaml").items():
        for region in row["regions"]:
            random = Random(f"{seed}:{lang}:{region}")
            for cue in words[lang]["phone"]:
                for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
                    number = valid_phone(random, region, kind)
                    if number is None:
                        continue
                    form, value = random.choice(list(_written(number)))
                    yield _said(random, "phones in the wild", frames, lang, region, cue, form, value, "PHONE")
            for key in random.sample(PHONE_KEYS, 4):
                number = valid_phone(random, region, PhoneNumberType.MOBILE)
                if number is not None:
                    form, value = random.choice(list(_written(number)))
                    yield _keyed(random, "phones in the wild", lang, region, key, form, value, "PHONE")


def births(seed: int) -> Iterator[Sample]:
    """Dates of birth in all notations."""
    words, frames = table("wild_contact.yaml"), table("wild_frames.yaml")
    for lang, row in table("contact.yaml").items():
        random = Random(f"{seed}:{lang}:birth")
        for cue in [*words[lang]["birth"], *words[lang]["born"]]:
            for written in random.sample(NUMERIC, 2) + random.sample(MONTHLY, 2):
                value = _date(random, written, row["months"])
                if "{value}" in cue:
                    text, start, end = around(cue, value, {})
                    span = Span(start, end, "BIRTH_DATE", "birth dates")
                    number = f"birth-{lang}-{cue}-{written}"
                    form = f"{half_of(cue)}, {written}"
                    yield Sample(number, "births in the wild", text, (span,), lang, lang, form)
                else:
                    yield _said(
                        random, "births in the wild", frames, lang, lang, cue, written, value, "BIRTH_DATE"
                    )
        for key in random.sample(BIRTH_KEYS, 3):
            value = _date(random, random.choice(NUMERIC[:4]), row["months"])
            yield _keyed(random, "births in the wild", lang, lang, key, "field", value, "BIRTH_DATE")


def accounts(seed: int) -> Iterator[Sample]:
    """Bank accounts in all states' length, cards, addresses of mail."""
    frames = table("wild_frames.yaml")
    langs = table("contact.yaml")
    for country in EEA_AND_CH:
        random = Random(f"{seed}:{country}:accounts")
        lang = next((lang for lang, row in langs.items() if country in row["regions"]), "en")
        for place in range(6):
            iban = schwifty.IBAN.random(country_code=country, random=random)
            value = [
                iban.formatted,
                iban.compact,
                iban.compact.lower(),
                iban.formatted.replace(" ", "-"),
                iban.formatted.replace(" ", "\u00a0"),
                iban.compact[:4] + " " + iban.compact[4:],
            ][place]
            cue = ["IBAN", "IBAN:", "account", "", "Konto", "bank"][place]
            yield _said(random, "IBANs in the wild", frames, lang, country, cue, str(place), value, "IBAN")
        brand = random.choice(sorted(CARDS))
        digits = _card(random, brand)
        value = random.choice(
            [digits, " ".join(re.findall("....?", digits)), "-".join(re.findall("....", digits))]
        )
        cue = random.choice([brand, "card number", "Kreditkarte", "carte bancaire"])
        yield _said(random, "cards in the wild", frames, lang, country, cue, brand, value, "CARD")
        mail = random.choice(
            [
                "{a}.{b}@{c}.example.org",
                "{a}_{b}99@example.com",
                "{a}+tag@mail.example.net",
                "{A}.{B}@EXAMPLE.ORG",
            ]
        ).format(a="maria", b="k", c=country.lower(), A="JAN", B="NOWAK")
        yield _said(random, "mails in the wild", frames, lang, country, "mail", "mail", mail, "EMAIL")


def secrets(seed: int) -> Iterator[Sample]:
    """Keys, tokens, connection strings and passwords, in settings, code and talk."""
    random = Random(f"{seed}:secrets")

    def some(
        count: int, signs: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    ) -> str:
        return "".join(random.choice(signs) for _ in range(count))

    hexes, upper = "0123456789abcdef", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    values = {
        "aws": "AKIA" + some(16, upper),
        "aws temporary": "ASIA" + some(16, upper),
        "github": "ghp_" + some(36),
        "github fine": "github_pat_" + some(22) + "_" + some(59),
        "slack": "xoxb-" + some(12, "123456789") + "-" + some(24),
        "openai": "sk-proj-" + some(48),
        "anthropic": "sk-ant-api03-" + some(60),
        "google": "AIza" + some(35),
        "google oauth": "ya29." + some(60),
        "stripe": "sk_live_" + some(24),
        "stripe restricted": "rk_test_" + some(24),
        "gitlab": "glpat-" + some(20),
        "npm": "npm_" + some(36),
        "pypi": "pypi-AgEIcHlwaS5vcmc" + some(60),
        "sendgrid": "SG." + some(22) + "." + some(43),
        "twilio": "SK" + some(32, hexes),
        "hugging": "hf_" + some(34),
        "digitalocean": "dop_v1_" + some(64, hexes),
        "vault": "hvs." + some(24),
        "shopify": "shpat_" + some(32, hexes),
        "telegram": some(9, "123456789") + ":AA" + some(33),
        "discord": "M" + some(23) + "." + some(6) + "." + some(27),
        "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJ" + some(30) + "." + some(43),
        "databricks": "dapi" + some(32, hexes),
        "postgres": f"postgresql://app:{some(14)}@db.example.org:5432/shop",
        "redis": f"redis://:{some(16)}@cache:6379/0",
        "mongo": f"mongodb+srv://svc:{some(12)}@cluster0.example.net/x",
        "amqp": f"amqps://u:{some(9)}@mq.example.org/v",
        "jdbc": f"jdbc:mysql://db/x?user=app&password={some(12)}",
        "azure": f"AccountKey={some(86)}==",
        "basic": f"Authorization: Basic {some(32)}",
        "bearer": f"Authorization: Bearer {some(40)}",
        "key": "-----BEGIN RSA PRIVATE KEY-----\n" + some(64) + "\n-----END RSA PRIVATE KEY-----",
    }
    frames = [
        "export TOKEN={value}\n",
        'config = "{value}"  # production',
        "here is the key: {value} please rotate",
    ]
    for name, value in values.items():
        for template in frames:
            text, start, end = around(template, value, {})
            form = f"{half_of(name)}, {name}"
            yield Sample(
                f"secret-{name}-{template[:4]}",
                "secrets in the wild",
                text,
                (Span(start, end, "SECRET"),),
                "",
                name,
                form,
            )
    said = [
        "password: {value}",
        "DB_PASSWORD={value}",
        '"password": "{value}"',
        "my password is {value}",
        "Passwort: {value}",
        "mot de passe : {value}",
        "contraseña: {value}",
        "hasło: {value}",
        "pwd={value};",
        "passwd: {value}",
        "wachtwoord: {value}",
        "PGPASSWORD='{value}'",
        "api_key: {value}",
        "client_secret={value}",
        "spring.datasource.password={value}",
        "Das Passwort lautet {value}",
        "heslo je {value}",
        "PIN: 4711, Passwort: {value}",
    ]
    for template in said:
        for value in (some(12), "Sommer2024!", "tr0ub4dor&3", "hunter2!x"):
            text, start, end = around(template, value, {})
            yield Sample(
                f"secret-{template}-{value}",
                "secrets in the wild",
                text,
                (Span(start, end, "SECRET"),),
                "",
                "said",
                f"{half_of(template)}, said",
            )


def _said(
    random: Random,
    group: str,
    frames: dict[str, list[str]],
    lang: str,
    source: str,
    cue: str,
    form: str,
    value: str,
    kind: str,
) -> Sample:
    half = half_of(cue)
    own = frames.get(lang, frames["en"])
    template = random.choice(own[::2] if half == TUNED else own)
    text, start, end = around(template, value, {"cue": cue, "noise": noise(random)})
    number = f"{group}-{lang}-{source}-{cue}-{form}-{random.getrandbits(32):x}"
    return Sample(number, group, text, (Span(start, end, kind, kind),), lang, source, f"{half}, {form}")


def _keyed(
    random: Random, group: str, lang: str, source: str, key: str, form: str, value: str, kind: str
) -> Sample:
    template, _ = wrapping(random, value, digits=False)
    text, start, end = filled_around(random, template, value, cased(random, key))
    number = f"{group}-{lang}-{source}-{key}-{form}-{random.getrandbits(32):x}"
    return Sample(
        number, group, text, (Span(start, end, kind, kind),), lang, source, f"{half_of(key)}, field"
    )


def _written(number: phonenumbers.PhoneNumber) -> Iterator[tuple[str, str]]:
    """Most ways in which a number is written."""
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    international = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    code, _, rest = international.partition(" ")
    bare = re.sub(r"\D", "", national)
    yield "national", national
    yield "bare", bare
    yield "dotted", re.sub(r"[ -]+", ".", national).replace("(", "").replace(")", "")
    yield "hyphens", re.sub(r"[ ]+", "-", national.replace("(", "").replace(")", ""))
    yield "slash", re.sub(r"[ -]", "/", national.replace("(", "").replace(")", ""), count=1)
    yield "no-break", national.replace(" ", "\u00a0")
    yield "pairs", " ".join(re.findall("..?", bare))
    yield "threes", " ".join(re.findall("...?", bare))
    yield "international", international
    yield "zero", f"{code} (0){rest}"
    yield "glued", international.replace(" ", "").replace("-", "")
    yield "00", "00" + code[1:] + rest.replace(" ", "")
    yield "parentheses", f"({code}) {rest}"
    yield "hyphened", international.replace(" ", "-")
    yield "dots", international.replace(" ", ".").replace("-", ".")


def _date(random: Random, written: str, months: list[str]) -> str:
    month, day, year = random.randrange(12), random.randrange(1, 29), random.randrange(1935, 2010)
    parts = {
        "%d": f"{day:02d}",
        "%e": str(day),
        "%m": f"{month + 1:02d}",
        "%n": str(month + 1),
        "%Y": str(year),
        "%y": f"{year % 100:02d}",
        "%B": months[month],
        "%b": months[month][:3] + ("." if len(months[month]) > 3 else ""),
    }
    return re.sub("%[demnYyBb]", lambda match: parts[match[0]], written)


def _card(random: Random, brand: str) -> str:
    from stdnum import luhn

    start, length = CARDS[brand]
    digits = start + "".join(random.choice("0123456789") for _ in range(length - len(start) - 1))
    return digits + luhn.calc_check_digit(digits)


if __name__ == "__main__":
    for sample in [*phones(1), *births(1), *accounts(1), *secrets(1)]:
        if sample.form.startswith(TUNED):
            print(json.dumps([sample.form, sample.text], ensure_ascii=False))
