"""What the operators' console has by the dozen, made in one go: django-unfold has templates for each row, field and entry."""

from collections.abc import Iterator

from django import template
from django.contrib.admin.helpers import AdminForm, AdminReadonlyField
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.contrib.admin.utils import lookup_field
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import DateField, ForeignKey, ManyToOneRel, Model, TimeField
from django.utils.safestring import mark_safe
from unfold.templatetags import unfold_list
from unfold.utils import display_for_field, display_for_value

from common.markup import text

register = template.Library()

CELL, BOX, LINK = (
    " ".join(classes) for classes in (unfold_list.ROW_CLASSES, unfold_list.CHECKBOX_CLASSES, unfold_list.LINK_CLASSES)
)
NO_CONTENTS = {"", "None"}
FACTS = "form-rows aligned border border-base-200 rounded-default shadow-xs dark:border-base-800"
FACT = (
    "field-line flex flex-col grow group group/line px-3 py-2.5 border-b border-base-200 border-dashed min-h-[59px] "
    "group-[.last]/row:border-b-0 lg:border-l lg:flex-row lg:items-center dark:border-base-800 lg:first:border-l-0"
)
NAME = "lg:min-w-56 lg:w-56 lg:h-[38px] lg:flex lg:items-center lg:self-start lg:leading-[38px] lg:*:m-0"
PART = (
    "font-semibold flex flex-row group items-center mb-1 mx-3 py-1.5 px-3 select-none text-font-important-light text-sm "
    "dark:text-font-important-dark"
)
ENTRY = "flex h-[38px] items-center -mx-3 px-3 rounded-default hover:text-primary-600 dark:hover:text-primary-500"
HERE = " bg-base-100 font-semibold text-primary-600 dark:bg-white/[.06] dark:text-primary-500 active"


# Lists ----------------------------------------------------------------------------------------------------------------


@register.inclusion_tag("admin/change_list_results.html", takes_context=True)
def console_list(context, change_list) -> dict:
    """As {% unfold_result_list %}, which still makes the lists whose rows can be changed; all cells of a row are one item."""
    if not getattr(change_list, "is_read_only", False) or change_list.is_popup:
        return unfold_list.result_list(context, change_list)
    headings = list(unfold_list.result_headers(change_list))
    labels = [text(heading["text"]) for heading in headings]
    return {
        "cl": change_list,
        "result_headers": headings,
        "num_sorted_fields": sum(1 for heading in headings if heading["sortable"] and heading["sorted"]),
        "results": [[mark_safe("".join(_cells(change_list, row, labels)))] for row in change_list.result_list],
        "actions_row": context.get("actions_row"),
        "has_add_permission": change_list.model_admin.has_add_permission(context["request"]),
    }


def _cells(change_list: ChangeList, row: Model, labels: list[str]) -> Iterator[str]:
    """The first column after the box leads to the row's own page."""
    is_linked = False
    for name, label in zip(change_list.list_display, labels, strict=True):
        words, more = _value(change_list, row, name)
        if name == "action_checkbox":
            yield f'<td class="{BOX}" data-label="Select record">{text(words)}</td>'
            continue
        tag, inside = ("td", text(words)) if is_linked else ("th", _link(change_list, row, words))
        is_linked = True
        yield f'<{tag} class="field-{name} {CELL}{more}" data-label="{label}">{inside}</{tag}>'


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
    return f'<a href="{text(address)}" class="{LINK}">{text(words)}</a>'


# A row's own page -----------------------------------------------------------------------------------------------------


@register.simple_tag
def console_facts(admin_form: AdminForm) -> str:
    """Every field of a row that is only read. django-unfold works out each value three times."""
    *facts, last = [_fact(field) for fieldset in admin_form for line in fieldset for field in line]
    rows = "".join(f'<div class="form-row field-row group/row">{fact}</div>' for fact in facts)
    return mark_safe(
        f'<fieldset class="module relative"><div class="{FACTS}">{rows}'
        f'<div class="form-row field-row group/row last">{last}</div></div></fieldset>'
    )


def _fact(field: AdminReadonlyField) -> str:
    contents, width = text(field.contents()), "max-w-4xl" if field.is_json else "max-w-2xl"
    return (
        f'<div class="{FACT}"><div class="{NAME}">{field.label_tag()}</div><div class="grow relative">'
        f'<div class="readonly break-words {width} *:rounded-default">{"-" if contents in NO_CONTENTS else contents}</div>'
        f"{_help(field.field['help_text'])}</div></div>"
    )


def _help(words: str) -> str:
    return f'<div class="leading-relaxed mt-2 text-xs">{text(words)}</div>' if words else ""


# The sidebar ----------------------------------------------------------------------------------------------------------


@register.simple_tag
def console_navigation(groups: list[dict]) -> str:
    """What settings.UNFOLD has as navigation, one part after the other."""
    return mark_safe("".join(_part(group["title"], group["items"]) for group in groups))


def _part(title: str, entries: list[dict]) -> str:
    lines = "".join(map(_entry, entries))
    return f'<div class="mb-1.5"><h2 class="{PART}">{text(title)}</h2><ol class="flex flex-col gap-0.5 px-6">{lines}</ol></div>'


def _entry(entry: dict) -> str:
    return (
        f'<li><a href="{text(entry["link"])}" class="{ENTRY}{HERE if entry["active"] else ""}">'
        f'<span class="material-symbols-outlined md-18 mr-3 w-[18px]">{text(entry["icon"])}</span>'
        f"<span>{text(entry['title'])}</span></a></li>"
    )
