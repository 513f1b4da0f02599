from django.apps import AppConfig


class RentingConfig(AppConfig):
    name = "renting"
