"""Which of a node's GPUs are tried, and which of them count: for rows, and for statements.

What counts must have been tried: both ask for a device that Blender renders on, and for memory.
"""

from workers.models import Gpu, Worker

PROCESSOR = ("", "CPU")  # the devices of a node without a GPU that Blender can use


def renders_on_gpu(worker: Worker) -> bool:
    return worker.device not in PROCESSOR


def tried_gpus(worker: Worker) -> list[Gpu]:
    """Those that a benchmark asks."""
    return [gpu for gpu in worker.gpus.all() if gpu.vram_bytes > 0] if renders_on_gpu(worker) else []


def counted_gpus(worker: Worker) -> list[Gpu]:
    """Those that no benchmark has refuted."""
    return tried_gpus(worker) if worker.gpus_believed else []


def renders_on_gpu_sql(node: str) -> str:
    """The condition on a row of workers_worker, by its name in the statement."""
    return f"{node}.device NOT IN {PROCESSOR}"


def counted_gpus_sql(node: str, gpu: str) -> str:
    """The condition on a row of workers_worker and one of workers_gpu, by their names in the statement."""
    return f"{renders_on_gpu_sql(node)} AND {gpu}.vram_bytes > 0 AND {node}.gpus_believed"
