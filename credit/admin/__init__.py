"""Credit in the operators' console: the ledger to read, and the few things that operators decide."""

from credit.admin import adjustments, deposits, ledger, payments, payouts

__all__ = ["adjustments", "deposits", "ledger", "payments", "payouts"]
