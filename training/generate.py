"""Texts with invented people, as they stand in records, chats and letters; and texts of machines, without any.

Every language has a file in `templates/`: sentences with slots, the words that fields for names are called, places.
Faker gives the names. What a language's templates hold beside `{person}`, `{first}`, `{last}`, `{city}` and `{org}`
are numbers and dates, which no label covers.
"""

import random
import string
import tomllib
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import wordfreq
from faker import Faker

from training import foreign
from training.corpus import Labelled, Name

TEMPLATES = Path(__file__).with_name("templates")
SOURCE = "generated"
ABROAD = ("tr_TR", "en_IN", "es_MX", "pt_BR", "en_NG", "az_AZ", "id_ID", "uz_UZ", "vi_VN")
"""Where names come from besides the 26 languages: people move."""
FOREIGN_SHARE = 0.25
IN_SCRIPT_SHARE = 0.85
"""Share of foreign names that are written in the script of the language."""
LISTED_SHARE = 0.1
LABEL_OF = {
    "person": "PERSON",
    "first": "PERSON",
    "last": "PERSON",
    "last_of": "PERSON",
    "last_to": "PERSON",
    "person_of": "PERSON",
    "person_to": "PERSON",
    "city": "LOCATION",
    "org": "ORGANIZATION",
}


@dataclass(frozen=True, slots=True)
class Language:
    """One language's templates, and whom they are filled with."""

    code: str
    texts: dict[str, Any]
    natives: tuple[Faker, ...]
    foreigners: tuple[Faker, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person."""

    first: str
    last: str


def languages(seed: int) -> list[Language]:
    """All languages that have a file of templates, their Fakers seeded."""
    files = {path.stem: tomllib.loads(path.read_text("utf-8")) for path in sorted(TEMPLATES.glob("??.toml"))}
    locales = sorted({locale for texts in files.values() for locale in texts["locales"]} | set(ABROAD))
    fakers = {locale: Faker(locale) for locale in locales}
    for place, faker in enumerate(fakers.values()):
        faker.seed_instance(seed + place)
    latin = tuple(faker for locale, faker in fakers.items() if locale not in {"bg_BG", "el_GR"})
    return [
        Language(code, texts, tuple(fakers[one] for one in texts["locales"]), latin)
        for code, texts in files.items()
    ]


def person(language: Language, chance: random.Random) -> Person:
    """Somebody who may live where the language is spoken."""
    if "first" in language.texts and chance.random() < 1 - FOREIGN_SHARE:
        return Person(chance.choice(language.texts["first"]), chance.choice(language.texts["last"]))
    abroad = chance.random() < language.texts.get("foreign", FOREIGN_SHARE)
    faker = chance.choice(language.foreigners if abroad else language.natives)
    if chance.random() < 0.5:
        one = Person(faker.first_name_female(), faker.last_name_female())
    else:
        one = Person(faker.first_name_male(), faker.last_name_male())
    if abroad and "foreign" in language.texts and chance.random() < IN_SCRIPT_SHARE:
        return Person(*(foreign.written(name, language.code, chance) for name in (one.first, one.last)))
    return one


def full_name(language: Language, chance: random.Random) -> str:
    """First and family name; now and then with an initial, a second name, or a double family name."""
    one = person(language, chance)
    first, last = one.first, one.last
    luck = chance.random()
    if luck < 0.05:
        first = f"{first[0]}."
    elif luck < 0.10:
        first = f"{first} {chance.choice(string.ascii_uppercase)}."
    elif luck < 0.16:
        first = f"{first} {person(language, chance).first}"
    elif luck < 0.22:
        last = f"{last}-{person(language, chance).last}"
    return f"{last} {first}" if language.texts.get("family_first") else f"{first} {last}"


def _number(chance: random.Random) -> str:
    return str(chance.randrange(10 ** chance.randint(1, 6)))


def _date(chance: random.Random) -> str:
    year, month, day = chance.randint(1940, 2029), chance.randint(1, 12), chance.randint(1, 28)
    form = chance.choice(("{0}-{1:02}-{2:02}", "{2:02}.{1:02}.{0}", "{2}/{1}/{0}", "{2}. {1}. {0}"))
    return form.format(year, month, day)


def _digits(pattern: str, chance: random.Random) -> str:
    return "".join(str(chance.randrange(10)) if one == "#" else one for one in pattern)


def _unnamed_slots(chance: random.Random, words: list[str]) -> dict[str, Callable[[], str]]:
    return {
        "number": lambda: _number(chance),
        "date": lambda: _date(chance),
        "time": lambda: f"{chance.randrange(24):02}:{chance.randrange(60):02}",
        "phone": lambda: _digits(
            chance.choice(("+## ### ### ###", "0## ### ####", "+## (0)## ######")), chance
        ),
        "email": lambda: f"{chance.choice(words)}{chance.randrange(99)}@example.org",
        "word": lambda: chance.choice(words),
        "Word": lambda: chance.choice(words).capitalize(),
        "WORD": lambda: chance.choice(words).upper(),
        "uuid": lambda: str(uuid.UUID(int=chance.getrandbits(128), version=4)),
        "hex": lambda: f"{chance.getrandbits(64):016x}",
        "ip": lambda: ".".join(str(chance.randrange(256)) for _ in range(4)),
        "version": lambda: f"{chance.randrange(9)}.{chance.randrange(20)}.{chance.randrange(9)}",
    }


def _named_slots(language: Language, chance: random.Random) -> dict[str, Callable[[], str]]:
    return {
        "person": lambda: full_name(language, chance),
        "first": lambda: person(language, chance).first,
        "last": lambda: person(language, chance).last,
        "last_of": lambda: foreign.genitive(person(language, chance).last),
        "last_to": lambda: foreign.accusative(person(language, chance).last),
        "person_of": lambda: foreign.genitive(full_name(language, chance)),
        "person_to": lambda: foreign.accusative(full_name(language, chance)),
        "city": lambda: chance.choice(language.texts["cities"]),
        "org": lambda: organization(language, chance),
        "job": lambda: chance.choice(language.natives).job(),
        "lorem": lambda: _in_some_case(
            " ".join(chance.choice(language.natives).words(chance.randint(1, 3))), chance
        ),
    }


def organization(language: Language, chance: random.Random) -> str:
    """An invented company, or one of the templates."""
    if "orgs" in language.texts and chance.random() < 0.6:
        return str(chance.choice(language.texts["orgs"]))
    return str(chance.choice(language.natives).company())


def _in_some_case(words: str, chance: random.Random) -> str:
    change = chance.choice((str, str.capitalize, str.title, str.title, str.upper))
    return change(words)


def phrases(texts: list[Labelled], count: int, chance: random.Random) -> Iterator[Labelled]:
    """Lone words and titles out of texts that hold no name: not all that stands in capitals alone is one."""
    nameless = [one for one in texts if not one.names]
    for one in chance.choices(nameless, k=count) if nameless else ():
        words = [word for word in one.text.split() if word.isalpha()]
        start = chance.randrange(max(1, len(words) - 2))
        text = " ".join(words[start : start + chance.randint(1, 3)])
        if text:
            yield Labelled(one.lang, SOURCE, _in_some_case(text, chance), ())


def fill(template: str, slots: dict[str, Callable[[], str]]) -> tuple[str, tuple[Name, ...]]:
    """The template with its slots filled, and where the names came to stand.

    Neighbouring names of people become one: "{last} {first}" is a full name.
    """
    text = ""
    names: list[Name] = []
    for literal, slot, _, _ in string.Formatter().parse(template):
        text += literal
        if slot is None:
            continue
        value = slots[slot]()
        start, text = len(text), text + value
        if slot not in LABEL_OF:
            continue
        if names and LABEL_OF[slot] == names[-1].label == "PERSON" and text[names[-1].end : start] == " ":
            start = names.pop().start
        names.append(Name(start, len(text), LABEL_OF[slot]))
    return text, tuple(names)


def _record_template(keys: list[str], chance: random.Random) -> str:
    """A record's line, or some, with a name in it: as a form, JSON, a row of a table, or the bare value."""
    key = chance.choice(keys)
    return chance.choice(
        (
            "{person}",
            "{person}",
            "{person}",
            "{person}",
            "{last}, {first}",
            "{city}",
            f"{key}: {{person}}",
            f"{key}: {{person}}",
            f"{key}: {{first}}",
            f"{key.lower()}={{person}}",
            f"{key}\t{{person}}\t{{city}}",
            f'"{key}": "{{person}}"',
            f'{{{{"{key}": "{{person}}", "id": {{number}}}}}}',
            f"{key}: {{person}}\nE-mail: {{email}}\n{{phone}}",
            f"ID: {{number}}\n{key}: {{person}}\n{{date}}",
            "{number};{person};{city};{date}",
            "{person},{email},{city},{number}",
            "{last};{first};{date};{phone}",
            "{person}, {city}",
            "{person} ({org})",
            "{person} <{email}>",
            "{person}\n{org}\n{city}",
            "{person}\n{job}\n{org}\n{phone}",
            "{person}, {job}",
            f"id,{key.lower()},{{word}}\n{{number}},{{person}},{{city}}",
            "@{first} {number}?",
        )
    )


def _template(language: Language, machine: dict[str, Any], chance: random.Random) -> str:
    """A template of some kind; joined sentences teach that a text may hold several."""
    luck = chance.random()
    if luck < 0.35:
        return _record_template(language.texts["keys"], chance)
    if luck < 0.65:
        return str(chance.choice(language.texts["named"]))
    if luck < 0.75:
        joined = chance.sample(language.texts["named"] + language.texts["clean"], 2)
        return chance.choice((" ", "\n")).join(joined)
    if luck < 0.83:
        return str(chance.choice(language.texts["clean"]))
    if luck < 0.88:
        return chance.choice(("{lorem}", "{lorem}", "{job}", "{lorem}: {number}"))
    return str(chance.choice(machine["clean"]))


def _nobody(spoken: list[Language]) -> list[str]:
    """Common English words that are nobody's name: code, tables and catalogues are full of them."""
    names: set[str] = set()
    for provider in (part for one in spoken for faker in one.natives for part in faker.get_providers()):
        for kind in ("first_names", "last_names"):
            names.update(name.lower() for name in getattr(provider, kind, ()))
    return [word for word in wordfreq.top_n_list("en", 12_000) if word.isalpha() and word not in names]


def _listed(language: Language, chance: random.Random) -> tuple[str, tuple[Name, ...]]:
    """Some lines of a list of things: languages, currencies, countries, colors, jobs, products."""
    faker = chance.choice(language.natives)
    kind = chance.choice(("language", "currency", "country", "color", "job", "product", "month"))
    makers: dict[str, Callable[[], str]] = {
        "language": faker.language_name,
        "currency": faker.currency_name,
        "country": faker.country,
        "color": faker.color_name,
        "job": faker.job,
        "product": lambda: " ".join(faker.words(2)).title(),
        "month": faker.month_name,
    }
    form = chance.choice(
        (
            "{0}",
            "{0}",
            "- {0}",
            "{1};{0}",
            "{1},{0},{2}",
            '"{1}": "{0}",',
            "{1}\t{0}",
            "{0} ({1})",
            "<{1}>{0}</{1}>",
            '{{"name": "{0}", "code": "{1}"}}',
        )
    )
    text, names = "", []
    for _ in range(chance.choice((1, 1, 2, 3, 5, 8))):
        value, code = makers[kind](), "".join(chance.choices(string.ascii_letters, k=chance.choice((2, 3))))
        line = form.format(value, code, chance.randrange(1000))
        start = len(text) + line.index(value)
        if kind == "country":
            names.append(Name(start, start + len(value), "LOCATION"))
        text += line + "\n"
    return text.rstrip("\n"), tuple(names)


def everything(each: int, seed: int) -> Iterator[Labelled]:
    """`each` texts for every language; the same ones for the same seed and version of Faker."""
    machine = tomllib.loads((TEMPLATES / "machine.toml").read_text("utf-8"))
    chance = random.Random(seed)
    spoken = languages(seed)
    unnamed = _unnamed_slots(chance, machine["words"] + _nobody(spoken))
    for language in spoken:
        slots = unnamed | _named_slots(language, chance)
        for _ in range(each):
            if chance.random() < LISTED_SHARE:
                text, names = _listed(language, chance)
            else:
                text, names = fill(_template(language, machine, chance), slots)
            yield Labelled(language.code, SOURCE, text, names)
