"""The mitmproxy options that would open a way round the inspection: frozen, at start and while running."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mitmproxy import ctx, exceptions
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy import mode_specs

SAFE: Mapping[str, Any] = {
    "rawtcp": False,
    "stream_large_bodies": None,
    "store_streamed_bodies": False,
    "ignore_hosts": [],
    "allow_hosts": [],
    "tcp_hosts": [],
    "udp_hosts": [],
    "show_ignored_hosts": False,
    "validate_inbound_headers": True,
    "ssl_insecure": False,
    "http3": False,
    "websocket": True,
    "body_size_limit": None,
    "http2_ping_keepalive": 58,
    "onboarding": False,
    "modify_body": [],
    "modify_headers": [],
    "map_local": [],
    "map_remote": [],
    "client_replay": [],
    "server_replay": [],
    "save_stream_file": None,
    "hardump": "",
    "rfile": None,
    "stickyauth": None,
    "stickycookie": None,
    "anticache": False,
    "anticomp": False,
    "block_list": [],
    "proxy_debug": False,
    "flow_detail": 0,
    "termlog_verbosity": "error",
    "connection_strategy": "lazy",
    "upstream_cert": False,
    "web_open_browser": False,
}
"""Option and the only value it may have. Those that the running mitmproxy does not know are passed over."""


class OptionsGuard:
    """Refuses every change of a frozen option: mitmproxy rolls it back, or does not start."""

    def __init__(self, frozen: Mapping[str, Any]) -> None:
        """Freeze these options at these values."""
        self._frozen = frozen

    def seal(self, options: Options) -> None:
        """From now on no option changes at all: a mode or an authority of someone else's is a way round as well."""
        self._frozen = {name: getattr(options, name) for name in options.keys()}  # noqa: SIM118 - no mapping

    def configure(self, updated: set[str]) -> None:
        """Mitmproxy's hook for changed options. Raises OptionsError naming the option and its safe value."""
        for mode in ctx.options.mode:
            if not is_http(mode):
                raise exceptions.OptionsError(
                    f"mode {mode!r} brings in what cannot be inspected: use regular, upstream, reverse (http or "
                    "https), transparent or socks5"
                )
        changed = [
            name
            for name in sorted(updated & self._frozen.keys())
            if not _same(getattr(ctx.options, name), self._frozen[name])
        ]
        for name in changed:
            # A changed option is rolled back by mitmproxy, but not one that its command options.reset set back.
            ctx.options._options[name].set(self._frozen[name])  # noqa: SLF001 - no other way
        if changed:
            raise exceptions.OptionsError(
                f"option {changed[0]} must stay {self._frozen[changed[0]]!r}: other values let traffic by uninspected"
            )


def freeze(chief: Master, frozen: Mapping[str, Any] = SAFE) -> OptionsGuard:
    """Set every frozen option of `chief` to its safe value, and refuse every change from now on.

    Raises:
        OptionsError: a mode is unsafe.
    """
    known = {name: value for name, value in frozen.items() if name in chief.options}
    guard = OptionsGuard(known)
    chief.options.update(**known)
    chief.addons.add(guard)
    # In front of all others, for mitmproxy rolls an option back, but not what addons did on seeing it.
    chief.addons.chain.insert(0, chief.addons.chain.pop())
    guard.configure(set(known))
    return guard


def asked_for_unsafe(options: Options) -> list[str]:
    """Options that somebody set to an unsafe value; those unsafe by mitmproxy's default are not among them."""
    return [
        name
        for name, safe in SAFE.items()
        if name in options
        and not _same(getattr(options, name), safe)
        and not _same(getattr(options, name), options.default(name))
    ]


def is_http(mode: str) -> bool:
    """Whether all that arrives in this mode can be inspected."""
    try:
        spec = mode_specs.ProxyMode.parse(mode)
    except ValueError:
        return False
    if isinstance(spec, mode_specs.ReverseMode | mode_specs.UpstreamMode):
        return spec.scheme in ("http", "https")
    return isinstance(spec, mode_specs.RegularMode | mode_specs.TransparentMode | mode_specs.Socks5Mode)


def _same(found: Any, safe: Any) -> bool:
    return list(found) == list(safe) if isinstance(safe, list | tuple) else bool(found == safe)
