"""The ledger's verbs. Each is one transaction, keyword-only, and moves money once per key.

Every amount is integer micro-credits. Keys are sentences built from the fact: `task:812:attempt:2:charge`.
Locks are taken in one order: holds, earnings, wallets, pending accounts; within each, by primary key. A caller's
transaction may combine verbs for the holds of one creator without the danger of a deadlock.
"""

from credit.services.additions import grant_promotion, pay_probe, top_up_by_operator, transfer, welcome
from credit.services.adjustments import agree_to_adjustment, ask_adjustment, ask_claim, refuse_adjustment
from credit.services.balances import Balance, balance_of, entries_of, hold_remaining
from credit.services.charges import Charge, ChargeResult, charge_hold, charge_holds
from credit.services.deposits import claim_deposit, record_payment, settle_deposit, unclaimed_deposits
from credit.services.earnings import sweep_matured_earnings
from credit.services.holds import extend_hold, open_hold, release_expired_hold, release_hold, sweep_expired_holds
from credit.services.refunds import Refunded, refund_charge, refund_pending
from credit.services.top_ups import give_up_top_up, name_transaction, start_top_up, sweep_top_ups

__all__ = [
    "Balance",
    "Charge",
    "ChargeResult",
    "Refunded",
    "agree_to_adjustment",
    "ask_adjustment",
    "ask_claim",
    "balance_of",
    "charge_hold",
    "charge_holds",
    "claim_deposit",
    "entries_of",
    "extend_hold",
    "give_up_top_up",
    "grant_promotion",
    "hold_remaining",
    "name_transaction",
    "open_hold",
    "pay_probe",
    "record_payment",
    "refund_charge",
    "refund_pending",
    "refuse_adjustment",
    "release_expired_hold",
    "release_hold",
    "settle_deposit",
    "start_top_up",
    "sweep_expired_holds",
    "sweep_matured_earnings",
    "sweep_top_ups",
    "top_up_by_operator",
    "transfer",
    "unclaimed_deposits",
    "welcome",
]
