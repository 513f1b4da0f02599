"""What the Credit section keeps. The ledger itself is in `ledger`; money at the border has modules of its own."""

from credit.models.adjustments import Adjustment
from credit.models.budgets import AlertKind, Budget, CreditAlert
from credit.models.deposits import Deposit, DepositCursor, RecognisedBy, TopUp
from credit.models.invoices import BillingDetails, Invoice, InvoiceCounter, Series
from credit.models.ledger import Account, CreditRule, Earning, Hold, Transfer
from credit.models.payments import Debt, Dispute, FrozenEarning, Payment, ProviderEvent
from credit.models.payouts import Payout, PayoutAddress, PayoutBatch, PayoutLane, PayoutTransaction
from credit.models.reconciliations import Reconciliation
from credit.models.sums import DaySum
from credit.models.takings import Taking

__all__ = [
    "Account",
    "Adjustment",
    "AlertKind",
    "BillingDetails",
    "Budget",
    "CreditAlert",
    "CreditRule",
    "DaySum",
    "Debt",
    "Deposit",
    "DepositCursor",
    "Dispute",
    "Earning",
    "FrozenEarning",
    "Hold",
    "Invoice",
    "InvoiceCounter",
    "Payment",
    "Payout",
    "PayoutAddress",
    "PayoutBatch",
    "PayoutLane",
    "PayoutTransaction",
    "ProviderEvent",
    "RecognisedBy",
    "Reconciliation",
    "Series",
    "Taking",
    "TopUp",
    "Transfer",
]
