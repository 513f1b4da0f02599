from django.apps import AppConfig


class RenderingConfig(AppConfig):
    name = "rendering"

    def ready(self) -> None:
        from rendering import closing, receivers  # noqa: F401  connects them
