"""What somebody says of a machine that is not here yet."""

from collections.abc import Mapping

from django import forms

from common.fields import CreditsField
from workers.market import CPU, Measured

CPU_WORDS = "A processor, without a GPU"


class CalculatorForm(forms.Form):
    """Everything has a default, so that the page says something before anybody has written anything."""

    model = forms.ChoiceField(label="GPU")
    gpus = forms.IntegerField(label="How many of them", min_value=1, max_value=64, initial=1)
    hours = forms.IntegerField(label="Hours online a day", min_value=1, max_value=24, initial=24)
    kwh = CreditsField(label="Price of a kilowatt-hour", help_text="1 credit = 1 USD. Comma or dot.", initial="0.30")
    busy_watts = forms.IntegerField(
        label="Power at work", min_value=1, max_value=30_000, help_text="Of the whole machine, in watts.", initial=400
    )
    idle_watts = forms.IntegerField(label="Power while it waits", min_value=0, max_value=30_000, initial=80)

    def __init__(self, found: Mapping[str, Measured], said: Mapping[str, str]):
        """`said` may leave out fields: then their defaults count."""
        gpus = [model for model in found if model != CPU]
        defaults = {name: field.initial for name, field in self.base_fields.items()} | {"model": (gpus or [CPU])[0]}
        super().__init__(defaults | dict(said))
        self.fields["model"].choices = [(model, CPU_WORDS if model == CPU else model) for model in found]
