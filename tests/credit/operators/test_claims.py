"""A deposit of nobody is given to whom operators find to be its payer: once, and by two above the limit."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from credit import services
from credit.errors import AdjustmentRefused, NotClaimable
from credit.models import Adjustment
from credit.proof import differences
from tests.credit.builders import NOW, person
from tests.credit.deposits.builders import arrive, available, payment

LIMIT = 100_000_000
pytestmark = pytest.mark.usefixtures("evm_settings")


@pytest.fixture(autouse=True)
def in_order(db, settings):
    settings.ADJUSTMENT_ALONE_MICROS = LIMIT
    yield
    assert list(differences(NOW)) == []


@pytest.fixture
def unclaimed(db):
    return arrive(payment(units=25_000_000))


def give(deposit, user, operator, reason="Ticket 12: sent from an exchange"):
    return services.ask_claim(deposit_id=deposit.pk, user=user, reason=reason, operator=operator, now=NOW)


def test_a_small_one_is_given_at_once_and_once(unclaimed, alice, wanda, sam):
    made = give(unclaimed, alice, sam)
    unclaimed.refresh_from_db()
    assert (made.status, unclaimed.status, unclaimed.owner) == ("made", "claimed", alice)
    assert available(alice) == 25_000_000
    with pytest.raises(NotClaimable):
        give(unclaimed, wanda, sam)
    assert available(wanda) == 0


def test_a_large_one_waits_for_a_second_operator(alice, sam, rita):
    large = arrive(payment(units=LIMIT + 1))
    asked = give(large, alice, sam)
    assert (asked.status, available(alice)) == ("waiting", 0)
    with pytest.raises(AdjustmentRefused):
        give(large, alice, rita)
    with pytest.raises(AdjustmentRefused):
        services.agree_to_adjustment(asked.pk, operator=sam, now=NOW)
    services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)
    assert available(alice) == LIMIT + 1


def test_claims_and_adjustments_share_the_limit_of_a_day(unclaimed, alice, sam):
    services.ask_adjustment(user=alice, bucket="purchased", amount_micros=LIMIT, reason="x", operator=sam, now=NOW)
    assert give(unclaimed, alice, sam).status == "waiting"


def test_what_its_payer_claims_meanwhile_is_not_given_twice(alice, wanda, sam, rita):
    large = arrive(payment(units=LIMIT + 1))
    asked = give(large, alice, sam)
    services.claim_deposit(deposit_id=large.pk, user=wanda, now=NOW)
    with pytest.raises(NotClaimable):
        services.agree_to_adjustment(asked.pk, operator=rita, now=NOW)
    with pytest.raises(CommandError, match="credited to somebody else meanwhile"):
        call_command("adjustments", "agree", str(asked.pk), operator="rita")
    assert (available(alice), available(wanda)) == (0, LIMIT + 1)


def test_nobody_gives_one_to_the_own_account(unclaimed, sam):
    with pytest.raises(AdjustmentRefused):
        give(unclaimed, sam, sam)


class ConsoleTests:
    def post(self, console, deposit, **said):
        chosen = {"action": "give", "_selected_action": [deposit.pk], **said}
        return console.post(reverse("admin:credit_deposit_changelist"), chosen, follow=True).content.decode()

    def test_the_queue_shows_sender_and_amount(self, console, unclaimed):
        page = console.get(reverse("admin:credit_deposit_changelist"), {"status__exact": "unclaimed"}).content.decode()
        assert "0x5E5E5E" in page
        assert "25.00" in page

    def test_the_action_gives_it(self, console, unclaimed, alice):
        assert "credits are" in self.post(console, unclaimed, user="Alice@example.org", reason="Ticket 12")
        assert available(alice) == 25_000_000
        assert Adjustment.objects.get().reason == "Ticket 12"

    @pytest.mark.parametrize("said", [{"user": "nobody", "reason": "x"}, {"user": "alice", "reason": " "}])
    def test_without_user_or_reason_nothing_moves(self, console, unclaimed, alice, said):
        self.post(console, unclaimed, **said)
        assert available(alice) == 0

    def test_an_operator_without_the_right_gives_nothing(self, client, unclaimed, alice):
        client.force_login(person("lee", is_staff=True))
        chosen = {"action": "give", "_selected_action": [unclaimed.pk], "user": "alice", "reason": "x"}
        assert client.post(reverse("admin:credit_deposit_changelist"), chosen).status_code == 403
        assert available(alice) == 0


class CommandTests:
    def test_it_lists_and_gives(self, unclaimed, alice, sam, capsys):
        call_command("claim_deposit")
        assert str(unclaimed.pk) in capsys.readouterr().out
        call_command("claim_deposit", str(unclaimed.pk), "alice", operator="sam", reason="Ticket 12")
        assert available(alice) == 25_000_000

    @pytest.mark.parametrize("operator", ["", "alice", "lee"])
    def test_it_wants_an_operator_with_the_right(self, unclaimed, alice, operator):
        person("lee", is_staff=True)
        with pytest.raises(CommandError, match="operator"):
            call_command("claim_deposit", str(unclaimed.pk), "alice", operator=operator, reason="x")
        assert available(alice) == 0
