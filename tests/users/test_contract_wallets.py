"""Signing in with a wallet that is a contract (EIP-1271): a real contract on a real chain is asked, and what any doubt leads to."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from allauth.socialaccount.models import SocialAccount
from django.test import Client

from tests.users.browsers import answer, ask
from tests.users.wallets import MetaMask
from users.models import User
from users.wallets.nodes import GAS_MAX
from users.wording import REFUSALS

pytestmark = pytest.mark.django_db
METHODS = ["eth_chainId", "eth_getCode", "eth_call"]
ANY_CONTRACT = "0x" + "c0" * 20
ENDLESS = "5b600056"  # a loop
BOUNDLESS = "621000006000f3"  # answers a megabyte
SILENT = "00"  # answers nothing, as a contract without such a method may
MAGIC = "631626ba7e60e01b60005260206000f3"
FRUGAL = f"62{GAS_MAX + 1:06x}5a10600e5760006000fd5b" + MAGIC  # says yes, with no more gas than it may have


@pytest.fixture
def chain(evm_chain, settings):
    settings.EVM_NODE_URL, settings.EVM_CHAIN_ID = evm_chain.url, evm_chain.chain_id
    return evm_chain


@pytest.fixture
def owner() -> MetaMask:
    return MetaMask(41)


@pytest.fixture
def wallet(chain, owner) -> str:
    """Its address: the owner's signatures are its own."""
    return chain.deploy("ContractWallet", owner.address, types="address")


def sign_in(address: str, signer: MetaMask, **changes):
    """As a browser does: the text names the contract's address, and `signer` signs it."""
    browser = Client()
    return answer(browser, signer.sign(ask(browser, "eip4361", address=address).json()) | changes)


def assert_refused(answered, reason: str) -> None:
    assert (answered.status_code, answered.json()) == (422, {"reason": reason, "words": REFUSALS[reason]})
    assert not User.objects.exists()


@contextmanager
def node(chain_id: int, lies: dict[str, bytes], *, status: int = 200) -> Iterator[str]:
    """A node on which every address is a contract that says yes; `lies`: what it answers instead, by method."""
    true = {"eth_chainId": hex(chain_id), "eth_getCode": "0x00", "eth_call": "0x1626ba7e" + "00" * 28}
    answers = {method: json.dumps({"result": result}).encode() for method, result in true.items()} | lies

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            body = answers[asked["method"]]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(OSError):  # the other side had enough
                self.wfile.write(body)

        def log_message(self, *words) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class ContractTests:
    def test_a_contract_signs_up_and_in_again_by_its_owners_key(self, wallet, owner):
        for _ in range(2):
            assert sign_in(wallet, owner).json() == {"next": "/"}

        account = SocialAccount.objects.get()
        assert (account.provider, account.uid) == ("evm", wallet)
        assert wallet != owner.address

    def test_a_contract_is_linked_to_an_account(self, wallet, owner, alice, signed_in):
        browser = signed_in(alice)

        answered = answer(browser, owner.sign(ask(browser, "eip4361", "link", address=wallet).json()))

        assert answered.status_code == 200
        assert SocialAccount.objects.get(user=alice).uid == wallet

    def test_a_strangers_signature_is_not_the_contracts(self, wallet):
        assert_refused(sign_in(wallet, MetaMask(42)), "bad_signature")

    def test_a_signature_of_another_text_is_not_the_contracts(self, wallet, owner):
        elsewhere = owner.sign(ask(Client(), "eip4361", address=wallet).json())

        assert_refused(sign_in(wallet, owner, signature=elsewhere["signature"]), "bad_signature")

    @pytest.mark.parametrize("signature", ["0x1234", "0x" + "00" * 65, "0x" + "ff" * 2_000])
    def test_what_the_contract_itself_refuses_is_refused(self, wallet, owner, signature):
        assert_refused(sign_in(wallet, owner, signature=signature), "bad_signature")

    def test_an_address_without_code_has_its_key_alone(self, chain, owner):
        assert_refused(sign_in(MetaMask(42).address, owner), "bad_signature")
        assert sign_in(owner.address, owner).status_code == 200

    @pytest.mark.parametrize("code", [ENDLESS, SILENT], ids=["never ends", "says nothing"])
    def test_a_contract_that_does_not_say_yes_signs_nothing(self, chain, owner, code):
        chain.rpc("anvil_setCode", ANY_CONTRACT, "0x" + code)

        assert_refused(sign_in(ANY_CONTRACT, owner), "bad_signature")

    def test_a_contract_that_answers_without_end_is_not_read_to_its_end(self, chain, owner):
        chain.rpc("anvil_setCode", ANY_CONTRACT, "0x" + BOUNDLESS)

        assert_refused(sign_in(ANY_CONTRACT, owner), "chain_unavailable")

    def test_a_contract_gets_no_more_gas_than_a_signature_takes(self, chain, owner):
        chain.rpc("anvil_setCode", ANY_CONTRACT, "0x" + FRUGAL)

        assert sign_in(ANY_CONTRACT, owner).status_code == 200


class NodeTests:
    def test_a_node_of_another_chain_is_not_believed(self, wallet, owner, settings):
        settings.EVM_CHAIN_ID = 1

        assert_refused(sign_in(wallet, owner), "chain_unavailable")

    def test_nobody_comes_in_while_the_node_is_down(self, wallet, owner, settings):
        settings.EVM_NODE_URL = "http://127.0.0.1:9"

        assert_refused(sign_in(wallet, owner), "chain_unavailable")

    def test_without_a_node_contracts_are_not_known_and_keys_are(self, wallet, owner, settings):
        settings.EVM_NODE_URL = ""

        assert_refused(sign_in(wallet, owner), "bad_signature")
        assert sign_in(owner.address, owner).status_code == 200

    def test_a_node_that_says_yes_is_believed(self, owner, settings):
        """What the tests below change one answer of."""
        with node(settings.EVM_CHAIN_ID, {}) as settings.EVM_NODE_URL:
            assert sign_in(ANY_CONTRACT, owner).status_code == 200

    @pytest.mark.parametrize(
        "said",
        [
            b"",
            b"<html>",
            b"[]",
            b"[" * 60_000,
            b"{}",
            b'{"result": null}',
            b'{"result": 7}',
            b'{"result": ""}',
            b'{"result": "a node"}',
            b'{"result": "0xnode"}',
            b'{"result": "0x' + b"0" * 70_000 + b'"}',
        ],
        ids=lambda said: said[:24].decode(),
    )
    @pytest.mark.parametrize("method", METHODS)
    def test_garbage_lets_nobody_in(self, owner, settings, method, said):
        with node(settings.EVM_CHAIN_ID, {method: said}) as settings.EVM_NODE_URL:
            assert_refused(sign_in(ANY_CONTRACT, owner), "chain_unavailable")

    @pytest.mark.parametrize("said", [b'{"result": "0x"}', b'{"error": {"code": -32000, "message": "header not found"}}'])
    @pytest.mark.parametrize("method", METHODS)
    def test_neither_does_an_empty_answer_or_an_error(self, owner, settings, method, said):
        with node(settings.EVM_CHAIN_ID, {method: said}) as settings.EVM_NODE_URL:
            answered = sign_in(ANY_CONTRACT, owner)

        assert_refused(answered, answered.json()["reason"])

    @pytest.mark.parametrize("status", [404, 429, 503])
    def test_an_error_of_the_node_lets_nobody_in(self, owner, settings, status):
        with node(settings.EVM_CHAIN_ID, {}, status=status) as settings.EVM_NODE_URL:
            assert_refused(sign_in(ANY_CONTRACT, owner), "chain_unavailable")
