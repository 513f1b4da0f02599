"""What the pages on which operators decide about money share: words typed beside an action, and links to explorers."""

from collections.abc import Iterable

from django import forms
from django.contrib import admin
from django.utils.html import format_html
from unfold.forms import ActionForm

from credit.chains import Chain, all_chains

IN_THE_BAR = "bg-white font-medium grow min-w-0 px-2 py-1 rounded-default text-sm text-base-700 w-24"


def bar_field(label: str, max_length: int) -> forms.CharField:
    """One line of text in the bar of actions."""
    attrs = {"class": IN_THE_BAR, "placeholder": label, "aria-label": label, "x-show": "action"}
    return forms.CharField(label="", required=False, max_length=max_length, widget=forms.TextInput(attrs))


class ReasonForm(ActionForm):
    reason = bar_field("Reason", 200)


class GiveForm(ActionForm):
    user = bar_field("E-mail or user name", 254)
    reason = bar_field("Reason", 200)


def chains_by_key() -> dict[str, Chain]:
    return {chain.key: chain for chain in all_chains()}


def network_filter() -> type[admin.SimpleListFilter]:
    """A filter on the column `chain` by the networks that are set up."""

    class NetworkFilter(admin.SimpleListFilter):
        title, parameter_name = "network", "chain"

        def lookups(self, request, model_admin) -> Iterable[tuple[str, str]]:
            return [(chain.key, chain.name) for chain in all_chains()]

        def queryset(self, request, queryset):
            return queryset.filter(chain=self.value()) if self.value() else queryset

    return NetworkFilter


def linked(words: str, url: str) -> str:
    """Words that lead out of the console, where there is an explorer; else the words."""
    return (
        format_html(
            '<a class="text-primary-600 dark:text-primary-500" href="{}" rel="noopener noreferrer" target="_blank">{}</a>',
            url,
            words,
        )
        if url
        else words
    )


def shortened(text: str) -> str:
    """A hash or an address, as far as eyes compare it."""
    return f"{text[:8]}…{text[-6:]}" if len(text) > 16 else text
