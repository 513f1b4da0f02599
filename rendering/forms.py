"""What a creator may type: shape and limits. Whether settings can be rendered is said by rendering.job_settings alone."""

import re

from django import forms
from django.conf import settings as site

from common.money import MICROS, format_exact, parse_credits
from pictor_agent import engines
from rendering.choices import ImageFormat, Tier
from rendering.job_settings import SAMPLES_MAX, SIDE_MAX, JobSettings, problems
from rendering.models import Job
from rendering.splitting import BadFrames, parse_frames
from rendering.states import JobStatus
from rendering.uploads import SUFFIXES, plain_name

CAP_CREDITS_MAX = 1_000_000
PERCENTAGE_MAX = 400
AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6}|,[0-9]{1,2})?")  # a comma with three digits could be a thousand: refused
DENOISE = {"": None, "on": True, "off": False}
SORTS = {
    "-created": ("Newest first", "-id"),
    "created": ("Oldest first", "id"),
    "name": ("Name", "name"),
    "status": ("Status", "status"),
    "-cost": ("Cost, highest first", "-charged_micros"),
}


class CreditsField(forms.CharField):
    """An amount of credits as written ("12.5"), cleaned to micros; None when left empty."""

    def __init__(self, **arguments):
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=20, widget=widget, **arguments)

    def clean(self, value):
        text = super().clean(value).replace(" ", "")
        if not text:
            return None
        if not AMOUNT.fullmatch(text):
            raise forms.ValidationError("Write an amount of credits, for example 5 or 2.50.")
        amount_micros = parse_credits(text.replace(",", "."))
        if amount_micros > CAP_CREDITS_MAX * MICROS:
            raise forms.ValidationError(f"At most {CAP_CREDITS_MAX:,} credits.")
        return amount_micros


class UploadForm(forms.Form):
    """The plain way in: one file in one request."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # rendering.uploads says it better
        error_messages={"required": "Choose a .blend or .zip file first."},
        widget=forms.FileInput(attrs={"accept": ".blend,.zip"}),
    )

    def clean_file(self):
        file = self.cleaned_data["file"]
        if not plain_name(file.name).lower().endswith(SUFFIXES):
            raise forms.ValidationError("Choose a .blend file, or a .zip that holds a .blend and its assets.")
        if file.size > site.UPLOAD_BYTES_MAX:
            raise forms.ValidationError("The file is larger than one upload may be.")
        return file


class JobFilterForm(forms.Form):
    """Search, filter and order of the jobs list; nonsense is ignored, never an error page."""

    q = forms.CharField(required=False, max_length=120, strip=True)
    status = forms.ChoiceField(required=False, choices=[("", "All"), *JobStatus.choices])
    sort = forms.ChoiceField(required=False, choices=[(key, words) for key, (words, _) in SORTS.items()])

    def chosen(self, name: str) -> str:
        self.full_clean()
        return self.cleaned_data.get(name, "")

    @property
    def order(self) -> str:
        return SORTS.get(self.chosen("sort"), SORTS["-created"])[1]


class SettingsForm(forms.Form):
    """The settings of a job in three groups; what is not touched stays as in the file."""

    name = forms.CharField(max_length=120)
    frames = forms.CharField(max_length=500, help_text="1-100, every second one as 1-100x2, single ones as 3, 7, 9")
    width = forms.IntegerField(min_value=1, max_value=SIDE_MAX)
    height = forms.IntegerField(min_value=1, max_value=SIDE_MAX)
    percentage = forms.IntegerField(min_value=1, max_value=PERCENTAGE_MAX, label="Scale", help_text="Of width and height")
    samples = forms.IntegerField(min_value=1, max_value=SAMPLES_MAX)
    format = forms.ChoiceField(choices=ImageFormat.choices)
    denoise = forms.ChoiceField(required=False, choices=[("", "As in the file"), ("on", "On"), ("off", "Off")])
    camera = forms.ChoiceField(required=False)
    software = forms.ChoiceField(label="Engine")
    tier = forms.ChoiceField(choices=Tier.choices)
    cap = CreditsField(required=False, label="Spend cap", help_text="The job pauses before it would be passed")

    def __init__(self, job: Job, data=None):
        self.job = job
        super().__init__(data, initial=initial_of(job))
        self.fields["camera"].choices = camera_choices(job)
        self.fields["software"].choices = [(pair, words) for pair, words in software_choices()]
        self.fields["cap"].widget.attrs["placeholder"] = "no cap"

    def clean(self) -> dict:
        cleaned = super().clean()
        if not self.errors:
            self._refuse(problems(self.settings, cameras=self.job.scene.inspection.get("cameras")))
        elif "frames" in cleaned:
            self._check_frames(cleaned["frames"])
        return cleaned

    def _check_frames(self, expression: str) -> None:
        """Frames are judged even when another field is wrong, so that all mistakes show at once."""
        try:
            parse_frames(expression)
        except BadFrames as error:
            self.add_error("frames", str(error))

    def _refuse(self, found: dict[str, str]) -> None:
        names = {"engine": "software", "cap_micros": "cap"}
        for field, words in found.items():
            self.add_error(names.get(field, field), words)

    @property
    def settings(self) -> JobSettings:
        """What the fields mean; only after validation."""
        cleaned = self.cleaned_data
        engine, _, version = cleaned["software"].partition(":")
        return JobSettings(
            name=cleaned["name"],
            frames=cleaned["frames"],
            width=scaled(cleaned["width"], cleaned["percentage"]),
            height=scaled(cleaned["height"], cleaned["percentage"]),
            samples=cleaned["samples"],
            format=cleaned["format"],
            denoise=DENOISE[cleaned["denoise"]],
            camera=cleaned["camera"],
            engine=engine,
            blender_version=version,
            tier=cleaned["tier"],
            cap_micros=cleaned["cap"],
        )


def scaled(pixels: int, percentage: int) -> int:
    """Final pixels of a side, rounded as Blender does: down."""
    return pixels * percentage // 100


def initial_of(job: Job) -> dict:
    """The fields as the job stands."""
    width, height, percentage = size_of(job)
    return {
        "name": job.name,
        "frames": job.frames,
        "width": width,
        "height": height,
        "percentage": percentage,
        "samples": job.samples,
        "format": job.format,
        "denoise": {value: word for word, value in DENOISE.items()}[job.denoise],
        "camera": job.camera,
        "software": f"{job.engine}:{job.blender_version}",
        "tier": job.tier,
        "cap": "" if job.cap_micros is None else format_exact(job.cap_micros).replace(",", ""),
    }


def size_of(job: Job) -> tuple[int, int, int]:
    """Width, height and scale: as in the file while they mean the job's final pixels, else those pixels at 100 %."""
    facts = job.scene.inspection
    width, height, percentage = facts.get("width", 0), facts.get("height", 0), facts.get("percentage", 100)
    if (scaled(width, percentage), scaled(height, percentage)) == (job.width, job.height):
        return width, height, percentage
    return job.width, job.height, 100


def camera_choices(job: Job) -> list[tuple[str, str]]:
    facts = job.scene.inspection
    in_file = facts.get("camera") or "none"
    return [("", f"As in the file ({in_file})")] + [(name, name) for name in facts.get("cameras", [])]


def software_choices() -> list[tuple[str, str]]:
    """ "cycles:5.0.1" -> "Blender 5.0, Cycles", for what nodes can render today."""
    return [
        (f"{engine.name}:{version.exact}", f"{version.label}, {engine.label}")
        for engine in engines.available()
        for version in engine.versions_available
    ]


class CapForm(forms.Form):
    """A new cap for a running job; empty takes the cap away."""

    cap = CreditsField(required=False)

    def __init__(self, job: Job, data=None):
        self.job = job
        super().__init__(data)

    def clean_cap(self) -> int | None:
        cap_micros = self.cleaned_data["cap"]
        if cap_micros is not None and cap_micros < max(1, self.job.charged_micros):
            charged = format_exact(self.job.charged_micros)
            raise forms.ValidationError(f"{charged} credits are charged already. A cap cannot be lower than that.")
        return cap_micros


class RequeueForm(forms.Form):
    """Which frames to render once more: all that failed, or those of an expression."""

    which = forms.ChoiceField(choices=[("failed", "All failed frames"), ("frames", "These frames")])
    frames = forms.CharField(required=False, max_length=500)

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("which") == "frames":
            try:
                cleaned["numbers"] = parse_frames(cleaned.get("frames", ""))
            except BadFrames as error:
                self.add_error("frames", str(error))
        return cleaned


class FilmForm(forms.Form):
    fps = forms.IntegerField(min_value=1, max_value=120, initial=24)
