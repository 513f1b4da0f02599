"""The form of a job's settings: shape and limits. Whether they can be rendered is said by rendering.job_settings alone."""

import json
from datetime import timedelta

from django import forms

from common import clock
from common.fields import CreditsField
from common.words import one_line
from rendering.choices import DEPTHS_BITS, Device, GpuVendor, ImageFormat, Nodes, RenderOrder, Tier
from rendering.job_settings import (
    GPUS_MAX,
    PAUSE_PERCENTS,
    RELIABILITY_PERCENTS,
    SAMPLES_MAX,
    SIDE_MAX,
    STEP_MIN,
    JobSettings,
    problems,
)
from rendering.models import Job
from rendering.settings_defaults import (
    DENOISE,
    camera_choices,
    initial_of,
    location_choices,
    scaled,
    software_choices,
    tiles_help,
)
from rendering.settings_rows import SettingsRows
from rendering.splitting import FRAMES_MAX, BadFrames, parse_frames
from rendering.tiling import BadGrid, parse_grid, written

PERCENTAGE_MAX = 400
ZONE_MINUTES_MAX = 15 * 60
MOMENT = "%Y-%m-%dT%H:%M"  # as browsers write <input type=datetime-local>
LIMIT_WORDS = {"min_value": "Choose %(limit_value)s or more.", "max_value": "Choose %(limit_value)s or less."}
AS_IN_THE_FILE = ("", "As in the file")
FORM_NAMES = {  # field of JobSettings -> field of the form, where they differ
    "engine": "software",
    "blender_version": "software",
    "cap_micros": "cap",
    "needed_by_at": "needed_by",
}


class SettingsForm(SettingsRows, forms.Form):
    """The settings of a job in three groups; what is not touched stays as in the file."""

    name = forms.CharField(max_length=120)
    frames = forms.CharField(max_length=500, help_text="1-100, every second one as 1-100x2, single ones as 3, 7, 9")
    width = forms.IntegerField(min_value=1, max_value=SIDE_MAX)
    height = forms.IntegerField(min_value=1, max_value=SIDE_MAX)
    percentage = forms.IntegerField(min_value=1, max_value=PERCENTAGE_MAX, label="Scale", help_text="Of width and height")
    samples = forms.IntegerField(min_value=1, max_value=SAMPLES_MAX)
    format = forms.ChoiceField(choices=ImageFormat.choices)
    depth_bits = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=0,
        label="Colour depth",
        choices=[AS_IN_THE_FILE, ("8", "8 bits"), ("16", "16 bits"), ("32", "32 bits")],
        help_text="Per channel: PNG 8 or 16, OpenEXR 16 or 32",
    )
    quality_percent = forms.IntegerField(
        required=False, min_value=1, max_value=100, label="JPEG quality", help_text="Only for JPEG. Empty: as in the file"
    )
    denoise = forms.ChoiceField(required=False, choices=[AS_IN_THE_FILE, ("on", "On"), ("off", "Off")])
    tiles = forms.CharField(required=False, max_length=8, label="Tiles")
    camera = forms.ChoiceField(required=False)
    software = forms.ChoiceField(label="Engine")
    render_order = forms.ChoiceField(
        required=False, label="Order", choices=RenderOrder.choices, help_text="Which frames come first; all are rendered"
    )
    order_step = forms.IntegerField(
        required=False,
        min_value=STEP_MIN,
        max_value=FRAMES_MAX,
        label="Every how many frames first",
        help_text="Only for every Nth frame. 10: frames 1, 11, 21 come first",
    )

    tier = forms.ChoiceField(choices=Tier.choices)
    device = forms.ChoiceField(required=False, choices=Device.choices)
    location = forms.ChoiceField(required=False)
    nodes = forms.ChoiceField(
        required=False, choices=Nodes.choices, label="Whose nodes", help_text="Only these ever receive your scene"
    )
    reliability_min_percent = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=0,
        label="Least reliability",
        choices=[(str(each), f"{each} % or more" if each else "Any") for each in RELIABILITY_PERCENTS],
    )
    gpu_vendor = forms.ChoiceField(required=False, choices=GpuVendor.choices, label="GPU make")
    gpu_model = forms.CharField(required=False, max_length=80, label="GPU model", help_text="Part of its name, such as 4090")
    gpus_min = forms.IntegerField(required=False, min_value=1, max_value=GPUS_MAX, label="GPUs in one node, at least")
    one_device_class = forms.BooleanField(
        required=False, label="One kind of device for every frame", help_text="So that frames do not flicker between devices"
    )

    cap = CreditsField(required=False, label="Spend cap", help_text="The job pauses before it would be passed")
    pause_percent = forms.TypedChoiceField(
        required=False,
        coerce=int,
        empty_value=100,
        label="When to pause",
        choices=[(str(each), "At the cap" if each == 100 else f"At {each} % of the cap") for each in PAUSE_PERCENTS],
        help_text="Only with a cap. Resume goes on up to the cap itself",
    )
    gate_step = forms.IntegerField(
        required=False,
        min_value=STEP_MIN,
        max_value=FRAMES_MAX,
        label="Preview every Nth frame",
        help_text="Those come first, then the job waits for your approval. Empty: no preview",
    )
    needed_by = forms.DateTimeField(
        required=False,
        input_formats=[MOMENT, f"{MOMENT}:%S"],
        help_text="UTC. Puts it before your other jobs",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
    )
    zone_minutes = forms.IntegerField(  # of the browser, east of UTC; its script fills it in
        required=False, min_value=-ZONE_MINUTES_MAX, max_value=ZONE_MINUTES_MAX, widget=forms.HiddenInput
    )

    def __init__(self, job: Job, data=None, *, initial: dict | None = None):
        self.job = job
        super().__init__(data, initial=initial or initial_of(job))
        self._say_limits()
        self.fields["camera"].choices = camera_choices(job)
        self.fields["software"].choices = software_choices()
        self.fields["location"].choices = location_choices()
        self.fields["depth_bits"].widget.attrs["data-offered"] = json.dumps(DEPTHS_BITS)
        self.fields["cap"].widget.attrs["placeholder"] = "no cap"
        self.fields["gpu_model"].widget.attrs["list"] = "gpu-models"
        self.fields["tiles"].widget.attrs |= {"list": "tile-grids", "placeholder": "in one piece"}
        self.fields["tiles"].help_text = tiles_help(job)

    def _say_limits(self) -> None:
        for field in self.fields.values():
            if isinstance(field, forms.IntegerField):
                for validator in field.validators:
                    validator.message = LIMIT_WORDS.get(validator.code, validator.message)

    # Validation -------------------------------------------------------------------------------------------------------

    def clean(self) -> dict:
        cleaned = super().clean()
        if not self.errors:
            self._refuse(problems(self.settings, cameras=self.job.scene.inspection.get("cameras")))
        elif "frames" in cleaned:
            self._check_frames(cleaned["frames"])
        return cleaned

    def clean_name(self) -> str:
        return one_line(self.cleaned_data["name"])

    def clean_needed_by(self):
        """The moment in UTC, from the browser's zone."""
        moment = self.cleaned_data["needed_by"]
        if moment is None:
            return None
        try:
            minutes = max(-ZONE_MINUTES_MAX, min(ZONE_MINUTES_MAX, int(self.data.get("zone_minutes") or 0)))
        except ValueError:
            minutes = 0
        try:
            moment -= timedelta(minutes=minutes)
        except OverflowError:
            raise forms.ValidationError("Choose a moment within the calendar, or leave it empty.") from None
        if moment <= clock.now():
            raise forms.ValidationError("This moment has passed. Choose a later one, or leave it empty.")
        return moment

    def _check_frames(self, expression: str) -> None:
        """Frames are judged even when another field is wrong, so that all mistakes show at once."""
        try:
            parse_frames(expression)
        except BadFrames as error:
            self.add_error("frames", str(error))

    def _refuse(self, found: dict[str, str]) -> None:
        for field, words in found.items():
            self.add_error(FORM_NAMES.get(field, field), words)

    @property
    def settings(self) -> JobSettings:
        """What the fields mean; only after validation."""
        cleaned = self.cleaned_data
        engine, _, version = cleaned["software"].partition(":")
        same = ("name", "frames", "samples", "format", "depth_bits", "camera", "tier", "location", "reliability_min_percent")
        return JobSettings(
            **{name: cleaned[name] for name in same},
            width=scaled(cleaned["width"], cleaned["percentage"]),
            height=scaled(cleaned["height"], cleaned["percentage"]),
            quality_percent=cleaned["quality_percent"] or 0,
            denoise=DENOISE[cleaned["denoise"]],
            engine=engine,
            blender_version=version,
            tiles=written_grid(cleaned["tiles"]),
            render_order=cleaned["render_order"] or RenderOrder.IN_ORDER,
            order_step=cleaned["order_step"] or self.job.order_step,
            device=cleaned["device"] or Device.ANY,
            gpu_vendor=cleaned["gpu_vendor"],
            gpu_model=cleaned["gpu_model"].strip(),
            gpus_min=cleaned["gpus_min"] or 0,
            nodes=cleaned["nodes"] or Nodes.ANY,
            one_device_class=cleaned["one_device_class"],
            needed_by_at=cleaned["needed_by"],
            cap_micros=cleaned["cap"],
            pause_percent=cleaned["pause_percent"],
            gate_step=cleaned["gate_step"] or 0,
        )

    def shown(self) -> dict:
        """The values that the page shows, of an untouched form."""
        values = {name: self[name].value() for name in self.fields}
        if values["needed_by"]:
            values["needed_by"] = self.initial["needed_by"].strftime(MOMENT)
        return {name: value for name, value in values.items() if value is not False}


def written_grid(text: str) -> str:
    """ "4 x 3" as "4x3"; what cannot be read stays, for the words about it."""
    try:
        return written(parse_grid(text))
    except BadGrid:
        return text.strip()
