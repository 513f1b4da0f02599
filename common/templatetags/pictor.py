"""Filters and tags that every template may use (a template builtin): money, sizes, durations, icons."""

from django import template

from common.money import format_credits

register = template.Library()


@register.filter
def credits(amount_micros: int | None, places: int = 2) -> str:
    """Micro-credits as credits: {{ amount_micros|credits }} or {{ rate_micros|credits:6 }}."""
    return "–" if amount_micros is None else format_credits(amount_micros, places=places)
