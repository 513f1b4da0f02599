"""A look at books, chains and provider finds what was made wrong on purpose, and never calls fine what it cannot know."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from common import clock
from credit import background
from credit.models import Deposit, DepositCursor, Payment, PayoutLane, Reconciliation
from credit.reconciliation import Verdict
from credit.reconciling import books, chains, provider
from credit.services import reconciliations
from credit.services.disputes import take_returned
from credit.services.payments import refresh_payment
from tests.credit.builders import NOW, person
from tests.credit.deposits.builders import EVM_TREASURY, arrive, look, payment
from tests.credit.payments.conftest import pay
from tests.credit.payouts.conftest import address_of
from tests.users.wallets import MetaMask

GWEI_MAX = 200
ON_A_CHAIN = pytest.mark.xdist_group("anvil")
pytestmark = pytest.mark.django_db


def verdicts(lines) -> dict[str, Verdict]:
    return {line.subject: line.verdict for line in lines}


def wrong(lines) -> list[str]:
    return [line.subject for line in lines if line.verdict == Verdict.WRONG]


class BooksTests:
    def test_deposits_payments_and_what_went_back_agree(self, evm_settings, paypal, alice):
        arrive(payment())
        arrive(payment(tx_hash="0x" + "cd" * 32))
        paid = pay(paypal, alice)
        take_returned(payment_id=paid.pk, key="k", kind="refund", credit_micros=5_000_000, now=NOW)
        assert set(verdicts(books.compare()).values()) == {Verdict.FINE}

    def test_a_deposit_that_says_more_than_its_transfer_is_found(self, evm_settings):
        arrived = arrive(payment())
        Deposit.objects.filter(pk=arrived.pk).update(amount_micros=arrived.amount_micros + 1)
        assert wrong(books.compare()) == ["Money by chain", "Unclaimed deposits"]

    def test_a_payment_of_another_amount_is_found(self, paypal, alice):
        Payment.objects.filter(pk=pay(paypal, alice).pk).update(amount_micros=1)
        assert wrong(books.compare()) == ["Money by PayPal"]


class ProviderTests:
    def test_what_agrees_is_said_with_a_number(self, paypal, alice):
        pay(paypal, alice)
        (line,), asked_to = provider.compare(NOW + timedelta(hours=1), None)
        assert (line.verdict, asked_to) == (Verdict.FINE, None)
        assert "1 of the last 7 days" in line.words

    def test_money_given_back_there_and_not_here_is_found_until_it_is_booked(self, paypal, alice):
        paid = pay(paypal, alice)
        paypal.refund(paid.order_id, "10.00")
        later = NOW + timedelta(hours=1)
        assert len(wrong(provider.compare(later, None)[0])) == 1
        refresh_payment(payment_id=paid.pk, now=later)
        assert wrong(provider.compare(later, None)[0]) == []

    def test_a_provider_that_does_not_answer_is_not_known(self, paypal, alice):
        pay(paypal, alice)
        paypal.down = True
        (line,), _ = provider.compare(NOW + timedelta(hours=1), None)
        assert line.verdict == Verdict.UNKNOWN

    def test_one_that_is_not_set_up_any_more_is_not_known(self, paypal, alice, settings):
        pay(paypal, alice)
        settings.PAYPAL_CLIENT_ID = ""
        (line,), _ = provider.compare(NOW + timedelta(hours=1), None)
        assert line.verdict == Verdict.UNKNOWN

    def test_a_run_asks_a_bounded_number_and_the_next_goes_on(self, paypal, alice, monkeypatch):
        monkeypatch.setattr(provider, "ASKED_MAX", 2)
        for number in range(3):
            paid = pay(paypal, alice, form_key=f"form{number}")
            Payment.objects.filter(pk=paid.pk).update(opened_at=NOW + timedelta(minutes=number))
        paypal.asked["order"] = 0
        later = NOW + timedelta(hours=1)
        _, asked_to = provider.compare(later, None)
        assert (asked_to, paypal.asked["order"]) == (NOW + timedelta(minutes=1), 2)
        assert provider.compare(later, asked_to)[1] is None
        assert paypal.asked["order"] == 3


@ON_A_CHAIN
class ChainTests:
    @pytest.fixture
    def chain(self, evm_chain, usdt, settings):
        """Read, and 25 units have come."""
        assert look()
        evm_chain.pay(usdt, EVM_TREASURY, 25_000_000)
        evm_chain.finalize()
        assert look()
        return evm_chain

    def found(self) -> dict:
        return {line.subject: line for line in chains.compare(clock.now(), GWEI_MAX)}

    def test_what_came_is_there(self, chain):
        assert self.found()["USDT on Local"].verdict == Verdict.FINE
        assert self.found()["Reading USDT on Local"].verdict == Verdict.FINE

    def test_what_the_operator_added_is_their_own(self, chain, usdt):
        chain.pay(usdt, EVM_TREASURY, 5_000_000)
        line = self.found()["USDT on Local"]
        assert line.verdict == Verdict.FINE
        assert "5.00 more" in line.words

    def test_what_was_taken_is_a_shortage_and_ends_the_command_with_1(self, chain, usdt):
        chain.give_ether(EVM_TREASURY, 10**18)
        chain.pay(usdt, MetaMask(77).address, 1, sender=EVM_TREASURY)
        assert self.found()["USDT on Local"].verdict == Verdict.WRONG
        with pytest.raises(CommandError, match="differ"):
            call_command("reconcile")
        assert Reconciliation.objects.get().verdict == Verdict.WRONG

    def test_a_node_that_is_down_is_not_known(self, chain, settings):
        settings.EVM_NODE_URL = "http://127.0.0.1:9"
        assert self.found()["USDT on Local"].verdict == Verdict.UNKNOWN

    def test_another_chain_is_not_believed(self, chain, settings, usdt):
        settings.EVM_CHAIN_ID = 5
        assert self.found()["USDT on Local"].verdict == Verdict.UNKNOWN

    def test_money_on_a_chain_that_is_not_set_up_any_more_is_not_known(self, chain, settings):
        settings.EVM_ASSET = ""
        assert self.found()["Chain evm:31337"].verdict == Verdict.UNKNOWN

    def test_reading_that_stands_still_is_said(self, chain):
        DepositCursor.objects.update(read_at=clock.now() - timedelta(hours=1))
        assert self.found()["Reading USDT on Local"].verdict == Verdict.LOOK

    def test_gas_that_runs_out_is_said(self, chain, settings):
        sender = MetaMask(9).address
        settings.EVM_PAYOUT_ADDRESS = sender
        chain.give_ether(sender, 10**18)
        assert self.found()["Gas on Local"].verdict == Verdict.FINE
        chain.give_ether(sender, 10)
        assert self.found()["Gas on Local"].verdict == Verdict.LOOK


def test_the_wallet_on_aptos_is_read(aptos_pays):
    found = {line.subject: line for line in chains.compare(clock.now(), GWEI_MAX)}
    assert found["Gas on Aptos test net"].verdict == Verdict.FINE
    assert "1000000.00 more" in found["USDT on Aptos test net"].words.replace(",", "")


def test_payouts_that_take_long_and_lanes_that_stopped_are_said(earner, offered):
    from credit.services import withdrawals

    payout = withdrawals.request_withdrawal(
        owner=earner,
        address_id=address_of(earner).pk,
        chain_key=offered.key,
        contract=offered.assets[0].contract,
        amount_micros=10_000_000,
        key="form",
        now=NOW,
    )
    withdrawals.release_due_withdrawals(now=NOW + timedelta(hours=1))
    PayoutLane.objects.create(chain=offered.key, sender="0x1", next_number=1, stopped_at=NOW, stopped_because="odd")

    def found(hours: int) -> dict:
        return {line.subject: line for line in chains.compare(NOW + timedelta(hours=hours), GWEI_MAX)}

    assert found(1)["Payouts"].verdict == Verdict.FINE
    assert str(payout.pk) in found(3)["Payouts"].words
    assert any("odd" in line.words for line in found(3).values())


class RunTests:
    def test_one_is_written_down_and_old_ones_go(self, settings, monkeypatch):
        settings.APTOS_ASSET = settings.EVM_ASSET = ""
        monkeypatch.setattr(reconciliations, "KEPT", 2)
        for _ in range(3):
            background.sweep_reconciliation()
        assert Reconciliation.objects.count() == 2
        assert Reconciliation.objects.first().verdict == Verdict.FINE
        call_command("reconcile")

    def test_the_console_shows_the_last_and_looks_again(self, console, settings):
        settings.APTOS_ASSET = settings.EVM_ASSET = ""
        page = reverse("admin:credit_reconciliation_changelist")
        assert "Nobody has looked yet" in console.get(page).content.decode()
        said = console.post(reverse("admin:credit_reconciliation_look_again"), follow=True).content.decode()
        assert "within a minute" in said
        background.sweep_reconciliation()
        assert "Unclaimed deposits" in console.get(page).content.decode()

    def test_looking_again_wants_the_right_and_a_form(self, client, console):
        address = reverse("admin:credit_reconciliation_look_again")
        assert console.get(address).status_code == 405
        client.force_login(person("lee", is_staff=True))
        assert client.post(address).status_code == 403
