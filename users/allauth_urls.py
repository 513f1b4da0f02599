"""Those of allauth's addresses that exist here: Google and the second step. Its password and e-mail pages do not.

What changes the second step is asked for with users.fresh first.
"""

from allauth.account.views import account_inactive
from allauth.mfa.base.views import authenticate
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount.views import login_cancelled, login_error
from django.contrib.auth.decorators import login_required
from django.urls import path
from django.views.generic import RedirectView

from common.limits import limited
from users import fresh, google, views

to_security = RedirectView.as_view(pattern_name="users:security")


def guarded(view):
    return login_required(fresh.required(view))


urlpatterns = [
    path("login/", RedirectView.as_view(pattern_name="users:sign-in", query_string=True), name="account_login"),
    path("logout/", views.stage_leave, name="account_logout"),
    path("inactive/", account_inactive, name="account_inactive"),
    path("social/", to_security, name="socialaccount_connections"),
    path("social/signup/", RedirectView.as_view(pattern_name="users:sign-in"), name="socialaccount_signup"),
    path("social/login/cancelled/", login_cancelled, name="socialaccount_login_cancelled"),
    path("social/login/error/", login_error, name="socialaccount_login_error"),
    path("google/login/", views.google_sign_in, name="google_login"),
    path(
        "google/login/callback/",
        limited("google-back", limit=60, seconds=60, method="GET")(google.callback),
        name="google_callback",
    ),
    path("2fa/", to_security, name="mfa_index"),
    path("2fa/authenticate/", authenticate, name="mfa_authenticate"),
    path("2fa/totp/activate/", guarded(totp.activate_totp), name="mfa_activate_totp"),
    path("2fa/totp/deactivate/", guarded(totp.deactivate_totp), name="mfa_deactivate_totp"),
    path("2fa/recovery-codes/", guarded(codes.view_recovery_codes), name="mfa_view_recovery_codes"),
    path("2fa/recovery-codes/generate/", guarded(codes.generate_recovery_codes), name="mfa_generate_recovery_codes"),
    path("2fa/recovery-codes/download/", guarded(codes.download_recovery_codes), name="mfa_download_recovery_codes"),
    path("2fa/webauthn/", to_security, name="mfa_list_webauthn"),
    path("2fa/webauthn/add/", guarded(passkeys.add_webauthn), name="mfa_add_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/remove/", guarded(passkeys.remove_webauthn), name="mfa_remove_webauthn"),
    path("2fa/webauthn/keys/<int:pk>/edit/", guarded(passkeys.edit_webauthn), name="mfa_edit_webauthn"),
]
