"""The front inside a stock mitmdump: `mitmdump -s addons/onward.py`, with settings from the environment.

mitmproxy reloads a script whenever its file changes, and unloads it when the file breaks or goes; requests then pass
uninspected. So the script only installs the front here, as an addon of its own that outlives the script. `onward serve`
has no script loader, fewer addons and no flow list, and is what production should run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from pathlib import Path

from mitmproxy.master import Master

from gateway.core.errors import OnwardError
from gateway.dumps import forbid_core_dumps
from gateway.proxy.front import Front
from gateway.proxy.options import SAFE, asked_for_unsafe, freeze
from gateway.proxy.serve import front_of, targets_of
from gateway.runtime import Runtime
from gateway.settings import load_settings

log = logging.getLogger(__name__)


def install(chief: Master) -> None:
    """Add the front to `chief` for good. Ends the process where that cannot be: without the front nothing may run."""
    if chief.addons.get("onward") is not None:
        return
    forbid_core_dumps()
    try:
        config = os.environ.get("ONWARD_CONFIG")
        settings = load_settings(Path(config) if config else None, os.environ)
        targets = targets_of(settings)
        runtime = Runtime(settings)
        targets.guard(chief.event_loop)
        enclose(chief, front_of(runtime, targets))
    except OnwardError as error:
        sys.exit(f"onward: {error}")
    chief.addons.add(_Life(chief, runtime))


def enclose(chief: Master, front: Front) -> None:
    """Freeze the options of `chief` and put `front` behind all its addons. Ends the process if options are unsafe."""
    unsafe = asked_for_unsafe(chief.options)
    if unsafe:
        sys.exit(f"onward: these options let traffic by uninspected, leave them out: {', '.join(unsafe)}")
    scripts = list(chief.options.scripts)
    if len(scripts) != 1:
        sys.exit("onward: no script beside addons/onward.py may run: it could change what was inspected")
    # Before all that may fail: from here on every request is refused unless it is released.
    chief.addons.add(front)
    try:
        freeze(chief, {**SAFE, "scripts": scripts})
    except Exception as error:  # noqa: BLE001 - border: whatever mitmproxy says, it must not run like this
        sys.exit(f"onward: {error}")


class _Life:
    """Starts the runtime with mitmproxy and ends it with mitmproxy. Until it is started, transfers are refused."""

    name = "onward-runtime"

    def __init__(self, chief: Master, runtime: Runtime) -> None:
        self._chief = chief
        self._runtime = runtime
        self._start = asyncio.ensure_future(self._started())

    async def _started(self) -> None:
        try:
            await self._runtime.start()
        except OnwardError as error:
            log.error("the gateway cannot start: %s", error)
            self._chief.shutdown()

    async def done(self) -> None:
        """Mitmproxy ends."""
        await self._start
        await self._runtime.stop()
