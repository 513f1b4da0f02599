"""What a full node says of an account. Any doubt is a refusal: a key that was replaced must not sign in while a node is down."""

import re
from dataclasses import dataclass

import httpx

from common import asking
from users.wallets.refusals import Reason, Refused

TIMEOUT = httpx.Timeout(5.0)
SECONDS = 10.0  # somebody waits for the page
ANSWER_BYTES_MAX = 64 << 10
IS_VALID_SIGNATURE = bytes.fromhex("1626ba7e")  # selector and answer of EIP-1271
HEX = re.compile("0x[0-9a-fA-F]*")
GAS_MAX = 5_000_000  # for a contract that checks a signature


def unavailable(detail: object) -> Refused:
    return Refused(Reason.CHAIN_UNAVAILABLE, str(detail)[:200])


def ask(method: str, url: str, **request) -> tuple[httpx.Headers, dict]:
    """The JSON object that a node answers. Raises Refused for anything else."""
    try:
        response = asking.ask(method, url, bytes_max=ANSWER_BYTES_MAX, timeout=TIMEOUT, seconds=SECONDS, **request)
        answer = asking.json_of(response)
    except asking.NoAnswer as error:
        raise unavailable(error) from error
    if not response.is_success:
        raise unavailable(f"status {response.status_code}")
    if not isinstance(answer, dict):
        raise unavailable("not an object")
    return response.headers, answer


@dataclass(frozen=True)
class AptosNode:
    """`url` ends with /v1."""

    url: str
    chain_id: int

    def authentication_key(self, address: str) -> str:
        """Of the account, as the chain holds it now. Nodes answer for accounts that were never used too (AIP-115)."""
        headers, account = ask("GET", f"{self.url}/accounts/{address}")
        if headers.get("x-aptos-chain-id") != str(self.chain_id):
            raise unavailable(f"the node is on chain {headers.get('x-aptos-chain-id')}, not {self.chain_id}")
        if not isinstance(key := account.get("authentication_key"), str):
            raise unavailable("no authentication key")
        return key


@dataclass(frozen=True)
class EvmNode:
    """A JSON-RPC endpoint; an empty `url` knows no contracts."""

    url: str
    chain_id: int

    def is_valid_signature(self, address: str, digest: bytes, signature: bytes) -> bool:
        """EIP-1271: does the contract at `address`, if there is one, call the signature its own?"""
        if not self.url:
            return False
        if int("0" + self._call("eth_chainId")[2:], 16) != self.chain_id:
            raise unavailable("the node is on another chain")
        if self._call("eth_getCode", address, "latest") == "0x":
            return False
        call = {"to": address, "data": "0x" + _question(digest, signature).hex(), "gas": hex(GAS_MAX)}
        return self._call("eth_call", call, "latest", reverts="0x").startswith("0x" + IS_VALID_SIGNATURE.hex())

    def _call(self, method: str, *parameters, reverts: str | None = None) -> str:
        """The result, hex digits after 0x; `reverts`: what a contract's own refusal counts as."""
        _, answer = ask("POST", self.url, json={"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters})
        if isinstance(result := answer.get("result"), str) and HEX.fullmatch(result):
            return result
        if reverts is not None and isinstance(answer.get("error"), dict):
            return reverts
        raise unavailable(answer.get("error", "no hex digits"))


def _question(digest: bytes, signature: bytes) -> bytes:
    """ABI encoding of isValidSignature(bytes32 digest, bytes signature)."""
    padding = b"\0" * (-len(signature) % 32)
    return IS_VALID_SIGNATURE + digest + (64).to_bytes(32, "big") + len(signature).to_bytes(32, "big") + signature + padding
