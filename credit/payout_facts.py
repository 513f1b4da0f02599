"""What an operator wants to know of whoever asks for a withdrawal, before saying yes."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q, Sum

from credit.codes import Code
from credit.models import Debt, Payout
from credit.payout_states import GIVEN_BACK, OPEN, PayoutStatus

EARNINGS_READ = 10_000  # the newest; those of a farm of nodes are many

# Who paid somebody's newest earnings, and how much each.
PAYERS = """
SELECT coalesce(sum(micros), 0)::bigint, count(payer), coalesce(max(micros), 0)::bigint FROM (
    SELECT h.owner_id AS payer, sum(t.amount_micros) AS micros
    FROM (SELECT hold_id, amount_micros FROM credit_transfer WHERE owner_id = %s AND code = %s
          ORDER BY created_at DESC, id DESC LIMIT %s) AS t
    LEFT JOIN credit_hold h ON h.id = t.hold_id GROUP BY h.owner_id
) AS payers
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """About one withdrawal. Micros; what was earned is of the newest earnings."""

    joined_at: datetime
    address_verified_at: datetime
    earned_micros: int
    payers: int
    largest_payer_micros: int
    paid_before: int
    paid_before_micros: int
    given_back_before: int
    open_beside: int
    owes: bool

    @property
    def largest_payer_percent(self) -> int:
        """How much of it one account paid."""
        return self.largest_payer_micros * 100 // self.earned_micros if self.earned_micros else 0


def facts_of(payout: Payout) -> Facts:
    """Four queries. `payout` with owner and place."""
    with connection.cursor() as cursor:
        cursor.execute(PAYERS, [payout.owner_id, Code.EARNING, EARNINGS_READ])
        earned_micros, payers, largest = cursor.fetchone()
    paid = Q(status=PayoutStatus.CONFIRMED)
    others = Payout.objects.filter(owner=payout.owner_id).exclude(pk=payout.pk)
    before = others.aggregate(
        paid=Count("pk", filter=paid),
        micros=Sum("amount_micros", filter=paid),
        back=Count("pk", filter=Q(status__in=GIVEN_BACK)),
        open=Count("pk", filter=Q(status__in=OPEN)),
    )
    return Facts(
        joined_at=payout.owner.date_joined,
        address_verified_at=payout.place.verified_at,
        earned_micros=earned_micros,
        payers=payers,
        largest_payer_micros=largest,
        paid_before=before["paid"],
        paid_before_micros=before["micros"] or 0,
        given_back_before=before["back"],
        open_beside=before["open"],
        owes=Debt.objects.filter(owner=payout.owner_id, settled_at=None).exists(),
    )
