"""Addresses of the leaderboard pages."""

from django.urls import path

from leaderboard import views

app_name = "leaderboard"
urlpatterns = [
    path("", views.overview, name="overview"),
]
