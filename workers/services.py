"""What the other apps may ask of the nodes and their queue; each verb is one transaction.

The subjects have modules of their own; this one is the door.
"""

from workers.benchmarks import NotNow, ask_for_benchmark
from workers.controls import MaintenanceAnnounced, announce_maintenance, end_maintenance, set_controls
from workers.enrolments import new_config, renew_enrolment, revoke_enrolments
from workers.explain import AtWork, current_work, idle_reason, nodes_at_work, waiting_reason, what_is_missing, work_of
from workers.feeding import BATCH, LEASE_SECONDS, feed_once
from workers.fleet import pause_all, resume_all
from workers.fleet_tokens import TooManyFleetTokens, admit, new_fleet_token, revoke_fleet_token
from workers.kinds import NewWork
from workers.leases import return_leases
from workers.live_log import log_of
from workers.misfits import kept_apart, note_failure, note_out_of_memory, note_successes
from workers.nodes import (
    NameTaken,
    TooManyNodes,
    create_worker,
    free_name,
    locate_worker,
    pause_worker,
    reinstate_worker,
    resume_worker,
    retire_worker,
    stop_worker,
    suspend_worker,
    trust_worker,
)
from workers.overview import overview_of
from workers.queue import change_group, enqueue, hold_group, take_back, withdraw
from workers.releases import allow as allow_release
from workers.releases import newest as newest_release
from workers.releases import note_build
from workers.reports import Arrived, Incoming, record, unfold
from workers.setting_up import note_self_test
from workers.shifts import (
    Admission,
    Refusal,
    SignedOn,
    drain_worker,
    lose_dead_gateways,
    renew_gateway,
    sign_off,
    sign_on,
)
from workers.tallies import Day, Sums, days_of, tally_all
from workers.teams import TooManyNamed, answer_invitation, invitations_of

__all__ = [
    "BATCH",
    "LEASE_SECONDS",
    "Admission",
    "Arrived",
    "AtWork",
    "Day",
    "Incoming",
    "MaintenanceAnnounced",
    "NameTaken",
    "NewWork",
    "NotNow",
    "Refusal",
    "SignedOn",
    "Sums",
    "TooManyFleetTokens",
    "TooManyNamed",
    "TooManyNodes",
    "admit",
    "allow_release",
    "announce_maintenance",
    "answer_invitation",
    "ask_for_benchmark",
    "change_group",
    "create_worker",
    "current_work",
    "days_of",
    "drain_worker",
    "end_maintenance",
    "enqueue",
    "feed_once",
    "free_name",
    "hold_group",
    "idle_reason",
    "invitations_of",
    "kept_apart",
    "locate_worker",
    "log_of",
    "lose_dead_gateways",
    "new_config",
    "new_fleet_token",
    "newest_release",
    "nodes_at_work",
    "note_build",
    "note_failure",
    "note_out_of_memory",
    "note_self_test",
    "note_successes",
    "overview_of",
    "pause_all",
    "pause_worker",
    "record",
    "reinstate_worker",
    "renew_enrolment",
    "renew_gateway",
    "resume_all",
    "resume_worker",
    "retire_worker",
    "return_leases",
    "revoke_enrolments",
    "revoke_fleet_token",
    "set_controls",
    "sign_off",
    "sign_on",
    "stop_worker",
    "suspend_worker",
    "take_back",
    "tally_all",
    "trust_worker",
    "unfold",
    "waiting_reason",
    "what_is_missing",
    "withdraw",
    "work_of",
]
