"""What the shell of every page shows: sections, credit, nodes. Asked for only when a template prints it: fragments pay nothing."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.functional import cached_property

from common.lately import Lately
from common.words import plural
from common.written import written_once
from credit import services as credit
from rendering.models import Job
from rendering.states import JobStatus
from users.models import Notice, User
from workers.models import Worker

HOME = ("home", "Home", "Home", "house")
SECTIONS = [  # URL name, words, short words for the bottom bar, icon; in the order of the product
    HOME,
    ("rendering:job-list", "3D Rendering", "Rendering", "box"),
    ("renting:overview", "GPU Renting", "Renting", "gpu"),
    ("workers:worker-list", "My Workers", "Workers", "server"),
    ("checkers:overview", "Checker Nodes", "Checkers", "shield-check"),
    ("rewards:overview", "Rewards", "Rewards", "star"),
    ("leaderboard:overview", "Leaderboard", "Leaderboard", "chart-column"),
    ("credit:overview", "Credit", "Credit", "credit-card"),
]
IN_BOTTOM_BAR = 4  # the fifth place is "More"


@dataclass(frozen=True)
class Section:
    """One entry of the sidebar."""

    url: str
    words: str
    short: str
    icon: str
    active: bool
    count: int = 0
    count_words: str = ""


def counted(rows) -> Coalesce:
    """The number of rows as an expression, so that several are counted in one query."""
    number = rows.order_by().annotate(every=Value(1)).values("every").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(number), 0)


def counts_of(user_id: int, **rows: QuerySet) -> QuerySet:
    """One query: one's jobs at work ("running"), nodes online ("own") and unread notices ("unseen"), and `rows`."""
    jobs = Job.objects.owned_by(user_id).filter(status__in=[JobStatus.QUEUED, JobStatus.RENDERING])
    nodes, notices = Worker.objects.connected().owned_by(user_id), Notice.objects.unseen_by(user_id)
    counts = {"running": jobs, "own": nodes, "unseen": notices, **rows}
    return User.objects.filter(pk=user_id).values(**{name: counted(rows) for name, rows in counts.items()})


@written_once
def own_numbers_of(user_id: int) -> QuerySet:
    return counts_of(user_id)


@written_once
def numbers_of(user_id: int) -> QuerySet:
    """With the nodes online of everybody ("all")."""
    return counts_of(user_id, all=Worker.objects.connected())


COUNTED_ANEW = 200  # nodes; to count 10,000 took longer than all that a page's frame says of its reader
nodes_online: Lately[int] = Lately()


class Shell:
    """Sections, counts and balance of one request's user; each query runs once, when it is printed."""

    def __init__(self, request):
        self.request = request

    @classmethod
    def of(cls, request) -> "Shell":
        """The one of this request: a view may have asked it before the page is printed."""
        if not hasattr(request, "shell"):
            request.shell = cls(request)
        return request.shell

    @cached_property
    def sections(self) -> list[Section]:
        return [self._section(*entry) for entry in SECTIONS]

    def _section(self, name: str, words: str, short: str, icon: str) -> Section:
        url = reverse(name)
        active = self.request.path == url if name == "home" else self.request.path.startswith(url)
        count, count_words = self._counts.get(name, (0, ""))
        return Section(url, words, short, icon, active, count, count_words)

    @cached_property
    def _counts(self) -> dict[str, tuple[int, str]]:
        return {
            "rendering:job-list": (self._numbers["running"], "running"),
            "workers:worker-list": (self._numbers["own"], "connected"),
        }

    @property
    def running(self) -> int:
        """The account's jobs at work."""
        return self._numbers["running"]

    @property
    def unseen(self) -> int:
        """Notices that are not read."""
        return self._numbers["unseen"]

    @property
    def connected(self) -> int:
        """The account's nodes online."""
        return self._numbers["own"]

    @cached_property
    def _numbers(self) -> dict[str, int]:
        online = nodes_online.known()
        (numbers,) = (numbers_of if online is None else own_numbers_of)(self.request.user.pk)
        if online is None and numbers["all"] > COUNTED_ANEW:
            nodes_online.keep(numbers["all"])
        return {"all": online} | numbers

    @property
    def bar_sections(self) -> list[Section]:
        return self.sections[:IN_BOTTOM_BAR]

    @property
    def more_sections(self) -> list[Section]:
        return self.sections[IN_BOTTOM_BAR:]

    @property
    def more_active(self) -> bool:
        return any(section.active for section in self.more_sections)

    @cached_property
    def balance(self) -> credit.Balance:
        """As the view has read it already, where it shows it too."""
        return getattr(self.request, "balance", None) or credit.balance_of(self.request.user)

    @property
    def balance_micros(self) -> int:
        return self.balance.available_micros

    @property
    def nodes_line(self) -> str:
        count = self._numbers["all"]
        return "No node online" if not count else f"{plural(count, 'node')} online"

    @property
    def nodes_tone(self) -> str:
        return "is-ok" if self._numbers["all"] else "is-warn"


def shell(request) -> dict:
    """Template context of every page."""
    return {"shell": Shell.of(request), "site_name": settings.SITE_NAME, "live_url": settings.LIVE_URL}
