"""Withdrawals that wait for an operator, decided in the console and by command; lanes that stopped."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from common import clock
from credit.models import Payout, PayoutLane
from credit.payout_facts import facts_of
from credit.proof import differences
from credit.services import withdrawals
from tests.credit.builders import NOW, earn, person, top_up
from tests.credit.payouts.conftest import address_of
from tests.users.browsers import equip

AMOUNT = 60_000_000  # above what goes without an operator


@pytest.fixture(autouse=True)
def in_order(db):
    yield
    assert list(differences(NOW)) == []


@pytest.fixture
def waiting(earner, offered) -> Payout:
    return asked_by(earner, offered)


def asked_by(user, chain, key="form") -> Payout:
    place = user.payout_addresses.first() or address_of(user)
    payout = withdrawals.request_withdrawal(
        owner=user,
        address_id=place.pk,
        chain_key=chain.key,
        contract=chain.assets[0].contract,
        amount_micros=AMOUNT,
        key=key,
        now=NOW,
    )
    withdrawals.release_due_withdrawals(now=NOW + timedelta(hours=1))
    payout.refresh_from_db()
    assert payout.status == "waiting"
    return payout


def status(payout: Payout) -> str:
    return Payout.objects.get(pk=payout.pk).status


def kept(payout: Payout) -> None:
    later = clock.now() + timedelta(minutes=59, seconds=30)
    Payout.objects.filter(pk=payout.pk).update(status="approved", problem="too little USDT", try_at=later)


def act(client, model: str, action: str, row, **said) -> str:
    chosen = {"action": action, "_selected_action": [row.pk], **said}
    return client.post(reverse(f"admin:credit_{model}_changelist"), chosen, follow=True).content.decode()


def test_what_is_known_counts_payers(waiting, alice):
    bob = person("bob")
    top_up(bob, 50_000_000)
    earn(waiting.owner, 50_000_000, bob, key="bob")
    facts = facts_of(Payout.objects.select_related("owner", "place").get())
    assert (facts.earned_micros, facts.payers, facts.largest_payer_percent) == (150_000_000, 2, 66)
    assert (facts.paid_before, facts.open_beside, facts.owes) == (0, 0, False)


class ConsoleTests:
    def test_the_page_says_what_is_known(self, console, waiting):
        page = console.get(reverse("admin:credit_payout_change", args=[waiting.pk])).content.decode()
        assert "100.00 credits from 1 account<" in page

    def test_approved(self, console, waiting):
        assert "is approved" in act(console, "payout", "approve", waiting)
        assert status(waiting) == "approved"

    def test_refused_with_a_reason_that_its_owner_reads(self, console, waiting):
        assert "Say why" in act(console, "payout", "refuse", waiting)
        assert status(waiting) == "waiting"
        act(console, "payout", "refuse", waiting, reason="The address is on a list")
        waiting.refresh_from_db()
        assert (waiting.status, waiting.reason) == ("refused", "The address is on a list")

    def test_what_was_cancelled_meanwhile_is_said(self, console, waiting):
        withdrawals.cancel_withdrawal(owner=waiting.owner, payout_id=waiting.pk, now=NOW)
        assert "is cancelled by now" in act(console, "payout", "approve", waiting)

    def test_nobody_approves_their_own(self, client, offered, earner):
        earner.is_staff = earner.is_superuser = True
        earner.save()
        equip(earner)
        own = asked_by(earner, offered)
        client.force_login(earner)
        assert "somebody else decides" in act(client, "payout", "approve", own)
        assert status(own) == "waiting"

    def test_an_operator_without_the_right_decides_nothing(self, client, waiting):
        client.force_login(person("lee", is_staff=True))
        chosen = {"action": "approve", "_selected_action": [waiting.pk]}
        assert client.post(reverse("admin:credit_payout_changelist"), chosen).status_code == 403
        assert status(waiting) == "waiting"

    def test_what_kept_one_is_over(self, console, waiting):
        assert "Nothing keeps" in act(console, "payout", "try_again", waiting)
        kept(waiting)
        assert "is tried with the next look" in act(console, "payout", "try_again", waiting)
        waiting.refresh_from_db()
        assert (waiting.try_at, waiting.problem) == (waiting.due_at, "too little USDT")

    def test_a_stopped_lane_is_resumed(self, console, db):
        lane = PayoutLane.objects.create(
            chain="evm:31337", sender="0x1", next_number=3, stopped_at=NOW, stopped_because="number 2 is not ours"
        )
        assert "goes on" in act(console, "payoutlane", "resume", lane)
        lane.refresh_from_db()
        assert (lane.stopped_at, lane.next_number) == (None, 3)


class CommandTests:
    def test_it_lists_what_waits_and_what_has_stopped(self, waiting, capsys):
        PayoutLane.objects.create(chain="evm:31337", sender="0x1", next_number=3, stopped_at=NOW, stopped_because="odd")
        call_command("payouts", "list")
        said = capsys.readouterr().out
        assert "earned 100.00 from 1 account(s)" in said
        assert "stopped" in said
        assert "odd" in said

    def test_it_approves(self, waiting, sam):
        call_command("payouts", "approve", str(waiting.pk), operator="sam")
        waiting.refresh_from_db()
        assert (waiting.status, waiting.decided_by) == ("approved", sam)

    def test_it_refuses_with_a_reason_only(self, waiting, sam):
        with pytest.raises(CommandError, match="why"):
            call_command("payouts", "refuse", str(waiting.pk), operator="sam")
        call_command("payouts", "refuse", str(waiting.pk), operator="sam", reason="No")
        assert status(waiting) == "refused"
        with pytest.raises(CommandError, match="by now"):
            call_command("payouts", "approve", str(waiting.pk), operator="sam")

    def test_it_wants_an_operator(self, waiting, wanda):
        with pytest.raises(CommandError, match="operator"):
            call_command("payouts", "approve", str(waiting.pk), operator="wanda")
        assert status(waiting) == "waiting"

    def test_it_has_one_tried_again(self, waiting, sam, capsys):
        with pytest.raises(CommandError, match="Nothing keeps"):
            call_command("payouts", "try", str(waiting.pk), operator="sam")
        kept(waiting)
        call_command("payouts", "list")
        assert "too little USDT It is tried in 59 minutes." in capsys.readouterr().out
        call_command("payouts", "try", str(waiting.pk), operator="sam")
        call_command("payouts", "list")
        assert "too little USDT It is tried with the next look." in capsys.readouterr().out

    def test_it_resumes(self, db, sam):
        lane = PayoutLane.objects.create(chain="evm:31337", sender="0x1", next_number=3, stopped_at=NOW, stopped_because="odd")
        call_command("payouts", "resume", str(lane.pk), operator="sam")
        lane.refresh_from_db()
        assert lane.stopped_at is None
