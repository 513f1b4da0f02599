"""What a creator may type: shape and limits. The settings of a job have a form of their own (rendering.settings_form)."""

from django import forms
from django.conf import settings as site

from common.fields import CreditsField
from common.money import format_exact
from rendering.choices import FilmFormat
from rendering.models import Job
from rendering.states import JobStatus
from rendering.uploads import SUFFIXES, plain_name

SORTS = {
    "-created": ("Newest first", "-id"),
    "created": ("Oldest first", "id"),
    "name": ("Name", "name"),
    "status": ("Status", "status"),
    "-cost": ("Cost, highest first", "-charged_micros"),
}


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


class FilmForm(forms.Form):
    fps = forms.IntegerField(min_value=1, max_value=120, initial=24)
    format = forms.ChoiceField(choices=FilmFormat.choices, required=False)
