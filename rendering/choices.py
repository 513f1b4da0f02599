"""What a creator may choose from: pricing tiers and image formats."""

from django.db.models import TextChoices


class Tier(TextChoices):
    ECONOMY = "economy", "Economy"
    STANDARD = "standard", "Standard"
    PRIORITY = "priority", "Priority"


class ImageFormat(TextChoices):
    """The words of pictor_agent.protocol.RenderSpec.format."""

    PNG = "PNG", "PNG"
    JPEG = "JPEG", "JPEG"
    EXR = "OPEN_EXR", "OpenEXR"


TIER_PRIORITY = {Tier.ECONOMY: -10, Tier.STANDARD: 0, Tier.PRIORITY: 10}  # of work in the queue; larger first
FILE_SUFFIX = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.EXR: "exr"}


class FilmFormat(TextChoices):
    """What a film is delivered as; the words are file suffixes."""

    MP4 = "mp4", "MP4 (H.264)"
    WEBM = "webm", "WebM (VP9)"
