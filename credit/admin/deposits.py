"""Money that came by chain. The claim queue: deposits of unknown senders, which operators give to whoever they find paid."""

from django.contrib import admin, messages

from common import clock
from common.admin import ReadOnlyAdmin
from common.money import format_exact
from common.templatetags.pictor import ago
from credit.admin.acting import GiveForm, chains_by_key, linked, network_filter, shortened
from credit.deposit_states import DepositStatus
from credit.errors import AdjustmentRefused, NotClaimable
from credit.models import Deposit, DepositCursor, TopUp
from credit.operating import user_named
from credit.services import ask_claim

GIVEN_AT_ONCE = 20  # deposits


class OnChains(ReadOnlyAdmin):
    """Rows of a chain; each shows its network by name."""

    @admin.display(description="Network", ordering="chain")
    def network(self, row) -> str:
        chain = chains_by_key().get(row.chain)
        return chain.name if chain else row.chain

    @admin.display(description="Asset", ordering="asset")
    def asset_words(self, row) -> str:
        chain = chains_by_key().get(row.chain)
        asset = chain.asset(row.asset) if chain else None
        return asset.symbol if asset else shortened(row.asset)

    @admin.display(description="Transaction")
    def transaction(self, row) -> str:
        chain = chains_by_key().get(row.chain)
        return linked(shortened(row.tx_hash), chain.transaction_url(row.tx_hash) if chain and row.tx_hash else "")


@admin.register(Deposit)
class DepositAdmin(OnChains):
    list_display = ["id", "status", "amount", "asset_words", "network", "from_whom", "transaction", "arrived", "owner"]
    list_filter = ["status", network_filter(), "seen_at"]
    search_fields = ["=tx_hash", "sender", "owner__email", "owner__username"]
    list_select_related = ["owner"]
    action_form = GiveForm
    actions = ["give"]

    @admin.display(description="Amount", ordering="amount_micros")
    def amount(self, deposit: Deposit) -> str:
        return format_exact(deposit.amount_micros)

    @admin.display(description="Sender", ordering="sender")
    def from_whom(self, deposit: Deposit) -> str:
        chain = chains_by_key().get(deposit.chain)
        url = chain.address_url(deposit.sender) if chain and deposit.sender else ""
        return linked(shortened(deposit.sender), url) if deposit.sender else "not told"

    @admin.display(description="Arrived", ordering="mined_at")
    def arrived(self, deposit: Deposit) -> str:
        return ago(deposit.mined_at)

    def has_give_permission(self, request) -> bool:
        return request.user.has_perm("credit.add_adjustment")

    @admin.action(description="Give to the user named", permissions=["give"])
    def give(self, request, queryset):
        user = user_named(request.POST.get("user", ""))
        if user is None:
            self.message_user(request, "Name the user to give it to, by e-mail or user name.", messages.ERROR)
            return
        for deposit in queryset.filter(status=DepositStatus.UNCLAIMED)[:GIVEN_AT_ONCE]:
            words, level = self._given(request, deposit, user)
            self.message_user(request, words, level)

    def _given(self, request, deposit: Deposit, user) -> tuple[str, int]:
        reason = request.POST.get("reason", "")[:200]
        try:
            made = ask_claim(deposit_id=deposit.pk, user=user, reason=reason, operator=request.user, now=clock.now())
        except AdjustmentRefused as refused:
            return f"Deposit {deposit.pk}: {refused.words}", messages.ERROR
        except NotClaimable:
            return f"Deposit {deposit.pk} is somebody's by now.", messages.WARNING
        if made.needs_second:
            return f"Deposit {deposit.pk} waits for a second operator: nothing has moved yet.", messages.WARNING
        return f"Deposit {deposit.pk}: {format_exact(deposit.amount_micros)} credits are {user}'s.", messages.SUCCESS


@admin.register(TopUp)
class TopUpAdmin(OnChains):
    list_display = ["id", "owner", "status", "asked", "received", "asset_words", "network", "transaction", "created_at"]
    list_filter = ["status", "failure", "recognised_by", network_filter(), "created_at"]
    search_fields = ["=tx_hash", "owner__email", "owner__username"]
    list_select_related = ["owner"]

    @admin.display(description="Asked", ordering="asked_micros")
    def asked(self, top_up: TopUp) -> str:
        return format_exact(top_up.payable_micros)

    @admin.display(description="Received", ordering="received_micros")
    def received(self, top_up: TopUp) -> str:
        return format_exact(top_up.received_micros)


@admin.register(DepositCursor)
class DepositCursorAdmin(OnChains):
    """How far each chain has been read."""

    list_display = ["id", "network", "asset_words", "position", "final", "head", "read_at", "problem"]
