"""Jobs in the admin: to read, and to act on through the same verbs that their creators have. Prices are dated rows."""

from datetime import timedelta

from django.contrib import admin, messages
from unfold.admin import ModelAdmin

from common import clock
from common.admin import ReadOnlyAdmin, choice_filter
from common.money import format_exact
from common.transitions import StaleMove
from credit.errors import InsufficientCredit
from rendering import services
from rendering.choices import Tier
from rendering.errors import RenderingError
from rendering.estimate_errors import accuracies
from rendering.models import Attempt, Film, Job, JobEvent, RateRule, Task, Upload
from rendering.rates import rates_at
from rendering.reasons import Reason
from rendering.states import TaskStatus

ACTED_ON_AT_ONCE = 100  # jobs
ESTIMATE_DAYS = 30
REASONS = [(reason.value, reason.value.replace("_", " ")) for reason in Reason]


def label_of(choices, value: str) -> str:
    """The words of a choice; one that this release does not know stays as it is."""
    return dict(choices.choices).get(value, value)


@admin.register(Job)
class JobAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "owner", "status", "pause_reason", "frame_count", "charged", "tier_words", "submitted_at"]
    list_filter = ["status", "pause_reason", choice_filter("tier", "tier", Tier.choices), "submitted_at"]
    search_fields = ["=id", "name", "owner__email", "owner__username", "scene__name"]
    list_select_related = ["owner"]
    exclude = ["secret"]
    actions = ["pause", "resume", "cancel", "requeue_failed"]
    list_before_template = "admin/rendering/estimates.html"

    def changelist_view(self, request, extra_context=None):
        since = clock.now() - timedelta(days=ESTIMATE_DAYS)
        said = {"estimate_accuracies": accuracies(since), "estimate_days": ESTIMATE_DAYS}
        return super().changelist_view(request, said | (extra_context or {}))

    @admin.display(description="Charged", ordering="charged_micros")
    def charged(self, job: Job) -> str:
        return format_exact(job.charged_micros)

    @admin.display(description="Tier", ordering="tier")
    def tier_words(self, job: Job) -> str:
        return label_of(Tier, job.tier)

    @admin.action(description="Pause", permissions=["view"])
    def pause(self, request, queryset):
        self._each(request, queryset, services.pause_job, "paused")

    @admin.action(description="Resume", permissions=["view"])
    def resume(self, request, queryset):
        self._each(request, queryset, services.resume_job, "resumed")

    @admin.action(description="Cancel for good", permissions=["view"])
    def cancel(self, request, queryset):
        self._each(request, queryset, services.cancel_job, "cancelled")

    @admin.action(description="Requeue failed frames", permissions=["view"])
    def requeue_failed(self, request, queryset):
        self._each(request, queryset, requeue_failed_frames, "back in the queue")

    def _each(self, request, queryset, verb, done: str) -> None:
        if not request.user.has_perm("rendering.change_job"):
            self.message_user(request, "You may look, not change.", messages.ERROR)
            return
        for job in queryset.select_related("owner", "scene")[:ACTED_ON_AT_ONCE]:
            words, level = outcome_of(verb, job, request.user, done)
            self.message_user(request, words, level)


def requeue_failed_frames(job: Job, actor, now) -> None:
    failed = job.tasks.filter(status=TaskStatus.FAILED).values_list("pk", flat=True)
    services.requeue_tasks(job, list(failed), actor, now)


def outcome_of(verb, job: Job, actor, done: str) -> tuple[str, int]:
    """What became of one verb on one job, in words and as a level of Django's messages."""
    try:
        verb(job, actor=actor, now=clock.now())
    except StaleMove:
        return f"{job} had already moved on.", messages.WARNING
    except InsufficientCredit:
        return f"{job}: its creator's credit does not cover the next frame.", messages.WARNING
    except RenderingError as error:
        return f"{job}: {error}", messages.WARNING
    return f"{job} is {done}.", messages.SUCCESS


@admin.register(Task)
class TaskAdmin(ReadOnlyAdmin):
    list_display = ["id", "job", "frame", "tile", "status", "attempt", "attempts_used", "reason", "accepted_at"]
    list_filter = ["status", choice_filter("reason", "reason", REASONS)]
    search_fields = ["=id", "=job__id", "job__name"]
    list_select_related = ["job"]


@admin.register(Attempt)
class AttemptAdmin(ReadOnlyAdmin):
    list_display = ["id", "job", "frame", "number", "worker", "outcome_words", "render_seconds", "charged", "leased_at"]
    list_filter = [choice_filter("outcome", "outcome", [("accepted", "accepted"), *REASONS]), "leased_at"]
    search_fields = ["=task__job__id", "worker__name", "=pixels_sha256"]
    list_select_related = ["task__job", "worker"]

    @admin.display(description="Job")
    def job(self, attempt: Attempt) -> str:
        return str(attempt.task.job)

    @admin.display(description="Outcome", ordering="outcome")
    def outcome_words(self, attempt: Attempt) -> str:
        return attempt.outcome.replace("_", " ")

    @admin.display(description="Frame", ordering="task__frame")
    def frame(self, attempt: Attempt) -> int:
        return attempt.task.frame

    @admin.display(description="Charged", ordering="charged_micros")
    def charged(self, attempt: Attempt) -> str:
        return format_exact(attempt.charged_micros)


@admin.register(JobEvent)
class JobEventAdmin(ReadOnlyAdmin):
    list_display = ["at", "job", "task", "was", "became", "reason", "detail", "actor"]
    list_filter = [choice_filter("became", "became", TaskStatus.choices), choice_filter("reason", "reason", REASONS), "at"]
    search_fields = ["=job__id", "job__name"]
    list_select_related = ["job", "task", "actor"]


@admin.register(Film)
class FilmAdmin(ReadOnlyAdmin):
    list_display = ["id", "job", "fps", "frame_count", "progress_percent", "failure", "created_at", "finished_at"]
    list_select_related = ["job"]


@admin.register(Upload)
class UploadAdmin(ReadOnlyAdmin):
    list_display = ["id", "owner", "name", "size_bytes", "received_bytes", "created_at", "touched_at"]
    search_fields = ["name", "owner__email", "owner__username"]
    list_select_related = ["owner"]


@admin.register(RateRule)
class RateRuleAdmin(ModelAdmin):
    """Prices are dated: a change is a new row that begins later; a rule is never edited away."""

    list_display = ["tier_words", "begins_at", "rate", "node", "checkers", "network"]
    list_display_links = ["tier_words"]
    list_filter = [choice_filter("tier", "tier", Tier.choices)]

    @admin.display(description="Tier", ordering="tier")
    def tier_words(self, rule: RateRule) -> str:
        return label_of(Tier, rule.tier)

    @admin.display(description="Credits a reference second", ordering="rate_micros")
    def rate(self, rule: RateRule) -> str:
        return format_exact(rule.rate_micros)

    @admin.display(description="Node's owner", ordering="worker_bp")
    def node(self, rule: RateRule) -> str:
        return f"{rule.worker_bp / 100:g} %"

    @admin.display(description="Checkers", ordering="checkers_bp")
    def checkers(self, rule: RateRule) -> str:
        return f"{rule.checkers_bp / 100:g} %"

    @admin.display(description="Network", ordering="network_bp")
    def network(self, rule: RateRule) -> str:
        return f"{rule.network_bp / 100:g} %"

    def changelist_view(self, request, extra_context=None):
        """Says what is in force, which an empty list would hide: without a rule the built-in rates hold."""
        rates = ", ".join(f"{tier.label} {format_exact(rate.rate_micros)}" for tier, rate in rates_at(clock.now()).items())
        messages.info(request, f"In force now, credits per reference second: {rates}. Without a rule the built-in rates hold.")
        return super().changelist_view(request, extra_context)

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
