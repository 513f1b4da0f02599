"""A hold is charged and the charge divided, exactly once per key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import connection, transaction

from credit.codes import Bucket, Code, Kind
from credit.errors import HoldTooSmall, KeyReused
from credit.models import Hold, Transfer
from credit.posting import Chart, Movement, chart_of, holding, lock_accounts, platform, post, written
from credit.services.earnings import write_earnings
from credit.services.keys import bucket_keys, charge_keys, check_amount
from credit.services.locks import lock_holds, wallet
from credit.splitting import divide_charge, take_in_order

PARTS = [f"{bucket.value}_micros" for bucket in Bucket]
SAVE = f"""
    UPDATE credit_hold AS hold SET {", ".join(f"{part} = given.{part}" for part in PARTS)}
    FROM unnest(%s::bigint[], {", ".join("%s::bigint[]" for _ in PARTS)}) AS given(id, {", ".join(PARTS)}) WHERE hold.id = given.id
"""
POOLS = {"checkers": (Kind.CHECKERS, Code.CHECKERS_SHARE), "network": (Kind.NETWORK, Code.NETWORK_SHARE)}


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
    holds = lock_holds(charge.hold_id for charge in charges)
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
    _save(holds.values())
    wallets = [account for hold in holds.values() for account in wallet(chart, hold.owner_id)]
    locked = lock_accounts([*wallets, *(move.target for move in movements)])
    write_earnings(post(movements, locked=locked), holds, now)
    return {charge.key: _result(charge.charge_micros, divided[charge.key].values(), repeated=False) for charge in charges}


def _save(holds: Collection[Hold]) -> None:
    """The parts that remain of locked holds."""
    columns = [[hold.pk for hold in holds], *([getattr(hold, name) for hold in holds] for name in PARTS)]
    with connection.cursor() as cursor:
        cursor.execute(SAVE, columns)


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
        movement = partial(Movement, hold_id=hold.pk, reference=charge.reference)
        source = holding(chart, hold.owner_id, bucket)
        amount_micros = sum(shares.values())
        movements.append(movement(key=key, code=Code.CHARGE, source=source, target=clearing, amount_micros=amount_micros))
        targets = {"worker": (chart[charge.worker_owner_id, Kind.PENDING, bucket], Code.EARNING)}
        targets |= {share: (platform(chart, kind, bucket), code) for share, (kind, code) in POOLS.items()}
        for share, (target, code) in targets.items():
            if shares[share]:
                movements.append(
                    movement(key=f"{key}/{share}", code=code, source=clearing, target=target, amount_micros=shares[share])
                )
    return movements


def _result(charge_micros: int, parts: Iterable[Mapping[str, int]], *, repeated: bool) -> ChargeResult:
    parts = list(parts)
    worker, checkers, network = (sum(part.get(share, 0) for part in parts) for share in ("worker", "checkers", "network"))
    return ChargeResult(charge_micros, worker, checkers, network, repeated)


def _charged_before(charges: Sequence[Charge]) -> dict[str, ChargeResult]:
    """Results of the charges whose key was written before. Raises KeyReused when it names something else."""
    heads = {charge.key: bucket_keys(charge.key) for charge in charges}
    known = written(key for each in heads.values() for key in each)
    repeats = [charge for charge in charges if not known.keys().isdisjoint(heads[charge.key])]
    rows = written(key for charge in repeats for key in charge_keys(charge.key)) if repeats else {}
    return {charge.key: _repeat_of(charge, [rows[key] for key in charge_keys(charge.key) if key in rows]) for charge in repeats}


def _repeat_of(charge: Charge, rows: Sequence[Transfer]) -> ChargeResult:
    moved = [row for row in rows if row.code == Code.CHARGE]
    if {row.hold_id for row in rows} != {charge.hold_id}:
        raise KeyReused(charge.key)
    check_amount(charge.key, moved, charge.charge_micros)
    parts = [{row.key.rpartition("/")[2]: row.amount_micros} for row in rows if row.code != Code.CHARGE]
    return _result(charge.charge_micros, parts, repeated=True)
