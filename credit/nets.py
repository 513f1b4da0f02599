"""In minus out of the network's own accounts, which are summed and never kept."""

from django.db import connection

from credit.codes import Bucket, Kind

NETS = """
SELECT account.bucket, coalesce(sum(leg.amount), 0)::bigint FROM credit_account AS account LEFT JOIN LATERAL (
    SELECT amount_micros AS amount FROM credit_transfer WHERE target_id = account.id
    UNION ALL SELECT -amount_micros FROM credit_transfer WHERE source_id = account.id
) AS leg ON true WHERE account.kind = %s GROUP BY account.bucket
"""


def nets(kind: Kind) -> dict[Bucket, int]:
    """Micros by bucket. Reads every transfer of these accounts."""
    with connection.cursor() as cursor:
        cursor.execute(NETS, [kind])
        return {Bucket(bucket): micros for bucket, micros in cursor.fetchall()}
