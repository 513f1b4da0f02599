"""PayPal's webhooks: only its own, only fresh, each once; whatever they say, the answer to a question counts."""

from datetime import timedelta

import pytest
from django.urls import reverse

from credit.models import Payment, ProviderEvent
from credit.payment_states import PaymentStatus
from credit.services import balance_of
from credit.services.payments import refresh_payment
from credit.services.provider_events import handle_event, sweep_provider_events
from tests.credit.builders import NOW
from tests.credit.payments.conftest import MICROS, checkout, pay
from tests.paypal import CERTIFICATES, Authority

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_order", "at_noon")]


def send(client, body: bytes, headers: dict[str, str]) -> int:
    """As PayPal posts it; events that were kept are handled as the background does."""
    said = {f"HTTP_{name.replace('-', '_')}": value for name, value in headers.items()}
    answer = client.post(reverse("credit:paypal-webhook"), body, content_type="application/json", **said)
    sweep_provider_events(now=NOW)
    return answer.status_code


def announce(client, paypal, body: bytes, **changes) -> int:
    return send(client, body, paypal.headers(body, **changes))


@pytest.fixture
def approved(alice, paypal) -> Payment:
    payment = checkout(alice)
    paypal.approve(payment.order_id)
    return payment


class GenuineTests:
    def test_an_approval_is_collected_before_the_payer_returns(self, client, paypal, approved):
        assert announce(client, paypal, paypal.order_event(approved.order_id)) == 200
        approved.refresh_from_db()
        assert approved.status == PaymentStatus.CREDITED

    def test_the_return_after_the_event_credits_nothing_more(self, client, alice, paypal, approved):
        announce(client, paypal, paypal.order_event(approved.order_id))
        refresh_payment(payment_id=approved.pk, now=NOW)
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_a_capture_that_was_pending_is_credited(self, client, alice, paypal):
        paypal.outcome = "PENDING"
        payment = pay(paypal, alice)
        paypal.settle(payment.order_id)
        assert announce(client, paypal, paypal.capture_event(payment.order_id)) == 200
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_the_event_before_the_order_says_so_changes_nothing(self, client, alice, paypal):
        """Reordered: completed is announced while the order still says that it waits for its payer."""
        payment = checkout(alice)
        announce(client, paypal, paypal.order_event(payment.order_id, "CHECKOUT.ORDER.COMPLETED"))
        assert balance_of(alice).available_micros == 0

    def test_a_denial_that_arrives_after_the_completion_is_old_news(self, client, alice, paypal):
        payment = pay(paypal, alice)
        assert announce(client, paypal, paypal.capture_event(payment.order_id, "PAYMENT.CAPTURE.DENIED")) == 200
        payment.refresh_from_db()
        assert payment.status == PaymentStatus.CREDITED

    def test_an_event_that_lies_about_the_amount_changes_nothing(self, client, alice, paypal):
        payment = checkout(alice)
        resource = {"id": "C-1", "status": "COMPLETED", "amount": {"currency_code": "USD", "value": "9999.00"}}
        related = {"supplementary_data": {"related_ids": {"order_id": payment.order_id}}}
        assert announce(client, paypal, paypal.event("PAYMENT.CAPTURE.COMPLETED", resource | related)) == 200
        assert balance_of(alice).available_micros == 0

    def test_what_is_not_ours_is_kept_and_done(self, client, paypal):
        assert announce(client, paypal, paypal.event("PAYMENT.CAPTURE.COMPLETED", {"id": "C-9"})) == 200
        assert ProviderEvent.objects.get().outcome == "no payment of ours"

    @pytest.mark.parametrize("resource", [None, [], "x", 7, {"id": 7}, {"links": [7, {"rel": 1}]}, {"amount": []}])
    def test_odd_contents_are_no_error(self, client, paypal, resource):
        for kind in ("CHECKOUT.ORDER.APPROVED", "PAYMENT.CAPTURE.REVERSED", "CUSTOMER.DISPUTE.CREATED", "SOMETHING.ELSE"):
            assert announce(client, paypal, paypal.event(kind, resource)) == 200

    def test_paypal_down_after_the_event_is_asked_later(self, client, alice, paypal, approved):
        paypal.down = True
        body = paypal.order_event(approved.order_id)
        assert announce(client, paypal, body) == 200
        assert ProviderEvent.objects.get().handled_at is None
        paypal.down = False
        sweep_provider_events(now=NOW + timedelta(minutes=1))
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_one_that_cannot_be_handled_keeps_no_other(self, client, alice, paypal, approved):
        stuck = checkout(alice, form_key="stuck")
        paypal.broken[stuck.order_id] = 500
        announce(client, paypal, paypal.order_event(stuck.order_id))
        announce(client, paypal, paypal.order_event(approved.order_id))
        assert balance_of(alice).available_micros == 20 * MICROS
        assert sweep_provider_events(now=NOW) == 0  # the other one is put back for a while
        assert ProviderEvent.objects.filter(handled_at=None).count() == 1

    def test_after_days_it_is_given_up(self, client, paypal, approved):
        paypal.down = True
        announce(client, paypal, paypal.order_event(approved.order_id))
        sweep_provider_events(now=NOW + timedelta(days=4))
        assert ProviderEvent.objects.get().outcome == "given up"


class ReplayTests:
    def test_the_same_transmission_twice(self, client, alice, paypal, approved):
        body = paypal.order_event(approved.order_id)
        headers = paypal.headers(body)
        assert [send(client, body, headers), send(client, body, headers)] == [200, 200]
        assert ProviderEvent.objects.count() == 1
        assert balance_of(alice).available_micros == 20 * MICROS

    def test_the_same_event_in_another_transmission(self, client, alice, paypal, approved):
        body = paypal.order_event(approved.order_id, event_id="WH-1")
        assert [announce(client, paypal, body), announce(client, paypal, body)] == [200, 200]
        assert ProviderEvent.objects.count() == 1

    def test_handling_an_event_twice(self, client, alice, paypal, approved):
        announce(client, paypal, paypal.order_event(approved.order_id))
        asked = paypal.asked["order"]
        handle_event(event_id=ProviderEvent.objects.get().pk, now=NOW)
        assert paypal.asked["order"] == asked

    @pytest.mark.parametrize("minutes", [-6, 6, 60 * 24])
    def test_late_and_early_ones_are_refused(self, client, paypal, approved, minutes):
        body = paypal.order_event(approved.order_id)
        assert announce(client, paypal, body, sent_at=NOW - timedelta(minutes=minutes)) == 409
        assert not ProviderEvent.objects.exists()
        approved.refresh_from_db()
        assert approved.status == PaymentStatus.AWAITING

    def test_within_five_minutes_is_fine(self, client, paypal, approved):
        body = paypal.order_event(approved.order_id)
        assert announce(client, paypal, body, sent_at=NOW - timedelta(minutes=4, seconds=59)) == 200


class ForgedTests:
    def refused(self, client, paypal, approved, body=None, **changes) -> int:
        body = body or paypal.order_event(approved.order_id)
        status = announce(client, paypal, body, **changes)
        assert not ProviderEvent.objects.exists()
        approved.refresh_from_db()
        assert approved.status == PaymentStatus.AWAITING
        return status

    def test_a_changed_body(self, client, paypal, approved):
        body = paypal.order_event(approved.order_id)
        assert send(client, body + b" ", paypal.headers(body)) == 403
        assert not ProviderEvent.objects.exists()

    def test_the_webhook_of_another_merchant(self, client, paypal, approved):
        assert self.refused(client, paypal, approved, webhook="WH-OTHER") == 403

    @pytest.mark.parametrize("signature", ["", "AAAA", "not base64!", "ü"])
    def test_no_signature(self, client, paypal, approved, signature):
        assert self.refused(client, paypal, approved, transmission_sig=signature) == 403

    @pytest.mark.parametrize("algorithm", ["", "none", "SHA1withRSA"])
    def test_another_algorithm(self, client, paypal, approved, algorithm):
        assert self.refused(client, paypal, approved, auth_algo=algorithm) == 400

    @pytest.mark.parametrize("time", ["", "yesterday", "2026-03-02T12:00:00"])
    def test_no_time(self, client, paypal, approved, time):
        assert self.refused(client, paypal, approved, transmission_time=time) == 400

    def test_a_certificate_of_another_issuer(self, client, paypal, approved):
        """Everything is right but the root: whoever can put a file at the right address can still not sign."""
        signer = Authority("Root of the stand-in", NOW).signer()
        paypal.certificates["CERT-2"] = signer.pem()
        url = paypal.url + CERTIFICATES + "CERT-2"
        assert self.refused(client, paypal, approved, signer=signer, cert_url=url) == 403

    def test_a_certificate_for_another_name(self, client, paypal, approved):
        signer = paypal.authority.signer("www.paypal.test")
        paypal.certificates["CERT-3"] = signer.pem()
        url = paypal.url + CERTIFICATES + "CERT-3"
        assert self.refused(client, paypal, approved, signer=signer, cert_url=url) == 403

    def test_a_certificate_that_has_ended(self, client, paypal, approved):
        signer = paypal.authority.signer(ends=NOW - timedelta(days=1))
        paypal.certificates["CERT-4"] = signer.pem()
        url = paypal.url + CERTIFICATES + "CERT-4"
        assert self.refused(client, paypal, approved, signer=signer, cert_url=url) == 403

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "http://127.0.0.1:9/v1/notifications/certs/CERT-1",
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            "{here}/v1/notifications/certs/",
            "{here}/v1/notifications/certs/../../../v2/checkout/orders",
            "{here}/v1/notifications/certs/CERT-1?x=1",
            "{here}@evil.example/v1/notifications/certs/CERT-1",
        ],
    )
    def test_a_certificate_from_elsewhere_is_not_even_fetched(self, client, paypal, approved, url):
        assert self.refused(client, paypal, approved, cert_url=url.format(here=paypal.url)) == 403
        assert paypal.asked["certificate"] == 0

    def test_a_certificate_that_is_none(self, client, paypal, approved):
        paypal.certificates["CERT-5"] = b"-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n"
        assert self.refused(client, paypal, approved, cert_url=paypal.url + CERTIFICATES + "CERT-5") == 403

    def test_a_certificate_that_is_not_there_may_come_later(self, client, paypal, approved):
        assert self.refused(client, paypal, approved, cert_url=paypal.url + CERTIFICATES + "CERT-6") == 503

    def test_no_events_where_paypal_is_not_set_up(self, client, paypal, approved, settings):
        settings.PAYPAL_CLIENT_ID = ""
        assert self.refused(client, paypal, approved) == 404

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b'"x"', b'{"id": 1, "event_type": 2}'])
    def test_signed_nonsense(self, client, paypal, approved, body):
        assert announce(client, paypal, body) == 400

    def test_a_body_without_end(self, client, paypal, approved):
        assert self.refused(client, paypal, approved, body=b"x" * 70_000) == 403

    def test_a_flood_is_stopped(self, client, paypal, monkeypatch):
        monkeypatch.setattr("common.limits.is_within", lambda *args, **kwargs: False)
        assert client.post(reverse("credit:paypal-webhook"), b"{}", content_type="application/json").status_code == 429

    def test_the_certificate_is_fetched_once(self, client, paypal, approved):
        for _ in range(3):
            announce(client, paypal, paypal.order_event(approved.order_id))
        assert paypal.asked["certificate"] == 1
