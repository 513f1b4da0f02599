"""The ledger's verbs. Each public function is one transaction, keyword-only, and moves money once per key.

Every amount is integer micro-credits. Keys are sentences built from the fact: `task:812:attempt:2:charge`.
Locks are taken in one order: holds, earnings, wallets, pending accounts; within each, by primary key. A caller's
transaction may combine verbs for the holds of one creator without the danger of a deadlock.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from common import clock
from credit import events
from credit.codes import SPEND_ORDER, Bucket, Code, Kind
from credit.errors import HoldClosed, HoldTooSmall, InsufficientCredit, KeyReused, NotCharged
from credit.models import Account, CreditRule, Earning, Hold, Transfer
from credit.posting import Chart, Movement, chart_of, holding, lock_accounts, platform, post, spendable, written
from credit.splitting import divide_charge, take_in_order

HOLD_LASTS = timedelta(days=30)  # since it was opened or last extended
POOLS = {"checkers": (Kind.CHECKERS, Code.CHECKERS_SHARE), "network": (Kind.NETWORK, Code.NETWORK_SHARE)}


# What is there --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Balance:
    """A user's credit. `withdrawable_micros` is the earned part of what is available."""

    available_micros: int = 0
    held_micros: int = 0
    pending_micros: int = 0
    withdrawable_micros: int = 0
    promotional_micros: int = 0
    purchased_micros: int = 0


def balance_of(user) -> Balance:
    """One query on at most nine rows: every page's header asks."""
    rows = Account.objects.filter(owner=user).values_list("kind", "bucket", "balance_micros")
    by_place = {(kind, bucket): balance_micros for kind, bucket, balance_micros in rows}

    def total(kind: Kind) -> int:
        return sum(by_place.get((kind, bucket), 0) for bucket in Bucket)

    return Balance(
        available_micros=total(Kind.SPENDABLE),
        held_micros=total(Kind.HOLDING),
        pending_micros=total(Kind.PENDING),
        withdrawable_micros=by_place.get((Kind.SPENDABLE, Bucket.EARNED), 0),
        promotional_micros=by_place.get((Kind.SPENDABLE, Bucket.PROMOTIONAL), 0),
        purchased_micros=by_place.get((Kind.SPENDABLE, Bucket.PURCHASED), 0),
    )


def entries_of(user) -> QuerySet[Transfer]:
    """The user's history, newest first."""
    return Transfer.objects.filter(owner=user).order_by("-id")


def hold_remaining(hold_id: int) -> int:
    """Micros that the hold still covers."""
    return Hold.objects.get(pk=hold_id).remaining_micros


# Moving and adding ----------------------------------------------------------------------------------------------------


def transfer(*, key: str, code: Code, source: Account, target: Account, amount_micros: int, reference: str = "") -> Transfer:
    """Move `amount_micros` from `source` to `target`, once per `key`.

    Calling again with the same arguments returns the first transfer and moves nothing.

    Raises:
        InsufficientCredit: `source` would be overdrawn.
        KeyReused: `key` already names a different movement.

    Locks: those of the two accounts that keep a balance, as posting.lock_accounts.
    """
    movement = Movement(key=key, code=code, source=source, target=target, amount_micros=amount_micros, reference=reference)
    try:
        with transaction.atomic():
            return post([movement])[0]
    except IntegrityError:  # the key was written meanwhile by a movement that shares no locked account with this one
        if key not in written([key]):
            raise
        with transaction.atomic():
            return post([movement])[0]


def grant_promotion(*, user, amount_micros: int, key: str, reference: str = "Promotional credit") -> Transfer:
    """Give spend-only credit."""
    return _add(user, Kind.PROMOTION, Bucket.PROMOTIONAL, Code.PROMOTION, amount_micros, key, reference)


def top_up_by_operator(*, user, amount_micros: int, key: str, reason: str) -> Transfer:
    """Add purchased credit for money that an operator received outside; final at once."""
    return _add(user, Kind.OPERATOR, Bucket.PURCHASED, Code.TOP_UP, amount_micros, key, reason)


def welcome(*, user, now: datetime) -> None:
    """The promotional credit of a new account, by the rule in force; once per account."""
    if amount_micros := CreditRule.at(now).welcome_micros:
        grant_promotion(user=user, amount_micros=amount_micros, key=f"user:{user.pk}:welcome", reference="Welcome credit")


@transaction.atomic
def _add(user, kind: Kind, bucket: Bucket, code: Code, amount_micros: int, key: str, reference: str) -> Transfer:
    chart = chart_of([user.pk])
    source, target = platform(chart, kind, bucket), spendable(chart, user.pk, bucket)
    added = transfer(key=key, code=code, source=source, target=target, amount_micros=amount_micros, reference=reference)
    events.credit_grew([user.pk])
    return added


# Holds ----------------------------------------------------------------------------------------------------------------


@transaction.atomic
def open_hold(*, key: str, owner, amount_micros: int, purpose: str) -> Hold:
    """Set credit aside: promotional first, then purchased, then earned. Repeating the key returns the first hold.

    Raises:
        InsufficientCredit: less is available; nothing was held.
        KeyReused: the key names a hold of another owner or amount.
    """
    chart, locked = _lock_wallet(owner.pk)
    if hold := Hold.objects.filter(key=key).first():
        _check_repeat(hold, key, owner.pk, amount_micros)
        return hold
    hold = Hold(key=key, owner=owner, purpose=purpose)
    parts = _take_from_wallet(hold, chart, locked, amount_micros)
    hold.expires_at = hold.opened_at + HOLD_LASTS
    try:
        with transaction.atomic():
            hold.save()
    except IntegrityError as error:  # another owner's hold took the key meanwhile
        raise KeyReused(key) from error
    post(_hold_movements(hold, chart, key, parts), locked=locked)
    return hold


@transaction.atomic
def extend_hold(*, hold_id: int, key: str, amount_micros: int) -> int:
    """Set more credit aside in an open hold; returns what it covers now. Repeating the key changes nothing.

    Raises:
        InsufficientCredit: less is available; nothing was held.
        HoldClosed: it was released.
    """
    hold = _lock_holds([hold_id])[hold_id]
    if known := written(_keys(key)):
        _check_amount(key, known.values(), amount_micros)
        return hold.remaining_micros
    if hold.closed_at:
        raise HoldClosed(hold.key)
    chart, locked = _lock_wallet(hold.owner_id)
    parts = _take_from_wallet(hold, chart, locked, amount_micros)
    hold.expires_at = clock.now() + HOLD_LASTS
    hold.save()
    post(_hold_movements(hold, chart, key, parts), locked=locked)
    return hold.remaining_micros


@transaction.atomic
def release_hold(*, hold_id: int, key: str) -> int:
    """Give the rest back to the buckets it came from and close the hold; returns the micros given back (0 if closed before)."""
    hold = _lock_holds([hold_id])[hold_id]
    if hold.closed_at:
        return 0
    hold.closed_at = clock.now()
    return _give_back(hold, key)


@transaction.atomic
def release_expired_hold(*, hold_id: int, now: datetime) -> int:
    """Give back what a hold still has past its time. It stays open: extending it later makes it useful again."""
    hold = _lock_holds([hold_id])[hold_id]
    if hold.closed_at or hold.expires_at > now or not hold.remaining_micros:
        return 0
    return _give_back(hold, f"hold:{hold.pk}:expired:{hold.expires_at:%Y-%m-%dT%H:%M:%S.%f}")


def sweep_expired_holds(*, now: datetime, limit: int = 200) -> int:
    """Give back the rest of the holds past their time; returns how many."""
    due = Hold.objects.filter(closed_at=None, expires_at__lte=now).exclude(
        promotional_micros=0, purchased_micros=0, earned_micros=0
    )
    ids = list(due.order_by("expires_at").values_list("pk", flat=True)[:limit])
    return sum(release_expired_hold(hold_id=pk, now=now) > 0 for pk in ids)


def _lock_holds(hold_ids: Iterable[int]) -> dict[int, Hold]:
    """Holds locked in primary-key order. Raises Hold.DoesNotExist."""
    wanted = set(hold_ids)
    locked = {hold.pk: hold for hold in Hold.objects.select_for_update().filter(pk__in=wanted).order_by("pk")}
    if missing := wanted - locked.keys():
        raise Hold.DoesNotExist(f"holds {sorted(missing)}")
    return locked


def _lock_wallet(owner_id: int) -> tuple[Chart, dict[int, Account]]:
    """The owner's spendable and holding accounts, locked."""
    chart = chart_of([owner_id])
    return chart, lock_accounts(_wallet(chart, owner_id))


def _wallet(chart: Chart, owner_id: int) -> list[Account]:
    return [place(chart, owner_id, bucket) for place in (spendable, holding) for bucket in SPEND_ORDER]


def _take_from_wallet(hold: Hold, chart: Chart, locked: dict[int, Account], amount_micros: int) -> dict[Bucket, int]:
    """Add `amount_micros` to the unsaved hold; which bucket gives what."""
    assert amount_micros > 0, "a hold needs an amount"
    rows = {bucket: locked[spendable(chart, hold.owner_id, bucket).pk] for bucket in SPEND_ORDER}
    available_micros = sum(row.balance_micros for row in rows.values())
    if available_micros < amount_micros:
        raise InsufficientCredit(amount_micros - available_micros)
    parts = take_in_order(amount_micros, {bucket: row.balance_micros for bucket, row in rows.items()})
    if Bucket.PURCHASED in parts:
        hold.clears_at = max(filter(None, (hold.clears_at, rows[Bucket.PURCHASED].clears_at)), default=None)
    hold.add(parts)
    return parts


def _hold_movements(hold: Hold, chart: Chart, key: str, parts: Mapping[Bucket, int], *, back: bool = False) -> list[Movement]:
    """One movement per bucket between the owner's spendable and holding accounts."""
    movements = []
    for bucket, amount_micros in parts.items():
        ends = [spendable(chart, hold.owner_id, bucket), holding(chart, hold.owner_id, bucket)]
        source, target = reversed(ends) if back else ends
        movements.append(
            Movement(
                key=f"{key}/{bucket.value}",
                code=Code.RELEASE if back else Code.HOLD,
                source=source,
                target=target,
                amount_micros=amount_micros,
                hold_id=hold.pk,
                reference=hold.purpose,
            )
        )
    return movements


def _give_back(hold: Hold, key: str) -> int:
    """Move the rest of a locked hold back and save the hold."""
    parts = {bucket: part for bucket, part in hold.parts().items() if part}
    hold.add(parts, sign=-1)
    hold.save()
    if parts:
        post(_hold_movements(hold, chart_of([hold.owner_id]), key, parts, back=True))
        events.credit_grew([hold.owner_id])
    return sum(parts.values())


def _keys(key: str) -> list[str]:
    """One key per bucket that a movement may draw on."""
    return [f"{key}/{bucket.value}" for bucket in SPEND_ORDER]


def _check_amount(key: str, known: Iterable[Transfer], amount_micros: int) -> None:
    if sum(row.amount_micros for row in known) != amount_micros:
        raise KeyReused(key)


def _check_repeat(hold: Hold, key: str, owner_id: int, amount_micros: int) -> None:
    if hold.owner_id != owner_id:
        raise KeyReused(key)
    _check_amount(key, written(_keys(key)).values(), amount_micros)


# Charges --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """A charge to be made: `charge_micros`, rounded down once by the caller, out of a hold."""

    key: str
    hold_id: int
    charge_micros: int
    worker_owner_id: int
    shares_bp: Mapping[str, int]  # worker, checkers, network; frozen when the task was assigned
    reference: str  # words for both histories


@dataclass(frozen=True, slots=True)
class ChargeResult:
    """What a charge moved. `repeated`: an earlier call had moved it, this one moved nothing."""

    charge_micros: int
    worker_micros: int
    checkers_micros: int
    network_micros: int
    repeated: bool


def charge_hold(
    *, hold_id: int, key: str, charge_micros: int, worker_owner, shares_bp: Mapping[str, int], reference: str, now: datetime
) -> ChargeResult:
    """Charge a hold and split the charge, exactly once per key.

    The worker's share becomes a pending earning of `worker_owner` (a user or its id) that matures later.

    Raises:
        HoldTooSmall: the hold does not cover the charge; nothing moved.
        KeyReused: the key names a charge of another hold or amount.
    """
    charge = Charge(
        key=key,
        hold_id=hold_id,
        charge_micros=charge_micros,
        worker_owner_id=getattr(worker_owner, "pk", worker_owner),
        shares_bp=shares_bp,
        reference=reference,
    )
    return charge_holds(charges=[charge], now=now)[0]


@transaction.atomic
def charge_holds(*, charges: Sequence[Charge], now: datetime) -> list[ChargeResult]:
    """Many charges, all or none, in a handful of queries whatever their number; results in the same order.

    Raises: as charge_hold, for the first charge that cannot be made.

    Locks: the holds, then their owners' wallets, then the pending accounts that are paid.
    """
    assert len({charge.key for charge in charges}) == len(charges), "a key twice in one batch"
    holds = _lock_holds(charge.hold_id for charge in charges)
    done = _charged_before(charges)
    fresh = [charge for charge in charges if charge.key not in done and charge.charge_micros]
    if fresh:
        done |= _charge_now(fresh, holds, now)
    return [done.get(charge.key, ChargeResult(0, 0, 0, 0, repeated=False)) for charge in charges]


def _charge_now(charges: Sequence[Charge], holds: dict[int, Hold], now: datetime) -> dict[str, ChargeResult]:
    """Write new charges against locked holds."""
    chart = chart_of([*(hold.owner_id for hold in holds.values()), *(charge.worker_owner_id for charge in charges)])
    divided = {charge.key: _divide(charge, holds[charge.hold_id]) for charge in charges}
    movements = [
        move for charge in charges for move in _charge_movements(charge, holds[charge.hold_id], chart, divided[charge.key])
    ]
    Hold.objects.bulk_update(holds.values(), [f"{bucket.value}_micros" for bucket in Bucket])
    wallets = [account for hold in holds.values() for account in _wallet(chart, hold.owner_id)]
    locked = lock_accounts([*wallets, *(move.target for move in movements)])
    _write_earnings(post(movements, locked=locked), holds, now)
    return {charge.key: _result(charge.charge_micros, divided[charge.key].values(), repeated=False) for charge in charges}


def _divide(charge: Charge, hold: Hold) -> dict[Bucket, dict[str, int]]:
    """Take the charge from the locked hold's buckets and divide it."""
    assert charge.charge_micros > 0, "a charge is not negative"
    if (short_micros := charge.charge_micros - hold.remaining_micros) > 0:
        raise HoldTooSmall(hold.pk, short_micros)
    taken = take_in_order(charge.charge_micros, hold.parts())
    hold.add(taken, sign=-1)
    return divide_charge(taken, charge.shares_bp)


def _charge_movements(charge: Charge, hold: Hold, chart: Chart, divided) -> list[Movement]:
    """Per bucket: the charge into clearing, and out of it the shares that are not zero."""
    movements = []
    for bucket, shares in divided.items():
        key, clearing = f"{charge.key}/{bucket.value}", platform(chart, Kind.CLEARING, bucket)
        common = {"hold_id": hold.pk, "reference": charge.reference}
        source = holding(chart, hold.owner_id, bucket)
        amount_micros = sum(shares.values())
        movements.append(
            Movement(key=key, code=Code.CHARGE, source=source, target=clearing, amount_micros=amount_micros, **common)
        )
        targets = {"worker": (chart[charge.worker_owner_id, Kind.PENDING, bucket], Code.EARNING)}
        targets |= {share: (platform(chart, kind, bucket), code) for share, (kind, code) in POOLS.items()}
        for share, (target, code) in targets.items():
            if shares[share]:
                movements.append(
                    Movement(
                        key=f"{key}/{share}", code=code, source=clearing, target=target, amount_micros=shares[share], **common
                    )
                )
    return movements


def _write_earnings(transfers: Iterable[Transfer], holds: dict[int, Hold], now: datetime) -> None:
    """Pending earnings with the moment at which they become available."""
    pending = timedelta(seconds=CreditRule.at(now).pending_seconds)
    Earning.objects.bulk_create(
        Earning(
            transfer=row,
            account_id=row.target_id,
            amount_micros=row.amount_micros,
            matures_at=matures_at(hold=holds[row.hold_id], row=row, earliest=now + pending),
        )
        for row in transfers
        if row.code == Code.EARNING
    )


def matures_at(*, hold: Hold, row: Transfer, earliest: datetime) -> datetime | None:
    """Not before the money paid is beyond chargeback; never for work between accounts of one owner."""
    if hold.owner_id == row.owner_id:
        return None
    if row.target.bucket == Bucket.PURCHASED and hold.clears_at:
        return max(earliest, hold.clears_at)
    return earliest


def _result(charge_micros: int, parts: Iterable[Mapping[str, int]], *, repeated: bool) -> ChargeResult:
    parts = list(parts)
    worker, checkers, network = (sum(part.get(share, 0) for part in parts) for share in ("worker", "checkers", "network"))
    return ChargeResult(charge_micros, worker, checkers, network, repeated)


def _charged_before(charges: Sequence[Charge]) -> dict[str, ChargeResult]:
    """Results of the charges whose key was written before. Raises KeyReused when it names something else."""
    keys = {
        charge.key: [f"{key}{share}" for key in _keys(charge.key) for share in ("", "/worker", "/checkers", "/network")]
        for charge in charges
    }
    known = written(key for each in keys.values() for key in each)
    results = {}
    for charge in charges:
        rows = [known[key] for key in keys[charge.key] if key in known]
        if rows:
            results[charge.key] = _repeat_of(charge, rows)
    return results


def _repeat_of(charge: Charge, rows: Sequence[Transfer]) -> ChargeResult:
    moved = [row for row in rows if row.code == Code.CHARGE]
    if {row.hold_id for row in rows} != {charge.hold_id}:
        raise KeyReused(charge.key)
    _check_amount(charge.key, moved, charge.charge_micros)
    parts = [{row.key.rpartition("/")[2]: row.amount_micros} for row in rows if row.code != Code.CHARGE]
    return _result(charge.charge_micros, parts, repeated=True)


# Refunds --------------------------------------------------------------------------------------------------------------


@transaction.atomic
def refund_charge(*, key: str, charge_key: str, reason: str) -> int:
    """Reverse a charge: its creator gets it back in the buckets it came from; returns the micros given back.

    The worker's share is taken back while it is pending; once it has matured the network bears it.
    Repeating the key moves nothing.

    Raises:
        NotCharged: there is no such charge, or another refund has reversed it.
    """
    charged = _lock_charge(charge_key)
    if known := written(_keys(key)):
        return sum(row.amount_micros for row in known.values())
    if not charged or Transfer.objects.filter(reverses__in=charged).exists():
        raise NotCharged(charge_key)
    open_earnings = _lock_open_earnings(charged)
    creator_id = next(row.owner_id for row in charged if row.code == Code.CHARGE)
    chart = chart_of([creator_id])
    post([_reversal(row, key, charge_key, chart, row.pk in open_earnings, reason) for row in charged])
    Earning.objects.filter(pk__in=open_earnings).update(settled_at=clock.now())
    events.credit_grew([creator_id])
    return sum(row.amount_micros for row in charged if row.code == Code.CHARGE)


def _lock_charge(charge_key: str) -> list[Transfer]:
    """A charge's transfers; its hold is locked, so that only one refund at a time sees it unrefunded."""
    keys = [f"{key}{share}" for key in _keys(charge_key) for share in ("", "/worker", "/checkers", "/network")]
    rows = list(Transfer.objects.filter(key__in=keys, hold__isnull=False).select_related("source", "target").order_by("id"))
    _lock_holds(row.hold_id for row in rows)
    return rows


def _lock_open_earnings(charged: Sequence[Transfer]) -> set[int]:
    rows = Earning.objects.select_for_update().filter(pk__in=[row.pk for row in charged], settled_at=None)
    return set(rows.order_by("pk").values_list("pk", flat=True))


def _reversal(row: Transfer, key: str, charge_key: str, chart: Chart, still_pending: bool, reason: str) -> Movement:
    """The transfer that undoes one transfer of a charge."""
    source, target, code = row.target, row.source, Code.SHARE_REVERSED
    if row.code == Code.CHARGE:
        code, target = Code.REFUND, spendable(chart, row.owner_id, row.source.bucket)
    elif row.code == Code.EARNING and still_pending:
        code = Code.EARNING_REVERSED
    elif row.code == Code.EARNING:
        source = platform(chart, Kind.NETWORK, row.target.bucket)
    return Movement(
        key=key + row.key.removeprefix(charge_key),
        code=code,
        source=source,
        target=target,
        amount_micros=row.amount_micros,
        hold_id=None,
        reverses_id=row.pk,
        reference=reason,
    )


# Pending earnings -----------------------------------------------------------------------------------------------------


@transaction.atomic
def sweep_matured_earnings(*, now: datetime, limit: int = 1000) -> int:
    """Make due earnings available; returns how many. One transfer per user and bucket, however many earnings.

    What promotional credit paid becomes promotional (spend-only), everything else earned (withdrawable).
    """
    due = Earning.objects.select_for_update(skip_locked=True).filter(settled_at=None, matures_at__lte=now)
    earnings = list(due.order_by("pk")[:limit])
    if not earnings:
        return 0
    accounts = Account.objects.in_bulk({earning.account_id for earning in earnings})
    owner_ids = {account.owner_id for account in accounts.values()}
    chart = chart_of(owner_ids)
    post([_maturity(account, [each for each in earnings if each.account_id == pk], chart) for pk, account in accounts.items()])
    Earning.objects.filter(pk__in=[earning.pk for earning in earnings]).update(settled_at=now)
    events.credit_grew(owner_ids)
    return len(earnings)


def _maturity(account: Account, earnings: Sequence[Earning], chart: Chart) -> Movement:
    """An earning matures once, so the first of them names the batch for ever."""
    becomes = Bucket.PROMOTIONAL if account.bucket == Bucket.PROMOTIONAL else Bucket.EARNED
    return Movement(
        key=f"earning:{earnings[0].pk}:maturity",
        code=Code.MATURITY,
        source=account,
        target=spendable(chart, account.owner_id, becomes),
        amount_micros=sum(earning.amount_micros for earning in earnings),
        reference=f"{len(earnings)} accepted {'task' if len(earnings) == 1 else 'tasks'}",
    )
