"""Top-ups by chain: what a user announces to pay, and what becomes of it. The one writer of their statuses."""

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q

from common.transitions import StaleMove, move
from credit import events, notices
from credit.chains import CREDIT_DECIMALS, Asset, Chain
from credit.deposit_states import OPEN, TOP_UP_MOVES, DepositStatus, Failure, TopUpStatus
from credit.errors import TopUpRefused
from credit.hints import hint_on_commit
from credit.models import Deposit, DepositCursor, RecognisedBy, TopUp
from users.models import User

OPEN_MAX = 5  # of one user: exact amounts are few
AMOUNT_MAX_MICROS = 1_000_000_000_000  # a million credits: more is a slip of the hand
CENT_MICROS = 10_000
EXTRAS = CENT_MICROS - 1  # micros, below a cent, that tell amounts apart
OPEN_OF_A_CENT_MAX = 200  # open amounts within one cent: whoever opens many meets a stranger's payment seldom
DRAWS = 20
READ_AFTER = timedelta(minutes=1)  # the chain is read so long past a top-up's end before it is called expired
UNREAD_MAX = timedelta(days=1)  # a chain that cannot be read keeps nothing open for longer
MISSING_MAX = timedelta(days=1)  # a named transaction that no block has is given up then
CHANGEABLE = (TopUpStatus.WAITING, TopUpStatus.EXPIRED, TopUpStatus.REJECTED, TopUpStatus.FAILED)


@transaction.atomic
def start_top_up(
    *,
    user,
    chain: Chain,
    asset: Asset,
    amount_micros: int,
    recognised_by: RecognisedBy,
    key: str,
    now: datetime,
    draw: Callable[[int], int] = secrets.randbelow,
) -> TopUp:
    """Announce a payment; once per `key` of the user. Raises TopUpRefused with words.

    Locks: the user, so that many tabs together open no more than one may.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if known := TopUp.objects.filter(owner=user, key=key).first():
        return known
    _check(user, amount_micros, recognised_by, asset)
    _check_cent(chain, asset, amount_micros, recognised_by)
    top_up = TopUp(
        owner=user,
        key=key,
        chain=chain.key,
        asset=asset.contract,
        recognised_by=recognised_by,
        asked_micros=amount_micros,
        payable_micros=amount_micros,
        created_at=now,
        changed_at=now,
        expires_at=now + timedelta(seconds=settings.TOP_UP_SECONDS),
    )
    return _insert(top_up, draw)


def _check(user, amount_micros: int, recognised_by: RecognisedBy, asset: Asset) -> None:
    minimum = settings.TOP_UP_MINIMUM_MICROS
    if not minimum <= amount_micros <= AMOUNT_MAX_MICROS:
        raise TopUpRefused("amount")
    if recognised_by == RecognisedBy.AMOUNT and asset.decimals < CREDIT_DECIMALS:
        raise TopUpRefused("recognised_by")
    if _has_enough_open(user.pk):
        raise TopUpRefused("open")


def _has_enough_open(owner_id: int) -> bool:
    return TopUp.objects.filter(owner_id=owner_id, status__in=OPEN).count() >= OPEN_MAX


def _check_cent(chain: Chain, asset: Asset, amount_micros: int, recognised_by: RecognisedBy) -> None:
    """Asked for are whole cents, so that no exact amount is a round one, which strangers pay too."""
    if recognised_by != RecognisedBy.AMOUNT:
        return
    if amount_micros % CENT_MICROS:
        raise TopUpRefused("amount")
    within = {"payable_micros__gt": amount_micros, "payable_micros__lt": amount_micros + CENT_MICROS}
    same = TopUp.objects.filter(chain=chain.key, asset=asset.contract, recognised_by=RecognisedBy.AMOUNT, status__in=OPEN)
    if same.filter(**within).count() >= OPEN_OF_A_CENT_MAX:
        raise TopUpRefused("busy")


def _insert(top_up: TopUp, draw: Callable[[int], int]) -> TopUp:
    """With an amount that no other open top-up asks for, where the amount tells whose it is."""
    for _ in range(DRAWS):
        if top_up.recognised_by == RecognisedBy.AMOUNT:
            top_up.payable_micros = top_up.asked_micros + 1 + draw(EXTRAS)
        try:
            with transaction.atomic():
                top_up.save(force_insert=True)
                events.credit_changed([top_up.owner_id])
            return top_up
        except IntegrityError:
            if known := TopUp.objects.filter(owner_id=top_up.owner_id, key=top_up.key).first():
                return known
    raise TopUpRefused("busy")


@transaction.atomic
def name_transaction(*, top_up_id: int, tx_hash: str, now: datetime) -> TopUp:
    """The user's wallet says that it sent this one; a hint to look sooner, no proof. Once something came, nothing changes."""
    top_up = lock_top_up(top_up_id)
    may_be_open = top_up.status == TopUpStatus.WAITING or not _has_enough_open(top_up.owner_id)
    is_new = top_up.status in CHANGEABLE and may_be_open
    if is_new and _reopen(top_up, TopUpStatus.SUBMITTED, now, tx_hash=tx_hash, failure=""):
        hint_on_commit("look_up_top_up", top_up.pk)
    return top_up


@transaction.atomic
def give_up_top_up(*, top_up_id: int, now: datetime) -> TopUp:
    """Its user declined in the wallet, or does not want it any more. A payment from a linked wallet is credited all the same."""
    top_up = lock_top_up(top_up_id)
    if top_up.status == TopUpStatus.WAITING:
        _move(top_up, TopUpStatus.REJECTED, now, expires_at=min(now, top_up.expires_at))
    return top_up


def fail_top_up(*, top_up: TopUp, failure: Failure, now: datetime) -> None:
    """Its named transaction brought nothing. Whoever moved it meanwhile knows better."""
    try:
        with transaction.atomic():
            _move(top_up, TopUpStatus.FAILED, now, failure=failure)
    except StaleMove:
        pass


def explain(top_up: TopUp, now: datetime) -> None:
    """Its named transaction is known and did not answer it: say why."""
    for deposit in Deposit.objects.filter(chain=top_up.chain, asset=top_up.asset, tx_hash=top_up.tx_hash):
        if deposit.owner_id is None:
            return fail_top_up(top_up=top_up, failure=Failure.UNKNOWN, now=now)
        if deposit.owner_id != top_up.owner_id:
            return fail_top_up(top_up=top_up, failure=Failure.NOT_YOURS, now=now)
        if deposit.status != DepositStatus.GONE and deposit.top_up_id != top_up.pk:
            return fail_top_up(top_up=top_up, failure=Failure.REPEATED, now=now)


# What deposits do to them, in the transaction of the deposit ------------------------------------------------------------


def confirm(top_up: TopUp, deposit: Deposit, now: datetime) -> None:
    """A block shows its payment."""
    if top_up.status not in (TopUpStatus.CONFIRMING, TopUpStatus.UNDERPAID):
        _reopen(top_up, TopUpStatus.CONFIRMING, now, tx_hash=deposit.tx_hash, failure="")


def take_back(top_up: TopUp, now: datetime) -> None:
    """The block with its payment was taken back."""
    if top_up.status == TopUpStatus.CONFIRMING:
        _move(top_up, TopUpStatus.SUBMITTED, now)


def receive(top_up: TopUp, deposit: Deposit, now: datetime) -> None:
    """Its payment is final and credited."""
    received = top_up.received_micros + deposit.amount_micros
    if deposit.mined_at > top_up.expires_at:
        to = TopUpStatus.LATE
    else:
        to = TopUpStatus.CREDITED if received >= top_up.asked_micros else TopUpStatus.UNDERPAID
    changes = {"received_micros": received, "tx_hash": deposit.tx_hash, "failure": ""}
    if to == top_up.status:  # still underpaid
        TopUp.objects.filter(pk=top_up.pk).update(changed_at=now, **changes)
        top_up.received_micros = received
        events.credit_changed([top_up.owner_id])
        notices.top_up_moved(top_up, now)
    else:
        _move(top_up, to, now, **changes)


def lock_top_up(top_up_id: int) -> TopUp:
    return TopUp.objects.select_for_update().get(pk=top_up_id)


def _reopen(top_up: TopUp, to: TopUpStatus, now: datetime, **changes) -> bool:
    """False: it was over, and another open top-up has its exact amount by now. It stays as it is until it is paid."""
    try:
        with transaction.atomic():
            _move(top_up, to, now, **changes)
    except IntegrityError:
        top_up.refresh_from_db()
        return False
    return True


def _move(top_up: TopUp, to: TopUpStatus, now: datetime, **changes) -> None:
    move(top_up, to, moves=TOP_UP_MOVES, changed_at=now, **changes)
    events.credit_changed([top_up.owner_id])
    notices.top_up_moved(top_up, now)


# Time -------------------------------------------------------------------------------------------------------------------


def sweep_top_ups(*, now: datetime, limit: int = 500) -> int:
    """Those that nothing came for: expired once the chain was read past their end, failed where no block has what they named."""
    read = DepositCursor.objects.filter(chain=OuterRef("chain"), asset=OuterRef("asset"))
    is_read = Exists(read.filter(read_at__gt=OuterRef("expires_at") + READ_AFTER))
    over = TopUp.objects.filter(is_read | Q(expires_at__lt=now - UNREAD_MAX), status=TopUpStatus.WAITING, expires_at__lt=now)
    missing = TopUp.objects.filter(status=TopUpStatus.SUBMITTED, changed_at__lt=now - MISSING_MAX)
    ended: list[tuple[TopUp, TopUpStatus, dict]] = [(top_up, TopUpStatus.EXPIRED, {}) for top_up in over.order_by("pk")[:limit]]
    ended += [(top_up, TopUpStatus.FAILED, {"failure": Failure.NOT_FOUND}) for top_up in missing.order_by("pk")[:limit]]
    return sum(_end(top_up, to, now, changes) for top_up, to, changes in ended)


def _end(top_up: TopUp, to: TopUpStatus, now: datetime, changes: dict) -> bool:
    try:
        with transaction.atomic():
            _move(top_up, to, now, **changes)
    except StaleMove:
        return False  # something came meanwhile
    return True
