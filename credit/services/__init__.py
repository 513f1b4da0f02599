"""The ledger's verbs. Each is one transaction, keyword-only, and moves money once per key.

Every amount is integer micro-credits. Keys are sentences built from the fact: `task:812:attempt:2:charge`.
Locks are taken in one order: holds, earnings, wallets, pending accounts; within each, by primary key. A caller's
transaction may combine verbs for the holds of one creator without the danger of a deadlock.
"""

from credit.services.additions import grant_promotion, pay_probe, top_up_by_operator, transfer, welcome
from credit.services.balances import Balance, balance_of, entries_of, hold_remaining
from credit.services.charges import Charge, ChargeResult, charge_hold, charge_holds
from credit.services.earnings import sweep_matured_earnings
from credit.services.holds import extend_hold, open_hold, release_expired_hold, release_hold, sweep_expired_holds
from credit.services.refunds import Refunded, refund_charge, refund_pending

__all__ = [
    "Balance",
    "Charge",
    "ChargeResult",
    "Refunded",
    "balance_of",
    "charge_hold",
    "charge_holds",
    "entries_of",
    "extend_hold",
    "grant_promotion",
    "hold_remaining",
    "open_hold",
    "pay_probe",
    "refund_charge",
    "refund_pending",
    "release_expired_hold",
    "release_hold",
    "sweep_expired_holds",
    "sweep_matured_earnings",
    "top_up_by_operator",
    "transfer",
    "welcome",
]
