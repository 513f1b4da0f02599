"""Size and file format of a frame: what the job says, with the file's own depth and channels where the format has them."""

import functools

from .values import put, put_known

DEPTHS = {
    "PNG": ("8", "16"),
    "JPEG": ("8",),
    "OPEN_EXR": ("16", "32"),
    "OPEN_EXR_MULTILAYER": ("16", "32"),
    "WEBP": ("8",),
}
# What a file may ask for -> what the network delivers; everything else becomes PNG.
DELIVERED = {"JPEG": "JPEG", "OPEN_EXR": "OPEN_EXR", "OPEN_EXR_MULTILAYER": "OPEN_EXR_MULTILAYER", "HDR": "OPEN_EXR"}
INSIDE_PIXEL = 0.25  # of one, beyond its edge: Cycles cuts borders down to pixels, Blender rounds them; both find the same
QUALITY_PERCENT = 90  # of a preview, or of a file that says none


def set_picture(scene, wishes, command):
    render = scene.render
    put(render, resolution_x=command["width"], resolution_y=command["height"], resolution_percentage=100)
    put(render, use_multiview=False, use_stamp=False)
    set_region(render, wishes, command)
    put(render, use_persistent_data=True, use_file_extension=True, use_overwrite=True, use_placeholder=False)
    put(render, compositor_device="CPU")  # the same pixels on every node
    put(render, **stamps(type(render)))
    set_format(render.image_settings, wishes, command)


@functools.cache
def stamps(kind):
    """Dates, paths and host names in the picture's header: all off."""
    return {name: False for name in kind.bl_rna.properties.keys() if name.startswith("use_stamp_")}  # noqa: SIM118


def set_region(render, wishes, command):
    """The whole frame with all that follows Cycles, or one raw part of it: what follows needs the whole frame."""
    region = command.get("region")
    put(render, use_border=region is not None, use_crop_to_border=region is not None)
    put(render, use_compositing=wishes.compositing and region is None, use_sequencer=wishes.sequencer and region is None)
    if region is None:
        return
    width, height = command["width"], command["height"]
    bottom = height - region["top"] - region["height"]
    render.border_min_x = (region["left"] + INSIDE_PIXEL) / width
    render.border_max_x = (region["left"] + region["width"] + INSIDE_PIXEL) / width
    render.border_min_y = (bottom + INSIDE_PIXEL) / height
    render.border_max_y = (bottom + region["height"] + INSIDE_PIXEL) / height


def set_format(settings, wishes, command):
    chosen = command["format"]
    put_known(settings, media_type="MULTI_LAYER_IMAGE" if chosen == "OPEN_EXR_MULTILAYER" else "IMAGE")  # 5.0 and newer
    put(settings, file_format=chosen)
    put(settings, color_mode=colours_for(chosen, wishes))
    put(settings, color_depth=depth_for(chosen, wishes, command.get("depth_bits") or 0))
    put(settings, quality=command.get("quality_percent") or wishes.quality or QUALITY_PERCENT)
    put_known(settings, use_preview=False)  # a second file beside an EXR, until 4.5


def depth_for(chosen, wishes, ordered_bits):
    """Bits a channel: as ordered, else as in the file where that is the same format, else the least the format has."""
    depths = DEPTHS[chosen]
    if str(ordered_bits) in depths:
        return str(ordered_bits)
    same = DELIVERED.get(wishes.format, "PNG") == chosen
    return wishes.depth if same and wishes.depth in depths else depths[0]


def colours_for(chosen, wishes):
    if chosen == "OPEN_EXR_MULTILAYER":  # each layer says its own
        return "RGBA"
    if chosen == "JPEG" and wishes.colours == "RGBA":
        return "RGB"
    return wishes.colours
