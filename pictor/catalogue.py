"""Examples for /styleguide/: invented figures that show every component in every state. Nothing else uses them."""

import re
from datetime import timedelta
from math import sin

from django import forms
from django.conf import settings
from django.core.paginator import Paginator

from common import clock

TONES = ["ok", "info", "warn", "bad", "accent", "quiet"]


class ExampleForm(forms.Form):
    """One field of each kind; two of them are wrong."""

    name = forms.CharField(max_length=60, initial="Carousel, shot 04", help_text="Only you see it.")
    frames = forms.CharField(initial="1-100x2, seven", help_text="For example 1-48, 1-100x2, 3,7,9")
    cap = forms.CharField(required=False, initial="5.00", help_text="The job pauses before it is passed.")
    tier = forms.ChoiceField(
        choices=[("economy", "Economy"), ("standard", "Standard"), ("priority", "Priority")], initial="standard"
    )
    note = forms.CharField(required=False, widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Anything to remember"}))
    denoise = forms.BooleanField(required=False, initial=True, help_text="As in the file unless you change it.")
    device = forms.ChoiceField(
        choices=[("any", "Any"), ("cpu", "CPU"), ("gpu", "GPU")], widget=forms.RadioSelect, initial="any"
    )
    locked = forms.CharField(initial="Blender 5.0.1", disabled=True, required=False)

    def clean_frames(self):
        raise forms.ValidationError("“seven” is not a frame. Write numbers and ranges, such as 1-48.")


def examples() -> dict:
    now = clock.now()
    form = ExampleForm({name: field.initial or "" for name, field in ExampleForm.base_fields.items()})
    form.full_clean()
    return {
        "tones": TONES,
        "icons": icon_names(),
        "form": form,
        "page": Paginator(range(143), 20).get_page(3),
        "seconds_per_frame": [(f"frame {n}", round(4 + sin(n / 3) * 0.6 + n % 3 * 0.12, 2)) for n in range(1, 49)],
        "earnings": [(f"{n + 1} Nov", round(3 + 2 * abs(sin(n * 1.3)), 2)) for n in range(30)],
        "uptime": [{"level": (n * n + n) % 5, "words": f"day {n + 1}"} for n in range(91)],
        "times": [now, now - timedelta(minutes=5), now - timedelta(days=3), now + timedelta(hours=2), None],
        "tabs": [
            {"key": "frames", "url": "?tab=frames", "words": "Frames", "count": 48},
            {"key": "log", "url": "?tab=log", "words": "Log"},
            {"key": "cost", "url": "?tab=cost", "words": "Cost"},
        ],
        "strip": ["accepted"] * 5 + ["checking"] * 2 + ["rendering", "failed", "waiting", "waiting", "cancelled"],
        "colours": ["page", "panel", "raised", "ink", "soft", "faint", "accent", "ok", "info", "warn", "bad"],
    }


def icon_names() -> list[str]:
    sprite = (settings.BASE_DIR / "static/vendor/lucide/icons.svg").read_text()
    return re.findall(r'<symbol id="([^"]+)"', sprite)
