"""One operator may do little alone; two may do more; the database holds everybody to it."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from common.transitions import IllegalMove
from credit import services
from credit.codes import Bucket
from credit.errors import AdjustmentRefused, InsufficientCredit
from credit.models import Adjustment, Transfer
from credit.proof import prove
from tests.credit.builders import NOW, person, top_up

LIMIT = 100_000_000


@pytest.fixture(autouse=True)
def limit(settings):
    settings.ADJUSTMENT_ALONE_MICROS = LIMIT


def ask(user, operator, amount_micros, bucket=Bucket.PURCHASED, reason="Invoice 7 was paid twice", now=NOW):
    return services.ask_adjustment(
        user=user, bucket=bucket, amount_micros=amount_micros, reason=reason, operator=operator, now=now
    )


def available(user) -> int:
    return services.balance_of(user).available_micros


def in_order() -> bool:
    return not prove(NOW).differences


def test_a_small_one_moves_at_once_in_either_direction(alice, sam):
    ask(alice, sam, 5_000_000)
    taken = ask(alice, sam, -2_000_000)
    assert available(alice) == 3_000_000
    assert taken.status == "made"
    assert taken.transfer.reference == "Invoice 7 was paid twice"
    assert in_order()


def test_a_large_one_waits_for_somebody_else(alice, sam, rita):
    asked = ask(alice, sam, LIMIT + 1)
    assert asked.status == "waiting"
    assert available(alice) == 0
    with pytest.raises(AdjustmentRefused):
        services.agree_to_adjustment(asked.pk, operator=sam, now=NOW)
    services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)
    assert available(alice) == LIMIT + 1
    with pytest.raises(IllegalMove):
        services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)
    assert Transfer.objects.filter(code="adjusted_up").count() == 1


def test_parts_do_not_pass_the_limit(alice, sam):
    assert ask(alice, sam, LIMIT // 2).status == "made"
    assert ask(alice, sam, -LIMIT // 2).status == "made"
    assert ask(alice, sam, 1).status == "waiting"


def test_what_was_refused_never_moves(alice, sam, rita):
    asked = ask(alice, sam, LIMIT * 2)
    services.refuse_adjustment(asked.pk, operator=rita, now=NOW)
    with pytest.raises(IllegalMove):
        services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)
    assert available(alice) == 0


@pytest.mark.parametrize(("amount", "reason"), [(0, "why"), (1, "  ")])
def test_nothing_and_no_reason_are_refused(alice, sam, amount, reason):
    with pytest.raises(AdjustmentRefused):
        ask(alice, sam, amount, reason=reason)


def test_nobody_adjusts_the_own_account_nor_agrees_to_it(alice, sam, rita):
    with pytest.raises(AdjustmentRefused):
        ask(sam, sam, 1)
    asked = ask(rita, sam, LIMIT + 1)
    with pytest.raises(AdjustmentRefused):
        services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)


def test_no_more_is_taken_than_there_is(alice, sam):
    top_up(alice, 10)
    with pytest.raises(InsufficientCredit):
        ask(alice, sam, -11)
    assert available(alice) == 10
    assert not Adjustment.objects.exists()


def test_the_database_wants_two_people(alice, sam):
    asked = ask(alice, sam, LIMIT + 1)
    moved = ask(alice, sam, 1).transfer
    with pytest.raises(IntegrityError), transaction.atomic():
        Adjustment.objects.filter(pk=asked.pk).update(status="made", decided_by=sam, transfer=moved)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_do_not_both_pass_the_limit(alice, sam):
    gate = Barrier(2)

    def request(_):
        gate.wait(60)
        try:
            return ask(alice, sam, LIMIT * 6 // 10).status
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(request, range(2))) == ["made", "waiting"]


class CommandTests:
    def say(self, *words: str) -> str:
        said = StringIO()
        call_command("adjustments", *words, stdout=said)
        return said.getvalue()

    def test_it_adds_and_takes(self, alice, sam):
        facts = [f"--operator={sam.email}", "--reason=Goodwill"]
        assert "made" in self.say("ask", alice.email, "5", *facts)
        self.say("ask", alice.email, "2", "--take", *facts)
        assert available(alice) == 3_000_000

    def test_a_large_one_waits_in_the_list_until_another_agrees(self, alice, sam, rita):
        self.say("ask", alice.email, "250", f"--operator={sam.email}", "--reason=Invoice 9")
        waiting = Adjustment.objects.get()
        assert "Invoice 9" in self.say("list")
        with pytest.raises(CommandError, match="Somebody else"):
            self.say("agree", str(waiting.pk), f"--operator={sam.email}")
        self.say("agree", str(waiting.pk), f"--operator={rita.email}")
        assert (available(alice), self.say("list")) == (250_000_000, "")
        with pytest.raises(CommandError, match="decided before"):
            self.say("refuse", str(waiting.pk), f"--operator={rita.email}")

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["ask", "nobody", "5"], "no user"),
            (["ask", "alice", "five"], "not an amount"),
            (["ask", "alice", "5"], "Say why"),
            (["ask", "alice", "5", "--take", "--reason=x"], "less than that"),
            (["agree", "77"], "no adjustment 77"),
        ],
    )
    def test_what_cannot_be_is_said(self, alice, sam, words, said):
        with pytest.raises(CommandError, match=said):
            self.say(*words, f"--operator={sam.email}")

    def test_it_wants_an_operator_with_the_right(self, alice):
        person("lee", is_staff=True)
        with pytest.raises(CommandError, match="Name an operator"):
            self.say("ask", "alice", "5", "--operator=lee", "--reason=x")


class ConsoleTests:
    def say(self, console, user, **changes):
        said = {"user": user.pk, "bucket": "purchased", "amount": "12.50", "reason": "Goodwill", **changes}
        return console.post(reverse("admin:credit_adjustment_add"), said, follow=True)

    def test_the_form_adjusts(self, console, alice):
        assert self.say(console, alice).status_code == 200
        assert available(alice) == 12_500_000

    def test_a_large_one_is_agreed_to_by_the_action(self, console, client, alice, rita):
        self.say(console, alice, amount="250")
        client.force_login(rita)
        waiting = Adjustment.objects.get()
        chosen = {"action": "agree", "_selected_action": [waiting.pk]}
        page = client.post(reverse("admin:credit_adjustment_changelist"), chosen, follow=True)
        assert f"Adjustment {waiting.pk} is made." in page.content.decode()
        assert available(alice) == 250_000_000

    def test_what_was_decided_before_or_asked_for_by_oneself_is_said(self, console, sam, rita, alice):
        decided, own = ask(alice, rita, LIMIT + 1), ask(alice, sam, 1)
        services.refuse_adjustment(decided.pk, operator=rita, now=NOW)
        chosen = {"action": "agree", "_selected_action": [decided.pk, own.pk]}
        page = console.post(reverse("admin:credit_adjustment_changelist"), chosen, follow=True).content.decode()
        assert f"Adjustment {decided.pk}: It was decided before." in page
        assert f"Adjustment {own.pk}: Somebody else has to agree" in page

    def test_what_the_ledger_refuses_is_said_above_the_kept_form(self, console, alice):
        page = self.say(console, alice, amount="-3").content.decode()
        assert "less than that at hand" in page
        assert "Goodwill" in page

    def test_words_are_no_amount(self, console, alice):
        assert "is not an amount of credits" in self.say(console, alice, amount="twelve").content.decode()

    def test_an_operator_without_the_right_may_not(self, client, alice):
        client.force_login(person("lee", is_staff=True))
        assert client.get(reverse("admin:credit_adjustment_add")).status_code == 403
