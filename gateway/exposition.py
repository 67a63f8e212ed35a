"""The small HTTP server beside the gateway: metrics for Prometheus, and whether it runs and takes traffic."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from prometheus_client import make_wsgi_app

from gateway.core.errors import SettingsError
from gateway.metrics import Metrics

Readiness = Callable[[], Sequence[str]]
"""What keeps the gateway from being ready, one sentence each; empty when it is."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _ServerIPv6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    timeout = 10
    """Seconds a client may take over its request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Scrapes are no news."""


class MetricsServer:
    """Serves /metrics, /healthz (the process runs) and /readyz (it takes traffic) in a thread of its own."""

    def __init__(self, metrics: Metrics, readiness: Readiness, host: str, port: int) -> None:
        """Listen; port 0 takes any that is free. Raises SettingsError when the address is taken."""
        exposition = make_wsgi_app(metrics.registry)

        def answer(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
            match environ.get("PATH_INFO"):
                case "/metrics":
                    return exposition(environ, start)  # type: ignore[no-any-return]
                case "/healthz":
                    return _text(start, "200 OK", "alive")
                case "/readyz":
                    obstacles = _obstacles(readiness)
                    return _text(
                        start,
                        "503 Service Unavailable" if obstacles else "200 OK",
                        *(obstacles or ("ready",)),
                    )
            return _text(start, "404 Not Found", "try /metrics, /healthz or /readyz")

        try:
            self._server = make_server(
                host,
                port,
                answer,
                server_class=_ServerIPv6 if ":" in host else _Server,
                handler_class=_Quiet,
            )
        except (OSError, OverflowError) as error:
            what = getattr(error, "strerror", None) or str(error)
            raise SettingsError(f"metrics_port: cannot listen on {host}:{port}: {what}") from error
        self.port: int = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True, name="metrics")
        self._thread.start()

    def close(self) -> None:
        """Stop answering. Safe to call twice."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _obstacles(readiness: Readiness) -> Sequence[str]:
    try:
        return readiness()
    except Exception as error:  # noqa: BLE001 - border: who cannot say that it is ready is not
        return (f"readiness cannot be told: {type(error).__name__}",)


def _text(start: StartResponse, status: str, *lines: str) -> Iterable[bytes]:
    start(status, [("content-type", "text/plain; charset=utf-8"), ("cache-control", "no-store")])
    return ["\n".join(lines).encode() + b"\n"]
