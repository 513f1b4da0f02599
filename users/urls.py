"""Addresses of sign-in and of one's own profile."""

from django.urls import path

from users import views, wallet_views

app_name = "users"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign-in"),
    path("sign-in/persona/", views.persona_sign_in, name="persona-sign-in"),
    path("wallet/challenge/", wallet_views.challenge, name="wallet-challenge"),
    path("wallet/answer/", wallet_views.answer, name="wallet-answer"),
    path("sign-out/", views.sign_out, name="sign-out"),
    path("profile/", views.profile, name="profile"),
    path("profile/sessions/<int:pk>/end/", views.session_end, name="session-end"),
]
