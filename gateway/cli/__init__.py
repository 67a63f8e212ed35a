"""The command `onward`: arguments and printing only; every decision is made elsewhere.

Exit codes, the same for every command:
    0  done, and nothing stands against it
    1  done, and the answer is no: rules are broken, the ledger does not verify, a check failed, a scan found something
    2  the command line or a setting is wrong, or a scan could not read a file
    3  the gateway or a file it needs could not be reached
"""

from __future__ import annotations

import sys
from typing import NoReturn

from gateway.cli.app import app
from gateway.cli.output import complain
from gateway.core.errors import KeyFileError, LedgerError, OnwardError, RulesError, SettingsError
from gateway.dumps import forbid_core_dumps
from gateway.scan.files import ScanError

EXIT_CODES: tuple[tuple[type[OnwardError], int], ...] = (
    (RulesError, 1),
    (SettingsError, 2),
    (ScanError, 2),
    (LedgerError, 3),
    (KeyFileError, 3),
    (OnwardError, 3),
)


def main() -> NoReturn:
    """Run one command; an error of ours becomes a message and an exit code, never a traceback."""
    forbid_core_dumps()
    try:
        app()
    except OnwardError as error:
        complain(str(error))
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
    sys.exit(0)
