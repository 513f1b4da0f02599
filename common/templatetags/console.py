"""Lists of the operators' console, made in one go: django-unfold makes the headings of all columns again for each row."""

from collections.abc import Iterator

from django import template
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateField, ForeignKey, ManyToOneRel, Model, TimeField
from django.utils.html import format_html
from django.utils.safestring import mark_safe
from unfold.templatetags import unfold_list
from unfold.utils import display_for_field, display_for_value

register = template.Library()

CELL, BOX, LINK = (
    " ".join(classes) for classes in (unfold_list.ROW_CLASSES, unfold_list.CHECKBOX_CLASSES, unfold_list.LINK_CLASSES)
)


@register.inclusion_tag("admin/change_list_results.html", takes_context=True)
def console_list(context, change_list) -> dict:
    """As {% unfold_result_list %}, which still makes the lists whose rows can be changed."""
    if not getattr(change_list, "is_read_only", False) or change_list.is_popup:
        return unfold_list.result_list(context, change_list)
    headings = list(unfold_list.result_headers(change_list))
    return {
        "cl": change_list,
        "result_headers": headings,
        "num_sorted_fields": sum(1 for heading in headings if heading["sortable"] and heading["sorted"]),
        "results": [list(_cells(change_list, row, headings)) for row in change_list.result_list],
        "actions_row": context.get("actions_row"),
        "has_add_permission": change_list.model_admin.has_add_permission(context["request"]),
    }


def _cells(change_list: ChangeList, row: Model, headings: list[dict]) -> Iterator[str]:
    """The first column after the box leads to the row's own page."""
    is_linked = False
    for name, heading in zip(change_list.list_display, headings, strict=True):
        words, more = _value(change_list, row, name)
        if name == "action_checkbox":
            yield format_html('<td class="{}" data-label="Select record">{}</td>', BOX, words)
            continue
        tag, words = ("td", words) if is_linked else ("th", _link(change_list, row, words))
        is_linked = True
        yield format_html(
            '<{} class="field-{} {}{}" data-label="{}">{}</{}>', mark_safe(tag), name, CELL, more, heading["text"], words, tag
        )


def _value(change_list: ChangeList, row: Model, name: str) -> tuple[str, str]:
    """What a cell says, and a class for what must not be broken into lines."""
    empty = change_list.model_admin.get_empty_value_display()
    try:
        field, attr, value = lookup_field(name, row, change_list.model_admin)
    except ObjectDoesNotExist:
        return empty, ""
    if field is None or field.auto_created:
        empty = getattr(attr, "empty_value_display", empty)
        return display_for_value(value, empty, getattr(attr, "boolean", False)), ""
    more = " nowrap" if isinstance(field, DateField | TimeField | ForeignKey) else ""
    if isinstance(field.remote_field, ManyToOneRel):
        related = getattr(row, field.name)
        return (empty if related is None else str(related)), more
    return display_for_field(value, field, empty), more


def _link(change_list: ChangeList, row: Model, words: str) -> str:
    came_from = {"preserved_filters": change_list.preserved_filters, "opts": change_list.opts}
    address = add_preserved_filters(came_from, change_list.url_for_result(row))
    return format_html('<a href="{}" class="{}" >{}</a>', address, LINK, words)
