"""Withdrawals in the console: those that wait for an operator, what is known of who asks, and lanes that have stopped."""

from textwrap import wrap

from django.contrib import admin, messages
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils.html import format_html_join
from django.utils.safestring import mark_safe

from common import clock
from common.admin import ReadOnlyAdmin
from common.money import format_exact
from common.templatetags.pictor import ago
from credit.admin.acting import ReasonForm, chains_by_key, linked, network_filter, shortened
from credit.admin.deposits import OnChains
from credit.models import Payout, PayoutAddress, PayoutBatch, PayoutLane, PayoutTransaction
from credit.payout_facts import facts_of
from credit.payout_states import PayoutStatus
from credit.services.payouts import resume_lane, try_again
from credit.services.withdrawals import approve_withdrawal, refuse_withdrawal
from credit.withdrawing import TooLate

DECIDED_AT_ONCE = 50  # withdrawals
PAID_BEFORE = Payout.objects.filter(owner=OuterRef("owner"), status=PayoutStatus.CONFIRMED).order_by().values("owner")


@admin.register(Payout)
class PayoutAdmin(OnChains):
    list_display = [
        "id", "status", "owner", "amount", "symbol", "network", "to", "account_from", "address_from", "paid_before", "asked",
        "problem",
    ]  # fmt: skip
    list_filter = ["status", network_filter(), "requested_at"]
    search_fields = ["=id", "=address", "=transactions__hash", "owner__email", "owner__username"]
    list_select_related = ["owner", "place"]
    action_form = ReasonForm
    actions = ["approve", "refuse", "try_again"]
    fields = [
        "status", "owner", "amount", "fee", "arrives", "symbol", "network", "to_in_full", "requested_at", "due_at", "decided_by",
        "decided_at", "reason", "problem", "try_at", "lane", "number", "batch", "settled_at",
    ]  # fmt: skip
    change_form_before_template = "admin/credit/payout_facts.html"

    def get_queryset(self, request):
        before = Subquery(PAID_BEFORE.annotate(paid=Count("pk")).values("paid"))
        return super().get_queryset(request).annotate(before=Coalesce(before, 0))

    def change_view(self, request, object_id, form_url="", extra_context=None):
        payout = Payout.objects.filter(pk=object_id).select_related("owner", "place").first() if object_id.isdigit() else None
        said = {"facts": facts_of(payout) if payout else None}
        return super().change_view(request, object_id, form_url, said | (extra_context or {}))

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, payout: Payout) -> str:
        return format_exact(payout.amount_micros)

    @admin.display(description="Fee")
    def fee(self, payout: Payout) -> str:
        return format_exact(payout.fee_micros)

    @admin.display(description="Arrives")
    def arrives(self, payout: Payout) -> str:
        return format_exact(payout.arrives_micros)

    @admin.display(description="To")
    def to_in_full(self, payout: Payout) -> str:
        """May be broken anywhere: phones are narrower than an address."""
        return format_html_join(mark_safe("<wbr>"), "{}", ((part,) for part in wrap(payout.address, 8)))

    @admin.display(description="To")
    def to(self, payout: Payout) -> str:
        chain = chains_by_key().get(payout.chain)
        return linked(shortened(payout.address), chain.address_url(payout.address) if chain else "")

    @admin.display(description="Account")
    def account_from(self, payout: Payout) -> str:
        return ago(payout.owner.date_joined)

    @admin.display(description="Address")
    def address_from(self, payout: Payout) -> str:
        return ago(payout.place.verified_at)

    @admin.display(description="Paid before")
    def paid_before(self, payout) -> int:
        return payout.before

    @admin.display(description="Asked", ordering="requested_at")
    def asked(self, payout: Payout) -> str:
        return ago(payout.requested_at)

    def has_decide_permission(self, request) -> bool:
        return request.user.has_perm("credit.change_payout")

    @admin.action(description="Approve: it goes with the next batch", permissions=["decide"])
    def approve(self, request, queryset):
        def verb(payout_id: int) -> None:
            approve_withdrawal(operator=request.user, payout_id=payout_id, now=clock.now())

        self._each(request, queryset, verb, "is approved")

    @admin.action(description="Refuse, with a reason: the credit goes back", permissions=["decide"])
    def refuse(self, request, queryset):
        reason = request.POST.get("reason", "").strip()
        if not reason:
            self.message_user(request, "Say why: its owner reads the reason.", messages.ERROR)
            return

        def verb(payout_id: int) -> None:
            refuse_withdrawal(operator=request.user, payout_id=payout_id, reason=reason, now=clock.now())

        self._each(request, queryset, verb, "is refused")

    @admin.action(description="Try again: what kept it is over", permissions=["decide"])
    def try_again(self, request, queryset):
        for payout in queryset.order_by("pk")[:DECIDED_AT_ONCE]:
            if try_again(payout_id=payout.pk, operator=request.user):
                self.message_user(request, f"Withdrawal {payout.pk} is tried with the next look.", messages.SUCCESS)
            else:
                self.message_user(request, f"Nothing keeps withdrawal {payout.pk}.", messages.WARNING)

    def _each(self, request, queryset, verb, done: str) -> None:
        for payout_id in queryset.order_by("pk").values_list("pk", flat=True)[:DECIDED_AT_ONCE]:
            try:
                verb(payout_id)
            except TooLate as late:
                self.message_user(request, f"Withdrawal {payout_id} is {late} by now.", messages.WARNING)
            except PermissionError:
                self.message_user(request, f"Withdrawal {payout_id} is your own: somebody else decides.", messages.ERROR)
            else:
                self.message_user(request, f"Withdrawal {payout_id} {done}.", messages.SUCCESS)


@admin.register(PayoutLane)
class PayoutLaneAdmin(OnChains):
    list_display = ["id", "network", "from_address", "next_number", "stopped_at", "stopped_because"]
    list_filter = [("stopped_at", admin.EmptyFieldListFilter), network_filter()]
    search_fields = ["=sender"]
    actions = ["resume"]

    @admin.display(description="Sending address", ordering="sender")
    def from_address(self, lane: PayoutLane) -> str:
        chain = chains_by_key().get(lane.chain)
        return linked(shortened(lane.sender), chain.address_url(lane.sender) if chain else "")

    def has_decide_permission(self, request) -> bool:
        return request.user.has_perm("credit.change_payoutlane")

    @admin.action(description="Resume: it stops again if what stopped it is still so", permissions=["decide"])
    def resume(self, request, queryset):
        for lane in queryset.exclude(stopped_at=None):
            resume_lane(lane_id=lane.pk)
            self.log_change(request, lane, f"Resumed; it had stopped because: {lane.stopped_because}")
            self.message_user(request, f"{lane} goes on with the next look.", messages.SUCCESS)


@admin.register(PayoutBatch)
class PayoutBatchAdmin(ReadOnlyAdmin):
    list_display = ["id", "lane", "created_at", "count", "amount", "asset_units", "gas_units"]
    list_filter = ["created_at"]
    list_select_related = ["lane"]

    @admin.display(description="Arrives", ordering="amount_micros")
    def amount(self, batch: PayoutBatch) -> str:
        return format_exact(batch.amount_micros)


@admin.register(PayoutTransaction)
class PayoutTransactionAdmin(ReadOnlyAdmin):
    """What was signed. The signed bytes are nobody's to read."""

    list_display = ["id", "payout", "attempt", "transaction", "outcome", "made_at", "sent_at", "expires_at"]
    list_filter = ["outcome", "made_at"]
    search_fields = ["=hash", "=payout__id"]
    list_select_related = ["payout"]
    exclude = ["signed"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("signed")

    @admin.display(description="Transaction")
    def transaction(self, row: PayoutTransaction) -> str:
        chain = chains_by_key().get(row.payout.chain)
        return linked(shortened(row.hash), chain.transaction_url(row.hash) if chain else "")


@admin.register(PayoutAddress)
class PayoutAddressAdmin(ReadOnlyAdmin):
    list_display = ["id", "owner", "network", "address", "label", "verified_at", "usable_at", "removed_at"]
    list_filter = ["network", ("removed_at", admin.EmptyFieldListFilter)]
    search_fields = ["=address", "owner__email", "owner__username"]
    list_select_related = ["owner"]
