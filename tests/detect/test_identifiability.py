"""Section 2 of the policy: identifiable directly or indirectly, also without a name."""

from __future__ import annotations

from tests.detect.conftest import Find


def test_DEF_1_the_name_of_a_company_alone_is_no_finding(find_names: Find):
    assert find_names("Deutsche Bahn AG", "Novo Nordisk A/S") == []


def test_DEF_2_birth_date_postcode_and_sex_are_a_finding_without_any_name(find: Find):
    found = find(("birth_date", "1980-02-03"), ("postcode", "10115"), ("sex", "f"))

    assert ("DATE_OF_BIRTH", "1980-02-03") in found


def test_DEF_2_an_identification_number_is_a_finding_without_any_name(find: Find):
    assert find(("pesel", "44051401359")) == [("PL_PESEL", "44051401359")]
