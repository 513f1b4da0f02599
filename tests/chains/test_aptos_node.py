"""The stand-in for an Aptos full node decodes, verifies and answers as the real one's specification says."""

import asyncio
import json
import re

import httpx
import pytest
import yaml
from aptos_sdk.account import Account
from aptos_sdk.account_address import AccountAddress
from aptos_sdk.async_client import RestClient

from tests.aptos_node import APT, CUT, HANG, LOST, USDT, AptosNode, primary_store
from tests.chains import aptos_rest
from tests.chains.aptos_people import TIMEOUT, key_of, pay, signed, submit
from tests.users.wallets import Petra

TREASURY = "0x" + "7e" * 32
PAYER = Petra(1).address


@pytest.fixture
def node():
    """Everything that it says in a test is held against the specification."""
    found: list[str] = []

    def check(method: str, path: str, status: int, body: object) -> None:
        found.extend(aptos_rest.deviations(method, path, status, body))

    node = AptosNode(on_answer=check)
    node.fund(PAYER, apt=1, usdt=100)
    yield node
    node.close()
    assert found == []


def get(node, path: str, **query) -> httpx.Response:
    return httpx.get(f"{node.url}/{path}".rstrip("/"), params=query, timeout=TIMEOUT)


def refused(answered: httpx.Response) -> tuple[int, str, str]:
    said = answered.json()
    return answered.status_code, said["error_code"], said["message"].rpartition(" ")[2]


def test_a_transfer_pays_and_shows_itself_everywhere(node):
    paid = pay(node, 1, TREASURY, 5_000_000)

    tx = get(node, f"transactions/by_hash/{paid}").json()
    deposits = [event["data"] for event in tx["events"] if event["type"] == "0x1::fungible_asset::Deposit"]
    assert (tx["success"], tx["sender"], tx["hash"]) == (True, PAYER, paid)
    assert deposits == [{"amount": "5000000", "store": primary_store(TREASURY, USDT)}]
    assert get(node, f"transactions/by_version/{tx['version']}").json() == tx
    assert tx in get(node, "transactions", limit=100).json()
    assert get(node, f"accounts/{PAYER}/transactions", start=0, limit=1).json() == [tx]
    assert get(node, f"accounts/{TREASURY}/balance/{USDT}").json() == 5_000_000
    assert get(node, f"accounts/{PAYER}").json()["sequence_number"] == "1"


def test_the_ledger_grows_by_blocks_without_a_gap(node):
    first = int(get(node, "").json()["ledger_version"])
    for _ in range(2):
        pay(node, 1, TREASURY, 1)

    page = get(node, "transactions", start=first + 1, limit=100).json()

    assert [tx["type"].removesuffix("_transaction") for tx in page] == ["block_metadata", "user", "state_checkpoint"] * 2
    assert [int(tx["version"]) for tx in page] == list(range(first + 1, first + 7))
    assert get(node, "transactions", start=first + 7).json() == []


def test_resources_tell_balance_owner_and_decimals(node):
    store = get(node, f"accounts/{primary_store(PAYER, USDT)}/resource/0x1::fungible_asset::FungibleStore").json()
    assert store["data"] == {"balance": "100000000", "frozen": False, "metadata": {"inner": USDT}}
    assert get(node, f"accounts/{USDT}/resource/0x1::fungible_asset::Metadata").json()["data"]["decimals"] == 6
    assert len(get(node, f"accounts/{primary_store(PAYER, USDT)}/resources").json()) == 2
    assert refused(get(node, f"accounts/{TREASURY}/resource/0x1::account::Account"))[:2] == (404, "resource_not_found")


def test_views_answer_in_json(node):
    asked = {"function": "0x1::primary_fungible_store::balance", "type_arguments": [], "arguments": [PAYER, USDT]}
    assert httpx.post(f"{node.url}/view", json=asked, timeout=TIMEOUT).json() == ["100000000"]


def test_gas_is_paid_in_apt(node):
    pay(node, 1, TREASURY, 1)
    assert node.balance(PAYER, APT) == 100_000_000 - 545 * 100


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"chain_id": 1}, "BAD_CHAIN_ID"),
        ({"sender": Petra(2).address}, "INVALID_AUTH_KEY"),
        ({"expiration": 1}, "TRANSACTION_EXPIRED"),
        ({"gas_unit_price": 1}, "GAS_UNIT_PRICE_BELOW_MIN_BOUND"),
        ({"max_gas_amount": 2_000_000}, "INSUFFICIENT_BALANCE_FOR_TRANSACTION_FEE"),
    ],
)
def test_what_a_validator_refuses_is_not_taken(node, more, word):
    assert refused(submit(node, signed(node, 1, USDT, TREASURY, 1, **more))) == (400, "vm_error", word)
    assert node.balance(TREASURY) == 0


def test_one_changed_bit_is_no_signature(node):
    content = bytearray(signed(node, 1, USDT, TREASURY, 1))
    content[-1] ^= 1
    assert refused(submit(node, bytes(content))) == (400, "vm_error", "INVALID_SIGNATURE")


@pytest.mark.parametrize("spoil", [lambda content: content + b"\0", lambda content: content[:-1], lambda _: b"\xff" * 40])
def test_bytes_that_are_no_transaction_are_refused(node, spoil):
    assert refused(submit(node, spoil(signed(node, 1, USDT, TREASURY, 1))))[:2] == (400, "invalid_input")


def test_the_same_bytes_pay_once(node):
    content = signed(node, 1, USDT, TREASURY, 7)
    node.hold()
    assert [submit(node, content).status_code for _ in range(2)] == [202, 202]
    node.commit()

    assert refused(submit(node, content)) == (400, "vm_error", "SEQUENCE_NUMBER_TOO_OLD")
    assert node.balance(TREASURY) == 7


def test_another_transaction_with_a_waiting_number_is_refused(node):
    node.hold()
    submit(node, signed(node, 1, USDT, TREASURY, 7))
    assert refused(submit(node, signed(node, 1, USDT, TREASURY, 8)))[:2] == (400, "invalid_transaction_update")


def test_a_later_number_waits_for_the_earlier(node):
    submit(node, signed(node, 1, USDT, TREASURY, 2, sequence_number=1))
    assert node.balance(TREASURY) == 0

    submit(node, signed(node, 1, USDT, TREASURY, 1, sequence_number=0))

    assert node.balance(TREASURY) == 3


def test_a_waiting_transaction_is_pending_until_it_is_dropped_or_expires(node):
    node.hold()
    sent = [submit(node, signed(node, 1, USDT, TREASURY, 1, sequence_number=number)).json()["hash"] for number in (0, 1)]
    assert get(node, f"transactions/by_hash/{sent[0]}").json()["type"] == "pending_transaction"

    node.drop(sent[0])
    assert get(node, f"transactions/by_hash/{sent[0]}").status_code == 404
    node.advance(601)
    assert get(node, f"transactions/by_hash/{sent[1]}").status_code == 404


def test_a_failed_transaction_pays_nothing_and_uses_its_number(node):
    too_much = pay(node, 1, TREASURY, 100_000_001)
    node.freeze(TREASURY)
    frozen = pay(node, 1, TREASURY, 1)

    said = [get(node, f"transactions/by_hash/{tx}").json() for tx in (too_much, frozen)]
    assert [(tx["success"], re.search(r"E[A-Z_]+", tx["vm_status"])[0]) for tx in said] == [
        (False, "EINSUFFICIENT_BALANCE"),
        (False, "ESTORE_IS_FROZEN"),
    ]
    assert node.balance(TREASURY) == 0
    assert get(node, f"accounts/{PAYER}").json()["sequence_number"] == "2"


def test_a_batch_pays_all_or_nobody(node):
    batch = "0x1::aptos_account::batch_transfer_fungible_assets"
    people = [Petra(seed).address for seed in (2, 3)]
    submit(node, signed(node, 1, USDT, people, [1, 2], function=batch))
    submit(node, signed(node, 1, USDT, people, [1, 200_000_000], function=batch))
    assert [node.balance(person) for person in people] == [1, 2]


def test_a_simulation_moves_nothing_and_takes_no_valid_signature(node):
    where, headers = f"{node.url}/transactions/simulate", {"Content-Type": "application/x.aptos.signed_transaction+bcs"}
    content = signed(node, 1, USDT, TREASURY, 1)

    simulated = httpx.post(where, content=content[:-64] + bytes(64), headers=headers, timeout=TIMEOUT).json()

    assert (simulated[0]["success"], simulated[0]["gas_used"]) == (True, "545")
    assert httpx.post(where, content=content, headers=headers, timeout=TIMEOUT).status_code == 400
    assert node.balance(TREASURY) == 0


def test_a_lost_answer_hides_what_was_done(node):
    node.fail(LOST, on="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        submit(node, signed(node, 1, USDT, TREASURY, 1))
    assert node.balance(TREASURY) == 1


def test_a_node_that_hangs_or_cuts_its_answer_is_no_answer(node):
    node.fail(HANG, on="/v1")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(node.url, timeout=httpx.Timeout(60, read=0.2))
    node.fail(CUT)
    with pytest.raises(httpx.RemoteProtocolError):
        get(node, "")


@pytest.mark.parametrize("status", [500, 503])
def test_a_sick_node_says_so_as_often_as_it_is_told(node, status):
    node.fail(status, times=2)
    assert [get(node, "").status_code for _ in range(3)] == [status, status, 200]


def test_what_is_pruned_is_gone(node):
    oldest = node.ledger.version
    pay(node, 1, TREASURY, 1)
    node.prune(oldest + 1)
    assert refused(get(node, "transactions", start=oldest))[:2] == (410, "version_pruned")
    assert get(node, f"transactions/by_version/{oldest}").status_code == 410
    assert get(node, "").json()["oldest_ledger_version"] == str(oldest + 1)


def test_the_sdk_s_own_client_pays_through_it(node):
    """A transfer of the chain's coin, built, sent, awaited and read back by aptos-sdk."""

    async def story() -> tuple[int, dict]:
        client = RestClient(node.url)
        account = Account(AccountAddress.from_str(PAYER), key_of(1))
        sent = await client.bcs_transfer(account, AccountAddress.from_str(TREASURY), 1_000)
        await client.wait_for_transaction(sent)
        done = await client.account_balance(AccountAddress.from_str(TREASURY)), await client.transaction_by_hash(sent)
        await client.close()
        return done

    balance, tx = asyncio.run(story())
    assert (balance, tx["payload"]["function"]) == (1_000, "0x1::aptos_account::transfer")


def test_a_wrong_answer_would_be_noticed():
    wrong = {"sequence_number": 0, "authentication_key": "0x1"}  # a number where the specification has a text
    assert aptos_rest.deviations("GET", "/v1/accounts/0x1", 200, wrong)
    assert aptos_rest.deviations("GET", "/v1/accounts/0x1", 418, {})


if aptos_rest.WHOLE.exists():

    def test_the_part_of_the_specification_is_still_what_the_whole_says():
        whole = yaml.safe_load(aptos_rest.WHOLE.read_text())
        assert json.loads(aptos_rest.PART.read_text()) == aptos_rest.part_of(whole)
