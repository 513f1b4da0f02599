from django.apps import AppConfig


class PictorConfig(AppConfig):
    """The composition root: the only app that knows every other one."""

    name = "pictor"

    def ready(self) -> None:
        from pictor import celery  # noqa: F401  the Celery app must exist before a background function is queued
