"""One look at a chain: what came since the last look, what became final, and the transactions that wallets named.

Nodes are asked outside transactions. A look that fails in the middle loses nothing: the next one begins where it was.
"""

from datetime import datetime

import structlog

from credit.chains import Asset, Chain, chain_of
from credit.deposit_states import Failure, TopUpStatus
from credit.deposits.aptos import AptosReader
from credit.deposits.evm import EvmReader
from credit.deposits.reading import Found, Payment, Position, Reader
from credit.deposits.wire import NodeDown
from credit.models import Deposit, DepositCursor, TopUp
from credit.services import deposits, top_ups

PAGES_MAX = 20  # questions of one look: the rest waits for the next
NAMED_MAX = 50
PROBLEMS_MAX = 3  # then the node is taken to be down
log = structlog.get_logger(__name__)


def reader_of(chain: Chain, asset: Asset) -> Reader:
    return (AptosReader if chain.kind == "aptos" else EvmReader)(chain, asset)


def watch(chain: Chain, asset: Asset, now: datetime) -> bool:
    """Read, credit and claim; False where the node could not be believed."""
    reader = reader_of(chain, asset)
    try:
        cursor, position = _begin(reader, chain, asset, now)
        _read(reader, cursor, position, chain, asset, now)
        _settle(reader, position, chain, asset, now)
        _look_up_named(chain, asset, now)
    except NodeDown as error:
        log.warning("chain_not_read", chain=chain.key, asset=asset.symbol, problem=str(error))
        deposits.note_problem(chain=chain, asset=asset, problem=str(error))
        return False
    finally:
        deposits.claim_of_linked_wallets(chain=chain, now=now)
    return True


def look_up(top_up: TopUp, now: datetime) -> None:
    """Ask for the transaction that a wallet named. Raises NodeDown."""
    chain = chain_of(top_up.chain)
    asset = chain.asset(top_up.asset) if chain else None
    if chain is None or asset is None or top_up.status != TopUpStatus.SUBMITTED:
        return
    reader = reader_of(chain, asset)
    found = reader.transaction(top_up.tx_hash)
    if found is None:
        return
    if not found.payments:
        failure = Failure.REVERTED if found.has_failed else Failure.OTHER_ASSET
        return top_ups.fail_top_up(top_up=top_up, failure=failure, now=now)
    final = reader.position().final
    for payment in found.payments:
        _take(payment, final, chain, asset, now)
    top_up.refresh_from_db()
    if top_up.status == TopUpStatus.SUBMITTED:
        top_ups.explain(top_up, now)


def _begin(reader: Reader, chain: Chain, asset: Asset, now: datetime) -> tuple[DepositCursor, Position]:
    """Where to go on. A new chain is checked and begins at its present end."""
    cursor = DepositCursor.objects.filter(chain=chain.key, asset=asset.contract).first()
    if cursor is None:
        reader.check()
    position = reader.position()
    return cursor or deposits.begin_cursor(chain=chain, asset=asset, at=position, now=now), position


def _read(reader: Reader, cursor: DepositCursor, position: Position, chain: Chain, asset: Asset, now: datetime) -> None:
    """Write down what came since, block by block up to the head."""
    read_to = cursor.position
    for _ in range(PAGES_MAX):
        begun, (payments, read_to) = read_to, reader.payments(read_to, position.head)
        for payment in payments:
            deposits.record_payment(chain=chain, asset=asset, payment=payment, now=now)
        deposits.advance_cursor(cursor=cursor, at=position, read_to=read_to, now=now)
        if read_to >= position.head or read_to == begun:  # another node behind the same address may lag
            return


def _settle(reader: Reader, position: Position, chain: Chain, asset: Asset, now: datetime) -> None:
    """Ask again for each payment that is not settled: is it still there, and is it final?"""
    problems: list[NodeDown] = []
    found: dict[str, Found | None] = {}  # by hash: one transaction may hold thousands of payments
    for deposit in deposits.unsettled_deposits(chain=chain, asset=asset, now=now):
        try:
            payment = _again(reader, deposit, found)
        except NodeDown as error:  # one transaction that cannot be read must not keep the others
            problems.append(error)
            if len(problems) == PROBLEMS_MAX:
                break
            continue
        if payment is None:
            deposits.take_back_deposit(deposit_id=deposit.pk, now=now)
        else:
            _take(payment, position.final, chain, asset, now)
    if problems:
        raise problems[0]


def _again(reader: Reader, deposit: Deposit, found: dict[str, Found | None]) -> Payment | None:
    """`found`: what was asked for before in this look."""
    if deposit.tx_hash not in found:
        found[deposit.tx_hash] = reader.transaction(deposit.tx_hash)
    payments = sent.payments if (sent := found[deposit.tx_hash]) else ()
    return next((each for each in payments if each.log_index == deposit.log_index), None)


def _take(payment: Payment, final: int, chain: Chain, asset: Asset, now: datetime) -> None:
    deposit = deposits.record_payment(chain=chain, asset=asset, payment=payment, now=now)
    if deposit and payment.block_number <= final:
        deposits.settle_deposit(deposit_id=deposit.pk, final=final, now=now)


def _look_up_named(chain: Chain, asset: Asset, now: datetime) -> None:
    named = TopUp.objects.filter(chain=chain.key, asset=asset.contract, status=TopUpStatus.SUBMITTED)
    for top_up in named.order_by("-changed_at")[:NAMED_MAX]:
        look_up(top_up, now)
