"""Accounts, immutable transfers, holds and pending earnings. Written by credit.posting and credit.services alone.

A transfer touches the accounts of at most one user, whose history it belongs to (`owner`).
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from common import clock
from credit.codes import PLATFORM_KINDS, SPEND_ORDER, USER_KINDS, Bucket, Code, Kind


class Account(models.Model):
    """A place for one kind of money. Only a user's accounts keep a balance: they may not be overdrawn."""

    kind = models.CharField(max_length=12, choices=Kind)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts"
    )
    bucket = models.CharField(max_length=12, choices=Bucket)
    balance_micros = models.BigIntegerField(null=True)  # None: summed from the transfers
    clears_at = models.DateTimeField(null=True, blank=True)  # until then money paid into it may be charged back
    in_debt = models.BooleanField(default=False, db_default=False)  # while its owner has an open Debt

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "kind", "bucket"], nulls_distinct=False, name="account_once"),
            models.CheckConstraint(condition=Q(bucket__in=Bucket.values), name="account_bucket_known"),
            models.CheckConstraint(
                condition=Q(owner__isnull=False, balance_micros__isnull=False, kind__in=USER_KINDS)
                | Q(owner=None, balance_micros=None, kind__in=PLATFORM_KINDS),
                name="account_keeps_a_balance_if_owned",
            ),
            models.CheckConstraint(condition=Q(balance_micros=None) | Q(balance_micros__gte=0), name="account_not_overdrawn"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_bucket_display().lower()})"

    @property
    def user_id(self) -> int:
        """Of an account that a user owns."""
        assert self.owner_id is not None, "a platform account has no owner"
        return self.owner_id

    @property
    def kept_micros(self) -> int:
        """The balance of an account that keeps one."""
        assert self.balance_micros is not None, "a platform account is summed from its transfers"
        return self.balance_micros


class Hold(models.Model):
    """A user's money set aside for one purpose, by bucket; what remains equals its transfers in minus out."""

    key = models.CharField(max_length=160, unique=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holds")
    purpose = models.CharField(max_length=200)  # words for the owner's history
    promotional_micros = models.BigIntegerField(default=0)
    purchased_micros = models.BigIntegerField(default=0)
    earned_micros = models.BigIntegerField(default=0)
    clears_at = models.DateTimeField(null=True, blank=True)  # its purchased money may be charged back until then
    opened_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()  # then sweep_expired_holds gives the rest back; every extension moves it on
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(promotional_micros__gte=0, purchased_micros__gte=0, earned_micros__gte=0),
                name="hold_not_over_settled",
            ),
            models.CheckConstraint(
                condition=Q(closed_at=None) | Q(promotional_micros=0, purchased_micros=0, earned_micros=0),
                name="hold_empty_when_closed",
            ),
        ]
        indexes = [models.Index(fields=["expires_at"], name="hold_open_by_expiry", condition=Q(closed_at=None))]

    def __str__(self) -> str:
        return self.purpose

    @property
    def remaining_micros(self) -> int:
        return sum(self.parts().values())

    def parts(self) -> dict[Bucket, int]:
        """Micros that remain, by bucket, in the order of spending."""
        return {bucket: getattr(self, f"{bucket.value}_micros") for bucket in SPEND_ORDER}

    def add(self, parts: dict[Bucket, int], *, sign: int = 1) -> None:
        """Change the remaining parts of this locked row; the caller saves it."""
        for bucket, amount_micros in parts.items():
            name = f"{bucket.value}_micros"
            setattr(self, name, getattr(self, name) + sign * amount_micros)


class Transfer(models.Model):
    """One movement of money: never changed, never deleted (a trigger and the app's SQL role refuse it)."""

    key = models.CharField(max_length=200, unique=True)  # a sentence: task:812:attempt:2:charge/purchased
    code = models.CharField(max_length=20, choices=Code)
    source = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    amount_micros = models.BigIntegerField()
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    hold = models.ForeignKey(Hold, null=True, blank=True, on_delete=models.PROTECT, related_name="transfers", db_index=False)
    reverses = models.OneToOneField("self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by")
    reference = models.CharField(max_length=200, blank=True)  # words for the owner's history
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=Q(amount_micros__gt=0), name="transfer_amount_positive"),
            models.CheckConstraint(condition=~Q(source=F("target")), name="transfer_between_two_accounts"),
            models.CheckConstraint(condition=Q(code__in=Code.values), name="transfer_code_known"),
        ]
        indexes = [
            models.Index(fields=["owner", "-created_at", "-id"], name="transfer_of_owner"),
            models.Index(fields=["owner", "code", "-created_at", "-id"], name="transfer_of_owner_by_code"),
            models.Index(fields=["hold"], name="transfer_by_hold", condition=Q(hold__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.key


class Earning(models.Model):
    """What one charge paid a node's owner, until it matures or is reversed. The pending account holds the sum of the open ones."""

    transfer = models.OneToOneField(Transfer, primary_key=True, on_delete=models.PROTECT, related_name="earning")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="earnings")
    amount_micros = models.BigIntegerField()
    matures_at = models.DateTimeField(null=True, blank=True)  # None: work between accounts of one owner stays pending
    settled_at = models.DateTimeField(null=True, blank=True)  # matured or reversed

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(amount_micros__gt=0), name="earning_amount_positive")]
        indexes = [
            models.Index(
                fields=["matures_at"], name="earning_open_by_maturity", condition=Q(settled_at=None, matures_at__isnull=False)
            )
        ]


class CreditRule(models.Model):
    """A dated rule; the newest that has begun counts. Frozen on each earning when it is written."""

    begins_at = models.DateTimeField(unique=True)
    pending_seconds = models.PositiveIntegerField(default=72 * 3600)  # how long an earning waits before it is available
    welcome_micros = models.BigIntegerField(default=5_000_000)  # promotional credit of a new account

    class Meta:
        ordering = ["-begins_at"]
        constraints = [models.CheckConstraint(condition=Q(welcome_micros__gte=0), name="rule_welcome_not_negative")]

    def __str__(self) -> str:
        return f"from {self.begins_at:%Y-%m-%d %H:%M}"

    @classmethod
    def at(cls, now) -> "CreditRule":
        """The rule in force; the defaults above where none has begun."""
        return cls.objects.filter(begins_at__lte=now).first() or cls(begins_at=now)
