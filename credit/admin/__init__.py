"""Credit in the operators' console: the ledger to read, and the few things that operators decide."""

from credit.admin import adjustments, deposits, ledger, payments, payouts, reconciliations, takings

__all__ = ["adjustments", "deposits", "ledger", "payments", "payouts", "reconciliations", "takings"]
