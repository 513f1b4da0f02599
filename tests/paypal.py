"""PayPal, as far as a checkout, its webhooks and disputes need it, over HTTP on loopback; its certificates are its own."""

import base64
import json
import threading
import uuid
import zlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SIGNER = "messageverificationcerts.paypal.test"
CLIENT, SECRET, WEBHOOK = "merchant", "merchant-secret", "WH-TEST-1"
CERTIFICATES = "/v1/notifications/certs/"


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Authority:
    """A root that vouches for signers; its certificates are valid from a year before `now` to a year after."""

    def __init__(self, name: str, now: datetime) -> None:
        self.key, self.now = _key(), now
        self.root = self._sign(_name(name), self.key, [(x509.BasicConstraints(ca=True, path_length=1), True)], ca=True)

    def _sign(self, subject: x509.Name, key: rsa.RSAPrivateKey, extensions: list, ca: bool = False, **times):
        issuer = subject if ca else self.root.subject
        usage = x509.KeyUsage(not ca, False, False, False, False, ca, ca, False, False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(times.get("begins", self.now - timedelta(days=365)))
            .not_valid_after(times.get("ends", self.now + timedelta(days=365)))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), False)
            .add_extension(usage, True)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(self.key, hashes.SHA256())

    def signer(self, name: str = SIGNER, **times) -> "Signer":
        key = _key()
        extensions = [
            (x509.SubjectAlternativeName([x509.DNSName(name)]), False),
            (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
            (x509.BasicConstraints(ca=False, path_length=None), True),
        ]
        return Signer(key, self._sign(_name(name), key, extensions, **times))

    def pem(self) -> bytes:
        return self.root.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Signer:
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def sign(self, text: str) -> str:
        return base64.b64encode(self.key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()


@dataclass
class PayPal:
    """`outcome`: what a capture comes to. `down`: answers 503."""

    now: datetime
    outcome: str = "COMPLETED"
    down: bool = False
    broken: dict[str, int] = field(default_factory=dict)  # last word of an address -> the status that it answers
    lose_answers: bool = False  # does what it is asked, then breaks the connection
    token_seconds: int = 3600
    orders: dict[str, dict] = field(default_factory=dict)
    disputes: dict[str, dict] = field(default_factory=dict)
    by_request: dict[str, str] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)
    asked: Counter = field(default_factory=Counter)
    certificates: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.authority = Authority("Root of the stand-in", self.now)
        self.signer = self.authority.signer()
        self.certificates["CERT-1"] = self.signer.pem()
        self.lock = threading.RLock()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def settings(self, folder: Path) -> dict[str, object]:
        """What a network that uses this PayPal has set."""
        (roots := folder / "roots.pem").write_bytes(self.authority.pem())
        return {
            "PAYPAL_CLIENT_ID": CLIENT,
            "PAYPAL_CLIENT_SECRET": SECRET,
            "PAYPAL_WEBHOOK_ID": WEBHOOK,
            "PAYPAL_API_URL": self.url,
            "PAYPAL_PAGE_URL": self.url,
            "PAYPAL_CERT_URL": self.url + CERTIFICATES,
            "PAYPAL_CERT_NAME": SIGNER,
            "PAYPAL_ROOTS_FILE": str(roots),
        }

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    # What a payer and a merchant do there -----------------------------------------------------------------------------

    def approve(self, order_id: str) -> None:
        with self.lock:
            self.orders[order_id]["status"] = "APPROVED"

    def settle(self, order_id: str, status: str = "COMPLETED", **changes) -> None:
        """A capture that was pending ends."""
        with self.lock:
            self._captures(order_id)[0].update(status=status, **changes)

    def refund(self, order_id: str, value: str, status: str = "PARTIALLY_REFUNDED") -> None:
        with self.lock:
            payments = self.orders[order_id]["purchase_units"][0]["payments"]
            payments.setdefault("refunds", []).append({"id": new_id("R"), "status": "COMPLETED", "amount": usd(value)})
            payments["captures"][0]["status"] = status

    def dispute(self, order_id: str, value: str, dispute_id: str = "PP-D-1") -> str:
        self.disputes[dispute_id] = {
            "dispute_id": dispute_id,
            "status": "OPEN",
            "dispute_amount": usd(value),
            "disputed_transactions": [{"seller_transaction_id": self._captures(order_id)[0]["id"]}],
        }
        return dispute_id

    def resolve(self, dispute_id: str, outcome: str, refunded: str = "") -> None:
        said: dict = {"outcome_code": outcome}
        if refunded:
            said["amount_refunded"] = usd(refunded)
        self.disputes[dispute_id].update(status="RESOLVED", dispute_outcome=said)

    def _captures(self, order_id: str) -> list[dict]:
        return self.orders[order_id]["purchase_units"][0]["payments"]["captures"]

    # Webhooks ---------------------------------------------------------------------------------------------------------

    def event(self, kind: str, resource: dict, event_id: str = "") -> bytes:
        return json.dumps({"id": event_id or new_id("WH"), "event_type": kind, "resource": resource}).encode()

    def order_event(self, order_id: str, kind: str = "CHECKOUT.ORDER.APPROVED", event_id: str = "") -> bytes:
        return self.event(kind, self.orders[order_id], event_id)

    def capture_event(self, order_id: str, kind: str = "PAYMENT.CAPTURE.COMPLETED", event_id: str = "") -> bytes:
        resource = self._captures(order_id)[0] | {"supplementary_data": {"related_ids": {"order_id": order_id}}}
        return self.event(kind, resource, event_id)

    def dispute_event(self, dispute_id: str, kind: str = "CUSTOMER.DISPUTE.CREATED", event_id: str = "") -> bytes:
        return self.event(kind, self.disputes[dispute_id], event_id)

    def reversal_event(self, order_id: str, value: str, reversal_id: str = "") -> bytes:
        link = {"rel": "up", "href": f"{self.url}/v2/payments/captures/{self._captures(order_id)[0]['id']}"}
        return self.event(
            "PAYMENT.CAPTURE.REVERSED", {"id": reversal_id or new_id("REV"), "amount": usd(value), "links": [link]}
        )

    def headers(self, body: bytes, sent_at: datetime | None = None, **changes: str) -> dict[str, str]:
        """As PayPal signs a webhook; `changes`: cert, webhook, or any header by its last word."""
        transmission, sent = str(uuid.uuid4()), (sent_at or self.now).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        signer: Signer = changes.pop("signer", self.signer)  # type: ignore[arg-type]
        signed = f"{transmission}|{sent}|{changes.pop('webhook', WEBHOOK)}|{zlib.crc32(body)}"
        headers = {
            "PAYPAL-TRANSMISSION-ID": transmission,
            "PAYPAL-TRANSMISSION-TIME": sent,
            "PAYPAL-TRANSMISSION-SIG": signer.sign(signed),
            "PAYPAL-CERT-URL": changes.pop("cert_url", self.url + CERTIFICATES + "CERT-1"),
            "PAYPAL-AUTH-ALGO": "SHA256withRSA",
        }
        return headers | {f"PAYPAL-{name.upper().replace('_', '-')}": value for name, value in changes.items()}

    # The API ----------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, headers, body: bytes) -> tuple[int, bytes]:
        parts = urlsplit(path)
        if parts.path.startswith(CERTIFICATES):
            self.asked["certificate"] += 1
            found = self.certificates.get(parts.path.removeprefix(CERTIFICATES))
            return (200, found) if found else (404, b"")
        with self.lock:
            status, answer = self._answer(method, parts, headers, body)
        return status, json.dumps(answer).encode()

    def _answer(self, method: str, parts, headers, body: bytes) -> tuple[int, dict]:
        if self.down:
            return 503, {"name": "SERVICE_UNAVAILABLE"}
        if parts.path == "/v1/oauth2/token":
            return self._token(headers, body)
        if headers.get("Authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {"name": "INVALID_TOKEN"}
        if status := self.broken.get(parts.path.rpartition("/")[2]):
            return status, {"name": "BROKEN"}
        match (method, *parts.path.strip("/").split("/")):
            case ("POST", "v2", "checkout", "orders"):
                return self._open(json.loads(body), headers["PayPal-Request-Id"])
            case ("GET", "v2", "checkout", "orders", order_id):
                self.asked["order"] += 1
                return (200, self.orders[order_id]) if order_id in self.orders else not_found()
            case ("POST", "v2", "checkout", "orders", order_id, "capture"):
                return self._capture(order_id, headers["PayPal-Request-Id"])
            case ("GET", "v1", "customer", "disputes"):
                assert parse_qs(parts.query)["update_time_after"]
                return 200, {"items": [{"dispute_id": each} for each in self.disputes]}
            case ("GET", "v1", "customer", "disputes", dispute_id):
                return (200, self.disputes[dispute_id]) if dispute_id in self.disputes else not_found()
        return not_found()

    def _token(self, headers, body: bytes) -> tuple[int, dict]:
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if headers.get("Authorization") != expected or parse_qs(body.decode()) != {"grant_type": ["client_credentials"]}:
            return 401, {"error": "invalid_client"}
        self.asked["token"] += 1
        self.tokens.add(token := new_id("T"))
        return 200, {"access_token": token, "token_type": "Bearer", "expires_in": self.token_seconds}

    def _open(self, order: dict, request_id: str) -> tuple[int, dict]:
        if order_id := self.by_request.get(request_id):
            return 200, self.orders[order_id]
        self.asked["opened"] += 1
        unit = order["purchase_units"][0]
        parts = unit["amount"]["breakdown"].values()
        assert cents(unit["amount"]["value"]) == sum(cents(part["value"]) for part in parts), "PayPal refuses such a sum"
        order_id = self.by_request[request_id] = new_id("O")
        context = order["payment_source"]["paypal"]["experience_context"]
        links = [{"rel": "payer-action", "href": f"{self.url}/checkoutnow?token={order_id}"}]
        self.orders[order_id] = {
            "id": order_id,
            "status": "PAYER_ACTION_REQUIRED",
            "purchase_units": [unit | {"payments": {}}],
            "links": links,
            "return_url": context["return_url"],
            "cancel_url": context["cancel_url"],
        }
        return 201, self.orders[order_id]

    def _capture(self, order_id: str, request_id: str) -> tuple[int, dict]:
        if request_id in self.by_request:
            return 201, self.orders[order_id]
        order = self.orders[order_id]
        if order["status"] != "APPROVED":
            done = order["status"] == "COMPLETED"
            return refused("ORDER_ALREADY_CAPTURED" if done else "ORDER_NOT_APPROVED")
        if self.outcome.isupper() and self.outcome.startswith("INSTRUMENT"):
            return refused(self.outcome)
        self.asked["captured"] += 1
        self.by_request[request_id] = order_id
        unit = order["purchase_units"][0]
        capture = {
            "id": new_id("C"),
            "status": self.outcome,
            "amount": {"currency_code": "USD", "value": unit["amount"]["value"]},
            "seller_receivable_breakdown": {"paypal_fee": usd("1.23")},
        }
        if self.outcome == "PENDING":
            capture["status_details"] = {"reason": "PENDING_REVIEW"}
        unit["payments"]["captures"] = [capture]
        order["status"] = "COMPLETED"
        return 201, order


def new_id(kind: str) -> str:
    return f"{kind}-{uuid.uuid4().hex[:17].upper()}"


def usd(value: str) -> dict:
    return {"currency_code": "USD", "value": value}


def cents(value: str) -> int:
    return int(value.replace(".", ""))


def not_found() -> tuple[int, dict]:
    return 404, {"name": "RESOURCE_NOT_FOUND", "details": [{"issue": "INVALID_RESOURCE_ID"}]}


def refused(issue: str) -> tuple[int, dict]:
    return 422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}


def _handler(paypal: PayPal) -> type:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = paypal.answer(self.command, self.path, self.headers, self.rfile.read(length))
            if paypal.lose_answers and self.command == "POST" and "/checkout/" in self.path:
                return
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *words) -> None: ...

    return Handler
