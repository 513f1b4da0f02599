"""Addresses of the credit pages."""

from django.urls import path

from credit.views import entries, history, overview

app_name = "credit"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("balance/", overview.balance, name="overview-balance"),
    path("newest/", overview.newest, name="overview-newest"),
    path("history/", history.history, name="history"),
    path("history.csv", history.history_csv, name="history-csv"),
    path("history/<int:pk>/", entries.entry_detail, name="entry-detail"),
]
