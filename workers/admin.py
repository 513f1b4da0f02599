"""Nodes and their queue in the admin: to read, and to suspend or reinstate a node."""

from functools import partial

from django.contrib import admin, messages

from common import clock
from common.admin import ReadOnlyAdmin, choice_filter
from common.transitions import IllegalMove, StaleMove
from workers import events, services
from workers.kinds import kind_names
from workers.levels import LABELS
from workers.models import (
    BenchmarkRun,
    Enrolment,
    FleetToken,
    Gateway,
    GpuTrial,
    Lease,
    Misfit,
    Outage,
    ReliabilityDay,
    SelfTest,
    Shift,
    Tally,
    Work,
    Worker,
    WorkerEvent,
)
from workers.refusals import WORDS as REFUSED

ISOLATIONS = [("bubblewrap", "bubblewrap"), ("none", "none")]


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    list_display = ["name", "owner", "status", "isolation", "cpu_model", "agent_version", "connected_at", "last_seen_at"]
    list_filter = [
        "status",
        "trusted",
        choice_filter("level", "level", LABELS.items()),
        choice_filter("isolation", "isolation", ISOLATIONS),
        "unsandboxed_allowed",
    ]
    search_fields = ["name", "uid", "hostname", "owner__email", "owner__username"]
    list_select_related = ["owner"]
    exclude = ["public_key"]
    actions = ["suspend", "reinstate", "trust", "distrust"]

    @admin.action(description="Suspend: no socket, no work", permissions=["view"])
    def suspend(self, request, queryset):
        self._each(request, queryset, services.suspend_worker, "suspended")

    @admin.action(description="Reinstate after a suspension", permissions=["view"])
    def reinstate(self, request, queryset):
        self._each(request, queryset, services.reinstate_worker, "reinstated")

    @admin.action(description="Trust: may have scenes that are kept to trusted nodes", permissions=["view"])
    def trust(self, request, queryset):
        self._each(request, queryset, partial(services.trust_worker, trusted=True), "trusted")

    @admin.action(description="Trust no longer", permissions=["view"])
    def distrust(self, request, queryset):
        self._each(request, queryset, partial(services.trust_worker, trusted=False), "trusted no longer")

    def _each(self, request, queryset, verb, done: str) -> None:
        if not request.user.has_perm("workers.change_worker"):
            self.message_user(request, "You may look, not change.", messages.ERROR)
            return
        for worker in queryset[:100]:
            try:
                verb(worker, now=clock.now(), actor=request.user)
            except (IllegalMove, StaleMove):
                self.message_user(request, f"{worker} is {worker.get_status_display().lower()}.", messages.WARNING)
            else:
                self.message_user(request, f"{worker} is {done}.", messages.SUCCESS)


@admin.register(Work)
class WorkAdmin(ReadOnlyAdmin):
    list_display = ["id", "kind", "reference", "group", "tier", "priority", "leased", "held", "attempts", "created_at"]
    list_filter = [choice_filter("kind", "kind", [(name, name) for name in kind_names()]), "leased", "held"]
    search_fields = ["=reference", "=group"]


@admin.register(Lease)
class LeaseAdmin(ReadOnlyAdmin):
    list_display = ["work", "worker", "slot", "place", "attempt", "leased_at", "acknowledged_at", "started_at", "expires_at"]
    list_select_related = ["work", "worker"]


@admin.register(Misfit)
class MisfitAdmin(ReadOnlyAdmin):
    list_display = ["title", "worker", "kind", "count", "words", "at", "until"]
    list_filter = ["kind"]
    search_fields = ["title", "=affinity", "worker__name"]
    list_select_related = ["worker"]


@admin.register(WorkerEvent)
class WorkerEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "worker", "kind", "detail", "actor"]
    list_filter = [choice_filter("kind", "kind", events.KINDS.items())]
    search_fields = ["worker__name", "worker__uid"]
    list_select_related = ["worker", "actor"]


@admin.register(Enrolment)
class EnrolmentAdmin(ReadOnlyAdmin):
    list_display = ["worker", "created_at", "expires_at", "used_at", "revoked_at"]
    exclude = ["token_sha256"]
    list_select_related = ["worker"]


@admin.register(FleetToken)
class FleetTokenAdmin(ReadOnlyAdmin):
    list_display = ["name_prefix", "owner", "used", "nodes_max", "created_at", "expires_at", "revoked_at"]
    search_fields = ["name_prefix", "=uid", "owner__email", "owner__username"]
    exclude = ["token_sha256"]
    list_select_related = ["owner"]


@admin.register(SelfTest)
class SelfTestAdmin(ReadOnlyAdmin):
    list_display = ["worker", "passed", "words", "blender_versions", "blender_problem"]
    list_filter = ["passed"]
    list_select_related = ["worker"]


@admin.register(BenchmarkRun)
class BenchmarkRunAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "worker", "status", "words", "model", "score_milli", "believed", "by_owner", "finished_at"]
    list_filter = ["status", choice_filter("reason", "reason", REFUSED.items()), "believed", "by_owner"]
    search_fields = ["worker__name", "worker__uid", "model"]
    exclude = ["seed", "root"]
    list_select_related = ["worker"]

    @admin.display(description="reason")
    def words(self, run: BenchmarkRun) -> str:
        return REFUSED.get(run.reason, run.reason)


@admin.register(GpuTrial)
class GpuTrialAdmin(ReadOnlyAdmin):
    list_display = ["run", "model", "sizes", "began_at", "solved_at", "shown_at", "bytes_per_second"]
    search_fields = ["model", "run__worker__name", "run__worker__uid"]
    exclude = ["seed", "root", "shown_sha256"]
    list_select_related = ["run"]


@admin.register(Shift)
class ShiftAdmin(ReadOnlyAdmin):
    list_display = ["worker", "epoch", "started_at", "ended_at"]
    list_select_related = ["worker"]


@admin.register(Tally)
class TallyAdmin(ReadOnlyAdmin):
    list_display = [
        "worker",
        "day_on",
        "tasks_accepted",
        "tasks_failed",
        "tasks_left",
        "tasks_unbegun",
        "busy_seconds",
        "earned_micros",
    ]
    list_select_related = ["worker"]


@admin.register(ReliabilityDay)
class ReliabilityDayAdmin(ReadOnlyAdmin):
    list_display = ["worker", "day_on", "offer_seconds", "offer_up_seconds", "work_seconds", "work_up_seconds"]
    list_select_related = ["worker"]


@admin.register(Outage)
class OutageAdmin(ReadOnlyAdmin):
    list_display = ["began_at", "ended_at", "why", "nodes"]


@admin.register(Gateway)
class GatewayAdmin(ReadOnlyAdmin):
    list_display = ["id", "started_at", "seen_at"]
