"""A job before it is submitted: what its file holds, what the tiers cost, whether credit reaches."""

from dataclasses import dataclass
from datetime import datetime

from msgspec import ValidationError

from common.money import format_exact
from common.templatetags.pictor import duration, filesize
from common.words import plural
from pictor_agent import engines
from rendering import reasons
from rendering.choices import Tier
from rendering.estimates import Quote
from rendering.findings import Finding, findings
from rendering.inspected import read_inspection
from rendering.job_settings import JobSettings
from rendering.models import Job, Scene
from rendering.presentation.words import JOB_TONES
from rendering.probed import Progress
from rendering.rates import Rate
from rendering.states import JobStatus

FAILURE_ADVICE = {
    "": "Open the file in Blender, check it, save it again and upload it once more. Nothing was charged.",
    reasons.Reason.UPLOAD_UNFIT: "Upload a .blend, or a .zip with one .blend and the files it uses beside it. Nothing was charged.",
    reasons.Reason.NO_CAMERA: "Add a camera in Blender, make it the active one, save and upload again. Nothing was charged.",
    reasons.Reason.INSPECTION_FAILED: "This may be our fault. Upload it once more; nothing was charged.",
}
TIER_MEANINGS = {
    Tier.ECONOMY: "Fills idle nodes; may wait while others go first.",
    Tier.STANDARD: "The usual choice; starts as soon as a node is free.",
    Tier.PRIORITY: "Goes before Standard and Economy in the queue.",
}


def scene_facts(job: Job) -> dict:
    """What the sandbox found in the file, and what its creator should know before paying for frames."""
    found = job.scene.inspection
    return {
        "found": found,
        "file_facts": file_facts(job.scene),
        "found_rows": found_rows(found),
        "tone": JOB_TONES[JobStatus(job.status)],
        "warnings": scene_findings(found) if found else [],
        "failure": reasons.words(job.failure) if job.failure else "",
        "failure_advice": FAILURE_ADVICE.get(job.failure, FAILURE_ADVICE[""]),
        "coming": coming_labels(),
    }


def file_facts(scene: Scene) -> str:
    """What was sent, and which file of it is rendered."""
    return scene.name if scene.main_path in ("", scene.name) else f"{scene.name}, {scene.main_path}"


def stored_facts(scene: Scene) -> str:
    """How much of it is stored; `scene` has `file_count`, `size_bytes` and `job_count`."""
    return f"{plural(scene.file_count, 'file')}, {filesize(scene.size_bytes)}, {plural(scene.job_count, 'job')}"


def probe_words(probe: Progress) -> str:
    """How far the free probe is, in words a person would say; each probed frame is rendered small, at several sample counts."""
    if probe.is_open:
        small = f"{probe.frames} small pictures"
        return f"{probe.done} of {small} ready" if probe.done else f"{small} are on their way"
    which = "The probe" if probe.failed == probe.frames else "A part of the probe"
    return f"{which} could not be rendered: the price stays wide. Nothing was charged." if probe.failed else ""


def coming_labels() -> list[str]:
    """What cannot be chosen yet: versions of the software at hand, then engines."""
    versions = [version.label for version in engines.blender_versions.ALL if version.status == "coming"]
    return versions + [engine.label for engine in engines.coming()]


def found_rows(found: dict) -> list[tuple[str, str]]:
    """The facts in words, without those that the file does not have."""
    name = found.get("engine", "")
    engine = engines.find(name) or engines.find_by_blender_id(name)
    rows = [
        ("Saved by Blender", found.get("blender_version_saved")),
        ("Engine", engine.label if engine else name),
        ("Frames", _found_frames(found)),
        ("Frames per second", f"{found['fps']:g}" if found.get("fps") else None),
        ("Resolution", _found_size(found)),
        ("Samples", found.get("samples")),
        ("Denoiser", _found_denoiser(found)),
        ("View layers", ", ".join(found["view_layers"]) if len(found.get("view_layers") or []) > 1 else None),
        ("Compositor", "on" if found.get("compositor") else None),
        ("Cameras", ", ".join(found.get("cameras") or []) or "none"),
        ("Objects", found.get("objects")),
        ("Memory, about", filesize(found["memory_bytes_estimate"]) if found.get("memory_bytes_estimate") else None),
    ]
    return [(name, str(value)) for name, value in rows if value not in (None, "", 0)]


def _found_denoiser(found: dict) -> str | None:
    if found.get("denoise") is None:
        return None
    return "OpenImageDenoise" if found["denoise"] else "off"


def _found_frames(found: dict) -> str:
    if "frame_start" not in found:
        return ""
    step = found.get("frame_step", 1)
    return f"{found['frame_start']}-{found['frame_end']}" + (f"x{step}" if step > 1 else "")


def _found_size(found: dict) -> str:
    if not found.get("width"):
        return ""
    scale = found.get("percentage", 100)
    return f"{found['width']} × {found['height']}" + (f" at {scale} %" if scale != 100 else "")


def scene_findings(found: dict) -> list[Finding]:
    """What may make frames differ from what the creator sees at home, worst first."""
    try:
        return findings(read_inspection(found))
    except ValidationError:  # kept by an older release
        return []


@dataclass(frozen=True)
class TierCard:
    value: str
    label: str
    rate_micros: int  # per reference second
    meaning: str

    @property
    def hour_words(self) -> str:
        """Credits per hour of the reference machine."""
        return format_exact(self.rate_micros * 3600)


def tier_cards(rates: dict[Tier, Rate]) -> list[TierCard]:
    """The tiers with what a reference second costs."""
    return [TierCard(tier, str(tier.label), rate.rate_micros, TIER_MEANINGS[tier]) for tier, rate in rates.items()]


def cover_words(quote: Quote | None, settings: JobSettings | None, available_micros: int) -> dict:
    """Whether credit and cap reach, in the words beside the Submit button."""
    if quote is None or settings is None:
        return _cover("", "")
    cap_micros = settings.cap_micros
    if cap_micros is not None and cap_micros < quote.low_micros:
        return _cover("warn", "Your cap is below the estimate: the job will pause at the cap.")
    if cap_micros is not None and cap_micros < quote.high_micros:
        return _cover("", "Your cap covers the lower estimate; if the frames take longer, the job pauses at the cap.")
    if available_micros < quote.low_micros:
        return _cover("warn", "Your credit may not cover all frames: the job pauses and goes on after a top-up.")
    if available_micros < quote.high_micros:
        return _cover("", "Your credit covers the lower estimate; if it runs out, the job pauses.")
    return _cover("ok", "Your credit covers the whole range.")


def _cover(tone: str, sentence: str) -> dict:
    return {"cover_tone": tone, "cover_sentence": sentence}


def deadline_words(quote: Quote | None, settings: JobSettings | None, now: datetime) -> dict:
    """Whether the job will be there when it is needed, in the words beside the price."""
    if quote is None or settings is None or settings.needed_by_at is None:
        return {"deadline_tone": "", "deadline_sentence": ""}
    left_seconds = (settings.needed_by_at - now).total_seconds()
    if quote.low_seconds > left_seconds:
        late = duration(round(quote.low_seconds - left_seconds))
        sentence = f"It will be late by {late} or more. Fewer frames, fewer samples or more nodes make it sooner."
        return {"deadline_tone": "bad", "deadline_sentence": sentence}
    if quote.high_seconds > left_seconds:
        late = duration(round(quote.high_seconds - left_seconds))
        sentence = f"It may be late, by up to {late} if frames take longer than expected."
        return {"deadline_tone": "warn", "deadline_sentence": sentence}
    return {"deadline_tone": "ok", "deadline_sentence": "It will be there in time, with the nodes that are online now."}
