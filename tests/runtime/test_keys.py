"""Keys: made once, guarded, and never made anew behind the ledger's back."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gateway.core.errors import KeyFileError
from gateway.keys import Key, body_digest, fingerprint, load_key

KEY = Key(1, bytes(range(32)))


def test_a_key_is_made_on_request_and_is_the_same_ever_after(tmp_path):
    made = load_key(tmp_path / "state", create=True)
    assert made.version == 1
    assert len(made.secret) == 32
    assert load_key(tmp_path / "state", create=True) == made
    assert load_key(tmp_path / "state", create=False) == made


def test_two_folders_have_different_keys(tmp_path):
    assert load_key(tmp_path / "a", create=True) != load_key(tmp_path / "b", create=True)


def test_only_the_owner_can_read_a_key_and_nothing_else_is_left_beside_it(tmp_path):
    load_key(tmp_path / "state", create=True)
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_missing_key_is_not_made_anew(tmp_path):
    with pytest.raises(KeyFileError, match="backup"):
        load_key(tmp_path, create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_a_key_of_the_wrong_length_is_refused_and_left_alone(tmp_path, content):
    file = the_file(tmp_path)
    file.write_bytes(content)
    with pytest.raises(KeyFileError, match=f"{len(content)} bytes"):
        load_key(tmp_path, create=True)
    assert file.read_bytes() == content


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o601])
def test_a_key_open_to_others_is_refused(tmp_path, mode):
    the_file(tmp_path).chmod(mode)
    with pytest.raises(KeyFileError, match="chmod 600"):
        load_key(tmp_path, create=False)


def test_a_key_that_cannot_be_read_is_refused(tmp_path):
    file = the_file(tmp_path)
    file.unlink()
    file.mkdir()
    with pytest.raises(KeyFileError, match="cannot be read"):
        load_key(tmp_path, create=False)


def test_a_key_made_by_another_process_first_is_the_one_that_counts(tmp_path, monkeypatch):
    first = load_key(tmp_path, create=True)
    # The other process made its key just after this one looked.
    monkeypatch.setattr(Path, "exists", lambda path: False)
    assert load_key(tmp_path, create=True) == first
    assert len(list(tmp_path.iterdir())) == 1


def test_a_key_does_not_show_its_secret():
    assert repr(KEY) == "Key(version=1)"
    assert f"{KEY}" == "Key(version=1)"


def test_a_fingerprint_is_what_it_always_was():
    """Frozen: another value would make every earlier record unsearchable."""
    assert fingerprint(KEY, "PERSON", "anna nowak") == "1:2ee521e4ad0be673a0a28508b7c77913"
    assert body_digest(KEY, b"{}") == "1:be95701f1f95b9c894ad8a5bcd7d3f53"


@given(st.text(), st.text(), st.sampled_from(["PERSON", "EMAIL_ADDRESS"]))
def test_fingerprints_are_equal_for_equal_values_only(one, other, entity):
    assume(one != other)
    assert fingerprint(KEY, entity, one) == fingerprint(KEY, entity, one)
    assert fingerprint(KEY, entity, one) != fingerprint(KEY, entity, other)


def test_fingerprints_differ_by_entity_key_and_version():
    plain = fingerprint(KEY, "PERSON", "anna nowak")
    assert plain != fingerprint(KEY, "LOCATION", "anna nowak")
    assert plain[2:] != fingerprint(Key(1, bytes(32)), "PERSON", "anna nowak")[2:]
    assert fingerprint(Key(2, KEY.secret), "PERSON", "anna nowak") == f"2:{plain[2:]}"


def test_a_fingerprint_is_an_hmac_of_128_bits():
    version, _, digits = fingerprint(KEY, "PERSON", "anna nowak").partition(":")
    assert (version, len(bytes.fromhex(digits))) == ("1", 16)


def the_file(folder: Path) -> Path:
    load_key(folder, create=True)
    (file,) = folder.iterdir()
    return file
