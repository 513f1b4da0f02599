"""The settings page of a node: what its owner writes, and the columns of workers.models.Controls that follow from it."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.forms.boundfield import BoundField

from common.fields import CreditsField
from common.money import format_plain
from users.forms import time_zones
from workers.control_models import (
    DISK_QUOTA_BYTES_MIN,
    GIB,
    POWER_WATTS,
    SLOTS_CPU,
    SLOTS_PER_GPU,
    TEMPERATURE_CELSIUS,
    Controls,
)
from workers.control_words import DAYS, SERVES_WORDS, clock_words
from workers.hours import DAY_MINUTES, Window
from workers.serving import TEAM_MAX, WITH_TEAM

ALL_DAY, HOURS, CLOSED = "all", "hours", "closed"
MODES = [(ALL_DAY, "Open all day"), (HOURS, "Open from … until …"), (CLOSED, "Closed")]
SHARES = [("10000", "A whole GPU"), ("5000", "Half of its memory"), ("2500", "A quarter of its memory")]
DAY_NUMBERS = frozenset(str(number) for number in range(len(DAYS)))  # as the form sends them
PER_GPU = range(SLOTS_PER_GPU.least, SLOTS_PER_GPU.most + 1)
EMAIL_LENGTH_MAX = 254
MAINTENANCE_DAYS_MAX = 14
AHEAD_DAYS_MAX = 90
WHOLE_NUMBER = {"invalid": "Write a whole number."}
AWAY_FOR = [
    ("10", "10 minutes"),
    ("30", "30 minutes"),
    ("60", "An hour"),
    ("240", "4 hours"),
    ("", "Never tell me"),
]


class Day(NamedTuple):
    """The three fields of one weekday."""

    name: str
    mode: BoundField
    opens: BoundField
    closes: BoundField


def _number(label: str, low: int, high: int, help_text: str = "") -> forms.IntegerField:
    """A number that may be left empty."""
    said = WHOLE_NUMBER | {
        "min_value": f"Write {low:,} to {high:,}, or nothing.",
        "max_value": f"Write {low:,} to {high:,}, or nothing.",
    }
    return forms.IntegerField(
        label=label, required=False, min_value=low, max_value=high, help_text=help_text, error_messages=said
    )


class ControlsForm(forms.Form):
    """All controls of one node but its maintenance."""

    time_zone = forms.ChoiceField(label="Time zone of these hours", choices=lambda: time_zones()[1:])

    serves = forms.ChoiceField(label="Whose work goes first", choices=list(SERVES_WORDS.items()), widget=forms.RadioSelect)
    team = forms.CharField(
        label="Team",
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
        help_text="E-mail addresses of their accounts, one per line. Each is asked, and counts once they have accepted.",
    )
    accepts_render = forms.BooleanField(label="Renders", required=False, help_text="Frames of scenes, in the sandbox.")
    accepts_check = forms.BooleanField(
        label="Checks", required=False, help_text="Parts of others' frames, rendered again to prove them."
    )
    accepts_rent = forms.BooleanField(
        label="Renters",
        required=False,
        help_text="Whole GPUs to people who run their own programs. Nothing is rented out yet; this is kept until then.",
    )
    gpu_hour = CreditsField(label="Price of a GPU for an hour", required=False, help_text="Needed before anybody can rent.")
    vram_share = forms.ChoiceField(label="Smallest part that is rented out", choices=SHARES)

    slots_per_gpu = forms.TypedChoiceField(
        label="Tasks at a time, with GPUs",
        choices=[("", "One, with all GPUs"), *((str(n), f"{n} per GPU") for n in PER_GPU)],
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Several help with light frames, and share the memory.",
    )
    slots_cpu = forms.IntegerField(
        label="Tasks at a time, without a GPU",
        min_value=SLOTS_CPU.least,
        max_value=SLOTS_CPU.most,
        error_messages={
            "required": f"Write at least {SLOTS_CPU.least}; to stop the node, pause it.",
            "min_value": f"Write at least {SLOTS_CPU.least}; to stop the node, pause it.",
            "max_value": f"Write at most {SLOTS_CPU.most}.",
        },
    )
    idle_minutes = _number("Only after nobody used it for", 0, DAY_MINUTES, "Empty or 0: whether or not somebody uses it.")
    temperature_max_celsius = _number("Hottest GPU", *TEMPERATURE_CELSIUS, "Pauses above, goes on once it has cooled down.")
    power_max_watts = _number("Power of each GPU", *POWER_WATTS)
    disk_gib = _number(
        "Disk for scenes and Blender", DISK_QUOTA_BYTES_MIN // GIB, 100_000, "What was used longest ago goes first."
    )
    bandwidth_max_mbit = _number("Bandwidth, each way", 1, 1_000_000)

    offline_minutes = forms.TypedChoiceField(
        label="Tell me when it has been away for",
        choices=AWAY_FOR,
        required=False,
        coerce=int,
        empty_value=None,
        help_text="Not when you stopped or paused it, nor outside its hours.",
    )

    updates_itself = forms.BooleanField(
        label="The agent updates itself",
        required=False,
        help_text="Between two tasks, and only to what is signed by this network's key. Otherwise the node's page asks you.",
    )

    kwh = CreditsField(label="Price of electricity", required=False, help_text="1 credit = 1 USD. Comma or dot.")
    busy_watts = _number("Power at work", 1, 30_000, "Of the whole machine, as a meter shows it.")
    idle_watts = _number("Power while it waits", 0, 30_000)

    def __init__(self, controls: Controls, data=None):
        super().__init__(data, initial=_initial(controls))
        self.controls = controls
        for number, name in enumerate(DAYS):
            self.fields |= _day_fields(number, name)

    @property
    def days(self) -> list[Day]:
        return [Day(name, *(self[f"{part}_{n}"] for part in ("mode", "opens", "closes"))) for n, name in enumerate(DAYS)]

    def copied(self, day: int) -> "ControlsForm":
        """The same form, where the hours of one day stand on every day; not saved."""
        data = self.data.copy()
        for part in ("mode", "opens", "closes"):
            for number in range(7):
                data[f"{part}_{number}"] = self.data.get(f"{part}_{day}", "")
        return ControlsForm(self.controls, data)

    # Reading ------------------------------------------------------------------------------------------------------

    def clean_team(self) -> list[str]:
        """The addresses of others. Whether somebody has them is not looked at, so that nobody can try them here."""
        emails = {word for word in re.split(r"[\s,;]+", self.cleaned_data["team"]) if word}
        if len(emails) > TEAM_MAX:
            raise ValidationError(f"A team has at most {TEAM_MAX} people; here are {len(emails)}.")
        wrong = sorted(email for email in emails if not _is_address(email))
        if wrong:
            raise ValidationError(f"Not an e-mail address: {', '.join(wrong[:5])}. Mend it, or take it out.")
        return sorted({email.lower() for email in emails} - {self.controls.worker.owner.email.lower()})

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("serves") in WITH_TEAM and cleaned.get("team") == []:
            self.add_error("team", "Name at least one other person, or choose an order without a team.")
        if cleaned.get("accepts_rent") and cleaned.get("gpu_hour") is None and "gpu_hour" not in self.errors:
            self.add_error("gpu_hour", "Say what an hour costs, or take no renters.")
        if cleaned.get("gpu_hour") == 0:
            self.add_error("gpu_hour", "Write more than 0, or nothing.")
        if not any(cleaned.get(name) for name in ("accepts_render", "accepts_check", "accepts_rent")):
            self.add_error("accepts_render", "Choose at least one kind of work; to stop the node, pause it.")
        self._clean_days(cleaned)
        return cleaned

    def _clean_days(self, cleaned: dict) -> None:
        modes = [cleaned.get(f"mode_{number}") for number in range(7)]
        if all(mode == CLOSED for mode in modes):
            self.add_error("mode_0", "Leave at least one day open; to stop the node, pause it.")
        for number, mode in enumerate(modes):
            opens, closes = cleaned.get(f"opens_{number}"), cleaned.get(f"closes_{number}")
            if mode == HOURS and not {f"opens_{number}", f"closes_{number}"} & set(self.errors):
                if opens is None or closes is None:
                    self.add_error(f"opens_{number}", f"{DAYS[number]}: say from when and until when.")
                elif opens == closes:
                    self.add_error(
                        f"closes_{number}", f"{DAYS[number]}: the two times are the same. Choose all day, or another."
                    )

    def values(self) -> dict:
        """Columns of Controls."""
        cleaned = self.cleaned_data
        same = ("time_zone", "serves", "accepts_render", "accepts_check", "accepts_rent", "slots_per_gpu", "slots_cpu")
        same += (
            "temperature_max_celsius",
            "power_max_watts",
            "bandwidth_max_mbit",
            "busy_watts",
            "offline_minutes",
            "updates_itself",
        )
        spans = [_span(*(cleaned[f"{part}_{number}"] for part in ("mode", "opens", "closes"))) for number in range(7)]
        return {name: cleaned[name] for name in same} | {
            "opens_minutes": [opens for opens, _ in spans],
            "closes_minutes": [closes for _, closes in spans],
            "idle_minutes": cleaned["idle_minutes"] or 0,
            "team_emails": cleaned["team"],
            "gpu_hour_micros": cleaned["gpu_hour"],
            "vram_share_bp_min": int(cleaned["vram_share"]),
            "disk_quota_bytes": cleaned["disk_gib"] and cleaned["disk_gib"] * GIB,
            "kwh_micros": cleaned["kwh"],
            "idle_watts": cleaned["idle_watts"] or 0,
        }


def _is_address(word: str) -> bool:
    """One that an account may have: in ASCII (users.addresses)."""
    try:
        validate_email(word)
    except ValidationError:
        return False
    return word.isascii() and len(word) <= EMAIL_LENGTH_MAX


# Days -----------------------------------------------------------------------------------------------------------------


def _day_fields(number: int, name: str) -> dict[str, forms.Field]:
    return {
        f"mode_{number}": forms.ChoiceField(label=name, choices=MODES),
        f"opens_{number}": _clock(f"{name}, open from", "18:00"),
        f"closes_{number}": _clock(f"{name}, open until", "08:00"),
    }


def _clock(label: str, example: str) -> forms.TimeField:
    """A time of 24 hours as text: a browser's own field speaks its reader's habits, and not those of the node's zone."""
    return forms.TimeField(
        label=label,
        required=False,
        input_formats=["%H:%M", "%H.%M", "%H%M"],
        widget=forms.TextInput({"placeholder": example, "maxlength": 5, "autocomplete": "off"}),
        error_messages={"invalid": "Write a time of 24 hours, for example 18:00."},
    )


def _span(mode: str, opens: time | None, closes: time | None) -> tuple[int, int]:
    """Minutes of the day, as workers.hours.Week has them."""
    if mode == ALL_DAY:
        return 0, DAY_MINUTES
    if mode == CLOSED or opens is None or closes is None:
        return 0, 0
    begins, ends = (moment.hour * 60 + moment.minute for moment in (opens, closes))
    return begins, ends or DAY_MINUTES  # until 00:00: the end of that day


def _day_values(number: int, opens: int, closes: int) -> dict:
    """What the three fields show."""
    if (opens, closes) == (0, DAY_MINUTES):
        return {f"mode_{number}": ALL_DAY}
    if opens == closes:
        return {f"mode_{number}": CLOSED}
    shown = {f"opens_{number}": clock_words(opens), f"closes_{number}": clock_words(closes % DAY_MINUTES)}
    return {f"mode_{number}": HOURS} | shown


def _initial(controls: Controls) -> dict:
    same = ("serves", "accepts_render", "accepts_check", "accepts_rent", "slots_cpu", "bandwidth_max_mbit")
    same += ("temperature_max_celsius", "power_max_watts", "busy_watts", "updates_itself")
    owner = controls.worker.owner
    values = {name: getattr(controls, name) for name in same} | {
        "time_zone": controls.time_zone if controls.changed_at else owner.time_zone or controls.time_zone,
        "team": "\n".join(controls.team_emails),
        "slots_per_gpu": controls.slots_per_gpu or "",
        "offline_minutes": controls.offline_minutes or "",
        "vram_share": str(controls.vram_share_bp_min),
        "gpu_hour": format_plain(controls.gpu_hour_micros),
        "kwh": format_plain(controls.kwh_micros),
        "disk_gib": controls.disk_quota_bytes and controls.disk_quota_bytes // GIB,
        "idle_minutes": controls.idle_minutes or None,
        "idle_watts": controls.idle_watts or None,
    }
    for number, span in enumerate(zip(controls.opens_minutes, controls.closes_minutes, strict=True)):
        values |= _day_values(number, *span)
    return values


# Maintenance ----------------------------------------------------------------------------------------------------------


class MaintenanceForm(forms.Form):
    """A time without new work, by the clock of the node's time zone."""

    from_at = forms.DateTimeField(label="From", widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"))
    until_at = forms.DateTimeField(label="Until", widget=forms.DateTimeInput({"type": "datetime-local"}, "%Y-%m-%dT%H:%M"))

    def __init__(self, zone: str, now: datetime, data=None):
        super().__init__(data)
        self.zone, self.now = ZoneInfo(zone), now

    def clean_from_at(self) -> datetime:
        return self._moment("from_at")

    def clean_until_at(self) -> datetime:
        return self._moment("until_at")

    def _moment(self, name: str) -> datetime:
        """What was written, by the clock of the node and not of the person who wrote it."""
        try:
            return self.cleaned_data[name].replace(tzinfo=self.zone).astimezone(UTC)
        except OverflowError:  # before the year 1 or after the year 9999, elsewhere in the world
            raise ValidationError(f"Write a time within the next {AHEAD_DAYS_MAX} days.") from None

    def clean(self) -> dict:
        cleaned = super().clean()
        begins, ends = cleaned.get("from_at"), cleaned.get("until_at")
        if begins and ends:
            if ends <= max(begins, self.now):
                self.add_error("until_at", "Write a time after the begin, and one that is not over.")
            elif ends - begins > timedelta(days=MAINTENANCE_DAYS_MAX):
                self.add_error("until_at", f"At most {MAINTENANCE_DAYS_MAX} days; for longer, pause the node.")
            elif begins - self.now > timedelta(days=AHEAD_DAYS_MAX):
                self.add_error("from_at", f"At most {AHEAD_DAYS_MAX} days ahead.")
        return cleaned

    @property
    def window(self) -> Window:
        return Window(self.cleaned_data["from_at"], self.cleaned_data["until_at"])
