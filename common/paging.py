"""Pages of long lists, without counting what nobody will read."""

from django.core.paginator import Paginator
from django.db import connections
from django.utils.functional import cached_property

COUNTED_MAX = 10_000


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
