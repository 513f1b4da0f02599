"""Where the frames of a job are found: on its creator's pages, or on its watch page."""

from dataclasses import dataclass

from django.urls import reverse

from rendering.models import Job, WatchLink


@dataclass(frozen=True)
class Addresses:
    """`frames` is the address below which every frame has its own; a grid of 120 tiles asks the URLconf once."""

    frames: str

    def page(self, frame: int) -> str:
        return f"{self.frames}{frame}/"

    def image(self, frame: int, size: str, version: int, *, tile: int = 0) -> str:
        """`size`: thumb, preview or full; `version` makes the address new when the picture is."""
        return f"{self.frames}{frame}/{size}/?v={version}" + (f"&tile={tile}" if tile else "")


def of_job(job: Job) -> Addresses:
    return Addresses(reverse("rendering:frame-detail", args=[job.pk, 0]).removesuffix("0/"))


def of_watch_link(link: WatchLink) -> Addresses:
    return Addresses(reverse("rendering:watch-frame", args=[link.token, 0]).removesuffix("0/"))
