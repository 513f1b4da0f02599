"""What must hold in the ledger, proved from the rows: each statement finds the rows that contradict it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from credit.models import Hold, Transfer

BUCKETS = "(VALUES ('promotional', h.promotional_micros), ('purchased', h.purchased_micros), ('earned', h.earned_micros))"

# In minus out of every account, by the transfers.
FLOWS = """
WITH flows AS (
    SELECT account_id, sum(amount)::bigint AS net FROM (
        SELECT target_id AS account_id, amount_micros AS amount FROM credit_transfer
        UNION ALL SELECT source_id, -amount_micros FROM credit_transfer
    ) AS legs GROUP BY account_id
)
"""

# The first few that break a law, each beside how many there are: a law that all rows break must not fill the memory.
NAMED_MAX = 200
NAMED = "SELECT sentence, count(*) OVER () FROM ({law}\n) AS broken(sentence) LIMIT :most"

# law -> a query for what breaks it; its one column is the sentence to print
LAWS = {
    "All accounts sum to zero": FLOWS
    + """
SELECT format('kept balances and summed accounts together hold %s micros', total) FROM (
    SELECT coalesce(sum(coalesce(a.balance_micros, f.net, 0)), 0) AS total
    FROM credit_account a LEFT JOIN flows f ON f.account_id = a.id) AS sums
WHERE total <> 0""",
    "A kept balance equals in minus out": FLOWS
    + """
SELECT format('account %s (user %s, %s %s) keeps %s, its transfers say %s',
              a.id, a.owner_id, a.kind, a.bucket, a.balance_micros, coalesce(f.net, 0))
FROM credit_account a LEFT JOIN flows f ON f.account_id = a.id
WHERE a.owner_id IS NOT NULL AND a.balance_micros <> coalesce(f.net, 0)""",
    "Nothing of a user's is below zero": FLOWS
    + """
SELECT format('account %s (user %s, %s %s) is at %s by its transfers', a.id, a.owner_id, a.kind, a.bucket, f.net)
FROM credit_account a JOIN flows f ON f.account_id = a.id WHERE a.owner_id IS NOT NULL AND f.net < 0""",
    "Clearing accounts are at zero": FLOWS
    + """
SELECT format('clearing (%s) holds %s micros', a.bucket, f.net)
FROM credit_account a JOIN flows f ON f.account_id = a.id WHERE a.kind = 'clearing' AND f.net <> 0""",
    "What a hold has left equals its transfers": f"""
SELECT format('hold %s (%s): %s money is %s, its transfers say %s', h.id, h.key, b.bucket, b.micros, coalesce(t.net, 0))
FROM credit_hold h CROSS JOIN LATERAL {BUCKETS} AS b(bucket, micros)
LEFT JOIN LATERAL (
    SELECT sum(CASE WHEN target.kind = 'holding' THEN amount_micros ELSE -amount_micros END) AS net
    FROM credit_transfer JOIN credit_account target ON target.id = target_id JOIN credit_account source ON source.id = source_id
    WHERE hold_id = h.id AND 'holding' IN (source.kind, target.kind) AND source.bucket = b.bucket
) AS t ON true
WHERE b.micros <> coalesce(t.net, 0)""",
    "A closed hold is empty": """
SELECT format('hold %s (%s) is closed and not empty', id, key) FROM credit_hold
WHERE closed_at IS NOT NULL AND promotional_micros + purchased_micros + earned_micros <> 0""",
    "Held accounts equal the holds": f"""
SELECT format('account %s (user %s, %s) holds %s, the holds say %s',
              a.id, a.owner_id, a.bucket, a.balance_micros, coalesce(sum(b.micros), 0))
FROM credit_account a LEFT JOIN credit_hold h ON h.owner_id = a.owner_id
LEFT JOIN LATERAL {BUCKETS} AS b(bucket, micros) ON b.bucket = a.bucket
WHERE a.kind = 'holding' GROUP BY a.id HAVING a.balance_micros <> coalesce(sum(b.micros), 0)""",
    "No hold is past its time": """
SELECT format('hold %s (%s) should have been given back at %s', id, key, expires_at) FROM credit_hold
WHERE closed_at IS NULL AND promotional_micros + purchased_micros + earned_micros > 0
  AND expires_at < (:now)::timestamptz - interval '1 hour'""",
    "Pending accounts equal the open earnings": """
SELECT format('account %s (user %s, %s) holds %s, its open earnings say %s',
              a.id, a.owner_id, a.bucket, a.balance_micros, coalesce(sum(e.amount_micros), 0))
FROM credit_account a LEFT JOIN credit_earning e ON e.account_id = a.id AND e.settled_at IS NULL
WHERE a.kind = 'pending' GROUP BY a.id HAVING a.balance_micros <> coalesce(sum(e.amount_micros), 0)""",
    "No earning waits past its time": """
SELECT format('earning %s was due at %s', transfer_id, matures_at) FROM credit_earning
WHERE settled_at IS NULL AND matures_at < (:now)::timestamptz - interval '1 day'""",
    "An earning equals its transfer": """
SELECT format('earning %s says %s, its transfer says %s', e.transfer_id, e.amount_micros, t.amount_micros)
FROM credit_earning e JOIN credit_transfer t ON t.id = e.transfer_id
WHERE e.amount_micros <> t.amount_micros OR e.account_id <> t.target_id""",
    "Disputed accounts equal the open disputes": """
SELECT format('account %s (user %s, %s) holds %s, its disputes say %s',
              a.id, a.owner_id, a.bucket, a.balance_micros, coalesce(sum(b.micros), 0))
FROM credit_account a LEFT JOIN credit_payment p ON p.owner_id = a.owner_id
LEFT JOIN credit_dispute d ON d.payment_id = p.id AND d.status = 'open'
LEFT JOIN LATERAL (VALUES ('purchased', d.purchased_micros), ('earned', d.earned_micros)) AS b(bucket, micros)
    ON b.bucket = a.bucket
WHERE a.kind = 'disputed' GROUP BY a.id HAVING a.balance_micros <> coalesce(sum(b.micros), 0)""",
    "What an open dispute is about is on hold or owed": """
SELECT format('dispute %s is about %s: %s on hold, %s owed', d.key, d.amount_micros, d.purchased_micros + d.earned_micros, o.owed)
FROM credit_dispute d LEFT JOIN credit_debt e ON e.dispute_id = d.id, LATERAL (SELECT coalesce(e.owed_micros, 0) AS owed) AS o
WHERE d.status = 'open' AND d.amount_micros <> d.purchased_micros + d.earned_micros + o.owed""",
    "A wallet is marked while its owner owes": """
SELECT format('account %s (user %s) is marked %s', a.id, a.owner_id, a.in_debt) FROM credit_account a
WHERE a.kind = 'spendable' AND a.in_debt <> EXISTS (
    SELECT FROM credit_debt e WHERE e.owner_id = a.owner_id AND e.settled_at IS NULL)""",
    "A payment equals its transfer": """
SELECT format('payment %s is of %s micros for user %s, transfer %s says %s for user %s',
              p.id, p.amount_micros, p.owner_id, t.id, t.amount_micros, t.owner_id)
FROM credit_payment p JOIN credit_transfer t ON t.id = p.transfer_id
WHERE p.amount_micros <> t.amount_micros OR p.owner_id <> t.owner_id""",
    "Money of withdrawals equals the open payouts": FLOWS
    + """
SELECT format('the account of withdrawals holds %s, the open payouts say %s', held.net, open.net)
FROM (SELECT coalesce(sum(f.net), 0) AS net FROM credit_account a JOIN flows f ON f.account_id = a.id WHERE a.kind = 'payout') AS held,
     (SELECT coalesce(sum(amount_micros), 0) AS net FROM credit_payout
      WHERE status IN ('requested', 'waiting', 'approved', 'sending', 'sent')) AS open
WHERE held.net <> open.net""",
    "A payout is paid or given back as its status says": """
SELECT format('payout %s is %s: %s micros paid out, %s given back', p.id, p.status, coalesce(paid.amount_micros, 0), coalesce(back.amount_micros, 0))
FROM credit_payout p
LEFT JOIN credit_transfer paid ON paid.key = format('payout:%s:paid_out', p.id)
LEFT JOIN credit_transfer back ON back.key = format('payout:%s:returned', p.id)
WHERE coalesce(paid.amount_micros, 0) <> CASE WHEN p.status = 'confirmed' THEN p.amount_micros - p.fee_micros ELSE 0 END
   OR coalesce(back.amount_micros, 0) <> CASE WHEN p.status IN ('cancelled', 'refused', 'returned') THEN p.amount_micros ELSE 0 END""",
    "Revenue is taken as its takings say": """
SELECT format('taking %s of %s micros is %s, its transfers say %s', k.id, k.amount_micros, k.status, coalesce(t.micros, 0))
FROM credit_taking k LEFT JOIN LATERAL (
    SELECT sum(amount_micros) AS micros FROM credit_transfer
    WHERE key IN (format('taking:%s/purchased', k.id), format('taking:%s/earned', k.id))
) AS t ON true
WHERE coalesce(t.micros, 0) <> CASE WHEN k.status = 'made' THEN k.amount_micros ELSE 0 END""",
    "A transfer belongs to the one user it touches": """
SELECT format('transfer %s (%s) is in the history of user %s', t.id, t.key, t.owner_id)
FROM credit_transfer t JOIN credit_account s ON s.id = t.source_id JOIN credit_account g ON g.id = t.target_id
WHERE t.owner_id IS DISTINCT FROM coalesce(s.owner_id, g.owner_id)
   OR (s.owner_id IS NOT NULL AND g.owner_id IS NOT NULL AND s.owner_id <> g.owner_id)""",
    "A reversal undoes its whole transfer": """
SELECT format('transfer %s reverses %s of %s micros with %s', t.id, o.id, o.amount_micros, t.amount_micros)
FROM credit_transfer t JOIN credit_transfer o ON o.id = t.reverses_id WHERE t.amount_micros <> o.amount_micros""",
    "The sums of a day equal its transfers": """
SELECT format('user %s, %s of %s: %s micros in %s transfers, the sums say %s in %s', owner_id, code, day,
              coalesce(t.micros, 0), coalesce(t.entries, 0),
              coalesce(s.micros, 0), coalesce(s.entries, 0))
FROM (SELECT owner_id, (created_at AT TIME ZONE 'UTC')::date AS day, code, sum(amount_micros) AS micros, count(*) AS entries
      FROM credit_transfer WHERE owner_id IS NOT NULL
        AND created_at < ((SELECT max(day) + 1 FROM credit_daysum)::timestamp AT TIME ZONE 'UTC') GROUP BY 1, 2, 3) AS t
FULL JOIN (SELECT owner_id, day, code, sum(amount_micros) AS micros, sum(entries) AS entries
           FROM credit_daysum GROUP BY 1, 2, 3) AS s USING (owner_id, day, code)
WHERE t.micros IS DISTINCT FROM s.micros OR t.entries IS DISTINCT FROM s.entries""",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """A law that the rows break, and where."""

    law: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at the ledger saw."""

    transfers: int
    open_holds: int
    differences: list[Difference]


def prove(now: datetime) -> Finding:
    """Read everything in one snapshot, so that movements under way are no differences."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if outermost:
            connection.cursor().execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return Finding(Transfer.objects.count(), Hold.objects.filter(closed_at=None).count(), list(differences(now)))


def differences(now: datetime) -> Iterator[Difference]:
    """Everything that is wrong, by the snapshot of the caller's transaction."""
    with connection.cursor() as cursor:
        for law, query in LAWS.items():
            stated = NAMED.replace("{law}", query).replace("%", "%%")  # format() uses % itself
            stated = stated.replace(":now", "%(now)s").replace(":most", "%(most)s")
            cursor.execute(stated, {"now": now, "most": NAMED_MAX})
            rows = cursor.fetchall()
            yield from [Difference(law, sentence) for sentence, _ in rows]
            if rows and (more := rows[0][1] - len(rows)):
                yield Difference(law, f"and {more:,} more")
