"""Signing in by a provider of identities (OpenID Connect, authorization code with PKCE).

Rules kept here and nowhere else:
 * Who comes back is the browser that left: state and nonce are its own, used once, within ten minutes.
 * A token counts with the provider's signature, for us, now, and with that nonce; all else is refused alike.
 * The provider says who somebody is. What they may do stands in the accounts of the console.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from starlette.responses import Response

from gateway.console.entrance import let_in, login
from gateway.console.visit import Visit
from gateway.core.errors import SettingsError
from gateway.core.review import NotAllowed
from gateway.settings import Settings

AWAY_S = 600.0
"""How long somebody may take at the provider."""
MOST_AWAY = 1000
TIMEOUT_S = 10.0
LEEWAY_S = 60
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519")
"""Signatures with a key of the provider's own; none that the client's secret could make."""


@dataclass(frozen=True, slots=True)
class _Away:
    nonce: str
    verifier: str
    until: float


_away: OrderedDict[str, _Away] = OrderedDict()
_lock = threading.Lock()


def subject_of(settings: Settings, name: str) -> str:
    """A name at the provider of these settings."""
    return f"{settings.oidc_issuer} {name}"


def oidc(visit: Visit) -> Response:
    """Send the browser to the provider."""
    settings = _settings(visit)
    known = _discovered(settings)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    with _session(visit) as session:
        address, _ = session.create_authorization_url(
            known["authorization_endpoint"], state=state, nonce=nonce, code_verifier=verifier
        )
    with _lock:
        _away[state] = _Away(nonce, verifier, time.monotonic() + AWAY_S)
        while len(_away) > MOST_AWAY:
            _away.popitem(last=False)
    response = visit.go(address)
    visit.set_cookie(response, "away", state)
    return response


def oidc_back(visit: Visit) -> Response:
    """Let somebody in whom the provider knows and who has an account."""
    settings, state = _settings(visit), visit.asked("state")
    with _lock:
        left = _away.pop(state, None)
    brought = visit.request.cookies.get(visit.cookie("away"), "")
    code = visit.asked("code")
    if (
        left is None
        or not code
        or time.monotonic() > left.until
        or not secrets.compare_digest(brought, state)
    ):
        return login(visit, "login.oidc-failed", 401)
    try:
        claims = _claims(visit, settings, code, left)
    except (AuthlibBaseError, JoseError, requests.RequestException, ValueError, LookupError):
        return login(visit, "login.oidc-failed", 401)
    account = visit.console.accounts.of_subject(subject_of(settings, str(claims[settings.oidc_claim])))
    if account is None or not account.active:
        return login(visit, "login.oidc-unknown", 403)
    response = let_in(visit, account, "oidc")
    visit.forget_cookie(response, "away")
    return response


def check(settings: Settings) -> None:
    """Raises SettingsError where the client's secret would cross a network in clear, or cannot be read."""
    if settings.oidc_issuer is None:
        return
    parts = urlsplit(settings.oidc_issuer)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise SettingsError(f"oidc_issuer {settings.oidc_issuer}: write an https:// address")
    _secret(settings)


def _claims(visit: Visit, settings: Settings, code: str, left: _Away) -> dict[str, Any]:
    """What the provider vouches for. Raises for whatever is not as it must be."""
    known = _discovered(settings)
    with _session(visit) as session:
        token = session.fetch_token(
            known["token_endpoint"],
            code=code,
            code_verifier=left.verifier,
            timeout=TIMEOUT_S,
            allow_redirects=False,
        )
    keys = requests.get(known["jwks_uri"], timeout=TIMEOUT_S, allow_redirects=False)
    keys.raise_for_status()
    read = jwt.decode(token["id_token"], KeySet.import_key_set(keys.json()), algorithms=list(ALGORITHMS))
    jwt.JWTClaimsRegistry(
        leeway=LEEWAY_S,
        iss={"essential": True, "value": str(settings.oidc_issuer)},
        aud={"essential": True, "value": str(settings.oidc_client_id)},
        exp={"essential": True},
        nonce={"essential": True, "value": left.nonce},
    ).validate(read.claims)
    return dict(read.claims)


def _discovered(settings: Settings) -> dict[str, str]:
    address = f"{str(settings.oidc_issuer).rstrip('/')}/.well-known/openid-configuration"
    try:
        answer = requests.get(address, timeout=TIMEOUT_S, allow_redirects=False)
        answer.raise_for_status()
        known: dict[str, str] = answer.json()
        if known["issuer"] != settings.oidc_issuer:
            raise ValueError("another issuer")
    except (requests.RequestException, ValueError, LookupError, TypeError) as error:
        raise NotAllowed(
            f"the provider of identities does not answer as it should ({type(error).__name__})"
        ) from None
    return known


def _session(visit: Visit) -> OAuth2Session:
    settings = visit.console.settings
    return OAuth2Session(
        settings.oidc_client_id,
        _secret(settings),
        scope="openid",
        redirect_uri=f"{visit.console.url}/oidc/back",
        code_challenge_method="S256",
    )


def _settings(visit: Visit) -> Settings:
    if visit.console.settings.oidc_issuer is None:
        raise NotAllowed("no provider of identities is set; see `oidc_issuer`")
    return visit.console.settings


def _secret(settings: Settings) -> str:
    file = settings.oidc_secret_file
    try:
        return file.read_text().strip() if file is not None else ""
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"oidc_secret_file {file}: cannot be read ({type(error).__name__})") from None
