"""The tables of docs/money.md are the very ones that the code computes."""

from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.db.models import Sum

from credit import services
from credit.codes import Code, Kind
from credit.models import Earning, Transfer
from credit.proof import LAWS
from tests.credit.builders import NOW, charge, hold, promote, top_up

DOC = Path(settings.BASE_DIR) / "docs" / "money.md"
CREDIT = 1_000_000


def pool(kind: Kind) -> int:
    """A platform account in minus out, over its buckets."""

    def total(**where) -> int:
        return Transfer.objects.filter(**where).aggregate(total=Sum("amount_micros"))["total"] or 0

    return total(target__kind=kind) - total(source__kind=kind)


class Table:
    """Balances after each step, as rows of a Markdown table."""

    def __init__(self, *people):
        self.people = people
        self.lines = []

    def step(self, words: str) -> None:
        figures = [*self.of_people(*map(services.balance_of, self.people)), pool(Kind.CHECKERS), pool(Kind.NETWORK)]
        self.lines.append(f"| {words} | " + " | ".join(f"{figure:,}" for figure in figures) + " |")

    def of_people(self, creator, owner=None) -> list[int]:
        """One person is creator and owner where no second one is given."""
        if owner is None:
            return [creator.available_micros, creator.held_micros, creator.pending_micros]
        earned = [owner.pending_micros, owner.available_micros, owner.withdrawable_micros]
        return [creator.available_micros, creator.held_micros, *earned]

    def must_stand_in_the_document(self) -> None:
        assert "\n".join(self.lines) in DOC.read_text(), "docs/money.md should say:\n" + "\n".join(self.lines)


@pytest.mark.django_db
@pytest.mark.usefixtures("in_order")
class WorkedExampleTests:
    def test_from_payment_to_refund(self, alice, wanda):
        table = Table(alice, wanda)
        promote(alice, 5 * CREDIT)
        table.step("Promotion of 5.00")
        top_up(alice, 20 * CREDIT)
        table.step("Payment of 20.00")
        held = hold(alice, 6 * CREDIT)
        table.step("Hold of 6.00: 5.00 promotional, 1.00 purchased")
        charge(held, 394, wanda, key="task:1:charge")
        table.step("Frame 1: 3.94 s at 100 micros a second")
        charge(held, 5_500_000, wanda, key="task:2:charge")
        table.step("Frame 2: 5.50, out of both buckets")
        charge(held, 1_001, wanda, key="task:3:charge")
        table.step("Frame 3: 0.001001")
        services.refund_charge(key="task:3:refund", charge_key="task:3:charge", reason="Black frame")
        table.step("Frame 3 refunded while its earning is pending")
        services.release_hold(hold_id=held.pk, key="job:1:release")
        table.step("Job completed: the rest of the hold released")
        services.sweep_matured_earnings(now=NOW + timedelta(hours=72))
        table.step("72 hours later: earnings available")
        services.refund_charge(key="task:1:refund", charge_key="task:1:charge", reason="Goodwill")
        table.step("Frame 1 refunded: the network bears what has matured")
        table.must_stand_in_the_document()

    def test_own_node(self, alice):
        table = Table(alice)
        top_up(alice, 1 * CREDIT)
        held = hold(alice, 1 * CREDIT)
        charge(held, 100_000, alice)
        services.release_hold(hold_id=held.pk, key="job:1:release")
        table.step("A frame of 0.10 on one's own node")
        services.sweep_matured_earnings(now=NOW + timedelta(days=365))
        table.step("A year later")
        assert Earning.objects.get().matures_at is None
        table.must_stand_in_the_document()


class DocumentTests:
    def test_it_lists_every_kind_of_account(self):
        for kind in Kind:
            assert f"| `{kind.value}` | {kind.label} |" in DOC.read_text()

    def test_it_lists_every_code(self):
        for code in Code:
            assert f"| `{code.value}` | {code.label} |" in DOC.read_text()

    def test_it_lists_every_law(self):
        for law in LAWS:
            assert f"* {law}." in DOC.read_text()
