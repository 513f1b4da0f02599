"""Payments through a provider in the console, what was announced of them, disputes, debts and documents: to read."""

from django.contrib import admin

from common.admin import ReadOnlyAdmin
from common.money import format_exact
from credit.models import Debt, Dispute, Invoice, Payment, ProviderEvent


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = ["short", "provider", "owner", "status", "amount", "fee", "reason", "opened_at", "credited_at", "clears_at"]
    list_filter = ["status", "opened_at"]
    search_fields = ["=order_id", "=capture_id", "owner__email", "owner__username"]
    list_select_related = ["owner"]
    ordering = ["-opened_at"]
    exclude = ["approve_url", "form_key"]

    @admin.display(description="Payment")
    def short(self, payment: Payment) -> str:
        return str(payment.pk)[:8]

    @admin.display(description="Credit", ordering="amount_micros")
    def amount(self, payment: Payment) -> str:
        return format_exact(payment.amount_micros)

    @admin.display(description="Fee", ordering="fee_micros")
    def fee(self, payment: Payment) -> str:
        return format_exact(payment.fee_micros)


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ["id", "provider", "kind", "event_id", "sent_at", "received_at", "handled_at", "outcome"]
    list_filter = [("handled_at", admin.EmptyFieldListFilter), "received_at"]
    search_fields = ["=event_id", "=order_id", "=capture_id", "=dispute_id"]


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ["key", "kind", "status", "owner", "at_stake", "on_hold", "opened_at", "resolved_at"]
    list_filter = ["status", "kind", "opened_at"]
    search_fields = ["=key", "=payment__capture_id", "payment__owner__email", "payment__owner__username"]
    list_select_related = ["payment__owner"]

    @admin.display(description="Owner")
    def owner(self, dispute: Dispute) -> str:
        return str(dispute.payment.owner)

    @admin.display(description="At stake", ordering="amount_micros")
    def at_stake(self, dispute: Dispute) -> str:
        return format_exact(dispute.amount_micros)

    @admin.display(description="On hold")
    def on_hold(self, dispute: Dispute) -> str:
        return format_exact(dispute.frozen_micros)


@admin.register(Debt)
class DebtAdmin(ReadOnlyAdmin):
    list_display = ["dispute", "owner", "owed", "opened_at", "settled_at"]
    list_filter = [("settled_at", admin.EmptyFieldListFilter), "opened_at"]
    search_fields = ["=dispute__key", "owner__email", "owner__username"]
    list_select_related = ["dispute", "owner"]

    @admin.display(description="Owed", ordering="owed_micros")
    def owed(self, debt: Debt) -> str:
        return format_exact(debt.owed_micros)


@admin.register(Invoice)
class InvoiceAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "issued_at", "transfer", "corrects"]
    list_filter = ["series", "year"]
    search_fields = ["=transfer__key", "owner__email", "owner__username"]
    list_select_related = ["owner", "transfer", "corrects"]
    exclude = ["pdf"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("pdf", "corrects__pdf")

    @admin.display(description="Number", ordering="number")
    def name(self, invoice: Invoice) -> str:
        return invoice.name
