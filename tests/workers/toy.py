"""A product for tests: its references are numbers, its files are nobody's, and it remembers what it was told."""

from workers.kinds import WorkKind

WORK_KINDS = {"toy": "tests.workers.toy.Toy"}


class Toy(WorkKind):
    told: list[tuple] = []  # (method, reports)
    refused: set[int] = set()  # references that `lease` will not have
    retried: set[int] = set()  # references that wait again after a failure
    broken: set[int] = set()  # references on which every report breaks
    made: dict[int, list] = {}  # workers.kinds.Made of each node
    interrupt = None  # called once with (leases, now) instead of `lease`, to do something between two steps of the feeder

    @classmethod
    def forget(cls) -> None:
        for memory in (cls.told, cls.refused, cls.retried, cls.broken, cls.made):
            memory.clear()

    @classmethod
    def heard(cls, method: str) -> list:
        """All reports of one method, in order."""
        return [report for name, reports in cls.told for report in reports if name == method]

    def _hear(self, method: str, reports) -> None:
        if any(report.reference in self.broken for report in reports):
            raise RuntimeError("broken on purpose")
        self.told.append((method, list(reports)))

    def lease(self, leases, now):
        interrupt, type(self).interrupt = type(self).interrupt, None
        if interrupt:
            return interrupt(leases, now)
        self._hear("lease", leases)
        from tests.workers.builders import spec

        accepted = {lease.work_id: spec(lease.reference) for lease in leases if lease.reference not in self.refused}
        return accepted, [lease.work_id for lease in leases if lease.reference in self.refused]

    def started(self, reports, now):
        self._hear("started", reports)

    def rendered(self, reports, now):
        self._hear("rendered", reports)
        return {report.work_id: f"toy/{report.reference}/{report.attempt}.png" for report in reports}

    def finished(self, reports, now):
        self._hear("finished", reports)

    def failed(self, reports, now):
        self._hear("failed", reports)
        return {report.work_id for report in reports if report.reference in self.retried}

    def returned(self, reports, now):
        self._hear("returned", reports)

    def progressed(self, group, references):
        self.told.append(("progressed", [(group, reference) for reference in references]))

    def logged(self, group, references):
        self.told.append(("logged", [(group, reference) for reference in references]))

    def file_urls(self, reference, now):
        return {"a" * 64: f"http://testserver/files/{reference}"}

    def made_by(self, worker_id, older, limit, viewer):
        rows = sorted(self.made.get(worker_id, []), key=lambda row: (row.at, row.number), reverse=True)
        after = [row for row in rows if older is None or (row.at, row.number) < (older.created_at, older.pk)]
        return after[:limit]

    def titles(self, references):
        return {reference: f"Toy {reference}" for reference in references}
