"""EVM signatures: a published example, what is refused, and that reading them leaves the process as it was."""

import subprocess
import sys

import pytest

from users.wallets import evm
from users.wallets.refusals import Refused

# eth-account's documented example of sign_message (EIP-191): key b25c7db3…, text "I♥SF"
SIGNER = "0x5ce9454909639D2D17A3F753ce7d93fa0b9aB12E"
SIGNATURE = (
    "0xe6ca9bba58c88611fad66a6ce8f996908195593807c4b38bd528d2cff09d4eb3"
    "3e5bfbbf4d3e39b1a2fd816a7680c19ebebaf3a141b239934ad43cb33fcec8ce1c"
)


def no_contract(address: str, digest: bytes, signature: bytes) -> bool:
    return False


def test_a_published_signature_is_good():
    evm.verify("I♥SF", SIGNER, SIGNATURE, is_valid_signature=no_contract)


@pytest.mark.parametrize(
    "signature",
    ["0x" + "00" * 65, "0x" + "ff" * 65, SIGNATURE[:-2] + "1b", SIGNATURE[:-2] + "ff", SIGNATURE[:-2], "0x", None, 7],
)
def test_another_signature_is_refused(signature):
    with pytest.raises(Refused):
        evm.verify("I♥SF", SIGNER, signature, is_valid_signature=no_contract)


def test_a_contract_may_call_any_signature_its_own():
    evm.verify("I♥SF", SIGNER, "0x1234", is_valid_signature=lambda address, digest, signature: signature == b"\x12\x34")


def test_recovering_a_signer_leaves_the_recursion_limit():
    """py_ecc, which eth_account brings, sets it to 100,000: deep JSON then ends the process."""
    code = (
        "import sys; from users.wallets import evm; before = sys.getrecursionlimit();"
        f"evm.verify('I♥SF', {SIGNER!r}, {SIGNATURE!r}, is_valid_signature=None); assert sys.getrecursionlimit() == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
