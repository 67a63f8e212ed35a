"""The ledger: each decision on disk before the transfer is released, append-only, chained, and under a signed tree.

`record` says what is kept, `writer` and `reader` are its two sides, `audit` checks the whole of it. The writer works in
a process of its own (`recording`), and `recorder` is what the gateway has of it.
"""

from gateway.ledger.heads import SignedHead, Signer, read_head_file
from gateway.ledger.place import Place
from gateway.ledger.reader import LedgerReader
from gateway.ledger.record import Act, FindingSummary, Outcome, Record
from gateway.ledger.recorder import Recorder
from gateway.ledger.writer import Ledger

__all__ = [
    "Act",
    "FindingSummary",
    "Ledger",
    "LedgerReader",
    "Outcome",
    "Place",
    "Record",
    "Recorder",
    "SignedHead",
    "Signer",
    "read_head_file",
]
