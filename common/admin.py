"""What the operators' console of every app shares."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from common.paging import EstimatingPaginator


class ReadOnlyAdmin(ModelAdmin):
    """Rows to search and read; they change through their app's services alone."""

    show_full_result_count = False
    paginator = EstimatingPaginator
    list_per_page = 50
    ordering = ["-pk"]

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
