"""PayPal's hosted checkout: Orders v2, captures, disputes and webhooks, over HTTP."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from django.conf import settings

from common.money import MICROS, parse_credits
from credit.providers import paypal_signature
from credit.providers.base import (
    CURRENCY,
    BadEvent,
    Capture,
    CaptureState,
    Checkout,
    DisputeView,
    Event,
    Order,
    OrderState,
    ProviderRefused,
    ProviderUnavailable,
)
from credit.providers.http import json_of, send

CENT_MICROS = MICROS // 100
SPARE_SECONDS = 60  # a token is renewed so long before it ends
ORDER_STATES: dict[str, OrderState] = {"APPROVED": "approved", "COMPLETED": "captured", "VOIDED": "gone"}
CAPTURE_STATES: dict[str, CaptureState] = {
    "COMPLETED": "completed",
    "REFUNDED": "completed",  # it was; `returned_micros` says what went back
    "PARTIALLY_REFUNDED": "completed",
    "PENDING": "pending",
    "DECLINED": "denied",
    "FAILED": "denied",
}
LOST = {"RESOLVED_BUYER_FAVOUR", "ACCEPTED"}
WON = {"RESOLVED_SELLER_FAVOUR", "RESOLVED_WITH_PAYOUT", "CANCELED_BY_BUYER", "DENIED"}

_tokens: dict[tuple[str, str], tuple[str, int]] = {}  # (address, client) -> (token, monotonic end)
_tokens_lock = threading.Lock()


def dollars(amount_micros: int) -> str:
    """Whole cents as PayPal writes them: 26_400_000 -> "26.40"."""
    assert amount_micros % CENT_MICROS == 0, "PayPal knows whole cents"
    whole, cents = divmod(amount_micros // CENT_MICROS, 100)
    return f"{whole}.{cents:02d}"


def money_of(amount: object) -> tuple[str, int]:
    """(currency, micros) of PayPal's money; ("", 0) for what is none."""
    if not isinstance(amount, dict):
        return "", 0
    try:
        return str(amount.get("currency_code", "")), parse_credits(str(amount.get("value", "")))
    except ValueError:
        return "", 0


def _part(of: object, *names: str | int) -> object:
    """Walk into an answer; None where it has no such place."""
    for name in names:
        if isinstance(of, dict):
            of = of.get(name)
        elif isinstance(of, list) and isinstance(name, int) and len(of) > name:
            of = of[name]
        else:
            return None
    return of


def _list(of: object, *names: str | int) -> list[dict]:
    found = _part(of, *names)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(of: object, *names: str | int, longest: int = 64) -> str:
    found = _part(of, *names)
    return found[:longest] if isinstance(found, str) else ""


@dataclass(frozen=True, slots=True)
class PayPal:
    """One merchant's account at one address of the API."""

    api_url: str
    page_url: str  # where payers approve
    client_id: str
    client_secret: str
    webhook_id: str
    signers: paypal_signature.Signers
    brand: str
    name = "paypal"

    @classmethod
    def from_settings(cls) -> "PayPal":
        signers = paypal_signature.Signers(settings.PAYPAL_CERT_URL, settings.PAYPAL_CERT_NAME, settings.PAYPAL_ROOTS_FILE)
        return cls(
            api_url=settings.PAYPAL_API_URL,
            page_url=settings.PAYPAL_PAGE_URL,
            client_id=settings.PAYPAL_CLIENT_ID,
            client_secret=settings.PAYPAL_CLIENT_SECRET,
            webhook_id=settings.PAYPAL_WEBHOOK_ID,
            signers=signers,
            brand=settings.SITE_NAME,
        )

    # Checkouts --------------------------------------------------------------------------------------------------------

    def open_checkout(
        self, *, reference: str, total_micros: int, amount_micros: int, return_url: str, cancel_url: str
    ) -> Checkout:
        credit, fee = dollars(amount_micros), dollars(total_micros - amount_micros)
        money = {"currency_code": CURRENCY, "value": dollars(total_micros)}
        parts = {
            "item_total": {"currency_code": CURRENCY, "value": credit},
            "handling": {"currency_code": CURRENCY, "value": fee},
        }
        unit = {
            "reference_id": reference,
            "custom_id": reference,
            "invoice_id": reference,
            "description": f"{credit} credits and a payment fee of {fee} {CURRENCY}",
            "amount": money | {"breakdown": parts},
        }
        experience = {
            "brand_name": self.brand,
            "shipping_preference": "NO_SHIPPING",
            "user_action": "PAY_NOW",
            "return_url": return_url,
            "cancel_url": cancel_url,
        }
        body = {
            "intent": "CAPTURE",
            "purchase_units": [unit],
            "payment_source": {"paypal": {"experience_context": experience}},
        }
        answer = self._ask("POST", "/v2/checkout/orders", body, request_id=f"{reference}-open")
        return Checkout(order_id=self._id_of(answer), approve_url=self._approve_url(answer))

    def order(self, order_id: str) -> Order:
        answer = self._ask("GET", f"/v2/checkout/orders/{quote(order_id, safe='')}")
        units = _list(answer, "purchase_units")
        payments = [_part(unit, "payments") for unit in units]
        refunds = [money_of(each.get("amount")) for part in payments for each in _list(part, "refunds") if _is_done(each)]
        return Order(
            order_id=self._id_of(answer),
            state=ORDER_STATES.get(_text(answer, "status"), "open"),
            reference=_text(answer, "purchase_units", 0, "custom_id") if len(units) == 1 else "",
            captures=[_capture(each) for part in payments for each in _list(part, "captures")],
            returned_micros=sum(micros for currency, micros in refunds if currency == CURRENCY),
        )

    def capture(self, order_id: str, *, reference: str) -> None:
        path = f"/v2/checkout/orders/{quote(order_id, safe='')}/capture"
        self._ask("POST", path, {}, request_id=f"{reference}-capture")

    def _id_of(self, answer: dict) -> str:
        if not (found := _text(answer, "id")):
            raise ProviderUnavailable("no id")
        return found

    def _approve_url(self, answer: dict) -> str:
        """Where PayPal sends the payer; nowhere else than to PayPal."""
        links = {_text(link, "rel"): _text(link, "href", longest=500) for link in _list(answer, "links")}
        url = links.get("payer-action") or links.get("approve") or ""
        here, expected = urlsplit(url), urlsplit(self.page_url)
        if (here.scheme, here.netloc) != (expected.scheme, expected.netloc):
            raise ProviderUnavailable("no address for the payer")
        return url

    # Disputes ---------------------------------------------------------------------------------------------------------

    def dispute(self, dispute_id: str) -> DisputeView:
        answer = self._ask("GET", f"/v1/customer/disputes/{quote(dispute_id, safe='')}")
        outcome = _text(answer, "dispute_outcome", "outcome_code")
        resolved = _text(answer, "status") == "RESOLVED"
        currency, refunded = money_of(_part(answer, "dispute_outcome", "amount_refunded"))
        known = outcome in LOST or outcome in WON
        return DisputeView(
            dispute_id=_text(answer, "dispute_id"),
            capture_id=_text(answer, "disputed_transactions", 0, "seller_transaction_id"),
            state=("resolved" if known else "unclear") if resolved else "open",
            amount_micros=money_of(_part(answer, "dispute_amount"))[1],
            lost=outcome in LOST,
            lost_micros=refunded if currency == CURRENCY and refunded else None,
        )

    def disputes_since(self, moment: datetime) -> list[str]:
        since = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        answer = self._ask("GET", f"/v1/customer/disputes?update_time_after={since}&page_size=50")
        return [found for each in _list(answer, "items") if (found := _text(each, "dispute_id"))]

    # Events -----------------------------------------------------------------------------------------------------------

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Event:
        sent_at = paypal_signature.check(headers, body, webhook_id=self.webhook_id, signers=self.signers, now=now)
        try:
            event = json.loads(body)
        except ValueError as error:
            raise BadEvent("not JSON") from error
        return _event(event, sent_at)

    # HTTP -------------------------------------------------------------------------------------------------------------

    def _ask(self, method: str, path: str, body: dict | None = None, *, request_id: str = "") -> dict:
        """The object that PayPal answers; a token that it no longer knows is renewed once."""
        for is_last in (False, True):
            headers = {"Authorization": f"Bearer {self._token()}", "Prefer": "return=representation"}
            if request_id:
                headers["PayPal-Request-Id"] = request_id
            answer = send(method, self.api_url + path, headers=headers, json=body)
            if answer.status_code != 401 or is_last:
                break
            self._forget_token()
        if answer.is_success:
            return json_of(answer)
        if answer.status_code in {400, 403, 404, 409, 422}:
            said = json_of(answer)
            raise ProviderRefused(_text(said, "details", 0, "issue") or _text(said, "name") or str(answer.status_code))
        raise ProviderUnavailable(f"{method} {path.partition('?')[0]}: {answer.status_code}")

    def _token(self) -> str:
        """Kept by this process until it ends."""
        with _tokens_lock:
            kept, ends = _tokens.get((self.api_url, self.client_id), ("", 0))
            if kept and time.monotonic() < ends:
                return kept
            answer = send(
                "POST",
                f"{self.api_url}/v1/oauth2/token",
                auth=(self.client_id, self.client_secret),
                data={"grant_type": "client_credentials"},
            )
            said = json_of(answer) if answer.is_success else {}
            token, seconds = said.get("access_token"), said.get("expires_in")
            if not isinstance(token, str) or not isinstance(seconds, int):
                raise ProviderUnavailable(f"no token: {answer.status_code}")
            _tokens[self.api_url, self.client_id] = token, int(time.monotonic()) + seconds - SPARE_SECONDS
            return token

    def _forget_token(self) -> None:
        with _tokens_lock:
            _tokens.pop((self.api_url, self.client_id), None)


def _is_done(refund: dict) -> bool:
    return refund.get("status") in {"COMPLETED", "PENDING"}


def _capture(each: dict) -> Capture:
    currency, amount_micros = money_of(each.get("amount"))
    fee = money_of(_part(each, "seller_receivable_breakdown", "paypal_fee"))
    return Capture(
        capture_id=_text(each, "id"),
        state=CAPTURE_STATES.get(_text(each, "status"), "pending"),
        currency=currency,
        amount_micros=amount_micros,
        provider_fee_micros=fee[1] if fee[0] else None,
        reason=_text(each, "status_details", "reason"),
    )


def _event(event: object, sent_at: datetime) -> Event:
    """Which order, capture or dispute an event is about."""
    kind, resource = _text(event, "event_type"), _part(event, "resource")
    if not (event_id := _text(event, "id")) or not kind:
        raise BadEvent("no event")
    is_order, is_reversal = kind.startswith("CHECKOUT.ORDER."), kind == "PAYMENT.CAPTURE.REVERSED"
    is_capture = kind.startswith("PAYMENT.CAPTURE.")
    captured = _up_link(resource) or _text(resource, "id")
    return Event(
        event_id=event_id,
        kind=kind,
        sent_at=sent_at,
        order_id=_text(resource, "id") if is_order else _text(resource, "supplementary_data", "related_ids", "order_id"),
        capture_id=captured if is_capture else "",
        dispute_id=_text(resource, "dispute_id") if kind.startswith("CUSTOMER.DISPUTE.") else "",
        reversal_id=_text(resource, "id") if is_reversal else "",
        reversed_micros=money_of(_part(resource, "amount"))[1] if is_reversal else None,
    )


def _up_link(resource: object) -> str:
    """The capture that a refund or reversal is of: the last word of its link `up`."""
    for link in _list(resource, "links"):
        if _text(link, "rel") == "up" and "/captures/" in _text(link, "href", longest=500):
            return _text(link, "href", longest=500).rpartition("/")[2][:64]
    return ""
