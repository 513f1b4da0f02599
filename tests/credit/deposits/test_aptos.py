"""Payments on Aptos, read from a full node's REST interface."""

import pytest

from common import clock
from credit import services
from credit.models import Deposit, DepositCursor, TopUp
from tests.aptos_node import APT, AptosNode
from tests.chains.aptos_people import pay
from tests.credit.deposits.builders import APTOS_TREASURY, announce, available, link, look
from tests.users.wallets import Petra

pytestmark = pytest.mark.django_db
ALICE, STRANGER = 1, 2  # seeds of keys


@pytest.fixture
def node(aptos_settings):
    node = AptosNode()
    for seed in (ALICE, STRANGER):
        node.fund(Petra(seed).address, apt=10, usdt=1_000)
    aptos_settings.APTOS_NODE_URL = node.url
    aptos_settings.APTOS_CHAIN_ID = node.chain_id
    yield node
    node.close()


@pytest.fixture
def wallet(alice, node):
    """Alice's, linked; the chain is being read."""
    assert look()
    return link(alice, Petra(ALICE).address, "aptos")


def state(top_up: TopUp) -> tuple[str, str]:
    top_up.refresh_from_db()
    return top_up.status, top_up.failure


def name(top_up: TopUp, tx_hash: str) -> None:
    services.name_transaction(top_up_id=top_up.pk, tx_hash=tx_hash, now=clock.now())


class PaymentTests:
    def test_a_payment_from_a_linked_wallet_is_credited_at_once(self, alice, wallet, node):
        top_up = announce(alice)
        paid = pay(node, ALICE, APTOS_TREASURY, 25_000_000)

        assert look()

        assert state(top_up) == ("credited", "")
        assert (top_up.tx_hash, available(alice)) == (paid, 25_000_000)
        assert Deposit.objects.get().sender == Petra(ALICE).address

    def test_looking_again_from_the_beginning_credits_once(self, alice, wallet, node):
        begun = DepositCursor.objects.get().position
        pay(node, ALICE, APTOS_TREASURY, 25_000_000)
        for _ in range(2):
            assert look()
            DepositCursor.objects.update(position=begun)

        assert look()

        assert (available(alice), Deposit.objects.count()) == (25_000_000, 1)

    def test_many_pages_are_read(self, alice, wallet, node, monkeypatch):
        monkeypatch.setattr("credit.deposits.aptos.PAGE", 5)
        for amount in (1_000_000, 2_000_000, 4_000_000):
            pay(node, STRANGER, Petra(9).address, 1)
            pay(node, ALICE, APTOS_TREASURY, amount)

        assert look()

        assert available(alice) == 7_000_000

    def test_another_asset_pays_nothing(self, alice, wallet, node):
        top_up = announce(alice)
        name(top_up, pay(node, ALICE, APTOS_TREASURY, 25_000_000, metadata=APT))

        assert look()

        assert state(top_up) == ("failed", "other_asset")
        assert Deposit.objects.count() == 0

    def test_a_transaction_that_failed_pays_nothing(self, alice, wallet, node):
        top_up = announce(alice)
        node.abort("Move abort in 0x1::fungible_asset: EINSUFFICIENT_BALANCE(0x10004)")
        name(top_up, pay(node, ALICE, APTOS_TREASURY, 25_000_000))

        assert look()

        assert state(top_up) == ("failed", "reverted")
        assert available(alice) == 0

    def test_one_in_the_pool_waits(self, alice, wallet, node):
        top_up = announce(alice)
        node.hold()
        name(top_up, pay(node, ALICE, APTOS_TREASURY, 25_000_000))
        assert look()
        assert state(top_up) == ("submitted", "")

        node.commit()
        assert look()

        assert state(top_up) == ("credited", "")

    def test_a_strangers_payment_waits_until_his_wallet_is_linked(self, alice, wallet, node):
        pay(node, STRANGER, APTOS_TREASURY, 25_000_000)
        assert look()
        assert (available(alice), Deposit.objects.get().status) == (0, "unclaimed")

        link(alice, Petra(STRANGER).address, "aptos")
        assert look()

        assert (available(alice), Deposit.objects.get().status) == (25_000_000, "claimed")


class NodeTests:
    @pytest.mark.parametrize("sick", [429, 500, 503, "cut"])
    def test_a_sick_node_delays_and_loses_nothing(self, alice, wallet, node, sick):
        pay(node, ALICE, APTOS_TREASURY, 25_000_000)
        node.fail(sick, on="GET /v1/transactions")
        assert not look()
        assert DepositCursor.objects.get().problem

        assert look()

        assert available(alice) == 25_000_000

    def test_a_node_of_another_chain_is_not_believed(self, alice, wallet, node):
        pay(node, ALICE, APTOS_TREASURY, 25_000_000)
        node.chain_id = 1

        assert not look()

        assert (available(alice), Deposit.objects.count()) == (0, 0)

    def test_wrong_decimals_in_the_settings_stop_the_first_look(self, node, settings):
        settings.APTOS_ASSET_DECIMALS = 8
        assert not look()
        assert DepositCursor.objects.count() == 0

    def test_what_a_node_has_pruned_is_an_error_that_somebody_sees(self, wallet, node):
        DepositCursor.objects.update(position=5)
        assert not look()
        assert "410" in DepositCursor.objects.get().problem


class IndexTests:
    """An indexer says where to look; what came is what the full node says."""

    @pytest.fixture(autouse=True)
    def index(self, node, wallet, aptos_settings):
        aptos_settings.APTOS_INDEXER_URL = node.indexer_url
        node.asked.clear()

    def test_only_what_concerns_the_treasury_is_read(self, alice, node):
        for _ in range(30):
            pay(node, STRANGER, Petra(9).address, 1)
        pay(node, ALICE, APTOS_TREASURY, 25_000_000)

        assert look()

        assert available(alice) == 25_000_000
        assert len([asked for asked in node.asked if "by_version" in asked]) == 1
        assert not [asked for asked in node.asked if asked.startswith("GET /v1/transactions?")]
        assert DepositCursor.objects.get().position == node.ledger.version

    def test_many_are_read_page_after_page(self, alice, node, monkeypatch):
        monkeypatch.setattr("credit.deposits.aptos_index.VERSIONS_MAX", 2)
        for _ in range(5):
            pay(node, ALICE, APTOS_TREASURY, 1_000_000)

        assert look()

        assert available(alice) == 5_000_000

    def test_what_the_index_has_not_read_is_found_later(self, alice, node):
        node.indexed = node.ledger.version
        pay(node, ALICE, APTOS_TREASURY, 1_000_000)
        assert look()
        assert (available(alice), DepositCursor.objects.get().position) == (0, node.indexed)

        node.indexed = None
        assert look()
        assert available(alice) == 1_000_000

    def test_what_the_index_makes_up_pays_nothing(self, alice, node):
        pay(node, STRANGER, Petra(9).address, 7)
        node.invented = [node.ledger.version - 1]

        assert look()

        assert not Deposit.objects.exists()

    def test_more_than_was_asked_for_is_not_believed(self, alice, node, monkeypatch):
        """Each would be a question to the node, however many there are."""
        monkeypatch.setattr("credit.deposits.aptos_index.VERSIONS_MAX", 2)
        for _ in range(3):
            pay(node, ALICE, APTOS_TREASURY, 1_000_000)
        node.limits = False

        assert not look()

        assert not [asked for asked in node.asked if "by_version" in asked]
        assert "3 versions, and 2 were asked for" in DepositCursor.objects.get().problem
        node.limits = True
        assert look()
        assert available(alice) == 3_000_000

    @pytest.mark.parametrize("wrong", ["sick", "old versions", "down"])
    def test_an_index_that_cannot_be_believed_delays_and_loses_nothing(self, alice, node, aptos_settings, wrong):
        pay(node, ALICE, APTOS_TREASURY, 1_000_000)
        node.invented = [1] if wrong == "old versions" else []
        if wrong == "sick":
            node.fail(500, on="POST /graphql")
        elif wrong == "down":
            aptos_settings.APTOS_INDEXER_URL = "http://127.0.0.1:9"
        assert not look()
        assert available(alice) == 0

        node.invented = []
        aptos_settings.APTOS_INDEXER_URL = node.indexer_url
        assert look()
        assert available(alice) == 1_000_000
