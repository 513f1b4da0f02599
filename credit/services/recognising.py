"""Whose a payment is. Only what a chain shows counts: anybody can name somebody else's transaction.

First the sender: a wallet belongs to the one account that proved its key. Then, from an exchange or another wallet, the
exact amount, which differs between open top-ups by less than a cent; within the time of that top-up alone.
"""

from datetime import timedelta

from allauth.socialaccount.models import SocialAccount

from credit.deposit_states import OPEN, TopUpStatus
from credit.models import Deposit, RecognisedBy, TopUp

SKEW = timedelta(minutes=2)  # between a chain's clock and ours
AMOUNT_SKEW = timedelta(seconds=15)  # less, for who reads the chain could open a top-up for what was just paid
LATE_MAX = timedelta(days=30)  # a later payment is credited too, to no top-up
LOOKED_AT = 50  # top-ups of a user, the newest
DONE = (TopUpStatus.CREDITED, TopUpStatus.LATE)


def recognise(deposit: Deposit) -> tuple[int | None, TopUp | None]:
    """(the user it belongs to, the top-up it answers); either may be None."""
    owner_id = wallet_owner(deposit.chain, deposit.sender)
    if owner_id is not None:
        return owner_id, _top_up_of(owner_id, deposit)
    top_up = _top_up_of_amount(deposit)
    return (top_up.owner_id, top_up) if top_up else (None, None)


def wallet_owner(chain_key: str, address: str) -> int | None:
    """The user who has proved to hold the address."""
    linked = SocialAccount.objects.filter(provider=chain_key.partition(":")[0], uid=address)
    return linked.values_list("user_id", flat=True).first() if address else None


def _top_up_of(owner_id: int, deposit: Deposit) -> TopUp | None:
    """The one it was attached to, or that names it; else of this amount; else the newest that still waits; else a late one."""
    mine = TopUp.objects.filter(owner_id=owner_id, chain=deposit.chain, asset=deposit.asset).exclude(status__in=DONE)
    candidates = list(mine.order_by("-id")[:LOOKED_AT])
    for is_it in (_is_attached, _names_it, _waits_for_its_amount, _waits, _is_late):
        if found := next((top_up for top_up in candidates if is_it(top_up, deposit)), None):
            return found
    return None


def _is_attached(top_up: TopUp, deposit: Deposit) -> bool:
    return top_up.pk == deposit.top_up_id


def _names_it(top_up: TopUp, deposit: Deposit) -> bool:
    return top_up.tx_hash == deposit.tx_hash


def _waits(top_up: TopUp, deposit: Deposit) -> bool:
    waits = top_up.status == TopUpStatus.UNDERPAID or (top_up.status == TopUpStatus.WAITING and not top_up.tx_hash)
    return waits and _is_in_time(top_up, deposit)


def _waits_for_its_amount(top_up: TopUp, deposit: Deposit) -> bool:
    """A submitted one too: a wallet that raised its fee sent the same under another hash."""
    wanted = top_up.missing_micros if top_up.status == TopUpStatus.UNDERPAID else top_up.payable_micros
    waits = top_up.status == TopUpStatus.SUBMITTED or _waits(top_up, deposit)
    return wanted == deposit.amount_micros and waits and _is_in_time(top_up, deposit)


def _is_late(top_up: TopUp, deposit: Deposit) -> bool:
    late = deposit.mined_at - top_up.expires_at
    return top_up.status in (TopUpStatus.WAITING, TopUpStatus.EXPIRED) and timedelta(0) < late < LATE_MAX


def _is_in_time(top_up: TopUp, deposit: Deposit) -> bool:
    return top_up.created_at - SKEW <= deposit.mined_at <= top_up.expires_at


def _top_up_of_amount(deposit: Deposit) -> TopUp | None:
    """The one that asked for exactly this while it was open; none where two did, one after the other."""
    same = TopUp.objects.filter(
        chain=deposit.chain,
        asset=deposit.asset,
        recognised_by=RecognisedBy.AMOUNT,
        payable_micros=deposit.amount_micros,
        created_at__lte=deposit.mined_at + AMOUNT_SKEW,
        expires_at__gte=deposit.mined_at,
        status__in=[*OPEN, TopUpStatus.EXPIRED, TopUpStatus.REJECTED, TopUpStatus.FAILED],
        owner__closed_at=None,
    ).exclude(status=TopUpStatus.REJECTED, created_at__gt=deposit.mined_at)
    found = list(same[:2])
    return found[0] if len(found) == 1 else None
