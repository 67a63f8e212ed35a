"""MessagePack, CBOR and Protocol Buffers, with their own libraries as judges."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import cbor2
import msgpack
import pytest
from google.protobuf import struct_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.errors import SpliceError
from gateway.core.model import Edit
from tests.decode.builders import a_message, decoded, read, reasons, replaced, whole

FEW = settings(max_examples=150)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=40)
SCALARS = TEXTS | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.booleans() | st.none()
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)

PLAIN_VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


def unpacked(body: bytes) -> Any:
    return msgpack.unpackb(body, strict_map_key=False)


FORMATS: dict[str, tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = {
    "application/msgpack": (msgpack.packb, unpacked),
    "application/cbor": (cbor2.dumps, cbor2.loads),
}


@pytest.mark.parametrize("media_type", FORMATS)
@FEW
@given(value=VALUES, data=st.data())
def test_the_librarys_own_reading_of_an_edited_document_differs_in_the_edit_alone(
    media_type: str, value: Any, data: st.DataObject
):
    pack, unpack = FORMATS[media_type]
    planted = "Zwxvy" + data.draw(st.text("abc øß日", max_size=300))
    document = {"before": value, "note": planted, "list": [1, value], "after": value}
    result = decoded(a_message(pack(document), media_type))
    (segment,) = [one for one in result.segments if one.text == planted]
    replacement = data.draw(TEXTS)

    changed = result.splice({segment.address: whole(planted, replacement)})

    assert unpack(changed.body) == {**document, "note": replacement}


@pytest.mark.parametrize("media_type", FORMATS)
@FEW
@given(value=PLAIN_VALUES)
def test_every_text_is_a_segment_and_nothing_changes_without_an_edit(media_type: str, value: Any):
    body = FORMATS[media_type][0](value)
    message = a_message(body, media_type)

    result = decoded(message)

    assert result.splice({}) is message
    seen = " ".join(one.text for one in result.segments)
    assert not result.unread
    assert all(text in seen for text in plain_texts(value))


def plain_texts(value: Any) -> list[str]:
    """Texts that are only themselves."""
    if isinstance(value, dict):
        return [text for pair in value.items() for one in pair for text in plain_texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in plain_texts(one)]
    return [value] if isinstance(value, str) and value.isalpha() else []


@pytest.mark.parametrize("media_type", FORMATS)
@FEW
@given(noise=st.binary(max_size=60))
def test_any_bytes_are_read_or_unread(media_type: str, noise: bytes):
    message = a_message(noise, media_type)

    assert decoded(message).splice({}) is message


@pytest.mark.parametrize("media_type", FORMATS)
def test_labels_and_addresses_are_those_of_keys(media_type: str):
    body = FORMATS[media_type][0]({"user": {"email": "kari@example.org", "id": 4711}})
    kind = media_type.rpartition("/")[2]

    result = decoded(a_message(body, media_type))

    assert [(one.address, one.label, one.text) for one in result.segments if "@key" not in one.address] == [
        (f"body.{kind}:/user/email", "email", "kari@example.org"),
        (f"body.{kind}:/user/id", "id", "4711"),
    ]


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("declared", [None, "application/octet-stream"])
def test_documents_that_nobody_declared_are_known_by_their_look(media_type: str, declared: str | None):
    body = FORMATS[media_type][0]({"full_name": "Jürgen Köhler", "raw": b"\xff\x00"})

    assert "Jürgen Köhler" in read(body, declared).values()


@pytest.mark.parametrize("media_type", FORMATS)
def test_an_edited_number_becomes_a_text(media_type: str):
    pack, unpack = FORMATS[media_type]
    kind = media_type.rpartition("/")[2]
    changed = replaced(pack([44051401359, 1]), media_type, f"body.{kind}:/0", "44051401359", "[X]")

    assert unpack(changed) == ["[X]", 1]


@pytest.mark.parametrize("media_type", FORMATS)
def test_byte_strings_are_looked_into_and_large_unknown_ones_are_unread(media_type: str):
    pack, unpack = FORMATS[media_type]
    kind = media_type.rpartition("/")[2]
    body = pack({"raw": '{"name": "Jürgen"}'.encode(), "key": b"\xff\xfe\x80" * 8})

    assert read(body, media_type)[f"body.{kind}:/raw.json:/name"] == "Jürgen"
    changed = replaced(body, media_type, f"body.{kind}:/raw.json:/name", "Jürgen", "[PERSON] and more")
    assert unpack(changed)["raw"] == b'{"name": "[PERSON] and more"}'
    assert reasons(pack({"raw": bytes(range(256)) * 10}), media_type) == ["unknown-media-type"]


def test_cbor_within_cbor_and_texts_in_pieces():
    inner = cbor2.dumps({"name": "Kari"})
    endless = b"\x9f\x7f\x62Ka\x62ri\xff\xff"

    assert read(cbor2.dumps(cbor2.CBORTag(24, inner)), "application/cbor")["body.cbor:.cbor:/name"] == "Kari"
    assert read(endless, "application/cbor") == {"body.cbor:/0": "Kari"}
    assert cbor2.loads(replaced(endless, "application/cbor", "body.cbor:/0", "Kari", "[P]")) == ["[P]"]


@pytest.mark.parametrize("media_type", FORMATS)
def test_nesting_beyond_the_bound_is_unread(media_type: str):
    array = b"\x91" if media_type == "application/msgpack" else b"\x81"

    assert reasons(array * 100_000 + b"\x00", media_type) == ["too-deep"]


@pytest.mark.parametrize("media_type", FORMATS)
def test_a_document_cut_short_is_unread(media_type: str):
    body = FORMATS[media_type][0]({"name": "Kari Nordmann"})

    assert reasons(body[:-3], media_type) == ["truncated"]


# --- Protocol Buffers: a Struct is a message with messages in it, so its own library can read what was edited ---

PROTOBUF = "application/x-protobuf"
JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def as_struct(value: dict[str, Any]) -> bytes:
    message = struct_pb2.Struct()
    message.update(value)
    return message.SerializeToString()


def from_struct(body: bytes) -> Any:
    message = struct_pb2.Struct()
    message.ParseFromString(body)
    return plain(message)


def plain(value: Any) -> Any:
    """A Struct as the JSON that it stands for."""
    if isinstance(value, struct_pb2.Struct):
        return {name: plain(inner) for name, inner in value.fields.items()}
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return plain(value.struct_value)
    if kind == "list_value":
        return [plain(one) for one in value.list_value.values]
    return None if kind == "null_value" else getattr(value, kind)


@FEW
@given(value=JSON_VALUES, data=st.data())
def test_a_message_in_a_message_is_edited_with_all_lengths_around_it(value: Any, data: st.DataObject):
    planted = "Kari Nordmann wohnt " + data.draw(st.text("abcdefgh ", max_size=200))
    document = {"before": value, "note": {"inner": [planted]}, "after": value}
    result = decoded(a_message(as_struct(document), PROTOBUF))
    found = [one for one in result.segments if planted in one.text]
    replacement = data.draw(st.text("xyz", max_size=300))
    start = found[0].text.index(planted)
    try:
        changed = result.splice({found[0].address: [Edit(start, start + len(planted), replacement)]})
    except SpliceError:
        # The message around it is clean text as well.
        assert found[0].text != planted
        return

    assert from_struct(changed.body) == {
        **from_struct(as_struct(document)),
        "note": {"inner": [replacement]},
    }


@FEW
@given(noise=st.binary(max_size=80))
def test_any_bytes_as_a_message_are_read_or_unread(noise: bytes):
    for media_type in (PROTOBUF, "application/grpc", "application/grpc-web-text", None):
        message = a_message(noise, media_type)
        assert decoded(message).splice({}) is message


def stretch(number: int, data: bytes) -> bytes:
    return bytes([number << 3 | 2, len(data)]) + data


def test_numbers_are_segments_and_become_0():
    body = b"\x08" + varint(44051401359) + stretch(2, b"Kari")

    assert read(body, PROTOBUF) == {"body.protobuf:/1": "44051401359", "body.protobuf:/2": "Kari"}
    changed = replaced(body, PROTOBUF, "body.protobuf:/1", "44051401359", "[X]")
    assert changed == b"\x08\x00" + stretch(2, b"Kari")


def varint(value: int) -> bytes:
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])


def test_what_is_text_and_message_at_once_is_read_and_not_edited():
    # Field 8, and a length that is a letter.
    inner = stretch(8, b"Kari Nordmann, " + b"x" * 60)
    assert inner.decode().isprintable()
    result = decoded(a_message(stretch(1, inner), PROTOBUF))

    (segment,) = result.segments
    assert "Kari Nordmann" in segment.text
    with pytest.raises(SpliceError):
        result.splice({segment.address: [Edit(2, 15, "[PERSON]")]})


def test_frames_of_grpc_also_compressed_and_with_trailers():
    message = stretch(1, "Jürgen Köhler".encode())
    packed = gzip.compress(message)
    body = b"".join(
        bytes([flags]) + len(data).to_bytes(4) + data
        for flags, data in ((0, message), (1, packed), (0x80, b"grpc-status: 0\r\n"))
    )

    assert list(read(body, "application/grpc-web").values()) == [
        "Jürgen Köhler",
        "Jürgen Köhler",
        "grpc-status: 0\r\n",
    ]
    changed = replaced(body, "application/grpc", "body.grpc:2.protobuf:/1", "Jürgen Köhler", "[PERSON]")
    size = int.from_bytes(changed[len(message) + 6 : len(message) + 10])
    assert gzip.decompress(changed[len(message) + 10 :][:size]) == stretch(1, b"[PERSON]")
    assert reasons(body[:-1], "application/grpc") == ["truncated"]
