"""Credit enters: payments, promotions, and the one plain transfer behind them."""

from datetime import datetime

from django.db import IntegrityError, transaction

from credit import events
from credit.codes import Bucket, Code, Kind
from credit.models import Account, CreditRule, Transfer
from credit.posting import Movement, chart_of, platform, post, spendable, written


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


def pay_probe(*, user, amount_micros: int, key: str, reference: str) -> Transfer:
    """Pay a node's owner for a frame that the network had rendered at its own cost; spend-only, as no creator paid it."""
    return _add(user, Kind.NETWORK, Bucket.PROMOTIONAL, Code.PROBE, amount_micros, key, reference)


@transaction.atomic
def _add(user, kind: Kind, bucket: Bucket, code: Code, amount_micros: int, key: str, reference: str) -> Transfer:
    chart = chart_of([user.pk])
    source, target = platform(chart, kind, bucket), spendable(chart, user.pk, bucket)
    added = transfer(key=key, code=code, source=source, target=target, amount_micros=amount_micros, reference=reference)
    events.credit_grew([user.pk])
    return added
