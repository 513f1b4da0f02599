"""Payments that a chain shows: written down once, credited once they are final. The one writer of their statuses.

Locks: the deposit, then accounts as everywhere, then its top-up, with which nobody waits for anything. Nothing here asks a node.
"""

from datetime import datetime, timedelta

import structlog
from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import QuerySet

from common.transitions import move
from credit import events, notices
from credit.chains import Asset, Chain, chain_of
from credit.codes import Bucket, Code, Kind
from credit.deposit_states import DEPOSIT_MOVES, DepositStatus
from credit.deposits.reading import Payment, Position
from credit.errors import NotClaimable
from credit.models import Deposit, DepositCursor, TopUp, Transfer
from credit.posting import chart_of, platform, spendable
from credit.services import top_ups
from credit.services.additions import transfer
from credit.services.locks import lock_open_user
from credit.services.recognising import DONE, recognise, wallet_owner
from users.models import User

AMOUNT_MAX_MICROS = 2**63 - 1
GONE_KEPT = timedelta(days=1)  # so long is a payment looked for whose block was taken back
NOT_SETTLED = (DepositStatus.SEEN, DepositStatus.GONE)
log = structlog.get_logger(__name__)


@transaction.atomic
def record_payment(*, chain: Chain, asset: Asset, payment: Payment, now: datetime) -> Deposit | None:
    """Write down what a block shows, once per payment; None for what is worth less than a micro."""
    amount_micros = asset.micros(payment.units)
    if not 0 < amount_micros <= AMOUNT_MAX_MICROS:
        log.warning("deposit_not_counted", chain=chain.key, tx_hash=payment.tx_hash, units=str(payment.units))
        return None
    fields = {
        "sender": payment.sender,
        "units": str(payment.units),
        "amount_micros": amount_micros,
        "block_number": payment.block_number,
        "block_hash": payment.block_hash,
        "mined_at": payment.mined_at,
    }
    deposit, _ = Deposit.objects.select_for_update().get_or_create(
        chain=chain.key,
        asset=asset.contract,
        tx_hash=payment.tx_hash,
        log_index=payment.log_index,
        defaults=fields | {"seen_at": now},
    )
    if deposit.status in NOT_SETTLED:
        _view(deposit, fields, now)
    return deposit


def _view(deposit: Deposit, fields: dict, now: datetime) -> None:
    """The newest view of a payment that is not final, and whose it seems to be."""
    if deposit.status == DepositStatus.GONE:
        move(deposit, DepositStatus.SEEN, moves=DEPOSIT_MOVES, **fields)
    for name, value in fields.items():
        setattr(deposit, name, value)
    deposit.owner_id, top_up = recognise(deposit)
    deposit.top_up = top_up
    deposit.save(update_fields=[*fields, "owner", "top_up"])
    if top_up:
        top_ups.confirm(top_ups.lock_top_up(top_up.pk), deposit, now)


@transaction.atomic
def take_back_deposit(*, deposit_id: int, now: datetime) -> None:
    """No block has it any more."""
    deposit = _lock(deposit_id)
    if deposit.status == DepositStatus.SEEN:
        move(deposit, DepositStatus.GONE, moves=DEPOSIT_MOVES)
        if deposit.top_up_id:
            top_ups.take_back(top_ups.lock_top_up(deposit.top_up_id), now)


@transaction.atomic
def settle_deposit(*, deposit_id: int, final: int, now: datetime) -> Deposit:
    """Once blocks up to `final` are: credit whom it belongs to, else keep it for whoever proves to be the sender. Once."""
    deposit = _lock(deposit_id)
    if deposit.status != DepositStatus.SEEN or deposit.block_number > final:
        return deposit
    owner_id, top_up = recognise(deposit)
    if owner_id is not None and not lock_open_user(owner_id):
        owner_id = top_up = None
    to = DepositStatus.UNCLAIMED if owner_id is None else DepositStatus.CREDITED
    written = _post(deposit, owner_id, Code.UNCLAIMED if owner_id is None else Code.TOP_UP, Kind.CHAIN, deposit.ledger_key)
    changes = {"owner_id": owner_id, "top_up": top_up, "transfer": written, "settled_at": now}
    move(deposit, to, moves=DEPOSIT_MOVES, **changes)
    if top_up:
        top_ups.receive(top_ups.lock_top_up(top_up.pk), deposit, now)
    elif owner_id is not None:
        notices.deposit_credited(deposit, User.objects.get(pk=owner_id), now)
    log.info("deposit_settled", deposit=str(deposit), status=to.value, owner=owner_id, amount_micros=deposit.amount_micros)
    return deposit


@transaction.atomic
def claim_deposit(*, deposit_id: int, user, now: datetime) -> Deposit:
    """Its sender became known, by a linked wallet or by an operator's word. Raises NotClaimable: it is not unclaimed."""
    deposit = _lock(deposit_id)
    if deposit.status == DepositStatus.CLAIMED and deposit.owner_id == user.pk:
        return deposit
    if deposit.status != DepositStatus.UNCLAIMED or not lock_open_user(user.pk):
        raise NotClaimable(str(deposit))
    _post(deposit, user.pk, Code.CLAIM, Kind.UNCLAIMED, f"{deposit.ledger_key}:claim")
    named = TopUp.objects.filter(owner=user, chain=deposit.chain, asset=deposit.asset, tx_hash=deposit.tx_hash)
    top_up = named.exclude(status__in=DONE).first()
    move(deposit, DepositStatus.CLAIMED, moves=DEPOSIT_MOVES, owner_id=user.pk, top_up=top_up)
    if top_up:
        top_ups.receive(top_ups.lock_top_up(top_up.pk), deposit, now)
    else:
        notices.deposit_credited(deposit, user, now)
    return deposit


def claim_of_linked_wallets(*, chain: Chain, now: datetime, limit: int = 200) -> int:
    """Credit unclaimed deposits whose sender has been linked to an account since."""
    senders = unclaimed_deposits().filter(chain=chain.key).exclude(sender="").values("sender")
    linked = SocialAccount.objects.filter(provider=chain.kind, uid__in=senders).select_related("user")
    users = {account.uid: account.user for account in linked[:limit]}
    due = unclaimed_deposits().filter(chain=chain.key, sender__in=list(users)).order_by("pk")[:limit]
    for deposit in due:
        if wallet_owner(chain.key, deposit.sender) == users[deposit.sender].pk:
            claim_deposit(deposit_id=deposit.pk, user=users[deposit.sender], now=now)
    return len(due)


def unclaimed_deposits() -> QuerySet[Deposit]:
    """The claim queue."""
    return Deposit.objects.filter(status=DepositStatus.UNCLAIMED)


def unsettled_deposits(*, chain: Chain, asset: Asset, now: datetime, limit: int = 200) -> list[Deposit]:
    """Those to be asked for again, the longest known first; those that a block took along after the others, as many at most."""
    rows = Deposit.objects.filter(chain=chain.key, asset=asset.contract).order_by("pk")
    gone = rows.filter(status=DepositStatus.GONE, seen_at__gt=now - GONE_KEPT)
    return [*rows.filter(status=DepositStatus.SEEN)[:limit], *gone[:limit]]


def _lock(deposit_id: int) -> Deposit:
    return Deposit.objects.select_for_update().get(pk=deposit_id)


def _post(deposit: Deposit, owner_id: int | None, code: Code, source: Kind, key: str) -> Transfer:
    """From the chain, or from what is unclaimed, to the user, or to what is unclaimed."""
    chart = chart_of([owner_id] if owner_id else [])
    to = platform(chart, Kind.UNCLAIMED, Bucket.PURCHASED) if owner_id is None else spendable(chart, owner_id, Bucket.PURCHASED)
    written = transfer(
        key=key,
        code=code,
        source=platform(chart, source, Bucket.PURCHASED),
        target=to,
        amount_micros=deposit.amount_micros,
        reference=reference(deposit),
    )
    if owner_id:
        events.credit_grew([owner_id])
    return written


def reference(deposit: Deposit) -> str:
    """Words for the owner's history."""
    chain = chain_of(deposit.chain)
    asset = chain.asset(deposit.asset) if chain else None
    where = f"{asset.symbol} on {chain.name}" if chain and asset else deposit.chain
    return f"{where}, transaction {deposit.tx_hash[:10]}…{deposit.tx_hash[-6:]}"


# How far chains are read ------------------------------------------------------------------------------------------------


def begin_cursor(*, chain: Chain, asset: Asset, at: Position, now: datetime) -> DepositCursor:
    """Read from here on. What was paid before is found by its transaction's hash."""
    fields = {"position": at.final, "head": at.head, "final": at.final, "read_at": now}
    return DepositCursor.objects.get_or_create(chain=chain.key, asset=asset.contract, defaults=fields)[0]


def advance_cursor(*, cursor: DepositCursor, at: Position, read_to: int, now: datetime) -> None:
    """All up to `read_to` is written down; never back. It counts as read once the head was reached."""
    position = max(cursor.position, min(read_to, at.final))
    mine = DepositCursor.objects.filter(pk=cursor.pk, position__lte=position)
    mine.update(position=position, head=at.head, final=at.final, problem="", **({"read_at": now} if read_to >= at.head else {}))


def note_problem(*, chain: Chain, asset: Asset, problem: str) -> None:
    """Reading stopped; payments are credited later."""
    DepositCursor.objects.filter(chain=chain.key, asset=asset.contract).exclude(problem=problem[:200]).update(
        problem=problem[:200]
    )
