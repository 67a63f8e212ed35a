r"""Checks a receipt of `onward ledger prove`, or a growth proof of `onward ledger head --since`, without Onward.

    python check_receipt.py RECEIPT.json --key PUBLIC_KEY_HEX

Needs Python 3.10 and the package `cryptography`. The key is the gateway's public signing key (`onward ledger head`
prints it); get it from the operator on another way than the receipt. Exit code 0 if all of it holds, 1 if not.

What is checked (RFC 9162, section 2.1, over SHA-256):
  record hash  SHA-256("onward-record-1\n" SEQ "\n" PREVIOUS HASH "\n" RECORD), as text in ASCII
  leaf         SHA-256(0x00 record hash)            node   SHA-256(0x01 left right)
  head         Ed25519 over the head's canonical JSON: keys sorted, no blanks, "context" added, "signature" left out
"""

import argparse
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def signed_by(head, key):
    """Whether the head is signed by the key."""
    said = {name: value for name, value in head.items() if name != "signature"}
    said["context"] = "onward-tree-head-1"
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(bytes.fromhex(head["signature"]), text.encode())
    except InvalidSignature:
        return False
    return head["key"] == key.hex()


def root_with(leaf, index, size, path):
    """The root that an inclusion path leads to (section 2.1.3.2), or None if it leads nowhere."""
    first, last, found = index, size - 1, leaf
    if not 0 <= index < size:
        return None
    for step in path:
        if last == 0:
            return None
        if first & 1 or first == last:
            found = node(step, found)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            found = node(found, step)
        first, last = first >> 1, last >> 1
    return found if last == 0 else None


def roots_with(old, new, old_root, path):
    """The roots of the older and the newer tree that a consistency path leads to (section 2.1.4.2)."""
    if old == new:
        return (old_root, old_root) if not path else (None, None)
    steps = list(path) if old & (old - 1) else [old_root, *path]
    first, last = old - 1, new - 1
    if not 0 < old < new or not steps:
        return None, None
    while first & 1:
        first, last = first >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None, None
        if first & 1 or first == last:
            older, newer = node(step, older), node(step, newer)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            newer = node(newer, step)
        first, last = first >> 1, last >> 1
    return (older, newer) if last == 0 else (None, None)


def faults_of(proof, key):
    """What is wrong with a receipt or a growth proof; nothing if all of it holds."""
    path = [bytes.fromhex(step) for step in proof["path"]]
    if proof["format"] == "onward-receipt-1":
        head = proof["head"]
        if not signed_by(head, key):
            yield "the head is not signed by this key"
        framed = f"onward-record-1\n{proof['seq']}\n{proof['previous'] or FIRST}\n{proof['record']}"
        record = hashlib.sha256(framed.encode("utf-8", "surrogatepass")).digest()
        leaf = hashlib.sha256(b"\x00" + record).digest()
        root = root_with(leaf, proof["seq"] - 1, head["size"], path)
        if root is None or root.hex() != head["root"]:
            yield "the record does not stand at this place of the ledger that the head was signed over"
    elif proof["format"] == "onward-consistency-1":
        old, new = proof["old"], proof["new"]
        for name, head in (("older", old), ("newer", new)):
            if not signed_by(head, key):
                yield f"the {name} head is not signed by this key"
        if old["ledger"] != new["ledger"]:
            yield "the heads are of two ledgers"
        older, newer = roots_with(old["size"], new["size"], bytes.fromhex(old["root"]), path)
        if older is None or newer is None or (older.hex(), newer.hex()) != (old["root"], new["root"]):
            yield "the newer ledger does not begin with the older one"
    else:
        yield "this is no proof of a known format"


FIRST = hashlib.sha256(b"onward-ledger-1").hexdigest()
"""What the first record follows."""


def main():
    parser = argparse.ArgumentParser(description="Check a receipt of an Onward ledger.")
    parser.add_argument("file")
    parser.add_argument("--key", required=True, help="the gateway's public signing key, hex")
    given = parser.parse_args()
    try:
        with open(given.file, encoding="utf-8") as file:
            faults = list(faults_of(json.load(file), bytes.fromhex(given.key)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        faults = [f"it cannot be read: {type(error).__name__}: {error}"]
    for fault in faults:
        print(f"NOT PROVEN: {fault}", file=sys.stderr)
    if not faults:
        print("proven")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
