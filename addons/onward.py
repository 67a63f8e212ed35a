"""Onward as a mitmproxy script: `mitmdump -s addons/onward.py`. All that matters is in `gateway.proxy.script`."""

from __future__ import annotations

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader

from gateway.proxy.script import install


def load(loader: Loader) -> None:
    """Put the front behind mitmdump's addons; reloading this file changes nothing any more."""
    install(ctx.master)
