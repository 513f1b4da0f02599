"""People and money for the ledger's tests."""

from datetime import UTC, datetime

from credit import services
from credit.models import Earning, Hold
from users.models import User

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHARES = {"worker": 6000, "checkers": 1000, "network": 3000}


def person(name: str, **facts) -> User:
    return User.objects.create(username=name, email=f"{name}@example.org", **facts)


def promote(user: User, amount_micros: int, key: str = "promotion:1"):
    return services.grant_promotion(user=user, amount_micros=amount_micros, key=f"{key}:{user.pk}")


def top_up(user: User, amount_micros: int, key: str = "payment:1"):
    return services.top_up_by_operator(user=user, amount_micros=amount_micros, key=f"{key}:{user.pk}", reason="Invoice 1")


def hold(owner: User, amount_micros: int, key: str = "job:1:hold") -> Hold:
    return services.open_hold(key=key, owner=owner, amount_micros=amount_micros, purpose="Job 1")


def charge(held: Hold, charge_micros: int, worker_owner: User, key: str = "task:1:charge", now=NOW, shares_bp=SHARES):
    return services.charge_hold(
        hold_id=held.pk,
        key=key,
        charge_micros=charge_micros,
        worker_owner=worker_owner,
        shares_bp=shares_bp,
        reference="Job 1, frame 1",
        now=now,
    )


def earn(user: User, amount_micros: int, payer: User, key: str = "earn") -> None:
    """Give `user` spendable earned credit that `payer`, who needs the money at hand, paid through a charge."""
    held = hold(payer, amount_micros, key=f"{key}:hold")
    all_to_worker = {"worker": 10_000, "checkers": 0, "network": 0}
    charge(held, amount_micros, user, key=f"{key}:charge", shares_bp=all_to_worker)
    services.sweep_matured_earnings(now=max(Earning.objects.values_list("matures_at", flat=True)))
