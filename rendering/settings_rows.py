"""The rows of the settings page: each field, what the file says of it, and whether it matters beside the others."""

import json
from functools import cached_property
from typing import NamedTuple

from django.forms.boundfield import BoundField

from rendering import relevance
from rendering.choices import RenderOrder
from rendering.settings_defaults import in_the_file, text_of

UNITS = {"width": "px", "height": "px", "percentage": "%", "quality_percent": "%", "cap": "credits"}
SPANS = {
    "name": "is-double", "frames": "is-double", "tiles": "is-double", "order_step": "is-double",
    "width": "is-short", "height": "is-short", "percentage": "is-short",
}  # fmt: skip


class Setting(NamedTuple):
    """One row of the page: a field, and what the file says about it (None: nothing)."""

    field: BoundField
    unit: str = ""
    span: str = ""  # is-wide: a whole row; is-double: two thirds of it; is-short: a third on a phone too
    file_value: str | None = None
    file_words: str = ""
    is_idle: bool = False  # as rendering.relevance has it

    @property
    def is_as_in_the_file(self) -> bool:
        return text_of(self.field.value()) == self.file_value

    @property
    def applies(self) -> str:
        """As JSON, for the page's script; empty where the field always matters."""
        conditions = relevance.APPLIES.get(self.field.name)
        return json.dumps(conditions) if conditions else ""

    @property
    def is_ignored(self) -> bool:
        return self.field.name in relevance.IGNORED


class SettingsRows:
    """What rendering.settings_form.SettingsForm shows, in the page's order."""

    @cached_property
    def _said(self) -> dict:
        return in_the_file(self.job)

    @cached_property
    def _values(self) -> dict[str, str]:
        return {name: text_of(self[name].value()) for name in self.fields}

    def _rows(self, *names: str) -> list[Setting]:
        return [self._row(name, self._said, relevance.is_idle(name, self._values)) for name in names]

    def _row(self, name: str, said: dict, is_idle: bool) -> Setting:
        return Setting(
            self[name],
            UNITS.get(name, ""),
            SPANS.get(name, ""),
            text_of(said[name]) if name in said else None,
            self._words_of(name, said.get(name)),
            is_idle and not self[name].errors,
        )

    def _words_of(self, name: str, value) -> str:
        choices = dict(getattr(self.fields[name], "choices", ()))
        return str(choices.get(value, text_of(value)))

    @property
    def render_rows(self) -> list[Setting]:
        names = ("name", "camera", "frames", "samples", "width", "height", "percentage")
        return self._rows(*names, "format", "depth_bits", "quality_percent", "denoise")

    @property
    def render_more(self) -> list[Setting]:
        return self._rows("tiles", "render_order", "order_step")

    @property
    def network_rows(self) -> list[Setting]:
        return self._rows("device", "location", "nodes", "reliability_min_percent")

    @property
    def network_more(self) -> list[Setting]:
        return self._rows("gpu_vendor", "gpu_model", "gpus_min", "one_device_class")

    @property
    def payment_rows(self) -> list[Setting]:
        return self._rows("cap", "pause_percent", "gate_step", "needed_by")

    @property
    def render_more_open(self) -> bool:
        return self._is_used(self.render_more)

    @property
    def network_more_open(self) -> bool:
        return self._is_used(self.network_more)

    def _is_used(self, rows: list[Setting]) -> bool:
        """Does a collapsed part hold something that its creator chose, or a mistake?"""
        untouched = {"render_order": RenderOrder.IN_ORDER, "order_step": "10"}
        return any(
            row.field.errors or text_of(row.field.value()) not in {"", "0", "False", untouched.get(row.field.name)}
            for row in rows
        )
