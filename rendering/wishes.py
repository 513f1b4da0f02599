"""What a job asks of the nodes that render it."""

from pictor_agent.protocol import REGIONS_SINCE
from rendering.choices import GpuVendor, Nodes
from rendering.models import Job


def requirements(job: Job) -> dict:
    """The fields of workers.matching.Requirements that this job states."""
    asked = {
        "engine": job.engine,
        "blender_version": job.blender_version,
        "ram_bytes_min": int(job.scene.inspection.get("memory_bytes_estimate") or 0),
        "device": job.device,
        "gpu_makers": [job.gpu_vendor] if job.gpu_vendor != GpuVendor.ANY else [],
        "gpu_models": [job.gpu_model] if job.gpu_model else [],
        "gpu_count_min": job.gpus_min,
        "locations": [job.location] if job.location else [],
        "reliability_bp_min": job.reliability_min_percent * 100,
        "trusted_only": job.nodes == Nodes.TRUSTED,
        "owner_only": job.owner_id if job.nodes == Nodes.OWN else 0,
        "device_class": job.device_class,
        "protocol_min": REGIONS_SINCE if job.tiles else 0,
    }
    return {name: value for name, value in asked.items() if value}
