"""The numbers to reach, in one place: a figure and its goal are never apart."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """`better` says whether more or less of `unit` is wanted."""

    value: float
    unit: str
    better: str  # "higher" or "lower"

    def met_by(self, figure: float) -> bool:
        return figure >= self.value if self.better == "higher" else figure <= self.value


GOALS: dict[str, dict[str, Goal]] = {
    "ledger": {
        "settlements_vs_naive": Goal(8, "x", "higher"),
        "batch_transfers": Goal(10_000, "1/s", "higher"),
    },
    "frames": {
        "of_limit_1_samples": Goal(0.97, "x", "higher"),
        "vs_process_per_frame_1_samples": Goal(2.5, "x", "higher"),
        "of_limit_4_samples": Goal(0.97, "x", "higher"),
        "vs_process_per_frame_4_samples": Goal(1.5, "x", "higher"),
    },
    "deadtime": {
        "p50": Goal(20, "ms", "lower"),
        "p99": Goal(100, "ms", "lower"),
        "cancelled": Goal(1_000, "ms", "lower"),
    },
    "estimate": {"inside": Goal(90, "%", "higher"), "half_width": Goal(25, "%", "lower")},
    "scale": {"efficiency": Goal(0.95, "x", "higher")},
    "start": {"warm": Goal(20, "s", "lower")},
    "dispatch": {
        "end_to_end": Goal(1_500, "1/s", "higher"),  # middle of all sizes
        "lost_with_size": Goal(10, "%", "lower"),  # from the smallest to the largest
        "database_only": Goal(15_000, "1/s", "higher"),
        "submit_10000": Goal(2, "s", "lower"),
    },
    "heartbeats": {
        "through_gateway": Goal(5_000, "1/s", "higher"),
        "database": Goal(0.2, "core", "lower"),  # with 10,000 nodes
        "chart_1y": Goal(100, "ms", "lower"),
    },
    "live": {
        "vs_group_send": Goal(20, "x", "higher"),
        "socket": Goal(64, "KiB", "lower"),
        "sample_1000_nodes": Goal(250, "ms", "lower"),  # 99 of 100
        "sample_10000_nodes": Goal(1_000, "ms", "lower"),
    },
    "chaos": {  # `make chaos`
        "faults": Goal(300, "", "higher"),
        "wrong": Goal(0, "", "lower"),
        "p99": Goal(10, "s", "lower"),  # until everything works again
        "p99 of a database": Goal(30, "s", "lower"),  # a PostgreSQL that is started again reads its log first
    },
    "memory": {
        "web_idle": Goal(200, "MB", "lower"),
        "agent_idle": Goal(60, "MB", "lower"),
        "zip_growth": Goal(32, "MB", "lower"),  # of the web process, 10,000 frames
        "upload_growth": Goal(32, "MB", "lower"),  # half a gibibyte
    },
    "pages": {  # each holds for every page
        "p50": Goal(30, "ms", "lower"),
        "p95": Goal(100, "ms", "lower"),
        "queries": Goal(12, "", "lower"),
        "of the small database": Goal(1.5, "x", "lower"),
    },
}
PARTS = [part for part in GOALS if part != "chaos"]  # of `make bench`
