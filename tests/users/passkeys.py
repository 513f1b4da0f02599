"""A passkey in software: it answers what a browser's authenticator answers."""

import hashlib
import json
import secrets

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import Aaguid, AttestationObject, AttestedCredentialData, AuthenticatorData

PRESENT_AND_VERIFIED = AuthenticatorData.FLAG.UP | AuthenticatorData.FLAG.UV
WITH_KEY = PRESENT_AND_VERIFIED | AuthenticatorData.FLAG.AT


class Passkey:
    """One key for one site."""

    def __init__(self, *, site: str = "testserver", origin: str = "https://testserver") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.id = secrets.token_bytes(16)
        self.origin, self.rp_hash = origin, hashlib.sha256(site.encode()).digest()

    def create(self, challenge: str = "AAAA") -> dict:
        """The answer to navigator.credentials.create."""
        public = ES256.from_cryptography_key(self.key.public_key())
        data = AttestedCredentialData.create(Aaguid.NONE, self.id, public)
        seen = AuthenticatorData.create(self.rp_hash, WITH_KEY, 0, data)
        attestation = AttestationObject.create("none", seen, {})
        said = {"clientDataJSON": websafe_encode(self._client("webauthn.create", challenge))}
        return self._credential(said | {"attestationObject": websafe_encode(bytes(attestation))})

    def get(self, challenge: str) -> dict:
        """The answer to navigator.credentials.get."""
        seen = AuthenticatorData.create(self.rp_hash, PRESENT_AND_VERIFIED, 1)
        client = self._client("webauthn.get", challenge)
        signature = self.key.sign(bytes(seen) + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        said = {"clientDataJSON": client, "authenticatorData": bytes(seen), "signature": signature}
        return self._credential({name: websafe_encode(value) for name, value in said.items()})

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _credential(self, response: dict) -> dict:
        name = websafe_encode(self.id)
        return {"type": "public-key", "id": name, "rawId": name, "clientExtensionResults": {}, "response": response}
