"""Linking, unlinking, and proving that it is still the same person."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.test import Client
from django.urls import reverse

from tests.aptos_node import AptosNode
from tests.overlap import overlapped
from tests.users.browsers import age, answer, ask
from tests.users.wallets import MetaMask, Petra
from users import methods
from users.models import Notice, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(settings):
    node = AptosNode()
    settings.APTOS_NODE_URL = node.url
    yield node
    node.close()


@pytest.fixture
def ways(alice):
    """Two wallets of alice."""
    return [SocialAccount.objects.create(user=alice, provider="evm", uid=MetaMask(seed).address) for seed in (1, 2)]


def link(browser: Client, seed: int):
    wallet = MetaMask(seed)
    asked = ask(browser, "eip4361", "link", address=wallet.address).json()
    return answer(browser, wallet.sign(asked))


class UnlinkTests:
    def test_one_of_two_goes_and_its_owner_is_told(self, alice, signed_in, ways):
        signed_in(alice).post(reverse("users:unlink", args=[ways[0].pk]))
        assert SocialAccount.objects.get() == ways[1]
        event = Notice.objects.get(kind="methods")
        assert (event.user, event.mail_to) == (alice, alice.email)

    def test_the_last_one_stays(self, alice, signed_in, ways):
        ways[1].delete()
        browser = signed_in(alice)
        answered = browser.post(reverse("users:unlink", args=[ways[0].pk]), follow=True)
        assert "last way to sign in" in answered.content.decode()
        assert SocialAccount.objects.get() == ways[0]

    def test_nobody_unlinks_what_is_anothers(self, mallory, signed_in, ways):
        assert signed_in(mallory).post(reverse("users:unlink", args=[ways[0].pk])).status_code == 404
        assert SocialAccount.objects.count() == 2

    @pytest.mark.django_db(transaction=True)
    def test_of_two_last_ones_unlinked_at_once_one_stays(self, alice, ways):
        """The second waits for the first, and then sees that its own is the last."""
        first = lambda: methods.unlink(user=alice, pk=ways[0].pk)  # noqa: E731
        second = lambda: methods.unlink(user=alice, pk=ways[1].pk)  # noqa: E731
        assert isinstance(overlapped(first, second), methods.LastMethod)
        assert SocialAccount.objects.get() == ways[1]


class LinkTests:
    def test_a_wallet_of_another_is_refused_with_words(self, alice, mallory, signed_in, ways):
        browser = signed_in(mallory)
        said = link(browser, 1).json()
        assert SocialAccount.objects.get(uid=MetaMask(1).address).user == alice
        assert "belongs to somebody else" in browser.get(said["next"]).content.decode()

    def test_who_was_not_asked_lately_confirms_first(self, alice, signed_in):
        browser = age(signed_in(alice))
        refused = ask(browser, "eip4361", "link", address=MetaMask(1).address)
        assert (refused.status_code, refused.json()["reason"]) == (422, "not_confirmed")

    def test_linking_is_told(self, alice, signed_in):
        link(signed_in(alice), 3)
        assert "EVM wallet was linked" in Notice.objects.get(kind="methods").words

    @pytest.mark.django_db(transaction=True)
    def test_of_two_accounts_that_link_a_wallet_at_once_one_has_it(self, alice, mallory):
        def linking(person: User):
            return lambda: SocialAccount.objects.create(user=person, provider="evm", uid=MetaMask(1).address)

        overlapped(linking(alice), linking(mallory))
        assert SocialAccount.objects.get().user == alice


def test_the_whole_address_of_a_wallet_can_be_copied(alice, signed_in):
    address = MetaMask(1).address
    SocialAccount.objects.create(user=alice, provider="evm", uid=address)
    assert f'data-copy="{address}"' in signed_in(alice).get(reverse("users:security")).content.decode()


class ConfirmTests:
    def confirm(self, browser: Client, wallet: MetaMask, **more):
        asked = ask(browser, "eip4361", "confirm", address=wallet.address, next=reverse("users:keys")).json()
        return answer(browser, wallet.sign(asked))

    def test_a_fresh_signature_opens_the_way(self, alice, signed_in, ways):
        browser = age(signed_in(alice))
        unlink = reverse("users:unlink", args=[ways[0].pk])
        assert browser.post(unlink)["Location"].startswith(reverse("users:confirm"))
        assert SocialAccount.objects.count() == 2

        assert self.confirm(browser, MetaMask(1)).json() == {"next": reverse("users:keys")}
        browser.post(unlink)
        assert SocialAccount.objects.count() == 1

    def test_an_aptos_wallet_does_as_well(self, chain, alice, signed_in):
        SocialAccount.objects.create(user=alice, provider="aptos", uid=Petra(1).address)
        browser = age(signed_in(alice))
        assert answer(browser, Petra(1).sign_in(ask(browser, "siwa", "confirm").json())).status_code == 200

    def test_a_wallet_that_is_not_linked_proves_nothing(self, alice, signed_in, ways):
        browser = age(signed_in(alice))
        refused = self.confirm(browser, MetaMask(9))
        assert (refused.status_code, refused.json()["reason"]) == (422, "not_linked")
        assert browser.get(reverse("mfa_activate_totp"))["Location"].startswith(reverse("users:confirm"))

    def test_the_wallet_of_another_proves_nothing(self, mallory, signed_in, ways):
        assert self.confirm(age(signed_in(mallory)), MetaMask(1)).status_code == 422

    def test_an_operators_password(self, sam, signed_in):
        sam.set_password("a good password of sam")
        sam.save()
        Authenticator.objects.all().delete()
        browser = age(signed_in(sam))
        assert browser.post(reverse("users:confirm"), {"password": "wrong"}).status_code == 422
        assert browser.post(reverse("users:confirm"), {"password": "a good password of sam"}).status_code == 302
        assert browser.get(reverse("mfa_activate_totp")).status_code == 200

    def test_people_of_the_demo_click_once_and_nobody_else(self, settings, alice, signed_in):
        settings.DEMO = True
        browser = Client()
        browser.post(reverse("users:persona-sign-in"), {"persona": "owner"})
        assert age(browser).post(reverse("users:confirm"), {"persona": "1"}).status_code == 302
        assert age(signed_in(alice)).post(reverse("users:confirm"), {"persona": "1"}).status_code == 422

    def test_a_proof_lasts_minutes_and_none_comes_from_the_future(self, alice, signed_in):
        browser = signed_in(alice)
        assert browser.get(reverse("mfa_activate_totp")).status_code == 200
        session = browser.session
        session["confirmed_at"] += 10_000
        session.save()
        assert browser.get(reverse("mfa_activate_totp")).status_code == 302

    def test_it_leads_to_pages_of_this_site_alone(self, sam, signed_in):
        sam.set_password("a good password of sam")
        sam.save()
        Authenticator.objects.all().delete()
        answered = signed_in(sam).post(
            reverse("users:confirm"), {"password": "a good password of sam", "next": "//evil.example/"}
        )
        assert answered["Location"] == reverse("users:security")
