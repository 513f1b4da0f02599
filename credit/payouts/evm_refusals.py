"""Why an ERC-20 token would not take a transfer, in words for operators. `read` asks the token itself: it knows no network."""

from collections.abc import Callable

from credit.chains import Asset
from credit.payouts.asking import whole
from credit.payouts.lanes import Order, Refusal, Unreachable

BALANCE_OF = bytes.fromhex("70a08231")  # balanceOf(address)
IS_BLOCKED = (bytes.fromhex("e47d6060"), bytes.fromhex("fe575a87"))  # isBlackListed (USDT), isBlacklisted (USDC): (address)
PAUSED = bytes.fromhex("5c975abb")  # paused()
REVERTED = 3  # code of an error that the contract raised
ERROR = "0x08c379a0"  # Error(string)
Read = Callable[[bytes], int | None]


def moves(answer: dict) -> bool:
    """Would the transfer of this `eth_call` move anything? Old tokens answer nothing, newer ones true."""
    result = answer.get("result")
    return result == "0x" or (isinstance(result, str) and whole(result) != 0)


def refusal(answer: dict, *, read: Read, sender: str, order: Order, asset: Asset | None) -> Refusal:
    """Raises Unreachable: it was the node that failed, and not the transfer."""
    symbol, said = asset.symbol if asset else "The token", _said(answer)
    if _is_blocked(read, order.to):
        words = f"The issuer of {symbol} has blocked the address that it goes to: refuse it, its owner may name another."
        return Refusal(words, is_its_own=True)
    if _is_blocked(read, sender):
        return Refusal(f"The issuer of {symbol} has blocked the sending wallet: nothing in it can be sent.")
    if read(PAUSED):
        return Refusal(f"{symbol} is frozen by its issuer for everybody: it waits until that ends.")
    held = read(BALANCE_OF + _word(sender))
    if held is not None and held < order.units:
        return Refusal(f"The sending wallet has too little {symbol}: top it up.")
    return Refusal(f"{symbol} would not take the transfer: {said}"[:300], is_its_own=True)


def _is_blocked(read: Read, address: str) -> bool:
    return any(read(selector + _word(address)) for selector in IS_BLOCKED)


def _said(answer: dict) -> str:
    error = answer.get("error")
    if not isinstance(error, dict):
        return "it answers no."
    message = str(error.get("message", ""))
    if error.get("code") != REVERTED and "revert" not in message.lower():
        raise Unreachable(f"eth_call: {error}"[:300])
    return _reason(error.get("data")) or message


def _reason(data: object) -> str:
    """The text of `revert("...")`; empty: there is none."""
    if not isinstance(data, str) or not data.startswith(ERROR):
        return ""
    try:
        content = bytes.fromhex(data[len(ERROR) :])
    except ValueError:
        return ""
    length = int.from_bytes(content[32:64], "big")
    return content[64 : 64 + min(length, 200)].decode(errors="replace")


def _word(address: str) -> bytes:
    return bytes(12) + bytes.fromhex(address[2:])
