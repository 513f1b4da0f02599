"""What a reconciliation reads: rows and accounts, chains, the payment provider. Compared by credit.reconciliation."""
