"""What may be asked of the history, as its address says it."""

from datetime import datetime, time, timedelta

from django import forms
from django.utils import timezone

from credit import presentation
from credit.history import Wanted

DIRECTIONS = {"in": ("In", "+"), "out": ("Out", "−"), "within": ("Within", "")}


class HistoryForm(forms.Form):
    """Every field may be empty; what is wrong is said and left out."""

    kind = forms.ChoiceField(
        required=False, choices=[("", "")] + [(key, words) for key, (words, _) in presentation.FILTERS.items()]
    )
    direction = forms.ChoiceField(
        required=False, choices=[("", "In and out"), ("in", "Came in"), ("out", "Went out"), ("within", "Moved within")]
    )
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    job = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1, label="Job number")
    q = forms.CharField(required=False, max_length=120, label="Words or amount")

    def clean(self) -> dict:
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since and until and until < since:
            self.add_error("until", "The last day is before the first one.")
        return self.cleaned_data

    def wanted(self) -> Wanted:
        """The filter that the fields make together."""
        self.is_valid()
        said = self.cleaned_data.get
        return Wanted(
            codes=self._codes(said("kind"), said("direction")),
            since=_begin(said("since")),
            until=_begin(said("until"), days=1),
            subject=f"job:{said('job')}" if said("job") else "",
            words=said("q") or "",
        )

    def _codes(self, kind: str | None, direction: str | None) -> tuple | None:
        if not kind and not direction:
            return None
        codes = presentation.codes_of(kind) if kind else tuple(presentation.READS)
        return tuple(code for code in codes if not direction or presentation.READS[code][1] == DIRECTIONS[direction][1])

    def said(self) -> dict[str, str]:
        """What was asked for, without what was empty or wrong: the address of the same page."""
        self.is_valid()
        return {name: str(value) for name, value in self.cleaned_data.items() if value not in (None, "")}


def _begin(day, *, days: int = 0) -> datetime | None:
    """Midnight at the beginning of a day, in the reader's time zone."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=days), time.min)) if day else None
