"""Withdrawals on their way out. Written by credit.services.withdrawals, .payout_addresses and .payouts alone.

A payout has one number on its chain (EVM: nonce, Aptos: sequence number) for ever. Everything that is signed for it bears
that number, so at most one of its transactions can ever count.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from common import clock
from credit.payout_states import MAY_REFUSE, ON_ITS_WAY, PayoutStatus

NETWORKS = [("aptos", "Aptos"), ("evm", "EVM")]


class PayoutAddress(models.Model):
    """An address whose owner has signed that the earnings of this user go to it."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payout_addresses")
    network = models.CharField(max_length=10, choices=NETWORKS)
    address = models.CharField(max_length=66)  # canonical: users.wallets
    label = models.CharField(max_length=60, blank=True)
    verified_at = models.DateTimeField(default=clock.now)
    usable_at = models.DateTimeField()  # a stolen session must not empty an account at once
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "network", "address"], condition=Q(removed_at=None), name="payout_address_once"
            )
        ]

    def __str__(self) -> str:
        return self.label or f"{self.address[:6]}…{self.address[-4:]}"

    @property
    def id_words(self) -> str:
        """For ids of a page."""
        return str(self.pk)


class PayoutLane(models.Model):
    """One sending address of one chain and the number that it uses next; locked while numbers are reserved."""

    chain = models.CharField(max_length=20)
    sender = models.CharField(max_length=66)
    next_number = models.DecimalField(max_digits=20, decimal_places=0)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_because = models.CharField(max_length=300, blank=True)  # nothing is signed or sent until an operator resumes

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "sender"], name="lane_once")]

    def __str__(self) -> str:
        return f"{self.chain} {self.sender}"


class PayoutBatch(models.Model):
    """Payouts of one chain that got their numbers together, and what the treasury held just before. Units: the asset's smallest."""

    lane = models.ForeignKey(PayoutLane, on_delete=models.PROTECT, related_name="batches")
    created_at = models.DateTimeField(default=clock.now)
    count = models.PositiveIntegerField()
    amount_micros = models.BigIntegerField()  # that arrives
    asset_units = models.DecimalField(max_digits=78, decimal_places=0)
    gas_units = models.DecimalField(max_digits=78, decimal_places=0)

    def __str__(self) -> str:
        return f"batch {self.pk}"


class Payout(models.Model):
    """One withdrawal, from the request until it has arrived or its money is back."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="payouts")
    key = models.CharField(max_length=40)  # of the form: one form asks for one withdrawal
    place = models.ForeignKey(PayoutAddress, on_delete=models.PROTECT, related_name="payouts")
    chain = models.CharField(max_length=20)
    asset = models.CharField(max_length=66)  # its contract or metadata address, frozen
    symbol = models.CharField(max_length=12)
    address = models.CharField(max_length=66)  # frozen
    amount_micros = models.BigIntegerField()  # what leaves the balance
    fee_micros = models.BigIntegerField()  # the network's part of it
    units = models.DecimalField(max_digits=39, decimal_places=0)  # what arrives, in the asset's smallest unit
    status = models.CharField(max_length=10, choices=PayoutStatus, default=PayoutStatus.REQUESTED)
    requested_at = models.DateTimeField(default=clock.now)
    due_at = models.DateTimeField()  # until then it waits; see `requested`
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=300, blank=True)  # why it was refused or came back, for its owner
    problem = models.CharField(max_length=300, blank=True)  # what keeps it, for operators
    try_at = models.DateTimeField(default=clock.now, db_default=Now())  # an approved one: from when a batch may take it
    refusals = models.PositiveSmallIntegerField(default=0, db_default=0)  # that lay with it: it waits longer after each
    lane = models.ForeignKey(PayoutLane, null=True, blank=True, on_delete=models.PROTECT, related_name="payouts")
    batch = models.ForeignKey(PayoutBatch, null=True, blank=True, on_delete=models.PROTECT, related_name="payouts")
    number = models.DecimalField(max_digits=20, decimal_places=0, null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)  # confirmed or given back

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="payout_once_per_form"),
            models.UniqueConstraint(fields=["lane", "number"], name="payout_number_once"),
            models.CheckConstraint(condition=Q(fee_micros__gte=0, amount_micros__gt=F("fee_micros")), name="payout_amounts"),
            models.CheckConstraint(condition=Q(units__gt=0), name="payout_units_positive"),
            models.CheckConstraint(condition=Q(status__in=PayoutStatus.values), name="payout_status_known"),
            models.CheckConstraint(
                condition=Q(lane=None, number=None, batch=None)
                | Q(lane__isnull=False, number__isnull=False, batch__isnull=False),
                name="payout_number_in_a_lane",
            ),
            models.CheckConstraint(
                condition=Q(number=None) | ~Q(status__in=[*MAY_REFUSE, "cancelled", "refused"]),
                name="payout_with_a_number_is_not_taken_back",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="payout_newest_of_owner"),
            models.Index(fields=["status", "id"], name="payout_open", condition=Q(status__in=[*MAY_REFUSE, *ON_ITS_WAY])),
            models.Index(
                fields=["chain", "asset", "try_at"], name="payout_to_try", condition=Q(status=PayoutStatus.APPROVED, lane=None)
            ),
        ]

    def __str__(self) -> str:
        return f"withdrawal {self.pk}"

    @property
    def arrives_micros(self) -> int:
        return self.amount_micros - self.fee_micros


class PayoutTransaction(models.Model):
    """What was signed for a payout: stored before it is first sent, sent again as the same bytes, kept for ever."""

    payout = models.ForeignKey(Payout, on_delete=models.PROTECT, related_name="transactions")
    attempt = models.PositiveSmallIntegerField()  # 2 and on: again after expiry, or with a higher fee; the same number
    hash = models.CharField(max_length=66, unique=True)
    signed = models.BinaryField()
    expires_at = models.DateTimeField(null=True, blank=True)  # by the chain's clock; None: never (EVM)
    gas_price = models.DecimalField(max_digits=30, decimal_places=0)  # at most, in the chain's smallest unit
    made_at = models.DateTimeField(default=clock.now)
    sent_at = models.DateTimeField(null=True, blank=True)  # last, as far as is known: it may have been sent without this
    outcome = models.CharField(max_length=10, blank=True, choices=[("paid", "Paid"), ("failed", "Failed")])  # final

    class Meta:
        ordering = ["attempt"]
        constraints = [
            models.UniqueConstraint(fields=["payout", "attempt"], name="transaction_attempt_once"),
            models.UniqueConstraint(fields=["payout"], condition=~Q(outcome=""), name="transaction_counts_once"),
        ]

    def __str__(self) -> str:
        return self.hash
