"""What `addons/onward.py` installs, with a decision that is scripted: requests to `/pass` pass, others do not."""

from __future__ import annotations

import os

from mitmproxy.master import Master

from gateway.core.model import Transfer, Verdict
from gateway.proxy.bounds import Bounds
from gateway.proxy.front import Front, FrontSettings
from gateway.proxy.network import Targets
from gateway.proxy.script import enclose
from tests.proxy.gateway import ScriptedExaminer, block, release


def install(chief: Master) -> None:
    """Stands in for `gateway.proxy.script.install`."""
    if chief.addons.get("onward") is not None:
        return

    def decide(transfer: Transfer) -> Verdict:
        return release(transfer) if transfer.message.target == b"/pass" else block(transfer)

    port = int(os.environ["ORIGIN_PORT"])
    settings = FrontSettings(
        frozenset({port}), Targets([f"localhost:{port}"]), 1.0, Bounds(2**20, 2**22, 10, 10)
    )
    enclose(chief, Front(ScriptedExaminer(decide=decide), settings))
