"""Statuses of top-ups and of the payments that chains show us, and the moves between them."""

from django.db.models import TextChoices


class TopUpStatus(TextChoices):
    """Of what a user announced to pay."""

    WAITING = "waiting", "Waiting for your payment"
    SUBMITTED = "submitted", "Submitted"  # its transaction is named; the chain does not show it yet
    CONFIRMING = "confirming", "Confirming"  # in a block that may still be taken back
    CREDITED = "credited", "Credited"
    UNDERPAID = "underpaid", "Underpaid"  # what came is credited; the rest may follow until it expires
    LATE = "late", "Paid late"  # credited all the same: the sender was known
    EXPIRED = "expired", "Expired"  # nothing came in time
    FAILED = "failed", "Failed"  # see failure
    REJECTED = "rejected", "Rejected"  # declined in the wallet or given up on the page


class Failure(TextChoices):
    """Why a top-up's transaction brought nothing."""

    REVERTED = "reverted", "The transaction failed on the chain. Nothing was paid but its fee. Start a new top-up."
    OTHER_ASSET = (
        "other_asset",
        "The transaction pays no accepted asset to the address shown. Nothing was credited. If it was sent to the "
        "right address on the wrong network or as another asset, ask the operator of this network.",
    )
    NOT_FOUND = "not_found", "The chain never showed the transaction. If your wallet still shows it as sent, ask the operator."
    UNKNOWN = (
        "unknown",
        "The payment arrived from an address that is linked to no account. Link that wallet in your profile and it is "
        "credited within a minute; if it came from an exchange, ask the operator of this network.",
    )
    NOT_YOURS = "not_yours", "The payment was credited to another account, to which its sender is linked."
    REPEATED = "repeated", "This payment was credited before: see your history."


class DepositStatus(TextChoices):
    """Of one payment to the network's address, as a chain shows it."""

    SEEN = "seen", "Seen"  # not final
    GONE = "gone", "Gone"  # its block was taken back; looked for again for a day
    CREDITED = "credited", "Credited"
    UNCLAIMED = "unclaimed", "Unclaimed"  # final, of nobody we know
    CLAIMED = "claimed", "Claimed"  # credited after its sender became known


T = TopUpStatus
OPEN = (T.WAITING, T.SUBMITTED, T.CONFIRMING)  # of these one way to pay is reserved
TOP_UP_MOVES = {
    T.WAITING: frozenset({T.SUBMITTED, T.CONFIRMING, T.CREDITED, T.UNDERPAID, T.LATE, T.EXPIRED, T.REJECTED}),
    T.SUBMITTED: frozenset({T.CONFIRMING, T.CREDITED, T.UNDERPAID, T.LATE, T.FAILED}),
    T.CONFIRMING: frozenset({T.SUBMITTED, T.CREDITED, T.UNDERPAID, T.LATE}),
    T.UNDERPAID: frozenset({T.CREDITED, T.LATE}),
    T.EXPIRED: frozenset({T.SUBMITTED, T.CONFIRMING, T.CREDITED, T.UNDERPAID, T.LATE}),
    T.REJECTED: frozenset({T.SUBMITTED, T.CONFIRMING, T.CREDITED, T.UNDERPAID, T.LATE}),  # paid after all
    T.FAILED: frozenset({T.SUBMITTED, T.CONFIRMING, T.CREDITED, T.UNDERPAID, T.LATE}),
    T.CREDITED: frozenset(),
    T.LATE: frozenset(),
}

D = DepositStatus
DEPOSIT_MOVES = {
    D.SEEN: frozenset({D.GONE, D.CREDITED, D.UNCLAIMED}),
    D.GONE: frozenset({D.SEEN}),
    D.UNCLAIMED: frozenset({D.CLAIMED}),
    D.CREDITED: frozenset(),
    D.CLAIMED: frozenset(),
}
