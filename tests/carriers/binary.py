"""Cases for binary formats of messages."""

from __future__ import annotations

import base64
import gzip
import json

import cbor2
import msgpack
from google.protobuf import struct_pb2

from tests.carriers.case import Case, Sample, Wire
from tests.carriers.formats import json_wire


def protobuf(s: Sample) -> bytes:
    """A message with messages in it."""
    message = struct_pb2.Struct()
    message.update({"note": s.text, "rows": [{"about": s.name, "mail": s.email}], "n": 3.5})
    return message.SerializeToString()


def frame(message: bytes, flags: int = 0) -> bytes:
    """A frame of gRPC."""
    return bytes([flags]) + len(message).to_bytes(4) + message


def record(s: Sample) -> dict[str, object]:
    """What programs keep of somebody."""
    return {s.field: s.name, "mail": s.email, "id": 7, "tags": ["a", None, True, 1.5], "raw": b"\xff\x00"}


CASES = (
    Case("MessagePack", ("MessagePack",), lambda s: Wire(msgpack.packb(record(s)), "application/msgpack")),
    Case(
        "MessagePack, undeclared",
        ("MessagePack",),
        lambda s: Wire(msgpack.packb(record(s)), "application/octet-stream"),
    ),
    Case(
        "MessagePack with a byte string of JSON",
        ("MessagePack",),
        lambda s: Wire(
            msgpack.packb({"raw": json.dumps({"note": s.text}).encode()}), "application/x-msgpack"
        ),
    ),
    Case(
        "MessagePack in Base64",
        ("MessagePack", "Base64 and Base64url in a value"),
        lambda s: json_wire({"data": base64.b64encode(msgpack.packb(record(s))).decode()}),
        adversarial=True,
    ),
    Case("CBOR", ("CBOR",), lambda s: Wire(cbor2.dumps(record(s)), "application/cbor")),
    Case("CBOR, undeclared", ("CBOR",), lambda s: Wire(cbor2.dumps(record(s)))),
    Case(
        "CBOR within CBOR",
        ("CBOR",),
        lambda s: Wire(cbor2.dumps({"part": cbor2.CBORTag(24, cbor2.dumps(record(s)))}), "application/cbor"),
    ),
    Case("Protocol Buffers", ("Protocol Buffers",), lambda s: Wire(protobuf(s), "application/x-protobuf")),
    Case(
        "Protocol Buffers, undeclared",
        ("Protocol Buffers",),
        lambda s: Wire(protobuf(s), "application/octet-stream"),
    ),
    Case("gRPC", ("gRPC and gRPC-web",), lambda s: Wire(frame(protobuf(s)), "application/grpc")),
    Case(
        "gRPC, compressed",
        ("gRPC and gRPC-web",),
        lambda s: Wire(frame(gzip.compress(protobuf(s), mtime=0), 1), "application/grpc+proto"),
    ),
    Case(
        "gRPC-web in Base64",
        ("gRPC-web in Base64",),
        lambda s: Wire(base64.b64encode(frame(protobuf(s))), "application/grpc-web-text"),
    ),
)
