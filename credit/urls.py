"""Addresses of the credit pages."""

from django.urls import path

from credit.views import entries, history, overview, top_ups

app_name = "credit"

urlpatterns = [
    path("", overview.overview, name="overview"),
    path("balance/", overview.balance, name="overview-balance"),
    path("newest/", overview.newest, name="overview-newest"),
    path("history/", history.history, name="history"),
    path("history.csv", history.history_csv, name="history-csv"),
    path("history/<int:pk>/", entries.entry_detail, name="entry-detail"),
    path("top-up/", top_ups.top_up, name="top-up"),
    path("top-up/<int:pk>/", top_ups.top_up_detail, name="top-up-detail"),
    path("top-up/<int:pk>/status/", top_ups.top_up_status, name="top-up-status"),
    path("top-up/<int:pk>/transaction/", top_ups.top_up_transaction, name="top-up-transaction"),
    path("top-up/<int:pk>/give-up/", top_ups.top_up_give_up, name="top-up-give-up"),
]
