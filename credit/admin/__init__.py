"""Credit in the operators' console: the ledger to read, and the few things that operators decide."""

from credit.admin import adjustments, ledger

__all__ = ["adjustments", "ledger"]
