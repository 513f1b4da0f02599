"""An OpenID provider in Google's place, over HTTP on loopback: consent, code, PKCE, ID token, keys. It can be told to lie."""

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT_ID, SECRET = "our-client", "our-secret"


@dataclass
class OpenId:
    """`person`: the claims of who is signed in there. `lies`: claims that the ID token gets instead of the true ones."""

    person: dict = field(
        default_factory=lambda: {"sub": "g-1", "email": "carla@example.org", "email_verified": True, "name": "Carla"}
    )
    lies: dict = field(default_factory=dict)
    denies: bool = False
    algorithm: str = "RS256"
    signs_with: object = None  # another key than the one it publishes
    status: int = 200
    without_id_token: bool = False

    def __post_init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.codes: dict[str, dict] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/keys":
                    return self.answer(200, provider.keys())
                self.send_response(302)
                self.send_header("Location", provider.consent(dict(parse_qsl(parts.query))))
                self.end_headers()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self.answer(*provider.token({name: values[0] for name, values in parse_qs(body).items()}))

            def answer(self, status: int, said: dict) -> None:
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def use(self, settings) -> None:
        """The site's settings name this provider."""
        google = settings.SOCIALACCOUNT_PROVIDERS["google"]
        settings.SOCIALACCOUNT_PROVIDERS = {
            "google": google | {"APPS": [{"client_id": CLIENT_ID, "secret": SECRET, "key": ""}]}
        }
        settings.GOOGLE_CLIENT_ID, settings.GOOGLE_ISSUER = CLIENT_ID, self.url
        settings.GOOGLE_AUTHORIZE_URL, settings.GOOGLE_TOKEN_URL = f"{self.url}/authorize", f"{self.url}/token"
        settings.GOOGLE_KEYS_URL = f"{self.url}/keys"

    def keys(self) -> dict:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def consent(self, asked: dict) -> str:
        """The person clicks; back to the site."""
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        if self.denies:
            return f"{asked['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': asked['state']})}"
        code = secrets.token_urlsafe()
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, said: dict) -> tuple[int, dict]:
        """The site's own call. A code is good once, for who began, from the same address."""
        asked = self.codes.pop(said.get("code"), None)
        proof = hashlib.sha256(said.get("code_verifier", "").encode()).digest()
        is_good = (
            asked
            and said["client_secret"] == SECRET
            and said["redirect_uri"] == asked["redirect_uri"]
            and base64.urlsafe_b64encode(proof).decode().rstrip("=") == asked["code_challenge"]
        )
        if not is_good or self.status != 200:
            return max(400, self.status), {"error": "invalid_grant"}
        answer = {"access_token": "access", "token_type": "Bearer", "expires_in": 3600}
        return 200, answer if self.without_id_token else answer | {"id_token": self.id_token(asked)}

    def id_token(self, asked: dict) -> str:
        now = int(time.time())
        claims = {"iss": self.url, "aud": asked["client_id"], "iat": now, "exp": now + 3600, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (claims | self.person | self.lies).items() if value is not None}
        key = self.signs_with if self.algorithm == "HS256" else (self.signs_with or self.key)
        return jwt.encode(claims, None if self.algorithm == "none" else key, self.algorithm, {"kid": "one"})
