"""What the Credit section keeps. The ledger itself is in `ledger`; money at the border has modules of its own."""

from credit.models.ledger import Account, CreditRule, Earning, Hold, Transfer

__all__ = ["Account", "CreditRule", "Earning", "Hold", "Transfer"]
