"""Addresses of the credit pages."""

from django.urls import path

from credit.views import overview

app_name = "credit"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("balance/", overview.balance, name="overview-balance"),
    path("history/", overview.history, name="overview-history"),
]
