"""What a node that is broken, or another program altogether, may answer: any JSON, with the words of real answers in odd places."""

import httpx
from hypothesis import strategies as st

from credit.deposits.aptos import DEPOSIT
from credit.deposits.evm import TRANSFER
from credit.payouts.evm_refusals import ERROR

HASH = "0x" + "ab" * 32
NAMES = [
    "result", "error", "code", "message", "data", "number", "timestamp", "baseFeePerGas", "status", "logs", "logIndex", "address",
    "topics", "blockNumber", "blockHash", "transactionHash", "removed", "sequence_number", "authentication_key", "gas_estimate",
    "gas_used", "success", "vm_status", "type", "hash", "version", "events", "sender", "store", "amount", "decimals",
    "ledger_version", "frozen", "ledger_infos", "chain_id", "processor_status", "last_success_version",
    "fungible_asset_activities", "transaction_version",
]  # fmt: skip
WORDS = [
    "", "0x", "0x1", "0xzz", "0x" + "f" * 64, "0x" + "f" * 200, "-1", "1_0", " 7", "7", "9" * 30, "9" * 5000, "1.5", "NaN", "\u0663",
    HASH, HASH[:-2] + "\n\n", "0x" + "aa " * 32, TRANSFER, DEPOSIT, ERROR + "zz", "user_transaction", "0x" + "0a" * 20,
]  # fmt: skip


def objects_of(values):
    return st.dictionaries(st.sampled_from(NAMES), values, max_size=6)


numbers = st.integers(-(2**70), 2**300) | st.floats() | st.sampled_from([-1, 0, 1, 2, 31337, 2**63, 2**64])
leaves = st.none() | st.booleans() | numbers | st.sampled_from(WORDS)
anything = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | objects_of(inner), max_leaves=12)

# As a JSON-RPC node wraps what it says, or as it comes.
bodies = anything | objects_of(anything) | st.builds(lambda said: {"result": said}, anything) | st.lists(objects_of(anything))
statuses = st.sampled_from([200, 202, 400, 404])
headers = st.builds(
    lambda chain_id, moment: httpx.Headers({"x-aptos-chain-id": chain_id, "x-aptos-ledger-timestampusec": moment}),
    st.sampled_from(["2", "2", "x", "-1"]),
    st.sampled_from(["", "0", "-1", "1_0", "1700000000000000", "253402300799000000", "9" * 18, "9" * 30]),
)
