"""What the site asks of a payment provider. Amounts are micros of US dollars."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

CURRENCY = "USD"
CaptureState = Literal["completed", "pending", "denied"]
OrderState = Literal["open", "approved", "captured", "gone"]


class ProviderUnavailable(Exception):
    """No usable answer: nothing is known, ask again later."""


class ProviderRefused(Exception):
    """The provider said no; `issue` is its word for why."""

    def __init__(self, issue: str):
        super().__init__(issue)
        self.issue = issue


class BadEvent(Exception):
    """An event that the provider did not send, or not now; `status` is the HTTP answer."""

    def __init__(self, why: str, status: int = 400):
        super().__init__(why)
        self.why, self.status = why, status


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """A checkout that was opened."""

    order_id: str
    approve_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """The provider collected money, or tried to. `amount_micros` is 0 where it is not written as money."""

    capture_id: str
    state: CaptureState
    currency: str
    amount_micros: int
    provider_fee_micros: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A checkout as the provider sees it now. `returned_micros`: given back to the payer since."""

    order_id: str
    state: OrderState
    reference: str
    captures: list[Capture] = field(default_factory=list)
    returned_micros: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView:
    """A dispute as the provider sees it now. `lost_micros`: what the payer got back, once it is resolved."""

    dispute_id: str
    capture_id: str
    state: Literal["open", "resolved", "unclear"]
    amount_micros: int
    lost_micros: int | None = None  # None: everything, once `lost`
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What the provider announced, proved to be its own words. Whom it is about is asked again."""

    event_id: str
    kind: str
    sent_at: datetime
    order_id: str = ""
    capture_id: str = ""
    dispute_id: str = ""
    reversal_id: str = ""
    reversed_micros: int | None = None


class PaymentProvider(Protocol):
    """Every call may raise ProviderUnavailable or ProviderRefused, takes bounded time, and is made outside a transaction."""

    name: str

    def open_checkout(
        self, *, reference: str, total_micros: int, amount_micros: int, return_url: str, cancel_url: str
    ) -> Checkout:
        """Open a checkout for `total_micros`; the same reference opens it once."""

    def order(self, order_id: str) -> Order:
        """The checkout as it is now."""

    def capture(self, order_id: str, *, reference: str) -> None:
        """Collect what was approved, once per reference; `order` then says what came of it."""

    def dispute(self, dispute_id: str) -> DisputeView:
        """The dispute as it is now."""

    def disputes_since(self, moment: datetime) -> list[str]:
        """Ids of the disputes that changed since then."""

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        """Raises BadEvent unless the provider signed it within the last minutes."""
