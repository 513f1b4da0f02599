"""Who may open what: every address of the site in one table, asked by everybody.

Everything with an owner belongs to alice. `chen` stands for anybody else who is signed in, `sam` for the operators: they
look, they do not act in a creator's name. 302 for nobody means: to the sign-in page.
"""

from typing import NamedTuple

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from common import clock
from credit.models import Payment, Payout, PayoutAddress, TopUp, Transfer
from credit.services.invoices import issue_invoice
from rendering.models import Film
from rendering.services.watching import share_job
from rendering.uploads import start_upload
from tests import builders
from tests.users.passkeys import Passkey
from users import mailing, notices, tokens
from users.models import SshKey
from workers.models import FleetToken, Invitation

pytestmark = pytest.mark.django_db


class Row(NamedTuple):
    name: str
    nobody: int
    chen: int
    sam: int
    alice: int
    method: str = "get"
    args: tuple = ()  # words are attributes of the world
    fields: dict = {}


def page(name, *args):
    """Open to everyone who is signed in."""
    return Row(name, 302, 200, 200, 200, args=args)


def own_page(name, *args):
    """Its owner's; operators may look; for others it does not exist."""
    return Row(name, 302, 404, 200, 200, args=args)


def own_step(name, *args):
    """Its owner's alone, operators do not look."""
    return Row(name, 302, 404, 404, 200, args=args)


def verb(name, *args, done=302, **fields):
    """Its owner's alone."""
    return Row(name, 302, 404, 404, done, "post", args, fields)


TABLE = [
    page("home"),
    page("home-part", "stats"),
    page("credit-pill"),
    Row("styleguide", 302, 302, 200, 302),
    # Rendering
    page("rendering:job-list"),
    page("rendering:job-new"),
    Row("rendering:upload-create", 302, 400, 400, 400, "post"),
    Row("rendering:upload-state", 302, 404, 404, 200, args=("upload",)),
    Row("rendering:upload-part", 302, 404, 404, 400, "patch", ("upload", 0, 0)),
    Row("rendering:upload-finish", 302, 404, 404, 409, "post", ("upload",)),
    verb("rendering:upload-forget", "upload"),
    own_page("rendering:job-detail", "job"),
    own_page("rendering:job-part", "job", "stats"),
    Row("rendering:job-settings", 302, 404, 302, 302, args=("job",)),  # submitted: leads to the job
    own_page("rendering:job-settings", "ready"),
    Row("rendering:settings-state", 302, 404, 204, 204, args=("ready",)),  # read: the page loads itself again
    own_page("rendering:job-quote", "ready"),
    own_page("rendering:job-fit", "ready"),
    verb("rendering:job-submit", "ready", done=422),
    verb("rendering:job-probe", "ready", done=422),
    verb("rendering:job-copy", "job"),
    verb("rendering:job-change", "job"),
    verb("rendering:job-pause", "job"),
    verb("rendering:job-resume", "job"),
    verb("rendering:job-cancel", "job"),
    verb("rendering:job-requeue", "job", which="failed"),
    verb("rendering:job-raise-cap", "job", cap="5"),
    Row("rendering:job-again", 302, 404, 404, 200, args=("job",)),
    own_page("rendering:job-times", "job"),
    verb("rendering:job-approve", "job"),
    verb("rendering:job-share", "job", visibility="unlisted"),
    own_page("rendering:frame-detail", "job", 1),
    own_page("rendering:attempt-log", "job", 1, 1),
    own_page("rendering:attempt-image", "job", 1, 1, "preview"),
    Row("rendering:attempt-exposure", 302, 404, 404, 404, args=("job", 1, 1, 0)),  # of EXR alone
    Row("rendering:watch", 200, 200, 200, 200, args=("token",)),  # the token is the permission
    Row("rendering:watch-part", 200, 200, 200, 200, args=("token", "progress")),
    Row("rendering:watch-frame", 200, 200, 200, 200, args=("token", 1)),
    Row("rendering:watch-image", 200, 200, 200, 200, args=("token", 1, "thumb")),
    own_page("rendering:job-thumbnail", "job"),
    own_page("rendering:task-image", "job", 1, "full"),
    own_page("rendering:job-zip", "job"),
    verb("rendering:job-film", "job", fps="24"),
    verb("rendering:film-cancel", "job", "film"),
    verb("rendering:frames-keep", "job"),
    verb("rendering:frames-delete", "job"),
    page("rendering:scene-list"),
    own_page("rendering:scene-detail", "scene"),
    Row("rendering:scene-thumbnail", 302, 404, 404, 404, args=("scene",)),  # no picture was in the file
    verb("rendering:scene-render", "scene"),
    verb("rendering:scene-keep", "scene"),
    verb("rendering:scene-delete", "scene"),
    own_page("rendering:film-download", "job", "film"),
    # Nodes
    page("workers:worker-list"),
    page("workers:worker-csv"),
    Row("workers:worker-bulk", 302, 302, 302, 302, "post"),
    page("workers:worker-summary"),
    page("workers:team-list"),
    verb("workers:team-accept", "invitation"),
    verb("workers:team-decline", "invitation"),
    Row("workers:calculator", 200, 200, 200, 200),  # before anybody signs in
    page("workers:fleet-tokens"),
    verb("workers:fleet-token-revoke", "fleet"),
    Row("workers:agent-install", 200, 200, 200, 200),
    Row("workers:agent-unit", 200, 200, 200, 200),
    Row("workers:agent-image", 200, 200, 200, 200),
    Row("workers:agent-release", 200, 200, 200, 200),
    Row("workers:agent-wheel", 404, 404, 404, 404, args=("pictor_agent-0.0.1-py3-none-any.whl",)),  # the present one alone
    page("workers:worker-new"),
    own_page("workers:worker-detail", "worker"),
    own_page("workers:worker-part", "worker", "stats"),
    own_page("workers:worker-charts", "worker"),
    own_page("workers:worker-events", "worker"),
    own_page("workers:worker-reliability", "worker"),
    own_page("workers:worker-tasks", "worker"),
    own_page("workers:worker-tasks-csv", "worker"),
    Row("workers:worker-location", 302, 404, 404, 200, args=("worker",)),
    Row("workers:worker-settings", 302, 404, 404, 200, args=("worker",)),
    verb("workers:worker-maintenance", "worker", done=422),
    verb("workers:worker-maintenance-end", "worker"),
    verb("workers:worker-config", "worker", done=200),
    verb("workers:worker-pause", "worker"),
    verb("workers:worker-stop", "worker"),
    verb("workers:worker-resume", "worker"),
    own_page("workers:worker-benchmark", "worker"),
    verb("workers:worker-benchmark-again", "worker"),
    verb("workers:worker-update", "worker"),
    verb("workers:worker-retire", "worker"),
    Row("workers:file", 403, 403, 403, 403, args=("not-a-token",)),  # the token is the permission
    # Other sections
    page("renting:overview"),
    page("checkers:overview"),
    page("rewards:overview"),
    page("leaderboard:overview"),
    page("credit:overview"),
    page("credit:overview-balance"),
    page("credit:overview-newest"),
    page("credit:history"),
    page("credit:history-csv"),
    Row("credit:entry-detail", 302, 404, 404, 200, args=("entry",)),
    verb("credit:entry-invoice", "entry"),
    Row("credit:invoice-pdf", 302, 404, 404, 200, args=("invoice",)),
    page("credit:statement-list"),
    page("credit:usage"),
    page("credit:budgets"),
    page("credit:billing"),
    Row("credit:statement-detail", 302, 404, 404, 200, args=("year", "month")),
    Row("credit:statement-file", 302, 404, 404, 200, args=("year", "month", "pdf")),
    page("credit:top-up"),
    Row("credit:top-up-detail", 302, 404, 404, 200, args=("top_up",)),
    Row("credit:top-up-status", 302, 404, 404, 200, args=("top_up",)),
    verb("credit:top-up-transaction", "top_up", transaction="0x" + "ab" * 32),
    verb("credit:top-up-give-up", "top_up"),
    Row("credit:payment-new", 302, 422, 422, 422),  # no amount was said
    page("credit:payment-quote"),
    Row("credit:payment-detail", 302, 404, 404, 200, args=("payment",)),
    Row("credit:payment-status", 302, 404, 404, 200, args=("payment",)),
    Row("credit:payment-return", 302, 404, 404, 302, args=("payment",)),
    Row("credit:payment-cancel", 302, 404, 404, 302, args=("payment",)),
    Row("credit:paypal-webhook", 400, 400, 400, 400, "post"),  # the signature is the permission
    page("credit:withdraw"),
    page("credit:withdraw-list"),
    verb("credit:withdraw-cancel", "payout"),
    page("credit:payout-addresses"),
    Row("credit:payout-address-answer", 302, 422, 422, 422, "post"),
    verb("credit:payout-address-label", "payout_address", label="Ledger"),
    verb("credit:payout-address-remove", "payout_address"),
    # People
    Row("users:sign-in", 200, 302, 302, 302),
    Row("users:wallet-challenge", 422, 422, 422, 422, "post"),  # nothing was said
    Row("users:wallet-answer", 422, 422, 422, 422, "post"),
    Row("users:persona-sign-in", 404, 404, 404, 404, "post", (), {"persona": "operator"}),  # no demo here
    Row("users:sign-out", 302, 302, 302, 302, "post"),
    Row("users:second-step", 302, 302, 302, 302),  # for operators who have none yet
    page("users:profile"),
    page("users:security"),
    page("users:keys"),
    page("users:notices-wanted"),
    page("users:address"),
    Row("users:address-prove", 302, 422, 422, 422, "post"),
    Row("users:address-remove", 302, 302, 302, 302, "post"),
    Row("users:address-decline", 302, 302, 302, 302, "post"),
    page("users:notices"),
    page("users:bell"),
    Row("users:notices-see", 302, 302, 302, 302, "post"),
    verb("users:notice-open", "notice")._replace(method="get"),
    Row("users:mute", 200, 200, 200, 200, args=("mute_token",)),  # the token is the permission
    page("users:data"),
    page("users:confirm"),
    Row("users:confirm-google", 302, 302, 404, 404, "post"),  # who has a second step confirms with that
    Row("users:link-google", 302, 302, 302, 302, "post"),
    verb("users:unlink", "method"),
    verb("users:session-end", "session"),
    Row("users:sessions-end-others", 302, 302, 302, 302, "post"),
    Row("users:ssh-key-add", 302, 422, 422, 422, "post"),
    verb("users:ssh-key-remove", "ssh_key"),
    Row("users:token-make", 302, 422, 422, 422, "post"),
    verb("users:token-revoke", "api_token"),
    Row("users:data-export", 302, 200, 200, 200, "post"),
    Row("users:account-close", 302, 422, 422, 422, "post"),
    Row("account_login", 302, 302, 302, 302),
    Row("account_logout", 302, 302, 302, 302),
    Row("account_inactive", 200, 200, 200, 200),
    Row("socialaccount_login_cancelled", 200, 200, 200, 200),
    Row("socialaccount_login_error", 401, 401, 401, 401),
    Row("socialaccount_signup", 302, 302, 302, 302),  # to the sign-in page: nobody is asked for anything more
    Row("socialaccount_connections", 302, 302, 302, 302),
    Row("google_login", 302, 302, 302, 302, "post"),
    Row("google_callback", 401, 401, 401, 401),  # without Google's answer: says that it failed
    Row("mfa_authenticate", 302, 302, 302, 302),  # nobody is in the middle of signing in
    Row("mfa_index", 302, 302, 302, 302),
    Row("mfa_list_webauthn", 302, 302, 302, 302),
    Row("mfa_activate_totp", 302, 200, 302, 302),  # who has one is led to where it is removed
    Row("mfa_deactivate_totp", 302, 404, 200, 200),
    Row("mfa_view_recovery_codes", 302, 404, 404, 200),
    page("mfa_generate_recovery_codes"),
    Row("mfa_download_recovery_codes", 302, 404, 404, 200),
    page("mfa_add_webauthn"),
    own_step("mfa_edit_webauthn", "passkey"),
    own_step("mfa_remove_webauthn", "passkey"),
    Row("api-me", 401, 401, 401, 401),  # a cookie lets nobody in
    # For machines
    Row("health-live", 200, 200, 200, 200),
    Row("health-ready", 200, 200, 200, 200),
    Row("metrics", 200, 200, 200, 200),  # the tests are on this machine
]
ADMIN = Row("admin:index", 302, 302, 200, 302)


class World:
    """What alice has."""

    def __init__(self, alice) -> None:
        builders.give(alice, 50_000_000)
        self.worker = builders.make_worker(alice).pk
        self.fleet = FleetToken.objects.create(
            owner=alice, name_prefix="rack", nodes_max=2, token_sha256="x", expires_at=builders.NOW
        ).pk
        asks = {"owner": builders.make_user("walter"), "email": alice.email.lower(), "invited_at": builders.NOW}
        self.invitation = Invitation.objects.create(**asks).pk
        job = builders.make_job(alice, status="completed", frames="1-2")
        self.job, self.ready = job.pk, builders.make_job(alice, status="ready").pk
        self.scene = job.scene_id
        self.token = share_job(job, "unlisted").token
        default_storage.save("films/access.mp4", ContentFile(b"film"))
        self.film = Film.objects.create(
            job=job, fps=24, frame_count=2, storage_key="films/access.mp4", finished_at=builders.NOW
        ).pk
        self.entry = Transfer.objects.filter(owner=alice).latest("pk").pk
        asked = {"chain": "evm:1", "asset": "0x0", "recognised_by": "sender", "asked_micros": 5, "payable_micros": 5}
        self.payment = Payment.objects.create(owner=alice, provider="paypal", form_key="f", amount_micros=9, fee_micros=1).pk
        self.top_up = TopUp.objects.create(owner=alice, key="form", expires_at=builders.NOW, **asked).pk
        place = PayoutAddress.objects.create(owner=alice, network="evm", address="0x" + "ab" * 20, usable_at=builders.NOW)
        self.payout_address = place.pk
        withdrawn = {"amount_micros": 9, "fee_micros": 1, "units": 8, "due_at": builders.NOW}
        self.payout = Payout.objects.create(owner=alice, key="form", place=place, chain="evm:1", **withdrawn).pk
        self.invoice = issue_invoice(entry=Transfer.objects.get(pk=self.entry), now=builders.NOW).pk
        self.year, self.month = clock.now().year, clock.now().month
        self.upload = start_upload(owner=alice, name="a.blend", size_bytes=9).pk
        self.session = UserSession.objects.create(user=alice, ip="127.0.0.1", session_key="x" * 32, user_agent="").pk
        ways = [SocialAccount.objects.create(user=alice, provider="evm", uid=f"0x{letter * 40}") for letter in "ab"]
        self.method = ways[0].pk
        self.ssh_key = SshKey.objects.create(user=alice, name="k", kind="ssh-ed25519", bits=256, fingerprint="f", text="k").pk
        scopes = ["account:read"]
        self.api_token = tokens.make(user=alice, name="t", scopes=scopes, expires_at=None, now=builders.NOW).row.pk
        self.notice = notices.tell(user=alice, kind="top_up", words="x", url="/credit/", now=builders.NOW).pk
        self.mute_token = mailing.mute_token(alice, "top_up")
        self.passkey = second_steps(alice)


def second_steps(alice) -> int:
    """All three kinds; the passkey's number."""
    TOTP.activate(alice, "A" * 32)
    RecoveryCodes.activate(alice)
    return Authenticator.objects.create(user=alice, type="webauthn", data={"name": "Key", "credential": Passkey().create()}).pk


@pytest.fixture
def world(alice, settings):
    settings.DEMO = False
    settings.GOOGLE_CLIENT_ID = "id"
    settings.PAYPAL_CLIENT_ID = "id"
    provider = {**settings.SOCIALACCOUNT_PROVIDERS["google"], "APPS": [{"client_id": "id", "secret": "s", "key": ""}]}
    settings.SOCIALACCOUNT_PROVIDERS = {"google": provider}
    return World(alice)


def ask(row: Row, world: World, user):
    """The answer to one person."""
    browser = Client(raise_request_exception=True)
    if user:
        browser.force_login(user)
    args = [getattr(world, arg) if isinstance(arg, str) and hasattr(world, arg) else arg for arg in row.args]
    return getattr(browser, row.method)(reverse(row.name, args=args), row.fields)


class AccessTests:
    @pytest.mark.parametrize("row", [*TABLE, ADMIN], ids=lambda row: f"{row.name}-{row.args[0]}" if row.args else row.name)
    def test_everybody_gets_what_the_table_says(self, row, world, alice, chen, sam):
        people = {"nobody": None, "chen": chen, "sam": sam, "alice": alice}
        answers = {name: ask(row, world, user).status_code for name, user in people.items()}
        assert answers == {name: getattr(row, name) for name in people}

    @pytest.mark.parametrize("row", [row for row in TABLE if row.nobody == 302 and row.chen == 200], ids=lambda row: row.name)
    def test_nobody_is_led_to_sign_in(self, row, world):
        assert ask(row, world, None)["Location"].startswith(reverse("users:sign-in"))

    def test_the_table_knows_every_address(self):
        assert set(names()) - {row.name for row in TABLE} == set()

    def test_a_verb_is_never_a_link(self, world, alice):
        for row in TABLE:
            if row.method == "post" and row.nobody == 302 and not row.name.startswith("google"):
                assert ask(row._replace(method="get", fields={}), world, alice).status_code == 405, row.name

    def test_a_verb_needs_the_forms_token(self, world, alice):
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(alice)
        assert browser.post(reverse("rendering:job-cancel", args=[world.job])).status_code == 403


def names(patterns=None, prefix: str = ""):
    """Every named address; the admin's are its own affair (ADMIN stands for them)."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            if pattern.namespace != "admin":
                yield from names(pattern.url_patterns, f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix)
        else:
            yield f"{prefix}{pattern.name}"
