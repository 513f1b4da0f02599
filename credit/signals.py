"""What other apps may hear about credit. A signal only hints: the listener's sweep finds the same rows."""

from django.dispatch import Signal

credit_added = Signal()  # user_id: spendable credit grew (top-up, promotion, release, refund, maturity); after commit
