"""Which settings matter beside which others: the page hides what would change nothing. PURE.

The patterns are read by Python here and by static/js/settings.js while one types: only what both understand alike.
"""

import re
from collections.abc import Mapping

from rendering.choices import ImageFormat, RenderOrder

ONE_FRAME = r"^\s*-?[0-9]+\s*$"
SEVERAL_FRAMES = r"[0-9]\s*[-,]"
ANY_GPU = "^(any|gpu)?$"

APPLIES: dict[str, dict[str, str]] = {  # field -> other field -> pattern that its value must have
    "depth_bits": {"format": f"^(?!{ImageFormat.JPEG}$)"},
    "quality_percent": {"format": f"^{ImageFormat.JPEG}$"},
    "tiles": {"frames": ONE_FRAME, "software": "^cycles:"},
    "render_order": {"frames": SEVERAL_FRAMES},
    "order_step": {"frames": SEVERAL_FRAMES, "render_order": f"^{RenderOrder.NTH}$"},
    "gpu_vendor": {"device": ANY_GPU},
    "gpu_model": {"device": ANY_GPU},
    "gpus_min": {"device": ANY_GPU},
    "one_device_class": {"frames": SEVERAL_FRAMES},
    "pause_percent": {"cap": "[1-9]"},
    "gate_step": {"frames": SEVERAL_FRAMES},
}
# What these hold is ignored where they do not apply; any other field stays in sight while it holds something.
IGNORED = frozenset({"quality_percent", "render_order", "order_step", "one_device_class", "pause_percent"})


def is_idle(name: str, values: Mapping[str, str]) -> bool:
    """Would the field change nothing beside these values of the form, so that it need not be seen?"""
    conditions = APPLIES.get(name, {})
    applies = all(re.search(pattern, values.get(other, "")) for other, pattern in conditions.items())
    return not applies and (name in IGNORED or not values.get(name))
