"""Addresses of the checkers pages."""

from django.urls import path

from checkers import views

app_name = "checkers"
urlpatterns = [
    path("", views.overview, name="overview"),
]
