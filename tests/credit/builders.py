"""People and money for the ledger's tests."""

from datetime import UTC, datetime

from credit import services
from credit.models import Earning, Hold, Payment
from credit.payment_states import PaymentStatus
from credit.providers.base import CURRENCY, Capture, Order
from credit.services.payments import apply_order
from tests.users.browsers import equip
from users.models import User

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
SHARES = {"worker": 6000, "checkers": 1000, "network": 3000}


def person(name: str, **facts) -> User:
    user = User.objects.create(username=name, email=f"{name}@example.org", **facts)
    if user.is_staff:
        equip(user)
    return user


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


def checkout_of(owner: User, amount_micros: int, fee_micros: int = 0, order: str = "") -> Payment:
    """A payment whose checkout is open at a provider that nobody asks."""
    order = order or f"O-{Payment.objects.count()}"
    return Payment.objects.create(
        provider="paypal",
        owner=owner,
        form_key=order,
        amount_micros=amount_micros,
        fee_micros=fee_micros,
        status=PaymentStatus.AWAITING,
        order_id=order,
    )


def captured(payment: Payment, returned_micros: int = 0) -> Order:
    """The provider's answer once it was paid."""
    capture = Capture(
        capture_id=f"C-{payment.order_id}", state="completed", currency=CURRENCY, amount_micros=payment.total_micros
    )
    reference, captures = str(payment.pk), [capture]
    assert payment.order_id
    return Order(
        order_id=payment.order_id, state="captured", reference=reference, captures=captures, returned_micros=returned_micros
    )


def pay_by_provider(owner: User, amount_micros: int, fee_micros: int = 0) -> Payment:
    """Credited, and in doubt for as long as the settings say."""
    payment = checkout_of(owner, amount_micros, fee_micros)
    return apply_order(payment_id=payment.pk, order=captured(payment), now=NOW)
