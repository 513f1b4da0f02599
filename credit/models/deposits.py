"""Money that comes by chain: what users announce, what the chain shows, and how far it has been read.

Written by credit.services.top_ups and credit.services.deposits alone.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common import clock
from credit.deposit_states import OPEN, DepositStatus, Failure, TopUpStatus
from credit.models.ledger import Transfer


class RecognisedBy(models.TextChoices):
    """How a payment is told to be somebody's."""

    SENDER = "sender", "a wallet linked to your account"
    AMOUNT = "amount", "the exact amount"  # from an exchange, or a wallet that is not linked


class TopUp(models.Model):
    """What a user announced to pay; what came is in its deposits."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="top_ups")
    key = models.CharField(max_length=40)  # of the form that asked: sending it twice asks once
    chain = models.CharField(max_length=24)  # credit.chains.Chain.key
    asset = models.CharField(max_length=66)  # the contract
    recognised_by = models.CharField(max_length=8, choices=RecognisedBy)
    asked_micros = models.BigIntegerField()
    payable_micros = models.BigIntegerField()  # by amount: a little more than asked, as no other open top-up
    received_micros = models.BigIntegerField(default=0)  # final and credited
    status = models.CharField(max_length=12, choices=TopUpStatus, default=TopUpStatus.WAITING)
    failure = models.CharField(max_length=12, choices=Failure, blank=True)
    tx_hash = models.CharField(max_length=66, blank=True)  # as the user's wallet named it, or as the chain showed it
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="top_up_once_per_form"),
            models.UniqueConstraint(
                fields=["chain", "asset", "payable_micros"],
                condition=Q(recognised_by="amount", status__in=OPEN),
                name="top_up_amount_tells_whose",
            ),
            models.CheckConstraint(
                condition=Q(asked_micros__gt=0, payable_micros__gte=F("asked_micros"), received_micros__gte=0),
                name="top_up_amounts_make_sense",
            ),
        ]
        indexes = [
            models.Index(fields=["owner", "-id"], name="top_up_newest_of_owner"),
            models.Index(fields=["status", "expires_at"], name="top_up_open_by_expiry", condition=Q(status__in=OPEN)),
            models.Index(fields=["tx_hash"], name="top_up_by_transaction", condition=~Q(tx_hash="")),
        ]

    def __str__(self) -> str:
        return f"Top-up {self.pk}"

    @property
    def extra_micros(self) -> int:
        """What came beyond what was asked for; credited too."""
        return max(0, self.received_micros - self.payable_micros)

    @property
    def missing_micros(self) -> int:
        return max(0, self.asked_micros - self.received_micros)


class Deposit(models.Model):
    """One payment of an accepted asset to the network's address. `log_index` counts the payments of its transaction."""

    chain = models.CharField(max_length=24)
    asset = models.CharField(max_length=66)
    tx_hash = models.CharField(max_length=66)
    log_index = models.PositiveIntegerField()  # within the transaction: a transaction mined again keeps it
    sender = models.CharField(max_length=66, blank=True)  # canonical; empty where the chain does not tell whose it was
    units = models.CharField(max_length=78)  # the token's smallest units that arrived, by its own event
    amount_micros = models.BigIntegerField()  # their worth, rounded down
    block_number = models.BigIntegerField()  # Aptos: the ledger version
    block_hash = models.CharField(max_length=66, blank=True)
    mined_at = models.DateTimeField()  # by the chain's clock
    status = models.CharField(max_length=12, choices=DepositStatus, default=DepositStatus.SEEN)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="deposits"
    )
    top_up = models.ForeignKey(TopUp, null=True, blank=True, on_delete=models.PROTECT, related_name="deposits")
    transfer = models.OneToOneField(Transfer, null=True, blank=True, on_delete=models.PROTECT, related_name="deposit")
    seen_at = models.DateTimeField(default=clock.now)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["chain", "asset", "tx_hash", "log_index"], name="deposit_once"),
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="deposit_amount_positive"),
            models.CheckConstraint(
                condition=Q(status__in=["seen", "gone"], transfer=None, settled_at=None)
                | Q(status__in=["credited", "unclaimed", "claimed"], transfer__isnull=False, settled_at__isnull=False),
                name="deposit_settled_with_its_transfer",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["credited", "claimed"]) | Q(owner__isnull=False), name="deposit_credited_to_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["chain", "asset"], name="deposit_not_settled", condition=Q(status__in=["seen", "gone"])),
            models.Index(fields=["chain", "sender"], name="deposit_unclaimed", condition=Q(status="unclaimed")),
            models.Index(fields=["tx_hash"], name="deposit_by_transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.chain} {self.tx_hash}/{self.log_index}"

    @property
    def ledger_key(self) -> str:
        return f"deposit:{self.chain}:{self.asset}:{self.tx_hash}:{self.log_index}"


class DepositCursor(models.Model):
    """How far the payments in one asset of a chain have been read; all before is known. `problem`: why reading stopped."""

    chain = models.CharField(max_length=24)
    asset = models.CharField(max_length=66)
    position = models.BigIntegerField()  # the last final block (Aptos: ledger version) that was read
    head = models.BigIntegerField()  # the newest that the node had
    final = models.BigIntegerField()  # the newest that cannot be taken back
    read_at = models.DateTimeField(default=clock.now)  # the last time it went well
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "asset"], name="cursor_once")]

    def __str__(self) -> str:
        return f"{self.chain} {self.asset}"
