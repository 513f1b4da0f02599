"""Addresses of the nodes' pages, and of the files that nodes fetch and send."""

from django.urls import path

from workers import file_views

app_name = "workers"
urlpatterns = [
    path("files/<str:token>", file_views.file, name="file"),
]
