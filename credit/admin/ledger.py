"""The ledger in the admin: read-only. Credit is added by `manage.py top_up`, mistakes are corrected by reversing transfers."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from common.admin import ReadOnlyAdmin
from common.money import format_exact
from credit.models import Account, CreditRule, Earning, Hold, Transfer


@admin.register(Account)
class AccountAdmin(ReadOnlyAdmin):
    list_display = ["id", "owner", "kind", "bucket", "balance"]
    list_filter = ["kind", "bucket"]
    search_fields = ["owner__email", "owner__username"]
    list_select_related = ["owner"]

    @admin.display(description="Balance", ordering="balance_micros")
    def balance(self, account: Account) -> str:
        return "summed" if account.balance_micros is None else format_exact(account.balance_micros)


@admin.register(Transfer)
class TransferAdmin(ReadOnlyAdmin):
    list_display = ["id", "created_at", "code", "owner", "amount", "source", "target", "reference", "key"]
    list_filter = ["code", "created_at"]
    search_fields = ["=key", "owner__email", "owner__username"]
    list_select_related = ["owner", "source", "target"]

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, transfer: Transfer) -> str:
        return format_exact(transfer.amount_micros)


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    list_display = ["id", "opened_at", "owner", "purpose", "remaining", "expires_at", "closed_at"]
    list_filter = [("closed_at", admin.EmptyFieldListFilter)]
    search_fields = ["=key", "purpose", "owner__email", "owner__username"]
    list_select_related = ["owner"]

    @admin.display(description="Remaining")
    def remaining(self, hold: Hold) -> str:
        return format_exact(hold.remaining_micros)


@admin.register(Earning)
class EarningAdmin(ReadOnlyAdmin):
    list_display = ["transfer", "owner", "amount", "matures_at", "settled_at"]
    list_filter = [("settled_at", admin.EmptyFieldListFilter)]
    list_select_related = ["transfer", "account__owner"]

    @admin.display(description="Owner")
    def owner(self, earning: Earning) -> str:
        return str(earning.account.owner)

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, earning: Earning) -> str:
        return format_exact(earning.amount_micros)


@admin.register(CreditRule)
class CreditRuleAdmin(ModelAdmin):
    """Rules are dated: a change is a new row that begins later; a rule is never edited away."""

    list_display = ["begins_at", "pending_seconds", "welcome_micros"]

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
