"""Addresses of sign-in and of one's own account."""

from django.urls import path

from users import (
    address_views,
    confirm_views,
    console,
    key_views,
    notice_views,
    profile_views,
    security_views,
    views,
    wallet_views,
)

app_name = "users"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/persona/", views.persona_sign_in, name="persona-sign-in"),
    path("wallet/challenge/", wallet_views.challenge, name="wallet-challenge"),
    path("wallet/answer/", wallet_views.answer, name="wallet-answer"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("confirm/", confirm_views.confirm, name="confirm"),
    path("confirm/google/", confirm_views.confirm_google, name="confirm-google"),
    path("second-step/", console.second_step, name="second-step"),
    path("profile/", profile_views.profile, name="profile"),
    path("address/", address_views.address, name="address"),
    path("address/prove/", address_views.address_prove, name="address-prove"),
    path("address/remove/", address_views.address_remove, name="address-remove"),
    path("address/decline/", address_views.address_decline, name="address-decline"),
    path("notices/", notice_views.notice_list, name="notices"),
    path("notices/bell/", notice_views.bell, name="bell"),
    path("notices/wanted/", notice_views.notices_wanted, name="notices-wanted"),
    path("notices/see/", notice_views.notices_see, name="notices-see"),
    path("notices/<int:pk>/", notice_views.notice_open, name="notice-open"),
    path("notices/mute/<str:token>/", notice_views.mute, name="mute"),
    path("data/", profile_views.data, name="data"),
    path("data/export/", profile_views.data_export, name="data-export"),
    path("data/close/", profile_views.account_close, name="account-close"),
    path("security/", security_views.security, name="security"),
    path("security/google/", security_views.link_google, name="link-google"),
    path("security/methods/<int:pk>/unlink/", security_views.unlink, name="unlink"),
    path("security/sessions/end/", security_views.sessions_end_others, name="sessions-end-others"),
    path("security/sessions/<int:pk>/end/", security_views.session_end, name="session-end"),
    path("keys/", key_views.keys, name="keys"),
    path("keys/ssh/", key_views.ssh_key_add, name="ssh-key-add"),
    path("keys/ssh/<int:pk>/remove/", key_views.ssh_key_remove, name="ssh-key-remove"),
    path("keys/tokens/", key_views.token_make, name="token-make"),
    path("keys/tokens/<int:pk>/revoke/", key_views.token_revoke, name="token-revoke"),
]
