"""Nodes that answer nonsense, and chains on which anybody may write anything: no payment is made up, no other one is lost."""

from dataclasses import replace
from datetime import UTC, datetime

import hypothesis
import pytest
from hypothesis import strategies as st

from credit import background
from credit.chains import Asset, Chain
from credit.deposits import aptos, aptos_index, evm, watching
from credit.deposits.aptos import AptosReader, primary_store
from credit.deposits.evm import EvmReader
from credit.deposits.wire import NodeDown, hash_of
from tests.credit import nonsense
from tests.credit.deposits.builders import APTOS_TREASURY, APTOS_USDT, EVM_TREASURY

APTOS = Chain(
    kind="aptos",
    name="Aptos",
    chain_id=2,
    node_url="http://node",
    treasury=APTOS_TREASURY,
    assets=(Asset("USDT", APTOS_USDT, 6),),
)
EVM = Chain(
    kind="evm",
    name="EVM",
    chain_id=2,
    node_url="http://node",
    treasury=EVM_TREASURY,
    assets=(Asset("USDT", "0x" + "aa" * 20, 6),),
)
READERS = {
    "aptos": AptosReader(APTOS, APTOS.assets[0]),
    "by index": AptosReader(replace(APTOS, indexer_url="http://index"), APTOS.assets[0]),
    "evm": EvmReader(EVM, EVM.assets[0]),
}
QUESTIONS = {
    "check": lambda reader: reader.check(),
    "position": lambda reader: reader.position(),
    "payments": lambda reader: reader.payments(0, 30),
    "transaction": lambda reader: reader.transaction(nonsense.HASH),
}


@pytest.mark.parametrize("said", ["", "0x" + "ab" * 31 + "  ", "0x" + "ab" * 31, "ab" * 33, "0x" + "zz" * 32, None, 7])
def test_a_hash_has_32_bytes(said):
    with pytest.raises(NodeDown):
        hash_of(said)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", READERS)
@hypothesis.settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(said=st.data())
def test_whatever_a_node_answers_it_is_an_answer_or_none(kind, question, said, monkeypatch):
    def ask(method, url, *, bytes_max, missing_is=None, **request):
        return said.draw(nonsense.headers), said.draw(nonsense.bodies)

    for module in (aptos, aptos_index, evm):
        monkeypatch.setattr(module, "ask", ask)
    try:
        found = QUESTIONS[question](READERS[kind])
    except NodeDown:
        return
    if question == "position":
        assert 0 <= found.final < 2**63


def test_what_other_modules_say_in_a_transaction_has_any_shape(monkeypatch):
    """Events of the first kind may be plain numbers: one of them must not stop the reading of a chain."""
    store = primary_store(APTOS_TREASURY, APTOS_USDT)
    said = {
        "type": "user_transaction", "success": True, "hash": nonsense.HASH, "version": "9", "timestamp": "1700000000000000",
        "sender": "0x1",
        "events": [
            {"type": "u64", "data": "7"},
            {"type": "0x5::odd::Thing", "data": None},
            {"type": "0x1::fungible_asset::Deposit", "data": {"store": store, "amount": "5"}},
        ],
    }  # fmt: skip
    monkeypatch.setattr(aptos, "ask", lambda method, url, **_: ({"x-aptos-chain-id": "2"}, said))

    (payment,) = READERS["aptos"].transaction(nonsense.HASH).payments

    assert (payment.units, payment.mined_at) == (5, datetime.fromtimestamp(1_700_000_000, UTC))


@pytest.mark.django_db
def test_a_surprise_on_one_chain_keeps_no_other(settings, monkeypatch):
    settings.APTOS_ASSET, settings.APTOS_TREASURY = APTOS_USDT, APTOS_TREASURY
    settings.EVM_NODE_URL, settings.EVM_ASSET, settings.EVM_TREASURY = "http://127.0.0.1:9", "0x" + "aa" * 20, EVM_TREASURY
    looked_at = []

    def watch(chain, asset, now):
        looked_at.append(chain.kind)
        raise KeyError("nobody thought of this")

    monkeypatch.setattr(watching, "watch", watch)
    for _ in range(2):
        background.sweep_deposits()

    assert looked_at == ["aptos", "evm"] * 2
