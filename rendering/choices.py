"""What a creator may choose from: pricing tiers, image formats, nodes, orders."""

from django.db.models import TextChoices

from rendering import splitting


class Tier(TextChoices):
    ECONOMY = "economy", "Economy"
    STANDARD = "standard", "Standard"
    PRIORITY = "priority", "Priority"


class ImageFormat(TextChoices):
    """The words of pictor_agent.protocol.RenderSpec.format."""

    PNG = "PNG", "PNG"
    JPEG = "JPEG", "JPEG"
    EXR = "OPEN_EXR", "OpenEXR"
    EXR_LAYERS = "OPEN_EXR_MULTILAYER", "OpenEXR, multilayer"


class Device(TextChoices):
    """What a job is rendered on; the words of workers.matching.Requirements.device."""

    ANY = "any", "GPU or CPU"
    GPU = "gpu", "GPU only"
    CPU = "cpu", "CPU only"


class GpuVendor(TextChoices):
    ANY = "", "Any make"
    NVIDIA = "nvidia", "NVIDIA"
    AMD = "amd", "AMD"
    INTEL = "intel", "Intel"
    APPLE = "apple", "Apple"


class Nodes(TextChoices):
    """Whose nodes may see the scene and render it."""

    ANY = "any", "Every node of the network"
    TRUSTED = "trusted", "Trusted nodes"
    OWN = "own", "My own nodes"


class RenderOrder(TextChoices):
    """Which frames of a job come first."""

    IN_ORDER = splitting.IN_ORDER, "First to last"
    NTH = splitting.NTH, "Every Nth frame, then the rest"
    BISECT = splitting.BISECT, "First, last, middle, and ever finer"


QUEUE_TIERS = {Tier.ECONOMY: 0, Tier.STANDARD: 1, Tier.PRIORITY: 2}  # keys of workers.sharing.WEIGHTS
FILE_SUFFIX = {ImageFormat.PNG: "png", ImageFormat.JPEG: "jpg", ImageFormat.EXR: "exr", ImageFormat.EXR_LAYERS: "exr"}
DEPTHS_BITS = {  # per channel, that a format can hold
    ImageFormat.PNG: (8, 16),
    ImageFormat.JPEG: (8,),
    ImageFormat.EXR: (16, 32),
    ImageFormat.EXR_LAYERS: (16, 32),
}


class FilmFormat(TextChoices):
    """What a film is delivered as; the words are file suffixes."""

    MP4 = "mp4", "MP4 (H.264)"
    WEBM = "webm", "WebM (VP9)"


class Visibility(TextChoices):
    """Who may watch a job besides its creator; a job without a watch link is private."""

    UNLISTED = "unlisted", "Unlisted"  # whoever has the address
    PUBLIC = "public", "Public"  # the address may also be shown on public pages


class Again(TextChoices):
    """Why a creator asks for a frame once more."""

    WRONG = "wrong", "The picture is wrong"
    FLAWED = "flawed", "Noise, fireflies or artefacts"
    DIFFERS = "differs", "Differs from its neighbours"
    INCOMPLETE = "incomplete", "Something is missing in it"
    CHECK = "check", "To see whether it comes out the same"
    OTHER = "other", "Another reason"
