"""People in the operators' console. Deactivate instead of deleting: the ledger keeps its rows."""

import allauth.account.admin
import allauth.mfa.admin
import allauth.socialaccount.admin  # noqa: F401  these three register what is taken out below
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from users.models import User

# Secrets of sign-in stay out of pages, and what one signs in with is one's own affair.
admin.site.unregister([SocialApp, SocialToken, Authenticator, EmailAddress])

RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm
    list_display = ["username", "display_name", "email", "is_active", "is_staff", "date_joined"]
    search_fields = ["username", "display_name", "email"]
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("display_name", "email")}),
        ("Rights", {"fields": ("is_active", *RIGHTS)}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )

    def get_readonly_fields(self, request, obj=None):
        """Who may edit people could else promote themselves. An address is proven by who has it, never written by others."""
        return ("email",) if request.user.is_superuser else ("email", *RIGHTS)

    def has_change_permission(self, request, obj=None) -> bool:
        """The password of an operator is set by a superuser alone."""
        may_touch = request.user.is_superuser or obj is None or not obj.is_staff
        return may_touch and super().has_change_permission(request, obj)

    def has_delete_permission(self, request, obj=None) -> bool:
        return False
