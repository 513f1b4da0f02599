"""Which product answers for which kind of work in the one queue; a routing table like a URLconf.

The values name classes with the methods of workers.kinds.WorkKind.
"""

WORK_KINDS: dict[str, str] = {  # kind -> dotted path, imported on first use
    "render": "rendering.work.RenderWork",
    "probe": "rendering.probe_work.ProbeWork",
    "benchmark": "workers.benchmark_work.BenchmarkWork",
}
