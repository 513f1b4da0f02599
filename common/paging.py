"""Pages of long lists, without counting what nobody will read."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.paginator import Paginator
from django.db import connections
from django.db.models import QuerySet
from django.db.models.fields.tuple_lookups import Tuple, TupleGreaterThan, TupleLessThan
from django.utils.functional import cached_property

COUNTED_MAX = 10_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PLACE = re.compile(r"(\d{1,17})-(\d{1,18})", re.ASCII)


class LongPaginator(Paginator):
    """Counts up to COUNTED_MAX rows; what lies beyond is found by filters, not by turning pages."""

    @cached_property
    def count(self) -> int:
        return min(self._counted, COUNTED_MAX)

    @property
    def has_more(self) -> bool:
        """Whether there are rows beyond those that are counted."""
        return self._counted > COUNTED_MAX

    @cached_property
    def _counted(self) -> int:
        return self.object_list.order_by()[: COUNTED_MAX + 1].count()


class EstimatingPaginator(Paginator):
    """Of a whole table that is large, PostgreSQL's own estimate is enough; a filtered one is counted."""

    @cached_property
    def count(self) -> int:
        return self._estimate() or super().count

    def _estimate(self) -> int:
        """Rows of the table as last analysed; 0 for a small or filtered one."""
        if self.object_list.query.where:
            return 0
        with connections[self.object_list.db].cursor() as cursor:
            cursor.execute("SELECT reltuples FROM pg_class WHERE oid = %s::regclass", [self.object_list.model._meta.db_table])
            (rows,) = cursor.fetchone()
        return int(rows) if rows > COUNTED_MAX else 0


@dataclass(frozen=True, slots=True)
class Place:
    """A row in a list that is ordered by (created_at, id), or by another moment: where the next page begins, however long
    the list is."""

    created_at: datetime
    pk: int

    def __str__(self) -> str:
        """As it stands in an address: whole microseconds since 1970, then the row."""
        since = self.created_at - EPOCH
        return f"{since // timedelta(microseconds=1)}-{self.pk}"

    @classmethod
    def read(cls, text: str | None) -> "Place | None":
        """What an address says; None for anything else."""
        if not (found := PLACE.fullmatch(text or "")):
            return None
        return cls(EPOCH + timedelta(microseconds=int(found[1])), int(found[2]))

    def older(self, rows: QuerySet, *, by: str = "created_at") -> QuerySet:
        """The rows that come after this one, newest first."""
        return rows.filter(TupleLessThan(Tuple(by, "id"), (self.created_at, self.pk)))

    def newer(self, rows: QuerySet) -> QuerySet:
        """The rows that come before it."""
        return rows.filter(TupleGreaterThan(Tuple("created_at", "id"), (self.created_at, self.pk)))
