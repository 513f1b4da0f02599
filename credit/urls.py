"""Addresses of the credit pages."""

from django.urls import path

from credit import views

app_name = "credit"

urlpatterns = [
    path("", views.overview, name="overview"),
    path("balance/", views.balance, name="overview-balance"),
    path("history/", views.history, name="overview-history"),
]
