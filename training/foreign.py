"""Names as Greek and Bulgarian write them: foreign ones in the script of the place, and Greek ones in their cases."""

import random
import unicodedata

from training.noise import bare

_GREEK = """
tsch τσ|sch σ|tch τσ|ch τσ|sh σ|zh ζ|th θ|ph φ|kh χ|gh γκ|ck κ|qu κου|oo ου|ou ου|ee ι|ea ι|ie ι|ei αϊ|ai αϊ|ay εϊ|ey εϊ
eu οϊ|au αου|aw ο|ow οου|ja για|je γε|jo γιο|ju γιου|j τζ|b μπ|d ντ|g γκ|v β|w γου|x ξ
y ι|z ζ|c κ|f φ|h χ|k κ|l λ|m μ|n ν|p π|q κ|r ρ|s σ|t τ|u ου|a α|e ε|i ι|o ο
"""
_BULGARIAN = """
tsch ч|tch ч|sch ш|ch ч|sh ш|zh ж|th т|ph ф|kh х|ts ц|ck к|qu кв|oo у|ou у|ee и|ea и|ie и|ay ей|ey и|ya я|yu ю|ja я
ju ю|jo йо|eu ой|j дж|a а|b б|c к|d д|e е|f ф|g г|h х|i и|k к|l л|m м|n н|o о|p п|q к|r р|s с|t т|u у|v в|w у
x кс|y и|z з
"""
_TABLES = {
    code: sorted(
        (tuple(pair.split()) for pair in table.replace("\n", "|").split("|") if pair),
        key=lambda pair: -len(pair[0]),
    )
    for code, table in (("el", _GREEK), ("bg", _BULGARIAN))
}
_VOWELS = "αειου"
_GENITIVES = (
    ("ος", "ου"),
    ("ης", "η"),
    ("ας", "α"),
    ("άς", "ά"),
    ("ής", "ή"),
    ("ός", "ού"),
    ("ές", "έ"),
    ("η", "ης"),
    ("ή", "ής"),
    ("α", "ας"),
    ("ά", "άς"),
)
_ACCUSATIVES = (("ος", "ο"), ("ης", "η"), ("ας", "α"), ("άς", "ά"), ("ής", "ή"), ("ός", "ό"), ("ές", "έ"))


def written(name: str, code: str, chance: random.Random) -> str:
    """A name in Latin letters as a newspaper in Greek ("el") or Bulgarian ("bg") might write it."""
    return " ".join(
        "-".join(_word(part, code, chance) for part in word.split("-") if part) for word in name.split()
    )


def _word(word: str, code: str, chance: random.Random) -> str:
    left, made = "".join(one for one in bare(word).lower() if one.isalpha()), ""
    while left:
        source, target = next((pair for pair in _TABLES[code] if left.startswith(pair[0])), (left[0], ""))
        made += target if not made.endswith(target) or target in _VOWELS else ""
        left = left[len(source) :]
    if code == "el":
        made = _accented(made, chance)
        made = made[:-1] + "ς" if made.endswith("σ") else made
    return made[:1].upper() + made[1:]


def _accented(word: str, chance: random.Random) -> str:
    places = [at for at, letter in enumerate(word) if letter in _VOWELS and word[at : at + 2] != "ου"]
    if not places:
        return word
    at = chance.choice(places[-3:])
    return unicodedata.normalize("NFC", word[: at + 1] + "\u0301" + word[at + 1 :])


def genitive(name: str) -> str:
    """A Greek name as somebody's own: «Τσίπρας» becomes «Τσίπρα»; one in other letters stays."""
    return " ".join(_in_case(word, _GENITIVES) for word in name.split())


def accusative(name: str) -> str:
    """A Greek name as it is told of: «Μητσοτάκης» becomes «Μητσοτάκη»; one in other letters stays."""
    return " ".join(_in_case(word, _ACCUSATIVES) for word in name.split())


def _in_case(word: str, endings: tuple[tuple[str, str], ...]) -> str:
    for ending, other in endings:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + other
    return word
