"""Those of allauth's addresses that exist here: Google and its outcomes. Its password and e-mail pages do not."""

from allauth.account.views import account_inactive
from allauth.socialaccount.providers.google.views import oauth2_callback, oauth2_login
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("login/", RedirectView.as_view(pattern_name="users:sign-in", query_string=True), name="account_login"),
    path("logout/", RedirectView.as_view(pattern_name="users:profile"), name="account_logout"),
    path("inactive/", account_inactive, name="account_inactive"),
    path("social/", include("allauth.socialaccount.urls")),
    path("google/login/", oauth2_login, name="google_login"),
    path("google/login/callback/", oauth2_callback, name="google_callback"),
]
