"""One frozen Settings, from defaults, a TOML file and `ONWARD_*` environment variables, later ones winning."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib import resources
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import TypeAdapter, ValidationError

from gateway.core.errors import SettingsError

PREFIX = "ONWARD_"
LISTS = ("modes", "allowed_ports", "allow_internal")
"""Settings that hold several values; in the environment they are separated by commas."""


def shipped(name: str) -> Path:
    """A folder that ships with the package (`rules`, `addons`): in the wheel, or beside the package in a checkout."""
    inside = Path(str(resources.files("gateway"))) / "_data" / name
    return inside if inside.is_dir() else Path(str(resources.files("gateway"))).parent / name


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything an operator can set. Sizes are in bytes, times in seconds, ports in numbers."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    rules: Path = field(default_factory=lambda: shipped("rules"))
    """Folder with law, policy and agent register."""
    state: Path = Path("state")
    """Folder for ledger, keys and the certificate authority; keep it private and backed up."""
    model: Path = field(default_factory=lambda: Path(str(resources.files("gateway"))) / "models" / "names-xx")
    gateway_id: str = "gateway-1"
    """Name of this gateway in the ledger; no two gateways share one."""
    database: str | None = None
    """URL of the ledger's database, e.g. `postgresql://onward@db.example.org/onward`; else SQLite in `state`."""
    heads: Path | None = None
    """Folder on another disk or machine where the ledger's newest signed head is kept as well."""

    listen_host: str = "127.0.0.1"
    listen_port: int = 8080
    modes: tuple[str, ...] = ("regular",)
    """mitmproxy mode specs: regular, upstream:URL, reverse:URL, transparent, socks5."""
    allowed_ports: tuple[int, ...] = (80, 443)
    """Destination ports a client may ask for."""
    allow_internal: tuple[str, ...] = ()
    """Targets inside the company that may be reached all the same, as `host:port` or networks in CIDR notation."""
    upstream_ca: Path | None = None
    client_certificates: Path | None = None
    """Folder with a PEM file (key and certificates) for each agent that asks for one, named `HOST.pem`."""
    """PEM file with further certificate authorities that agents may use."""
    proxy_auth: str | None = None
    """mitmproxy proxyauth spec, e.g. `@/etc/onward/htpasswd`."""
    websocket: Literal["inspect", "refuse"] = "inspect"

    workers: int = 1
    """Inspection processes; one fewer than there are cores is a good number."""
    worker_memory_bytes: int = 4 * 2**30
    time_limit_s: float = 10.0
    """Longest time one transfer may wait for its inspection."""
    max_body_bytes: int = 10 * 2**20
    max_expanded_bytes: int = 32 * 2**20
    """Sum of what decompression may write for one transfer; beyond it the rest counts as unread."""
    max_expansion_ratio: int = 100
    """How many times its size a compressed layer may grow to; beyond it, and over a mebibyte, it counts as unread."""
    max_depth: int = 64
    """How deep formats may be nested; what lies deeper counts as unread."""
    max_parts: int = 1000
    """Parts of one multipart body, members of one archive or compressed layer; more count as unread."""
    max_waiting_bytes: int = 128 * 2**20
    """Sum of the bodies waiting for inspection; beyond it transfers are refused."""
    max_held_bytes: int = 256 * 2**20
    """Sum of what is held of requests until they are on their way; beyond it transfers are refused."""
    head_limit_s: float = 10.0
    """How long an HTTP/1 request head may take from its first byte to its last."""
    receive_limit_s: float = 120.0
    """How long a request body may take to arrive."""
    cache_entries: int = 4096
    """Inspections remembered by keyed hash of their message."""
    ledger_timeout_s: float = 5.0
    hold_max_bytes: int = 2**20
    """Largest transfer whose content is kept for review; larger ones are held without it."""
    hold_total_bytes: int = 256 * 2**20
    """Sum of what is kept for review."""
    drain_s: float = 10.0
    """How long transfers under way may take to finish at shutdown."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    """`json` writes one object a line."""
    siem: str | None = None
    """Where decisions, outcomes and acts go as OCSF events: `file:///PATH`, or `udp://`, `tcp://`, `tls://HOST:PORT`."""
    siem_ca: Path | None = None
    """PEM file with the authorities that the collector's certificate may be signed by; else those of the system."""
    metrics_host: str = "127.0.0.1"
    metrics_port: int = 9464

    console_host: str = "127.0.0.1"
    console_port: int = 8464
    console_url: str | None = None
    """Address under which browsers reach the console, where a TLS proxy stands before it."""
    console_certificate: Path | None = None
    """PEM file with the console's TLS certificate and those that sign it."""
    console_key: Path | None = None
    """PEM file with the key of that certificate."""
    console_with_gateway: bool = False
    """Whether `onward serve` also starts the console, as a process of its own."""
    oidc_issuer: str | None = None
    """Address of a provider of identities (OpenID Connect) by which people sign in to the console."""
    oidc_client_id: str | None = None
    oidc_secret_file: Path | None = None
    """File with the client's secret at the provider."""
    oidc_claim: str = "sub"
    """Claim of the provider by which an account is known."""

    def __post_init__(self) -> None:
        positive = (
            *("workers", "max_body_bytes", "max_waiting_bytes", "max_held_bytes"),
            *("max_expanded_bytes", "max_expansion_ratio", "max_depth", "max_parts"),
        )
        for name in (*positive, "time_limit_s", "ledger_timeout_s", "head_limit_s", "receive_limit_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if not self.modes:
            raise ValueError("modes must name at least one mode, e.g. regular")
        if self.siem_ca is not None and not (self.siem or "").startswith("tls://"):
            raise ValueError("siem_ca is for a collector spoken to over TLS; begin siem with tls://")
        if (self.console_certificate is None) != (self.console_key is None):
            raise ValueError("console_certificate and console_key belong together; name both or none")
        if len({one is None for one in (self.oidc_issuer, self.oidc_client_id, self.oidc_secret_file)}) > 1:
            raise ValueError(
                "oidc_issuer, oidc_client_id and oidc_secret_file belong together; name all or none"
            )
        if not self.allowed_ports:
            raise ValueError("allowed_ports must name at least one port, e.g. 443")


def load_settings(file: Path | None, environ: Mapping[str, str], **given: Any) -> Settings:
    """Settings from `file` (TOML), then `environ`, then `given` (what the command line says; None means not said).

    Raises:
        SettingsError: naming the key and where it was read.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    if file is not None:
        try:
            values |= tomllib.loads(file.read_text("utf-8"))
        except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
            raise SettingsError(f"{file}: cannot be read as TOML: {error}") from error
        origin |= dict.fromkeys(values, str(file))
    known = {one.name for one in fields(Settings)}
    for key, value in environ.items():
        name = key.removeprefix(PREFIX).lower()
        if key.startswith(PREFIX) and name in known:
            values[name] = (
                [part.strip() for part in value.split(",") if part.strip()] if name in LISTS else value
            )
            origin[name] = f"environment variable {key}"
    said = {name: value for name, value in given.items() if value is not None}
    values |= said
    origin |= dict.fromkeys(said, "command line")
    try:
        return TypeAdapter(Settings).validate_python(values)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_url=False):
            name = str(fault["loc"][0]) if fault["loc"] else ""
            where = origin.get(name, "settings")
            faults.append(f"{where}: {name}: {str(fault['msg']).removeprefix('Value error, ')}")
        raise SettingsError("\n".join(faults)) from error
