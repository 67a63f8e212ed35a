"""National identifiers: what each state's number looks like, and when it counts.

Numbers are made here from the published check-digit rules: an invented beginning, and the first ending that holds.
"""

from __future__ import annotations

import importlib
import itertools
from dataclasses import dataclass

import pytest

from gateway.core.detection import DetectionRules
from gateway.core.model import Evidence
from gateway.detect import Detector
from gateway.detect.checks import check_named
from gateway.rulefiles import load_rules
from gateway.settings import shipped
from tests.detect.conftest import Find, segments

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class Number:
    entity: str
    check: str
    beginning: str
    """Invented; `?` is a digit and `@` a letter to be filled in so that the check holds."""
    cue: str
    key: str
    alone: bool = False
    """Unmistakable by its shape, so found without a cue."""

    def made(self) -> str:
        holes = [LETTERS if sign == "@" else "0123456789" for sign in self.beginning if sign in "?@"]
        for filling in itertools.product(*holes):
            signs = iter(filling)
            text = "".join(next(signs) if sign in "?@" else sign for sign in self.beginning)
            if check_named(self.check)(text) is not None:
                return text
        raise AssertionError(f"no ending makes {self.beginning} a valid {self.entity}")


NUMBERS = [
    Number("AT_SVNR", "stdnum.at.vnr", "123?010180", "Sozialversicherungsnummer", "svnr"),
    Number("AT_TIN", "stdnum.at.tin", "59-119/901?", "Steuernummer", "steuernummer", alone=True),
    Number("BE_NRN", "be-nrn", "85.07.30-033.??", "rijksregisternummer", "insz", alone=True),
    Number("BE_EID_CARD", "be-eid", "591-1380540-??", "identiteitskaart", "eid", alone=True),
    Number("BG_EGN", "stdnum.bg.egn", "750101000?", "ЕГН", "egn"),
    Number("BG_PNF", "stdnum.bg.pnf", "700123456?", "ЛНЧ", "lnch"),
    Number("CH_AHV", "stdnum.ch.ssn", "756.1234.5678.9?", "AHV-Nummer", "ahvNummer", alone=True),
    Number("CY_TIC", "stdnum.cy.vat", "10259033@", "αριθμός φορολογικού μητρώου", "tic"),
    Number("CZ_RODNE_CISLO", "stdnum.cz.rc", "710319/274?", "rodné číslo", "rodneCislo", alone=True),
    Number("DE_TAX_ID", "stdnum.de.idnr", "3657426180?", "Steuer-ID", "steuerId"),
    Number("DE_SOCIAL_SECURITY", "de-rvnr", "65180539A00?", "Rentenversicherungsnummer", "rvnr", alone=True),
    Number("DE_HEALTH_INSURANCE", "de-kvnr", "A12345678?", "Versichertennummer", "kvnr"),
    Number("DK_CPR", "stdnum.dk.cpr", "010185-401?", "CPR-nummer", "cpr", alone=True),
    Number("ES_NSS", "es-nss", "28/12345678/??", "número de la Seguridad Social", "nuss"),
    Number("HR_JMBG", "stdnum.si.emso", "010198533000?", "JMBG", "jmbg", alone=True),
    Number("HU_SZEMELYI", "hu-personal", "2-720304-123?", "személyi azonosító", "szemelyiAzonosito"),
    Number("PL_ID_CARD", "pl-id-card", "ABA?00000", "dowód osobisty", "dowodOsobisty"),
    Number("PT_NISS", "pt-niss", "1234567890?", "segurança social", "niss"),
    Number("SE_PERSONNUMMER", "se-pnr", "880380-001?", "samordningsnummer", "samordningsnummer", alone=True),
    Number("UK_UTR", "stdnum.gb.utr", "?155839466", "unique taxpayer reference", "utr"),
    Number("EE_ISIKUKOOD", "stdnum.ee.ik", "3680518700?", "isikukood", "isikukood"),
    Number("ES_NIF", "es-nif", "54362315@", "DNI", "dni", alone=True),
    Number("ES_NIE", "stdnum.es.nie", "X2482300@", "NIE", "nie", alone=True),
    Number("FI_PERSONAL_IDENTITY_CODE", "fi-hetu", "131052-308@", "henkilötunnus", "hetu", alone=True),
    Number("FI_PERSONAL_IDENTITY_CODE", "fi-hetu", "010203B12?@", "hetu", "hetu", alone=True),
    Number(
        "FR_NIR", "stdnum.fr.nir", "2 95 10 99 126 111 ??", "numéro de sécurité sociale", "nir", alone=True
    ),
    Number("FR_NIF", "stdnum.fr.nif", "30 23 217 60? ???", "numéro fiscal", "numeroFiscal"),
    Number("GR_AMKA", "stdnum.gr.amka", "0101311102?", "ΑΜΚΑ", "amka"),
    Number("GR_AFM", "stdnum.gr.vat", "02345678?", "ΑΦΜ", "afm"),
    Number("HR_OIB", "hr-oib", "3339200596?", "OIB", "oib"),
    Number("HU_TAJ", "hu-taj", "123 456 78?", "TAJ szám", "tajSzam"),
    Number("HU_TAX_ID", "hu-tax", "807143072?", "adóazonosító jel", "adoazonosito"),
    Number("IE_PPSN", "ie-pps", "6433435@", "PPS number", "ppsn", alone=True),
    Number("IS_KENNITALA", "stdnum.is_.kennitala", "450401-31?0", "kennitala", "kennitala", alone=True),
    Number(
        "IT_FISCAL_CODE",
        "stdnum.it.codicefiscale",
        "RCCMNL83S18D969@",
        "codice fiscale",
        "codiceFiscale",
        alone=True,
    ),
    Number("LT_ASMENS_KODAS", "stdnum.lt.asmens", "3330924044?", "asmens kodas", "asmensKodas"),
    Number("LU_MATRICULE", "lu-matricule", "18930101123??", "matricule", "matricule", alone=True),
    Number("LV_PERSONAS_KODS", "stdnum.lv.pvn", "161175-1999?", "personas kods", "personasKods", alone=True),
    Number("NL_BSN", "stdnum.nl.bsn", "11122233?", "burgerservicenummer", "bsn"),
    Number("NO_FODSELSNUMMER", "stdnum.no.fodselsnummer", "15108695???", "fødselsnummer", "fnr"),
    Number("PL_NIP", "stdnum.pl.nip", "856-734-62-1?", "NIP", "nip"),
    Number("PL_PESEL", "stdnum.pl.pesel", "4405140135?", "PESEL", "pesel"),
    Number("PT_NIF", "stdnum.pt.nif", "50196484?", "contribuinte", "nif"),
    Number("PT_CC", "stdnum.pt.cc", "00000000 ?ZZ4", "cartão de cidadão", "cartaoCidadao", alone=True),
    Number("RO_CNP", "stdnum.ro.cnp", "163061512345?", "CNP", "cnp", alone=True),
    Number("SE_PERSONNUMMER", "se-pnr", "880320-001?", "personnummer", "personnummer", alone=True),
    Number("SI_EMSO", "stdnum.si.emso", "010100650000?", "EMŠO", "emso", alone=True),
    Number("SI_TAX_ID", "stdnum.si.ddv", "5022305?", "davčna številka", "davcnaStevilka"),
    Number("SK_RODNE_CISLO", "stdnum.sk.rc", "710319/274?", "rodné číslo", "rodneCislo", alone=True),
    Number("UK_NHS", "stdnum.gb.nhs", "943 476 591?", "NHS number", "nhsNumber"),
    Number("US_SSN", "stdnum.us.ssn", "536-90-439?", "SSN", "ssn", alone=True),
]
SHARED = {"SK_RODNE_CISLO": "CZ_RODNE_CISLO", "DK_CPR": "IS_KENNITALA", "HR_JMBG": "SI_EMSO"}
"""Numbers that another state writes in the very same way; a finding may name either."""
DATE_ONLY = {"DK_CPR", "US_SSN"}
"""Numbers whose rule has no check digit, or no longer one: a hint of their state, never proof."""
UNCHECKED = {
    "AT_ID_CARD": ("Personalausweis Nr.", "1234567"),
    "BG_ID_CARD": ("лична карта №", "641234567"),
    "CH_HEALTH_CARD": ("Versichertenkarte", "80756 00026 31234 56789"),
    "CH_ID_CARD": ("Identitätskarte", "E1234567"),
    "CY_ID": ("δελτίο ταυτότητας", "0012345678"),
    "CZ_ID_CARD": ("číslo OP", "123456789"),
    "DE_ID_CARD": ("Personalausweis", "T22000129"),
    "DE_TAX_NUMBER": ("Steuernummer", "181/815/08155"),
    "EE_ID_CARD": ("ID-kaardi number", "AA1234567"),
    "FI_ID_CARD": ("henkilökortin numero", "123456789"),
    "FI_TAX_NUMBER": ("veronumero", "123456789112"),
    "FR_ID_CARD": ("carte nationale d'identité", "D2H6862M2"),
    "GR_ID_CARD": ("αριθμός ταυτότητας", "ΑΝ123456"),
    "HR_ID_CARD": ("osobna iskaznica", "112345678"),
    "HR_MBO": ("MBO", "123456789"),
    "HU_ID_CARD": ("személyi igazolvány száma", "123456AB"),
    "IT_HEALTH_CARD": ("tessera sanitaria", "80380000301234567890"),
    "IT_ID_CARD": ("carta d'identità n.", "AX1234567"),
    "LI_PEID": ("PEID", "123456789"),
    "LT_ID_CARD": ("asmens tapatybės kortelė", "12345678"),
    "LV_ID_CARD": ("personas apliecība", "PA1234567"),
    "MT_ID": ("identity card", "0123456M"),
    "NL_ID_CARD": ("identiteitskaart", "SPECI2014"),
    "RO_ID_CARD": ("carte de identitate seria", "RX 123456"),
    "SE_ID_CARD": ("nationellt ID-kort", "12345678"),
    "SI_HEALTH_INSURANCE": ("ZZZS številka", "031234567"),
    "SK_ID_CARD": ("občiansky preukaz", "EA123456"),
    "UK_NINO": ("National Insurance number", "AB 12 34 56 C"),
}
"""Identifiers without check digit: never without a cue."""


def ids(number: Number) -> str:
    return f"{number.entity}-{number.beginning}"


def entities(found: list[tuple[str, str]], text: str) -> set[str]:
    return {entity for entity, value in found if value == text}


def accepts(number: Number) -> set[str]:
    other = {v: k for k, v in SHARED.items()} | SHARED
    return {number.entity, other.get(number.entity, number.entity)}


@pytest.mark.parametrize("number", NUMBERS, ids=ids)
def test_a_number_after_its_cue_is_found(find: Find, number: Number):
    text = number.made()

    assert entities(find(f"Lorem ipsum, {number.cue}: {text}."), text) & accepts(number)


@pytest.mark.parametrize("number", NUMBERS, ids=ids)
def test_a_number_under_its_field_name_is_found(find: Find, number: Number):
    text = number.made()

    assert entities(find((number.key, text)), text) & accepts(number)


@pytest.mark.parametrize("number", [one for one in NUMBERS if one.alone], ids=ids)
def test_an_unmistakable_shape_needs_no_cue(find: Find, number: Number):
    text = number.made()

    assert entities(find(f"siehe {text} oben"), text)


@pytest.mark.parametrize("number", [one for one in NUMBERS if not one.alone], ids=ids)
def test_a_check_digit_alone_is_no_finding(find: Find, number: Number):
    assert find(f"ref {number.made()} ok") == []


@pytest.mark.parametrize("number", [one for one in NUMBERS if one.entity not in DATE_ONLY], ids=ids)
def test_a_wrong_check_digit_is_never_that_number(find: Find, number: Number):
    text = number.made()
    holes = [place for place, sign in enumerate(number.beginning) if sign in "?@"]
    last = text[holes[-1]]
    signs = LETTERS if last.isalpha() else "0123456789"
    check = check_named(number.check)
    wrong = [text[: holes[-1]] + sign + text[holes[-1] + 1 :] for sign in signs if sign != last]
    wrong = [one for one in wrong if check(one) is None]

    assert wrong
    for one in wrong:
        assert number.entity not in entities(find(f"{number.cue}: {one}"), one)


@pytest.mark.parametrize("entity", UNCHECKED)
def test_identifiers_without_check_digit_count_beside_a_cue_only(find: Find, entity: str):
    cue, text = UNCHECKED[entity]

    assert entities(find(f"{cue}: {text}"), text) == {entity}
    assert find(f"ref {text} ok") == []


def test_every_identifier_of_a_state_is_in_the_table(rules: DetectionRules):
    assert {one.entity for one in rules.recognizers if one.region} == {n.entity for n in NUMBERS} | set(
        UNCHECKED
    )


def test_every_eea_state_and_switzerland_has_an_identifier(rules: DetectionRules):
    covered = {one.region for one in rules.recognizers}

    assert {country.iso2 for country in load_rules(shipped("rules")).countries} - covered == set()


@pytest.mark.parametrize("number", NUMBERS, ids=ids)
def test_only_a_check_digit_proves_the_state(detector: Detector, number: Number):
    (finding,) = detector.detect(segments((number.key, number.made())))

    assert finding.evidence is (Evidence.HINT if number.entity in DATE_ONLY else Evidence.PROOF)
    assert finding.region is not None


def test_a_cue_of_no_state_in_particular_gives_a_hint_only(detector: Detector):
    (finding,) = detector.detect(segments(("nationalId", "44051401359")))

    assert (finding.category, finding.evidence) == ("identifier_national", Evidence.HINT)


@pytest.mark.parametrize("name", sorted({n.check for n in NUMBERS if n.check.startswith("stdnum.")}))
def test_checks_of_python_stdnum_exist(name: str):
    assert callable(importlib.import_module(name).validate)


@pytest.mark.parametrize(
    "text",
    ["PESEL ４４０５１４０１３５９", "PESEL\u00a044051401359", "pesel_44051401359", "PESELu 44051401359"],
)
def test_spellings_of_the_same_number_are_found(find: Find, text: str):
    assert [entity for entity, _ in find(text)] == ["PL_PESEL"]


@pytest.mark.parametrize(
    "text", ["PESEL 144051401359", "PESEL 44051401359ł", "PESEL ß44051401359", "PESEL 440514013590"]
)
def test_a_number_that_touches_letters_or_digits_of_any_script_is_another_one(find: Find, text: str):
    assert find(text) == []
