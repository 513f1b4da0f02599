"""Operators take the network's revenue out of a treasury: no more than there is, by two people above the limit, and the books agree."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse

from common.transitions import IllegalMove
from credit.booked import booked_units
from credit.chains import deposit_chains
from credit.errors import TakingRefused
from credit.models import Taking, Transfer
from credit.proof import differences
from credit.reconciliation import Verdict
from credit.reconciling import books
from credit.services import ask_adjustment
from credit.services.takings import agree_to_taking, ask_taking, refuse_taking, revenue_micros
from tests.credit.builders import NOW, charge, hold, promote, top_up
from tests.credit.deposits.builders import arrive, payment

LIMIT = 10_000_000


@pytest.fixture(autouse=True)
def earned(evm_settings, settings, alice, wanda):
    """The network has 30 credits of revenue that are money, and 3 that are not; 25 came by chain. Afterwards all is in order."""
    settings.ADJUSTMENT_ALONE_MICROS = LIMIT
    arrive(payment(units=25_000_000))
    promote(alice, 10_000_000)
    top_up(alice, 100_000_000)
    charge(hold(alice, 110_000_000), 110_000_000, wanda)
    yield
    assert list(differences(NOW)) == []
    assert {line.verdict for line in books.compare()} == {Verdict.FINE}


def take(operator, amount_micros: int, reason="Server bills of March"):
    (chain,) = deposit_chains()
    return ask_taking(
        chain=chain, asset=chain.assets[0], amount_micros=amount_micros, reason=reason, operator=operator, now=NOW
    )


def booked() -> int:
    (chain,) = deposit_chains()
    return booked_units(chain, chain.assets[0])


def test_a_small_one_is_booked_at_once_and_the_treasury_owes_less(sam):
    assert revenue_micros() == 30_000_000
    assert take(sam, 4_000_000).status == "made"
    assert (revenue_micros(), booked()) == (26_000_000, 21_000_000)
    assert Transfer.objects.get(code="revenue_taken").reference == "Server bills of March"


def test_a_large_one_waits_for_somebody_else(sam, rita):
    asked = take(sam, LIMIT + 1)
    assert (asked.status, revenue_micros()) == ("waiting", 30_000_000)
    with pytest.raises(TakingRefused, match="second"):
        agree_to_taking(asked.pk, operator=sam, now=NOW)
    agree_to_taking(asked.pk, operator=rita, now=NOW)
    assert (revenue_micros(), booked()) == (20_000_000 - 1, 15_000_000 - 1)
    with pytest.raises(IllegalMove):
        agree_to_taking(asked.pk, operator=rita, now=NOW)


def test_parts_and_adjustments_count_together_within_a_day(sam, alice):
    ask_adjustment(user=alice, bucket="purchased", amount_micros=LIMIT - 1_000_000, reason="x", operator=sam, now=NOW)
    assert [take(sam, 1_000_000).status, take(sam, 1_000_000).status] == ["made", "waiting"]


@pytest.mark.parametrize(
    ("amount_micros", "reason", "why"),
    [(0, "x", "amount"), (1_000_000, " ", "reason"), (26_000_000, "x", "treasury"), (31_000_000, "x", "revenue")],
)
def test_what_is_not_there_is_not_taken(sam, amount_micros, reason, why):
    with pytest.raises(TakingRefused, match=why):
        take(sam, amount_micros, reason)
    assert not Taking.objects.exists()


def test_what_was_taken_meanwhile_is_not_taken_again(sam, rita):
    first, second = take(sam, 20_000_000), take(sam, 20_000_000)
    agree_to_taking(first.pk, operator=rita, now=NOW)
    with pytest.raises(TakingRefused, match="revenue"):
        agree_to_taking(second.pk, operator=rita, now=NOW)
    assert refuse_taking(second.pk, operator=rita, now=NOW).status == "refused"


def test_the_database_holds_them_to_it(sam):
    asked = take(sam, LIMIT + 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Taking.objects.filter(pk=asked.pk).update(status="made", decided_by=sam)


def test_by_command(sam, rita):
    with pytest.raises(CommandError, match="Name an operator"):
        call_command("takings", "ask", "4", "--chain=evm:31337")
    said = StringIO()
    call_command("takings", "ask", "12", "--chain=evm:31337", f"--operator={sam.email}", "--reason=Bills", stdout=said)
    asked = Taking.objects.get()
    with pytest.raises(CommandError, match="Somebody else"):
        call_command("takings", "agree", str(asked.pk), f"--operator={sam.email}")
    call_command("takings", "agree", str(asked.pk), f"--operator={rita.email}", stdout=said)
    call_command("takings", "list", stdout=said)
    assert "waits for a second operator" in said.getvalue()
    assert "The network has 18.00 credits that it earned." in said.getvalue()


class ConsoleTests:
    def say(self, console, amount: str):
        said = {"treasury": " ".join(self.treasury()), "amount": amount, "reason": "Bills"}
        return console.post(reverse("admin:credit_taking_add"), said, follow=True).content.decode()

    def treasury(self) -> tuple[str, str]:
        (chain,) = deposit_chains()
        return chain.key, chain.assets[0].contract

    def test_the_form_says_what_there_is_and_takes(self, console):
        assert "30.00" in console.get(reverse("admin:credit_taking_add")).content.decode()
        assert "send 4.00" in self.say(console, "4")
        assert revenue_micros() == 26_000_000

    def test_what_is_refused_is_said_above_the_kept_form(self, console):
        page = self.say(console, "31")
        assert "earned less than that" in page
        assert "Bills" in page

    def test_a_large_one_is_agreed_to_by_the_action(self, console, sam, rita):
        asked = take(rita, LIMIT + 1)
        chosen = {"action": "agree", "_selected_action": [asked.pk]}
        page = console.post(reverse("admin:credit_taking_changelist"), chosen, follow=True)
        assert "it may be sent" in page.content.decode()
        assert revenue_micros() < 20_000_000
