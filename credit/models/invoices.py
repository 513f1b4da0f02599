"""Documents that are issued once for an entry of the ledger, with numbers that have no gaps."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from common import clock
from credit.models.ledger import Transfer


class Series(models.TextChoices):
    """The rows of numbers; each begins at 1 in every year."""

    INVOICE = "INV", "Invoice"  # what was paid for
    CREDIT_NOTE = "CN", "Credit note"  # what was given back, or taken back from an earning
    RECEIPT = "REC", "Receipt"  # everything else: money that came, went, was set aside or earned


class InvoiceCounter(models.Model):
    """The last number given in a series and year. Locked by whoever gives the next: numbers follow each other without a gap."""

    series = models.CharField(max_length=3, choices=Series)
    year = models.PositiveSmallIntegerField()
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["series", "year"], name="invoice_counter_once")]

    def __str__(self) -> str:
        return f"{self.series}-{self.year}"


class Invoice(models.Model):
    """The document of one transfer: its number and its very bytes. Never changed, never deleted (a trigger refuses it)."""

    series = models.CharField(max_length=3, choices=Series)
    year = models.PositiveSmallIntegerField()
    number = models.PositiveIntegerField()
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="invoices")
    transfer = models.OneToOneField(Transfer, on_delete=models.PROTECT, related_name="invoice")
    corrects = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrected_by")
    issued_at = models.DateTimeField(default=clock.now)
    pdf = models.BinaryField()
    sha256 = models.CharField(max_length=64)  # of the bytes

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["series", "year", "number"], name="invoice_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1), name="invoice_number_from_one"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        """As it is printed: INV-2026-000042."""
        return f"{self.series}-{self.year}-{self.number:06d}"


class BillingDetails(models.Model):
    """To whom documents are made out. Only those issued afterwards show a change."""

    owner = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="billing_details")
    name = models.CharField(max_length=120, blank=True)
    address = models.TextField(max_length=400, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)

    class Meta:
        verbose_name_plural = "billing details"

    def __str__(self) -> str:
        return self.name
