"""Wallets of a test's people: they answer a challenge as the real ones do."""

from hashlib import sha3_256

from eth_keys import keys
from nacl.signing import SigningKey

from users.wallets.aptos import SIWA_DOMAIN, siwa_text
from users.wallets.evm import digest_of


class Petra:
    """An Aptos wallet with one Ed25519 key, which may not be the one its address came from."""

    def __init__(self, seed: int, *, address: str = "") -> None:
        self.key = SigningKey(bytes([seed]) * 32)
        self.authentication_key = "0x" + sha3_256(bytes(self.key.verify_key) + b"\0").hexdigest()
        self.address = address or self.authentication_key

    def sign_in(self, challenge: dict) -> dict:
        said = challenge["signIn"] | {"address": self.address}
        return self._answer(challenge, SIWA_DOMAIN + siwa_text(said, self.address).encode(), said) | {"version": "2"}

    def sign_message(self, challenge: dict, *, domain: str) -> dict:
        said = (
            f"APTOS\naddress: {self.address}\napplication: {domain}\nchainId: {challenge['chainId']}\n"
            f"message: {challenge['statement']}\nnonce: {challenge['nonce']}"
        )
        return self._answer(challenge, said.encode(), said)

    def _answer(self, challenge: dict, message: bytes, said) -> dict:
        return {
            "nonce": challenge["nonce"],
            "address": self.address,
            "scheme": "ed25519",
            "publicKey": "0x20" + bytes(self.key.verify_key).hex(),
            "signature": "0x40" + self.key.sign(message).signature.hex(),
            "said": said,
        }


class MetaMask:
    """An EVM wallet with one key."""

    def __init__(self, seed: int) -> None:
        self.key = keys.PrivateKey(bytes([seed]) * 32)
        self.address = self.key.public_key.to_checksum_address()

    def sign(self, challenge: dict) -> dict:
        signature = self.key.sign_msg_hash(digest_of(challenge["text"])).to_bytes()
        return {"nonce": challenge["nonce"], "signature": "0x" + (signature[:64] + bytes([signature[64] + 27])).hex()}
