"""What the Credit section keeps. The ledger itself is in `ledger`; money at the border has modules of its own."""

from credit.models.ledger import Account, CreditRule, Earning, Hold, Transfer
from credit.models.payouts import Payout, PayoutAddress, PayoutBatch, PayoutLane, PayoutTransaction

__all__ = [
    "Account",
    "CreditRule",
    "Earning",
    "Hold",
    "Payout",
    "PayoutAddress",
    "PayoutBatch",
    "PayoutLane",
    "PayoutTransaction",
    "Transfer",
]
