"""What comes with the list of nodes: how to search and order it, and what to do with many at once."""

from django import forms
from django.db.models import QuerySet

from workers import fleet
from workers.states import WorkerStatus

NODES_MAX = 1_000


class FleetForm(forms.Form):
    """Search, filter and order of the list; nonsense is ignored, never an error page."""

    q = forms.CharField(required=False, max_length=120)
    status = forms.ChoiceField(required=False, choices=[("", "In use"), *WorkerStatus.choices])
    sort = forms.ChoiceField(required=False, choices=list(fleet.SORTS.items()))

    def said(self) -> dict[str, str]:
        """What was asked for, without what was left empty."""
        self.full_clean()
        return {name: value for name, value in self.cleaned_data.items() if value}

    def found_among(self, nodes: QuerySet) -> QuerySet:
        said = self.said()
        return fleet.find(nodes, words=said.get("q", ""), status=said.get("status", ""))

    def in_order(self, nodes: QuerySet) -> QuerySet:
        return fleet.in_order(nodes, self.said().get("sort", ""))


class BulkForm(forms.Form):
    """A verb for the nodes that are ticked, or for all that the list shows with its search and filter."""

    verb = forms.ChoiceField(choices=[("pause", "Pause after their tasks"), ("stop", "Pause now"), ("resume", "Resume")])
    which = forms.ChoiceField(choices=[("chosen", "Ticked nodes"), ("all", "All that are listed")])
    node = forms.TypedMultipleChoiceField(coerce=int, required=False)

    def __init__(self, data):
        super().__init__(data)
        ticked = [value for value in data.getlist("node") if value.isascii() and value.isdigit() and len(value) < 19]
        self.fields["node"].choices = [(value, value) for value in ticked[:NODES_MAX]]

    def clean(self) -> dict:
        cleaned = super().clean()
        if cleaned.get("which") == "chosen" and not cleaned.get("node"):
            raise forms.ValidationError("No node is ticked.")
        return cleaned

    def found_among(self, nodes: QuerySet) -> QuerySet:
        if self.cleaned_data["which"] == "all":
            return FleetForm(self.data).found_among(nodes)
        return nodes.filter(pk__in=self.cleaned_data["node"])
