"""A full node of Aptos over HTTP on loopback, as wallets, deposits and payouts ask one.

It decodes and verifies what is submitted, keeps a ledger (tests/chains/aptos_ledger.py) and answers in the shapes of the REST
specification. No Move runs: it knows transfers of fungible assets. It fails when it is told to (`fail`, `hold`, `drop`).
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from tests.chains import aptos_answers as answers
from tests.chains.aptos_bcs import VIEW_FUNCTIONS, Call, Undecodable, decode, decode_view
from tests.chains.aptos_ledger import APT, GAS_PRICE_MIN, USDT, Ledger, Refused, primary_store

PAGE_MAX = 100
POLL_SECONDS = 0.02  # until `close` is noticed
HANG_SECONDS = 600  # longer than anybody waits
SUBMISSION = "application/x.aptos.signed_transaction+bcs"
VIEW = "application/x.aptos.view_function+bcs"
STATUS = {"vm_error": 400, "invalid_transaction_update": 400, "invalid_input": 400, "mempool_is_full": 507}
HANG, LOST, CUT = "hang", "lost", "cut"


@dataclass
class Fault:
    """Waits for a request that contains `on` ("POST /v1/transactions"), `times` times."""

    what: int | str
    on: str
    times: int


@dataclass(frozen=True)
class Answer:
    status: int
    body: object


def refusal(status: int, error_code: str, message: str, vm_error_code: int | None = None) -> Answer:
    return Answer(status, {"message": message, "error_code": error_code, "vm_error_code": vm_error_code})


@dataclass
class AptosNode:
    """`keys`: authentication keys that are not their address. `status`: 200, or what a sick node answers to everything."""

    chain_id: int = 2
    status: int = 200
    keys: dict[str, str] = field(default_factory=dict)
    on_answer: Callable[[str, str, int, object], None] | None = None  # method, path, status, body: to check them

    def __post_init__(self) -> None:
        self.offset = 0.0  # seconds that the chain's clock is ahead
        self.ledger = Ledger(lambda: time.time() + self.offset)
        self.ledger.keys = self.keys
        self.is_held = False
        self.indexed: int | None = None
        self.invented: list[int] = []  # versions that the indexer makes up
        self.limits = True  # the indexer answers no more than it was asked for
        self.faults: list[Fault] = []
        self.asked: list[str] = []  # "GET /v1/accounts/0x…", in order
        self.closing = threading.Event()
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(self))
        threading.Thread(target=self.server.serve_forever, args=(POLL_SECONDS,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    @property
    def indexer_url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/graphql"

    def close(self) -> None:
        self.closing.set()
        self.server.shutdown()
        self.server.server_close()

    # A test's verbs ---------------------------------------------------------------------------------------------------

    def fund(self, address: str, *, apt: float = 0, usdt: float = 0) -> None:
        """More of each on its primary stores, out of nothing: no transaction."""
        with self.ledger.lock:
            for metadata, whole in ((APT, apt), (USDT, usdt)):
                state = self.ledger.state
                state.stores[state.store(address, metadata)].balance += round(
                    whole * 10 ** self.ledger.assets[metadata].decimals
                )

    def balance(self, owner: str, metadata: str = USDT) -> int:
        """In the asset's smallest unit."""
        return self.ledger.balance(owner, metadata)

    def hold(self) -> None:
        """Transactions stay in the pool until `commit`."""
        self.is_held = True

    def commit(self) -> None:
        """What waits is committed, and from now on everything is at once."""
        self.is_held = False
        with self.ledger.lock:
            self.ledger.commit()

    def drop(self, tx_hash: str) -> None:
        """Out of the pool, as a node under pressure does."""
        with self.ledger.lock:
            self.ledger.pool.pop(tx_hash, None)

    def abort(self, vm_status: str) -> None:
        """The next transaction is committed as a failed one."""
        self.ledger.aborts.append(vm_status)

    def freeze(self, owner: str, metadata: str = USDT) -> None:
        """The issuer lets nothing in or out of that account."""
        with self.ledger.lock:
            state = self.ledger.state
            state.stores[state.store(owner, metadata)].is_frozen = True

    def thaw(self, owner: str, metadata: str = USDT) -> None:
        with self.ledger.lock:
            state = self.ledger.state
            state.stores[state.store(owner, metadata)].is_frozen = False

    def advance(self, seconds: float) -> None:
        """The chain's clock, with a block at the new time."""
        self.offset += seconds
        with self.ledger.lock:
            self.ledger.block([])

    def prune(self, version: int) -> None:
        """Everything older is answered with 410."""
        self.ledger.oldest_version = version

    def fail(self, what: int | str, *, on: str = "", times: int = 1) -> None:
        """A status, HANG (no answer ever), LOST (done, and the answer is lost) or CUT (half an answer)."""
        self.faults.append(Fault(what, on, times))

    def fault_for(self, asked: str) -> int | str | None:
        with self.ledger.lock:
            fault = next((fault for fault in self.faults if fault.on in asked and fault.times), None)
            if fault:
                fault.times -= 1
            return fault and fault.what

    # Answers ----------------------------------------------------------------------------------------------------------

    def answer(self, method: str, path: str, query: dict[str, str], content: bytes, content_type: str) -> Answer:
        for wanted, pattern, respond in ROUTES:
            if wanted == method and (found := re.fullmatch(pattern, path)):
                with self.ledger.lock:
                    return respond(self, *found.groups(), query=query, content=content, content_type=content_type)
        return refusal(404, "web_framework_error", "not found")

    def index(self, **_) -> Answer:
        ledger = self.ledger
        numbers = {"epoch": answers.EPOCH, "ledger_version": ledger.version, "oldest_ledger_version": ledger.oldest_version}
        numbers |= {"ledger_timestamp": ledger.microseconds(), "oldest_block_height": 0, "block_height": ledger.blocks}
        said = {name: str(number) for name, number in numbers.items()}
        return Answer(200, {"chain_id": self.chain_id, "node_role": "full_node", "git_hash": "0" * 40} | said)

    def account(self, address: str, **_) -> Answer:
        """Of any account, used or not (AIP-115)."""
        long = canonical(address)
        number = str(self.ledger.state.sequence_number(long))
        return Answer(200, {"sequence_number": number, "authentication_key": self.ledger.key(long)})

    def resources_of(self, address: str) -> list[dict]:
        ledger = self.ledger
        found = [answers.metadata(ledger.assets[address])] if address in ledger.assets else []
        if store := ledger.state.stores.get(address):
            found += answers.of_store(store)
        if number := ledger.state.sequence_number(address):
            found.append(answers.account(address, number, ledger.key(address)))
        return found

    def resources(self, address: str, **_) -> Answer:
        return Answer(200, self.resources_of(canonical(address)))

    def resource(self, address: str, kind: str, **_) -> Answer:
        found = next((one for one in self.resources_of(canonical(address)) if one["type"] == kind), None)
        if found:
            return Answer(200, found)
        words = f"Resource not found by Address({address}), Struct tag({kind}) and Ledger version({self.ledger.version})"
        return refusal(404, "resource_not_found", words)

    def account_balance(self, address: str, asset: str, **_) -> Answer:
        metadata = APT if asset == "0x1::aptos_coin::AptosCoin" else canonical(asset)
        return Answer(200, self.ledger.balance(canonical(address), metadata))

    def account_transactions(self, address: str, query: dict[str, str], **_) -> Answer:
        long, limit = canonical(address), page(query)
        start = int(query.get("start", max(0, self.ledger.state.sequence_number(long) - limit)))
        return Answer(200, self.ledger.by_sender(long, start, limit))

    def listed(self, query: dict[str, str], **_) -> Answer:
        ledger, limit = self.ledger, page(query)
        start = int(query.get("start", max(ledger.oldest_version, ledger.version + 1 - limit)))
        if start < ledger.oldest_version:
            return self.pruned(start)
        first = start - (ledger.version + 1 - len(ledger.transactions))
        return Answer(200, ledger.transactions[first : first + limit])

    def pruned(self, version: int) -> Answer:
        words = f"Ledger version({version}) has been pruned, oldest available version is {self.ledger.oldest_version}"
        return refusal(410, "version_pruned", words)

    def by_hash(self, tx_hash: str, **_) -> Answer:
        found = self.ledger.by_hash(tx_hash.lower())
        words = f"Transaction not found by Transaction hash({tx_hash})"
        return Answer(200, found) if found else refusal(404, "transaction_not_found", words)

    def by_version(self, version: str, **_) -> Answer:
        number = int(version)
        if number < self.ledger.oldest_version:
            return self.pruned(number)
        found = next((tx for tx in self.ledger.transactions if tx["version"] == version), None)
        words = f"Transaction not found by Transaction version({version})"
        return Answer(200, found) if found else refusal(404, "transaction_not_found", words)

    def gas_price(self, **_) -> Answer:
        price = GAS_PRICE_MIN
        return Answer(200, {"deprioritized_gas_estimate": price, "gas_estimate": price, "prioritized_gas_estimate": 150})

    def submit(self, content: bytes, content_type: str, **_) -> Answer:
        if content_type != SUBMISSION:
            return refusal(415, "web_framework_error", f"this stand-in takes {SUBMISSION}")
        self.ledger.chain_id = self.chain_id
        tx = decode(content)
        self.ledger.submit(tx)
        if not self.is_held:
            self.ledger.commit()
        return Answer(202, answers.submitted(tx))

    def simulate(self, content: bytes, **_) -> Answer:
        """The signature must not be a valid one, as on a real node."""
        tx = decode(content)
        if tx.is_signed():
            return refusal(400, "invalid_input", "Simulated transactions must not have a valid signature")
        return Answer(200, [self.ledger.simulate(tx)])

    def graphql(self, content: bytes, **_) -> Answer:
        """An indexer's, as far as payments are looked for; `indexed` is how far it has read (None: all)."""
        asked = json.loads(content)
        read_to = self.ledger.version if self.indexed is None else self.indexed
        if "processor_status" in asked["query"]:
            states = [{"last_success_version": read_to}]
            return Answer(200, {"data": {"ledger_infos": [{"chain_id": self.chain_id}], "processor_status": states}})
        wanted = asked["variables"]
        store = primary_store(wanted["owner"], wanted["asset"])
        rows = [
            {"transaction_version": version}
            for tx in self.ledger.transactions
            if wanted["after"] < (version := int(tx["version"])) <= wanted["until"]
            for event in tx.get("events", [])
            if event["type"] == "0x1::fungible_asset::Deposit" and event["data"]["store"] == store
        ]
        rows += [{"transaction_version": version} for version in self.invented]
        return Answer(200, {"data": {"fungible_asset_activities": rows[: wanted["limit"] if self.limits else None]}})

    def view(self, content: bytes, content_type: str, **_) -> Answer:
        call = decode_view(content) if content_type == VIEW else asked_in_json(content)
        respond = VIEWS.get(call.function)
        if respond is None:
            return refusal(400, "invalid_input", f"Function {call.function} is not known to this stand-in")
        return Answer(200, [respond(self.ledger, *call.arguments)])


def canonical(address: str) -> str:
    digits = address.removeprefix("0x")
    if not re.fullmatch(r"[0-9a-fA-F]{1,64}", digits):
        raise Refused("invalid_input", f"Invalid account address: {address!r}")
    return "0x" + digits.lower().zfill(64)


def page(query: dict[str, str]) -> int:
    limit = int(query.get("limit", 25))
    if not limit:
        raise Refused("invalid_input", "Given limit value (0) must not be zero")
    return min(limit, PAGE_MAX)


def asked_in_json(content: bytes) -> Call:
    asked = json.loads(content)
    if asked["function"] not in VIEW_FUNCTIONS:
        return Call(asked["function"], (), ())
    return Call(asked["function"], tuple(asked["type_arguments"]), tuple(canonical(word) for word in asked["arguments"]))


VIEWS = {
    "0x1::primary_fungible_store::balance": lambda ledger, owner, metadata: str(ledger.balance(owner, metadata)),
    "0x1::coin::balance": lambda ledger, owner: str(ledger.balance(owner, APT)),
    "0x1::fungible_asset::decimals": lambda ledger, metadata: ledger.assets[metadata].decimals,
    "0x1::fungible_asset::is_frozen": lambda ledger, store: (
        store in ledger.state.stores and ledger.state.stores[store].is_frozen
    ),
}
ROUTES = [
    ("GET", r"/v1/?", AptosNode.index),
    ("GET", r"/v1/accounts/([^/]+)", AptosNode.account),
    ("GET", r"/v1/accounts/([^/]+)/resources", AptosNode.resources),
    ("GET", r"/v1/accounts/([^/]+)/resource/(.+)", AptosNode.resource),
    ("GET", r"/v1/accounts/([^/]+)/balance/(.+)", AptosNode.account_balance),
    ("GET", r"/v1/accounts/([^/]+)/transactions", AptosNode.account_transactions),
    ("GET", r"/v1/transactions", AptosNode.listed),
    ("GET", r"/v1/transactions/(?:wait_)?by_hash/(0x[0-9a-fA-F]{64})", AptosNode.by_hash),
    ("GET", r"/v1/transactions/by_version/(\d+)", AptosNode.by_version),
    ("GET", r"/v1/estimate_gas_price", AptosNode.gas_price),
    ("POST", r"/v1/transactions", AptosNode.submit),
    ("POST", r"/v1/transactions/simulate", AptosNode.simulate),
    ("POST", r"/v1/view", AptosNode.view),
    ("POST", r"/graphql", AptosNode.graphql),
]


def handler_of(node: AptosNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.respond(b"")

        def do_POST(self) -> None:
            self.respond(self.rfile.read(int(self.headers.get("Content-Length", 0))))

        def do_OPTIONS(self) -> None:
            self.send(Answer(200, {}))

        def respond(self, content: bytes) -> None:
            asked = f"{self.command} {self.path}"
            node.asked.append(asked)
            fault = node.fault_for(asked)
            if fault == HANG:
                node.closing.wait(HANG_SECONDS)
            elif isinstance(fault, int) or node.status != 200:
                self.send(sick(fault if isinstance(fault, int) else node.status))
            else:
                answer = self.answer(content)
                if fault != LOST:
                    self.send(answer, is_cut=fault == CUT)

        def answer(self, content: bytes) -> Answer:
            address = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(address.query).items()}
            kind = self.headers.get("Content-Type", "")
            try:
                return node.answer(self.command, unquote(address.path), query, content, kind)
            except Refused as refused:
                return refusal(STATUS[refused.error_code], refused.error_code, refused.message, refused.vm_error_code)
            except (Undecodable, ValueError, KeyError, TypeError) as error:
                return refusal(400, "invalid_input", str(error))

        def send(self, answer: Answer, *, is_cut: bool = False) -> None:
            if node.on_answer:
                node.on_answer(self.command, self.path, answer.status, answer.body)
            body = answer.body.encode() if isinstance(answer.body, str) else json.dumps(answer.body).encode()
            self.send_response(answer.status)
            for name, value in headers(node).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "text/plain" if isinstance(answer.body, str) else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: len(body) // 2] if is_cut else body)

        def log_message(self, *words) -> None: ...

    return Handler


def headers(node: AptosNode) -> dict[str, str]:
    ledger = node.ledger
    numbers = {"Chain-Id": node.chain_id, "Ledger-Version": ledger.version, "Ledger-Oldest-Version": ledger.oldest_version}
    numbers |= {"Ledger-TimestampUsec": ledger.microseconds(), "Epoch": answers.EPOCH, "Block-Height": ledger.blocks}
    said = {f"X-Aptos-{name}": str(number) for name, number in (numbers | {"Oldest-Block-Height": 0}).items()}
    shared = {"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Headers": "*"}  # wallets ask from pages
    return said | shared


def sick(status: int) -> Answer:
    """A balancer's words for 429, the node's own for the others."""
    if status == 429:
        return Answer(429, "Per anonymous IP rate limit exceeded. Limit: 40000 compute units per 300 seconds window.")
    words = {404: "resource_not_found", 410: "version_pruned", 503: "health_check_failed", 507: "mempool_is_full"}
    return refusal(status, words.get(status, "internal_error"), "told to fail")


__all__ = ["APT", "CUT", "HANG", "LOST", "USDT", "AptosNode", "primary_store"]
