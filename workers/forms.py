from django import forms


class WorkerForm(forms.Form):
    """A new node: its name, unique among its owner's."""

    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="What you call this machine; only you and operators see it.",
        widget=forms.TextInput(attrs={"placeholder": "atelier-4090", "autocomplete": "off", "autofocus": True}),
    )

    def clean_name(self) -> str:
        name = " ".join(self.cleaned_data["name"].split())
        if not name.isprintable():
            raise forms.ValidationError("Use letters, digits and ordinary signs.")
        return name
