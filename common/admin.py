"""What the operators' console of every app shares."""

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.widgets import CHECKBOX_CLASSES

from common.paging import EstimatingPaginator

CHECKBOX = " ".join(["action-select", *CHECKBOX_CLASSES])


class QuickChangeList(ChangeList):
    """The console makes the addresses of all its columns again for each row; here they are made once."""

    is_read_only = True  # its rows are made by common.templatetags.console

    def __init__(self, *arguments, **named):
        self._query_strings: dict[str, str] = {}
        super().__init__(*arguments, **named)

    def get_query_string(self, new_params=None, remove=None) -> str:
        key = f"{new_params} {remove}"
        if key not in self._query_strings:
            self._query_strings[key] = super().get_query_string(new_params, remove)
        return self._query_strings[key]


class ReadOnlyAdmin(ModelAdmin):
    """Rows to search and read; they change through their app's services alone."""

    show_full_result_count = False
    paginator = EstimatingPaginator
    list_per_page = 20  # as the lists of the pages
    ordering = ["-pk"]

    def get_changelist(self, request, **named) -> type[ChangeList]:
        return QuickChangeList

    @admin.display(description="")
    def action_checkbox(self, obj) -> str:
        """As the console's own, without a template for each row."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="{}" aria-label="Choose {}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            CHECKBOX,
            obj,
        )

    def has_add_permission(self, request) -> bool:
        return False

    def has_change_permission(self, request, obj=None) -> bool:
        return False

    def has_delete_permission(self, request, obj=None) -> bool:
        return False


def choice_filter(parameter: str, words: str, choices) -> type[admin.SimpleListFilter]:
    """A filter on the known values of a plain text column; Django would read the whole table to find them."""

    class ChoiceFilter(admin.SimpleListFilter):
        title, parameter_name = words, parameter

        def lookups(self, request, model_admin):
            return choices

        def queryset(self, request, queryset):
            return queryset.filter(**{parameter: self.value()}) if self.value() else queryset

    return ChoiceFilter
