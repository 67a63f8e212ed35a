"""A small provider of identities on loopback: discovery, authorization, tokens with its own signature, keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey

CLIENT, SECRET = "onward-console", "a secret of both"


class Provider:
    """Signs everybody in as `name`. `lies` are claims that tokens say otherwise; `forged` signs with another key."""

    def __init__(self) -> None:
        self.name = "person-77"
        self.lies: dict[str, Any] = {}
        self.forged = False
        self._key = ECKey.generate_key("P-256", {"kid": "k1", "alg": "ES256", "use": "sig"})
        self._codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path, query = urlsplit(self.path).path, parse_qs(urlsplit(self.path).query)
                asked = {name: values[0] for name, values in query.items()}
                if path == "/.well-known/openid-configuration":
                    places = {
                        "authorization_endpoint": "authorize",
                        "token_endpoint": "token",
                        "jwks_uri": "keys",
                    }
                    self.say({"issuer": provider.url} | {k: f"{provider.url}/{v}" for k, v in places.items()})
                elif path == "/keys":
                    self.say({"keys": [provider._key.as_dict(private=False)]})
                elif (
                    path == "/authorize" and asked["client_id"] == CLIENT and asked["response_type"] == "code"
                ):
                    code = secrets.token_urlsafe(16)
                    provider._codes[code] = asked
                    self.send_response(302)
                    back = urlencode({"code": code, "state": asked["state"]})
                    self.send_header("location", f"{asked['redirect_uri']}?{back}")
                    self.end_headers()
                else:
                    self.send_error(404)

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                asked = provider._codes.pop(form["code"][0], None)
                digest = hashlib.sha256(form.get("code_verifier", [""])[0].encode()).digest()
                challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
                trusted = self.headers.get("authorization") == f"Basic {known}"
                if asked is None or challenge != asked["code_challenge"] or not trusted:
                    self.send_error(400)
                    return
                now = int(time.time())
                claims = {"iss": provider.url, "aud": CLIENT, "sub": provider.name, "nonce": asked["nonce"]}
                claims |= {"iat": now, "exp": now + 300} | provider.lies
                key = ECKey.generate_key("P-256", {"kid": "k1"}) if provider.forged else provider._key
                token = jwt.encode({"alg": "ES256", "kid": "k1"}, claims, key)
                self.say({"access_token": "unused", "token_type": "Bearer", "id_token": token})

            def say(self, what: object) -> None:
                body = json.dumps(what).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
