"""Addresses of the rewards pages."""

from django.urls import path

from rewards import views

app_name = "rewards"
urlpatterns = [
    path("", views.overview, name="overview"),
]
