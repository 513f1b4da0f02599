"""Statuses of a node, of an invitation into a team and of a benchmark, and the moves between them."""

from django.db.models import TextChoices


class WorkerStatus(TextChoices):
    NEW = "new", "Not connected yet"  # created in the page; its agent has never signed on
    OFFLINE = "offline", "Offline"  # known, no live socket
    ONLINE = "online", "Online"  # live socket, takes work; idle or busy follows from its leases
    PAUSED = "paused", "Paused"  # by its owner; keeps its socket, gets no work
    DRAINING = "draining", "Finishing"  # stops after what it runs
    SUSPENDED = "suspended", "Suspended"  # by an operator
    RETIRED = "retired", "Retired"  # for good; its history stays


class ReturnReason(TextChoices):
    """Why a lease ended without a report; never the fault of the work."""

    LEASE_EXPIRED = "lease_expired", "the node stopped renewing its lease"
    NOT_ACKNOWLEDGED = "not_acknowledged", "the node did not confirm the assignment"
    NODE_GONE = "node_gone", "the node went away or lost the work"
    DRAINED = "drained", "the node was paused, closed or stopped before it began"
    PAUSED = "paused", "its owner paused the node at once"
    HELD_BACK = "held_back", "its job was paused before it began"
    PLACE_TAKEN = "place_taken", "the place was taken meanwhile"


class MisfitKind(TextChoices):
    """Why a node and what it was to work on do not go together."""

    OUT_OF_MEMORY = "out_of_memory", "ran out of memory"
    FAILURES = "failures", "failed in a row"


class InvitationStatus(TextChoices):
    INVITED = "invited", "Invited"  # by the owner of nodes; waits for the person, if there is one
    ACCEPTED = "accepted", "Accepted"  # in the team
    DECLINED = "declined", "Declined"  # not, or no longer; the owner sees it as invited


class BenchmarkStatus(TextChoices):
    WAITING = "waiting", "Waiting"  # in the queue; the feeder leases it, sweep_benchmarks gives it up
    RUNNING = "running", "Running"  # leased to its node
    CHECKING = "checking", "Being checked"  # its file is here; judge_benchmark decides, and a sweep finds what was lost
    PASSED = "passed", "Passed"
    REFUSED = "refused", "Refused"  # the node did not do the work, or said otherwise
    FAILED = "failed", "Did not end"  # nobody's lie


S = WorkerStatus
WORKER_MOVES = {
    S.NEW: frozenset({S.ONLINE, S.PAUSED, S.SUSPENDED, S.RETIRED}),
    S.OFFLINE: frozenset({S.ONLINE, S.PAUSED, S.SUSPENDED, S.RETIRED}),
    S.ONLINE: frozenset({S.OFFLINE, S.PAUSED, S.DRAINING, S.SUSPENDED, S.RETIRED}),
    S.PAUSED: frozenset({S.ONLINE, S.OFFLINE, S.SUSPENDED, S.RETIRED}),
    S.DRAINING: frozenset({S.OFFLINE, S.ONLINE, S.PAUSED, S.SUSPENDED, S.RETIRED}),
    S.SUSPENDED: frozenset({S.OFFLINE, S.ONLINE, S.RETIRED}),
    S.RETIRED: frozenset(),
}

A = InvitationStatus
INVITATION_MOVES = {
    A.INVITED: frozenset({A.ACCEPTED, A.DECLINED}),
    A.ACCEPTED: frozenset({A.DECLINED}),
    A.DECLINED: frozenset({A.ACCEPTED}),
}

B = BenchmarkStatus
BENCHMARK_MOVES = {
    B.WAITING: frozenset({B.RUNNING, B.FAILED}),
    B.RUNNING: frozenset({B.WAITING, B.CHECKING, B.REFUSED, B.FAILED}),
    B.CHECKING: frozenset({B.PASSED, B.REFUSED, B.FAILED}),
    B.PASSED: frozenset(),
    B.REFUSED: frozenset(),
    B.FAILED: frozenset(),
}

MAY_PAUSE = frozenset({S.ONLINE, S.OFFLINE, S.DRAINING})  # by their owner

TONES = {  # of the badge; its words are the labels above
    S.NEW: "quiet",
    S.OFFLINE: "quiet",
    S.ONLINE: "ok",
    S.PAUSED: "warn",
    S.DRAINING: "info",
    S.SUSPENDED: "bad",
    S.RETIRED: "quiet",
}
INVITATION_TONES = {A.INVITED: "info", A.ACCEPTED: "ok", A.DECLINED: "quiet"}
BENCHMARK_TONES = {
    B.WAITING: "quiet",
    B.RUNNING: "accent",
    B.CHECKING: "info",
    B.PASSED: "ok",
    B.REFUSED: "bad",
    B.FAILED: "warn",
}
