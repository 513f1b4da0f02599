"""Every list of money in the console opens, finds and filters, in a handful of queries."""

import pytest
from django.urls import reverse

from credit import models
from credit.services import withdrawals
from tests.credit.builders import NOW
from tests.credit.deposits.builders import announce, arrive, payment
from tests.credit.operators.test_payouts import asked_by
from tests.credit.payments.conftest import pay

QUERIES_MAX = 12
LISTS = [
    "account", "transfer", "hold", "earning", "adjustment", "invoice", "deposit", "topup", "payment", "dispute", "debt",
    "providerevent", "depositcursor", "payout", "payoutlane", "payoutbatch", "payouttransaction", "payoutaddress",
]  # fmt: skip


@pytest.fixture
def money(earner, offered, evm_settings, paypal, alice):
    """Something in most lists."""
    arrive(payment())
    announce(alice)
    pay(paypal, alice)
    withdrawals.cancel_withdrawal(owner=earner, payout_id=asked_by(earner, offered).pk, now=NOW)
    models.PayoutLane.objects.create(chain=offered.key, sender=offered.treasury, next_number=1)


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_few_queries(name, console, money, django_assert_max_num_queries):
    with django_assert_max_num_queries(QUERIES_MAX):
        assert console.get(reverse(f"admin:credit_{name}_changelist")).status_code == 200


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_searched_and_its_rows_open(name, console, money):
    assert console.get(reverse(f"admin:credit_{name}_changelist"), {"q": "alice"}).status_code == 200
    row = getattr(models, next(each for each in dir(models) if each.lower() == name)).objects.first()
    if row:
        assert console.get(reverse(f"admin:credit_{name}_change", args=[row.pk])).status_code == 200


def test_the_sidebar_leads_to_the_queues(console, money):
    page = console.get(reverse("admin:index")).content.decode()
    assert reverse("admin:credit_payout_changelist") + "?status__exact=waiting" in page
    assert reverse("admin:credit_deposit_changelist") + "?status__exact=unclaimed" in page
