"""Payments on a real EVM chain: seen, final, taken back, and everything that is none."""

import pytest

from credit.codes import Kind
from credit.models import Deposit, DepositCursor, TopUp, Transfer
from tests.credit.deposits.builders import EVM_TREASURY, announce, available, link, look

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("anvil")]


@pytest.fixture
def wallet(alice, evm_chain, usdt):
    """Alice's, linked; the chain is being read."""
    assert look()
    return link(alice, evm_chain.people[1].address)


def status(top_up: TopUp) -> str:
    top_up.refresh_from_db()
    return top_up.status


def unclaimed_micros() -> int:
    into = Transfer.objects.filter(target__kind=Kind.UNCLAIMED)
    out = Transfer.objects.filter(source__kind=Kind.UNCLAIMED)
    return sum(row.amount_micros for row in into) - sum(row.amount_micros for row in out)


class FinalityTests:
    def test_a_payment_from_a_linked_wallet_is_credited_once_it_is_final(self, alice, wallet, evm_chain, usdt):
        top_up = announce(alice)
        paid = evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)

        assert look()
        assert (status(top_up), available(alice), top_up.tx_hash) == ("confirming", 0, paid)
        evm_chain.finalize()
        assert look()

        assert (status(top_up), available(alice), top_up.received_micros) == ("credited", 25_000_000, 25_000_000)
        transfer = Transfer.objects.get(owner=alice, code="top_up")
        assert (transfer.source.kind, transfer.target.bucket) == (Kind.CHAIN, "purchased")

    def test_looking_again_and_again_credits_once(self, alice, wallet, evm_chain, usdt):
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()

        for _ in range(3):
            assert look()
        DepositCursor.objects.update(position=0)  # as though nothing had been read
        assert look()

        assert available(alice) == 25_000_000
        assert Deposit.objects.count() == 1

    def test_what_a_reorg_takes_away_is_not_credited_and_may_come_again(self, alice, wallet, evm_chain, usdt):
        top_up = announce(alice)
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        assert look()

        evm_chain.reorg(1)
        evm_chain.finalize()
        assert look()
        assert (status(top_up), available(alice), Deposit.objects.get().status) == ("submitted", 0, "gone")

        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()
        assert look()
        assert (status(top_up), available(alice)) == ("credited", 25_000_000)

    def test_confirmations_by_count_where_the_settings_say_so(self, alice, wallet, evm_chain, usdt, settings):
        settings.EVM_CONFIRMATIONS = 2
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)

        evm_chain.mine()
        assert look()
        assert available(alice) == 0
        evm_chain.mine()
        assert look()

        assert available(alice) == 25_000_000

    def test_payments_made_while_nobody_looked_are_found(self, alice, wallet, evm_chain, usdt, monkeypatch):
        monkeypatch.setattr("credit.deposits.evm.BLOCKS_MAX", 130)
        evm_chain.pay(usdt, EVM_TREASURY, 10_000_000, sender=wallet)
        evm_chain.mine(200)
        evm_chain.pay(usdt, EVM_TREASURY, 11_000_000, sender=wallet)
        evm_chain.finalize()

        assert look()

        assert available(alice) == 21_000_000


class WhatArrivedTests:
    def test_a_token_that_takes_a_fee_is_credited_by_what_came(self, alice, evm_chain, evm_settings):
        token = evm_chain.fee_token()
        evm_settings.EVM_NODE_URL, evm_settings.EVM_ASSET = evm_chain.url, token.address
        assert look()
        wallet = link(alice, evm_chain.people[1].address)
        top_up = announce(alice)
        evm_chain.pay(token, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()

        assert look()

        assert available(alice) == token.balance(EVM_TREASURY) == 24_750_000
        assert (status(top_up), top_up.missing_micros) == ("underpaid", 250_000)

    def test_another_token_pays_nothing(self, alice, wallet, evm_chain, usdt):
        evm_chain.pay(evm_chain.token("USDT"), EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()

        assert look()

        assert Deposit.objects.count() == 0

    def test_a_payment_to_somebody_else_pays_nothing(self, alice, wallet, evm_chain, usdt):
        evm_chain.pay(usdt, evm_chain.people[3].address, 25_000_000, sender=wallet)
        evm_chain.finalize()

        assert look()

        assert Deposit.objects.count() == 0

    def test_a_stranger_fills_the_claim_queue_until_the_wallet_is_linked(self, alice, wallet, evm_chain, usdt):
        stranger = evm_chain.people[2].address
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=stranger)
        evm_chain.finalize()
        assert look()
        assert (available(alice), unclaimed_micros()) == (0, 25_000_000)

        link(alice, stranger)
        assert look()

        assert (available(alice), unclaimed_micros()) == (25_000_000, 0)
        assert Deposit.objects.get().status == "claimed"

    def test_an_exact_amount_tells_whose_a_strangers_payment_is(self, alice, wallet, evm_chain, usdt):
        top_up = announce(alice, by="amount")
        assert 25_000_000 < top_up.payable_micros < 25_010_000
        evm_chain.pay(usdt, EVM_TREASURY, top_up.payable_micros, sender=evm_chain.people[2].address)
        evm_chain.finalize()

        assert look()

        assert (status(top_up), available(alice)) == ("credited", top_up.payable_micros)

    def test_eighteen_decimals_are_rounded_down_to_micros(self, alice, evm_chain, evm_settings):
        token = evm_chain.token("DAI", decimals=18)
        evm_settings.EVM_NODE_URL, evm_settings.EVM_ASSET, evm_settings.EVM_ASSET_DECIMALS = evm_chain.url, token.address, 18
        assert look()
        wallet = link(alice, evm_chain.people[1].address)
        evm_chain.pay(token, EVM_TREASURY, 25 * 10**18 + 1_999_999_999_999, sender=wallet)
        evm_chain.pay(token, EVM_TREASURY, 999_999_999_999, sender=wallet)  # less than a micro
        evm_chain.finalize()

        assert look()

        assert available(alice) == 25_000_001
        assert Deposit.objects.get().units == str(25 * 10**18 + 1_999_999_999_999)


class NodeTests:
    def test_a_node_of_another_chain_is_not_believed(self, alice, wallet, evm_chain, usdt, settings):
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()
        DepositCursor.objects.update(chain="evm:1")
        settings.EVM_CHAIN_ID = 1

        assert not look()

        assert (available(alice), Deposit.objects.count()) == (0, 0)
        assert "chain 31337" in DepositCursor.objects.get().problem

    def test_wrong_decimals_in_the_settings_stop_the_first_look(self, evm_chain, usdt, settings):
        settings.EVM_ASSET_DECIMALS = 18

        assert not look()

        assert DepositCursor.objects.count() == 0

    def test_a_node_that_is_down_delays_and_loses_nothing(self, alice, wallet, evm_chain, usdt, settings):
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()
        settings.EVM_NODE_URL = "http://127.0.0.1:9"
        assert not look()
        assert DepositCursor.objects.get().problem

        settings.EVM_NODE_URL = evm_chain.url
        assert look()

        assert available(alice) == 25_000_000
        assert DepositCursor.objects.get().problem == ""


class NamedTests:
    """The wallet's page names a transaction."""

    def name(self, top_up: TopUp, tx_hash: str) -> None:
        from common import clock
        from credit import services

        services.name_transaction(top_up_id=top_up.pk, tx_hash=tx_hash, now=clock.now())

    def test_one_that_no_block_has_waits(self, alice, wallet, usdt):
        top_up = announce(alice)
        self.name(top_up, "0x" + "12" * 32)

        assert look()

        assert status(top_up) == "submitted"

    def test_one_that_failed_on_the_chain_says_so(self, alice, wallet, evm_chain, usdt):
        top_up = announce(alice)
        evm_chain.hold()
        failed = evm_chain.pay(usdt, EVM_TREASURY, 10**15, sender=wallet)  # more than there is
        evm_chain.mine()
        self.name(top_up, failed)

        assert look()

        assert (status(top_up), top_up.failure) == ("failed", "reverted")

    def test_one_that_pays_another_asset_says_so(self, alice, wallet, evm_chain, usdt):
        top_up = announce(alice)
        self.name(top_up, evm_chain.pay(evm_chain.token("USDT"), EVM_TREASURY, 25_000_000, sender=wallet))

        assert look()

        assert (status(top_up), top_up.failure) == ("failed", "other_asset")

    def test_somebody_elses_payment_is_not_mine_by_naming_it(self, alice, mallory, wallet, evm_chain, usdt):
        paid = evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        top_up = announce(mallory)
        self.name(top_up, paid)
        evm_chain.finalize()

        assert look()

        assert (available(mallory), available(alice)) == (0, 25_000_000)
        assert (status(top_up), top_up.failure) == ("failed", "not_yours")

    def test_one_payment_answers_one_top_up(self, alice, wallet, evm_chain, usdt):
        first = announce(alice)
        paid = evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.finalize()
        assert look()
        second = announce(alice, key="form-2")
        self.name(second, paid)

        assert look()

        assert (status(first), status(second), second.failure) == ("credited", "failed", "repeated")
        assert available(alice) == 25_000_000

    def test_an_unknown_sender_is_told_to_link_and_is_credited_then(self, alice, wallet, evm_chain, usdt):
        stranger = evm_chain.people[2].address
        top_up = announce(alice)
        self.name(top_up, evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=stranger))
        evm_chain.finalize()
        assert look()
        assert (status(top_up), top_up.failure) == ("failed", "unknown")

        link(alice, stranger)
        assert look()

        assert (status(top_up), available(alice)) == ("credited", 25_000_000)

    def test_one_paid_before_anybody_looked_is_found_by_its_name(self, alice, evm_chain, usdt):
        wallet = link(alice, evm_chain.people[1].address)
        paid = evm_chain.pay(usdt, EVM_TREASURY, 25_000_000, sender=wallet)
        evm_chain.mine(100)
        assert look()  # begins here
        assert available(alice) == 0
        top_up = announce(alice)
        self.name(top_up, paid)

        assert look()

        assert (status(top_up), available(alice)) == ("credited", 25_000_000)
