"""Nodes that answer nonsense: nothing is believed, and no other chain is kept waiting."""

import hypothesis
import pytest
from hypothesis import strategies as st

from common import clock
from credit import background
from credit.chains import Asset, Chain
from credit.payouts import aptos, evm
from credit.payouts.aptos import GAS_PRICE_MOST, AptosLane
from credit.payouts.asking import Answer
from credit.payouts.evm import EvmLane
from credit.payouts.lanes import Made, Order, Unreachable, WrongChain
from tests.credit import nonsense

ASSETS = {"aptos": Asset("USDT", "0x" + "0c" * 32, 6), "evm": Asset("USDT", "0x" + "0c" * 20, 6)}


class Key:
    """Signs anything."""

    public_key = bytes(32)

    def sign(self, message: bytes, *, worth_micros: int) -> bytes:
        return bytes(65)


def lane_of(kind: str):
    chain = Chain(kind=kind, name=kind, chain_id=2, node_url="http://node", treasury="", assets=(ASSETS[kind],))
    if kind == "aptos":
        return AptosLane(chain, "0x" + "0a" * 32, Key())
    return EvmLane(chain, "0x" + "0a" * 20, Key(), gas_price_max=10**11)


def order_of(kind: str) -> Order:
    to = "0x" + "0b" * (32 if kind == "aptos" else 20)
    return Order(number=7, contract=ASSETS[kind].contract, to=to, units=5)


QUESTIONS = {
    "check": lambda lane, order, made: lane.check(),
    "next_number": lambda lane, order, made: lane.next_number(),
    "funds": lambda lane, order, made: lane.funds(order.contract),
    "preflight": lambda lane, order, made: lane.preflight(order),
    "sign": lambda lane, order, made: lane.sign(order, made),
    "broadcast": lambda lane, order, made: lane.broadcast(b"\1"),
    "fate": lambda lane, order, made: lane.fate(order, made),
}
MADE = [Made(nonsense.HASH, clock.now(), 100)]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", ["aptos", "evm"])
@hypothesis.settings(max_examples=60, derandomize=True, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(said=st.data())
def test_whatever_a_node_answers_it_is_an_answer_or_none(kind, question, said, monkeypatch):
    def ask(method, url, **request):
        return Answer(said.draw(nonsense.statuses), said.draw(nonsense.headers), said.draw(nonsense.bodies))

    monkeypatch.setattr(aptos, "ask", ask)
    monkeypatch.setattr(evm, "ask", ask)
    try:
        found = QUESTIONS[question](lane_of(kind), order_of(kind), MADE)
    except (Unreachable, WrongChain):
        return
    if question == "next_number":
        assert 0 <= found < 2**64
    elif question == "funds":
        assert min(found.asset_units, found.gas_units) >= 0
        assert found.gas_units_each > 0


def test_a_price_on_aptos_has_a_ceiling_whatever_the_node_says(monkeypatch):
    said = {"gas_estimate": 2**63, "sequence_number": "1"}
    headers = {"x-aptos-chain-id": "2"}
    monkeypatch.setattr(aptos, "ask", lambda method, url, **_: Answer(200, headers, "1" if "balance" in url else said))

    assert lane_of("aptos").funds(ASSETS["aptos"].contract).gas_units_each == aptos.GAS_MAX * GAS_PRICE_MOST


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("gas", ["plenty", None, "-1"])
def test_a_node_that_answers_nonsense_stops_its_own_chain_only(on_aptos, on_evm, monkeypatch, gas):
    """sweep_payouts looks at Aptos first."""
    real = aptos.ask

    def ask(method, url, **request):
        answer = real(method, url, **request)
        if url.endswith("/simulate"):
            return Answer(200, answer.headers, [{"success": True, "vm_status": "ok", "gas_used": gas}])
        return answer

    monkeypatch.setattr(aptos, "ask", ask)
    monkeypatch.setattr(clock, "now", lambda: on_evm.now)
    kept = on_aptos.approved(next(on_aptos.world.fresh))
    fine = on_evm.approved(next(on_evm.world.fresh))

    background.sweep_payouts()

    kept.refresh_from_db()
    fine.refresh_from_db()
    assert (kept.number, fine.number) == (None, 0)
    assert "not a number" in kept.problem


@pytest.mark.django_db(transaction=True)
def test_a_surprise_on_one_chain_keeps_no_other(on_aptos, on_evm, monkeypatch):
    monkeypatch.setattr(AptosLane, "check", lambda lane: {}["nobody thought of this"])
    monkeypatch.setattr(clock, "now", lambda: on_evm.now)
    fine = on_evm.approved(next(on_evm.world.fresh))

    background.sweep_payouts()

    fine.refresh_from_db()
    assert fine.number is not None
