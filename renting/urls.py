"""Addresses of the renting pages."""

from django.urls import path

from renting import views

app_name = "renting"
urlpatterns = [
    path("", views.overview, name="overview"),
]
