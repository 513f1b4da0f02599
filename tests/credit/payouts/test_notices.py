"""What people are told about withdrawals: that one was asked for always, what came of it unless they do not want to know."""

import pytest

from credit.models import PayoutLane
from credit.payouts.lanes import Signed
from credit.services import payouts, withdrawals
from tests.credit.builders import NOW, person
from tests.credit.payouts.test_withdrawals import HOUR, ask
from users.models import Notice

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order")]


def told(kind: str = "withdrawal") -> list[str]:
    return list(Notice.objects.filter(kind=kind).order_by("pk").values_list("words", flat=True))


@pytest.fixture
def sending(earner, offered):
    """A withdrawal that has its number on the chain."""
    payout = ask(earner, offered, 10_000_000)
    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    lane = PayoutLane.objects.create(chain=offered.key, sender="0x0", next_number=0)
    payouts.begin_batch(lane_id=lane.pk, payout_ids=[payout.pk], asset_units=10**9, gas_units=10**9, now=NOW)
    signed = Signed(data=b"x", hash="0xhash", expires_at=None, gas_price=1)
    payouts.store_signed(payout_id=payout.pk, signed=signed, now=NOW)
    return payout


def test_asking_for_one_is_told_whether_wanted_or_not(earner, offered):
    earner.muted, earner.unlisted = ["payout", "withdrawal"], ["payout", "withdrawal"]
    earner.save()
    for _ in range(2):
        ask(earner, offered, 10_000_000)
    (words,) = told("payout")[-1:]
    assert words.startswith("10.00 credits are to be withdrawn to 0x")
    notice = Notice.objects.get(words=words)
    assert notice.mail_to == earner.email
    assert "can be cancelled" in notice.text


def test_a_refused_form_tells_nothing(earner, offered):
    with pytest.raises(withdrawals.WithdrawalRefused):
        ask(earner, offered, 10_000_000_000)
    assert not [words for words in told("payout") if "withdrawn" in words]


def test_one_that_waits_for_an_operator_and_is_refused(earner, offered):
    payout = ask(earner, offered, 60_000_000)
    withdrawals.release_due_withdrawals(now=NOW + HOUR)
    withdrawals.refuse_withdrawal(operator=person("sam"), payout_id=payout.pk, reason="On a list.", now=NOW)
    assert told() == [
        "Your withdrawal of 60.00 credits waits for an operator.",
        "Your withdrawal of 60.00 credits was refused.",
    ]
    assert Notice.objects.filter(kind="withdrawal").latest("pk").text == "On a list.\nThe whole amount is back in your balance."


def test_one_that_arrived_is_told_once(sending):
    for _ in range(2):
        payouts.confirm_payout(payout_id=sending.pk, tx_hash="0xhash", now=NOW)
    assert told() == ["Your withdrawal of 10.00 credits has arrived."]
    assert "9.80 USDT were sent to" in Notice.objects.get(kind="withdrawal").text


def test_one_that_failed_on_the_chain(sending):
    for _ in range(2):
        payouts.return_payout(payout_id=sending.pk, tx_hash="0xhash", reason="reverted", now=NOW)
    assert told() == ["Your withdrawal of 10.00 credits failed on the chain."]
