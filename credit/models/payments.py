"""Payments through a provider's hosted checkout, what the provider said of them, and disputes. Written by services alone."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common import clock
from credit.fees import credit_of
from credit.models.ledger import Earning, Transfer
from credit.payment_states import CHECKOUT_OPEN, DisputeKind, DisputeStatus, PaymentStatus


class Payment(models.Model):
    """A top-up by a provider: the payer pays credit and fee, the account gets the credit."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)  # also the provider's reference and idempotency key
    provider = models.CharField(max_length=12)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payments")
    form_key = models.CharField(max_length=64)  # of the form that was sent: sending it twice opens one checkout
    amount_micros = models.BigIntegerField()  # credit
    fee_micros = models.BigIntegerField()  # paid on top of it
    status = models.CharField(max_length=12, choices=PaymentStatus, default=PaymentStatus.STARTING)
    reason = models.CharField(max_length=200, blank=True)  # the provider's word for what went wrong
    order_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    approve_url = models.URLField(max_length=500, blank=True)  # where the payer approves it
    capture_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    provider_fee_micros = models.BigIntegerField(null=True, blank=True)  # what the provider kept
    transfer = models.OneToOneField(Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="payment")
    opened_at = models.DateTimeField(default=clock.now)
    ask_at = models.DateTimeField(default=clock.now)  # when sweep_payments asks the provider next
    credited_at = models.DateTimeField(null=True, blank=True)
    clears_at = models.DateTimeField(null=True, blank=True)  # until then it may be charged back

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "form_key"], name="payment_once_per_form"),
            models.CheckConstraint(condition=Q(amount_micros__gt=0, fee_micros__gte=0), name="payment_amounts_positive"),
            models.CheckConstraint(
                condition=Q(status=PaymentStatus.CREDITED, transfer__isnull=False, capture_id__isnull=False)
                | (~Q(status=PaymentStatus.CREDITED) & Q(transfer=None)),
                name="payment_credited_by_a_transfer",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-opened_at"], name="payment_newest_of_owner"),
            models.Index(fields=["ask_at"], name="payment_open_by_ask", condition=Q(status__in=CHECKOUT_OPEN)),
            models.Index(fields=["ask_at"], name="payment_credited_by_ask", condition=Q(status=PaymentStatus.CREDITED)),
        ]

    def __str__(self) -> str:
        return f"{self.provider} {self.id}"

    @property
    def total_micros(self) -> int:
        """What the payer pays."""
        return self.amount_micros + self.fee_micros

    def credit_of(self, money_micros: int) -> int:
        """The credit behind a part of what was paid."""
        return credit_of(money_micros, amount_micros=self.amount_micros, total_micros=self.total_micros)


class ProviderEvent(models.Model):
    """What a provider told us, once per its id. It only says whom to ask: the answer to that counts."""

    provider = models.CharField(max_length=12)
    event_id = models.CharField(max_length=64)
    kind = models.CharField(max_length=64)
    order_id = models.CharField(max_length=64, blank=True)
    capture_id = models.CharField(max_length=64, blank=True)
    dispute_id = models.CharField(max_length=64, blank=True)
    reversal_id = models.CharField(max_length=64, blank=True)
    reversed_micros = models.BigIntegerField(null=True, blank=True)  # what a bank took back
    sent_at = models.DateTimeField()
    received_at = models.DateTimeField(default=clock.now)
    try_at = models.DateTimeField(default=clock.now, db_default=Now())  # when a sweep tries what could not be handled
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["provider", "event_id"], name="provider_event_once")]
        indexes = [models.Index(fields=["try_at"], name="provider_event_waiting", condition=Q(handled_at=None))]

    def __str__(self) -> str:
        return f"{self.provider} {self.event_id}"


class Dispute(models.Model):
    """Money of a payment that the payer, a bank or an operator wants back. While open, what is left of it is on hold."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    key = models.CharField(max_length=100, unique=True)  # paypal:PP-D-4012
    kind = models.CharField(max_length=10, choices=DisputeKind)
    status = models.CharField(max_length=10, choices=DisputeStatus, default=DisputeStatus.OPEN)
    amount_micros = models.BigIntegerField()  # credit at stake; once lost, the credit that was lost
    purchased_micros = models.BigIntegerField(default=0)  # on hold in the account `disputed`, by bucket
    earned_micros = models.BigIntegerField(default=0)
    opened_at = models.DateTimeField(default=clock.now)
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount_micros__gte=0, purchased_micros__gte=0, earned_micros__gte=0), name="dispute_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(status=DisputeStatus.OPEN) | Q(purchased_micros=0, earned_micros=0),
                name="dispute_resolved_holds_nothing",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def frozen_micros(self) -> int:
        return self.purchased_micros + self.earned_micros


class FrozenEarning(models.Model):
    """An earning that disputed money paid: it does not mature. Taken when the dispute is lost, restored when the debt is paid."""

    earning = models.OneToOneField(Earning, primary_key=True, on_delete=models.PROTECT, related_name="frozen")
    dispute = models.ForeignKey(Dispute, on_delete=models.PROTECT, related_name="frozen_earnings")
    matures_at = models.DateTimeField(null=True, blank=True)  # what it was before
    taken_at = models.DateTimeField(null=True, blank=True)
    restored_at = models.DateTimeField(null=True, blank=True)


class Debt(models.Model):
    """Disputed money that is no longer there. While it is open its owner can neither withdraw nor open a hold."""

    dispute = models.OneToOneField(Dispute, primary_key=True, on_delete=models.PROTECT, related_name="debt")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="debts")
    owed_micros = models.BigIntegerField()
    opened_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(owed_micros__gte=0), name="debt_not_negative"),
            models.CheckConstraint(condition=Q(settled_at=None) | Q(owed_micros=0), name="debt_settled_owes_nothing"),
        ]
        indexes = [models.Index(fields=["owner"], name="debt_open_of_owner", condition=Q(settled_at=None))]
