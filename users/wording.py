"""Words about wallets and signing in."""

from users.wallets.refusals import Reason

REFUSALS = {
    Reason.BAD_ENCODING: "Your wallet sent something that cannot be read. Update the wallet and try again.",
    Reason.UNSUPPORTED_KEY: "This kind of account (keyless, passkey or derived) cannot be checked here yet. Sign in with Google, "
    "or choose an account with a key of its own in your wallet.",
    Reason.BAD_SIGNATURE: "The signature does not fit the account. Try again, with the account that you see in your wallet.",
    Reason.ADDRESS_MISMATCH: "The key that signed does not belong to this address (any more). Choose the right account in your wallet.",
    Reason.CHAIN_UNAVAILABLE: "The chain could not be asked about your account, so nobody was let in. Try again in a minute.",
    Reason.NONCE_USED: "This request was answered already. Start again.",
    Reason.NONCE_EXPIRED: "That took longer than five minutes. Start again.",
    Reason.NONCE_MISMATCH: "This was signed for another request or in another tab. Start again here.",
    Reason.DOMAIN_MISMATCH: "This was signed for another site. If you did not expect that, somebody may be imitating this one.",
    Reason.CHAIN_MISMATCH: "Your wallet is on another network. Switch it to the network shown and try again.",
    Reason.MESSAGE_MISMATCH: "The text that was signed is not the one that was asked for. Try again.",
    Reason.FIELD_MISMATCH: "Your wallet changed what it was asked to sign. Try again, or use another wallet.",
}

NOT_CONFIRMED = "Confirm that it is you first: reload this page and follow the link above the wallets."
NOT_LINKED = "That wallet is not one that you sign in with here. Choose the account that is linked, and try again."
TAKEN = "That wallet belongs to another account here. Sign in with it and unlink it there first, or link another wallet."


def short_address(address: str) -> str:
    """0x1234…abcd"""
    return f"{address[:6]}…{address[-4:]}" if len(address) > 12 else address
