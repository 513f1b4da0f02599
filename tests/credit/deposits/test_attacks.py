"""Who reads the chain, opens many top-ups, or pays into a closed account gets nobody's money and stops nobody's."""

from datetime import timedelta

import pytest
from django.utils.datastructures import MultiValueDict

from credit import services
from credit.chains import deposit_chains
from credit.errors import NotClaimable, TopUpRefused
from credit.models import TopUp
from credit.services import top_ups
from credit.top_up_form import TopUpForm
from tests.credit.deposits.builders import HASH, NOON, STRANGER, announce, arrive, available, link, payment
from users.closing import Blocked, close

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def chain(evm_settings):
    return deposit_chains()[0]


def seven(_: int) -> int:
    return 7


class GuessTests:
    @pytest.mark.parametrize("asked", [99_995_000, 25_000_001])
    def test_an_exact_amount_is_never_a_round_one(self, mallory, chain, asked):
        """Strangers pay 100.00 from an exchange: no top-up may ask for 99.995 and draw that."""
        with pytest.raises(TopUpRefused):
            announce(mallory, asked, by="amount", now=NOON)
        place = f"{chain.key}/{chain.assets[0].contract}"
        said = {"amount": [f"{asked / 1e6:.6f}"], "place": [place], "recognised_by": ["amount"], "key": ["k"]}
        form = TopUpForm(MultiValueDict(said), wallets={})
        assert "amount" in form.errors
        assert announce(mallory, asked, by="sender", now=NOON).asked_micros == asked

    def test_the_largest_draw_stays_within_its_cent(self, mallory):
        assert announce(mallory, by="amount", now=NOON, draw=lambda count: count - 1).payable_micros == 25_009_999

    def test_a_top_up_for_what_was_just_paid_is_too_late(self, mallory):
        top_up = announce(mallory, by="amount", now=NOON + timedelta(seconds=60))
        deposit = arrive(payment(units=top_up.payable_micros, mined_at=NOON), now=NOON + timedelta(seconds=90))
        assert (deposit.status, available(mallory)) == ("unclaimed", 0)

    def test_one_that_was_given_up_does_not_reach_back_at_all(self, mallory):
        later = NOON + timedelta(seconds=5)
        top_up = announce(mallory, by="amount", now=later)
        services.give_up_top_up(top_up_id=top_up.pk, now=later)
        deposit = arrive(payment(units=top_up.payable_micros, mined_at=NOON), now=later)
        assert (deposit.status, available(mallory)) == ("unclaimed", 0)

    def test_one_cent_has_room_for_so_many_and_the_next_one_is_free(self, alice, mallory, chen, monkeypatch):
        monkeypatch.setattr(top_ups, "OPEN_OF_A_CENT_MAX", 2)
        announce(alice, by="amount", now=NOON)
        announce(mallory, by="amount", now=NOON)
        with pytest.raises(TopUpRefused, match="busy"):
            announce(chen, by="amount", now=NOON)
        assert announce(chen, 25_010_000, by="amount", now=NOON)

    def test_named_again_nobody_has_more_open_than_one_may(self, mallory):
        first = announce(mallory, now=NOON)
        services.give_up_top_up(top_up_id=first.pk, now=NOON)
        for number in range(top_ups.OPEN_MAX):
            announce(mallory, now=NOON, key=f"more-{number}")
        assert services.name_transaction(top_up_id=first.pk, tx_hash=HASH, now=NOON).status == "rejected"


class ClashTests:
    """An exact amount is free again once its top-up is over; the old one may still be paid, or named."""

    @pytest.fixture
    def over(self, alice) -> TopUp:
        top_up = announce(alice, by="amount", now=NOON, draw=seven)
        TopUp.objects.update(status="expired")
        return top_up

    @pytest.fixture
    def again(self, mallory, over) -> TopUp:
        return announce(mallory, by="amount", now=NOON + 2 * HOUR, draw=seven)

    def test_a_late_payment_from_a_linked_wallet_stops_nothing(self, alice, over, again):
        link(alice, STRANGER)
        deposit = arrive(payment(mined_at=NOON + 3 * HOUR, units=10_000_000))
        assert (deposit.status, available(alice)) == ("credited", 10_000_000)

    def test_one_paid_in_time_and_seen_late_is_credited(self, alice, over, again):
        arrive(payment(units=over.payable_micros, mined_at=NOON + HOUR), now=NOON + 3 * HOUR)
        over.refresh_from_db()
        assert (over.status, available(alice)) == ("credited", over.payable_micros)

    def test_naming_a_transaction_for_it_changes_nothing(self, over, again):
        assert services.name_transaction(top_up_id=over.pk, tx_hash=HASH, now=NOON + 2 * HOUR).status == "expired"


class ClosedTests:
    def test_a_payment_for_a_closed_account_waits_to_be_claimed(self, alice):
        top_up = announce(alice, by="amount", now=NOON)
        close(alice, NOON)
        deposit = arrive(payment(units=top_up.payable_micros))
        assert (deposit.status, available(alice)) == ("unclaimed", 0)

    def test_nobody_claims_for_a_closed_account(self, alice):
        deposit = arrive(payment())
        close(alice, NOON)
        with pytest.raises(NotClaimable):
            services.claim_deposit(deposit_id=deposit.pk, user=alice, now=NOON)

    def test_an_account_with_a_payment_on_its_way_is_not_closed(self, alice):
        link(alice, STRANGER)
        announce(alice, now=NOON)
        arrive(payment(), final=0)
        with pytest.raises(Blocked):
            close(alice, NOON)
