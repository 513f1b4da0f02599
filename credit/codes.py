"""The ledger's closed lists: kinds of account, buckets of money, codes of transfers. docs/money.md prints the same tables."""

from django.db.models import TextChoices


class Bucket(TextChoices):
    """Where money came from, which decides what it may become. The order is the order of spending."""

    PROMOTIONAL = "promotional", "Promotional"  # given by the network; spend-only, also for those who earn it
    PURCHASED = "purchased", "Purchased"  # paid in; spendable
    EARNED = "earned", "Earned"  # by nodes and checks; spendable and withdrawable


SPEND_ORDER = (Bucket.PROMOTIONAL, Bucket.PURCHASED, Bucket.EARNED)


class Kind(TextChoices):
    """What an account is for."""

    SPENDABLE = "spendable", "Spendable"  # a user's money at hand
    HOLDING = "holding", "Held"  # a user's money set aside by holds
    PENDING = "pending", "Pending"  # a user's earnings that have not matured, by the bucket that paid them
    DISPUTED = "disputed", "Disputed"  # a user's money that a payment provider has put in doubt
    CLEARING = "clearing", "Clearing"  # a charge on its way to its shares; zero after every transaction
    CHECKERS = "checkers", "Checkers' pool"  # accrues until checks pay it out
    NETWORK = "network", "Network"  # the network's share
    PROMOTION = "promotion", "Promotions given"  # outside: below zero by what was given
    OPERATOR = "operator", "Operator top-ups"  # outside: below zero by what was added
    CHAIN = "chain", "Chains"  # outside: below zero by what came in as crypto, less what went out
    PROVIDER = "provider", "Payment providers"  # outside: below zero by what was paid through them
    UNCLAIMED = "unclaimed", "Unclaimed deposits"  # came in from a sender nobody has claimed yet
    PAYOUT = "payout", "Withdrawals under way"  # of users, until they are paid out or given back


EVERYBODYS_KINDS = (Kind.SPENDABLE, Kind.HOLDING, Kind.PENDING)  # made with a user's first movement
USER_KINDS = (*EVERYBODYS_KINDS, Kind.DISPUTED)
PLATFORM_KINDS = tuple(kind for kind in Kind if kind not in USER_KINDS)


class Code(TextChoices):
    """Why money moved."""

    TOP_UP = "top_up", "Payment"  # operator, chain or provider -> spendable
    UNCLAIMED = "unclaimed", "Deposit of an unknown sender"  # chain -> unclaimed
    CLAIM = "claim", "Deposit claimed"  # unclaimed -> spendable
    PROMOTION = "promotion", "Promotion"  # promotion -> spendable
    PROBE = "probe", "Probe frame"  # network -> spendable
    HOLD = "hold", "Hold"  # spendable -> holding
    RELEASE = "release", "Hold released"  # holding -> spendable
    CHARGE = "charge", "Charge"  # holding -> clearing
    EARNING = "earning", "Earning"  # clearing -> pending; network -> pending: restored once the debt was paid
    CHECKERS_SHARE = "checkers_share", "Checkers' share"  # clearing -> checkers
    NETWORK_SHARE = "network_share", "Network's share"  # clearing -> network
    MATURITY = "maturity", "Earnings available"  # pending -> spendable
    REFUND = "refund", "Refund"  # clearing -> spendable
    EARNING_REVERSED = "earning_reversed", "Earning reversed"  # pending -> clearing
    SHARE_REVERSED = "share_reversed", "Share reversed"  # checkers or network -> clearing
    DISPUTE = "dispute", "Payment disputed"  # spendable -> disputed
    DISPUTE_WON = "dispute_won", "Dispute settled"  # disputed -> spendable
    CHARGEBACK = "chargeback", "Chargeback"  # disputed, clearing (earnings taken back) or network -> provider
    DEBT_PAID = "debt_paid", "Debt paid"  # spendable -> network
    ADJUSTED_UP = "adjusted_up", "Adjustment"  # operator -> spendable
    ADJUSTED_DOWN = "adjusted_down", "Adjustment"  # spendable -> operator
    WITHDRAWAL = "withdrawal", "Withdrawal"  # spendable, earned -> payout
    PAID_OUT = "paid_out", "Paid out"  # payout -> chain
    WITHDRAWAL_FEE = "withdrawal_fee", "Withdrawal fee"  # payout -> network
    WITHDRAWAL_RETURNED = "withdrawal_returned", "Withdrawal returned"  # payout -> spendable, earned
    REVENUE_TAKEN = "revenue_taken", "Revenue taken"  # network -> chain
