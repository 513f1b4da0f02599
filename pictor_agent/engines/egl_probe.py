"""Run inside a box by any Python: can Blender draw with OpenGL here, without a display? Prints one JSON object.

Asks as Blender's headless window system does: EGL's display without a surface, then a context of OpenGL 4.3, core.
"""

import ctypes
import json

SURFACELESS = 0x31DD  # EGL_PLATFORM_SURFACELESS_MESA
OPENGL_API, OPENGL_BIT, RENDERABLE_TYPE, NONE = 0x30A2, 0x0008, 0x3040, 0x3038
SURFACE_TYPE, PBUFFER_BIT = 0x3033, 0x0001
MAJOR, MINOR, PROFILE_MASK, CORE = 0x3098, 0x30FB, 0x30FD, 0x1
VENDOR = 0x3053


class NoOpenGl(Exception):
    """str() is the reason for the node's owner."""


def vendor():
    """Who draws: "Mesa Project", "NVIDIA"."""
    egl = library()
    display = egl.eglGetPlatformDisplay(SURFACELESS, None, None)
    if not display or not egl.eglInitialize(ctypes.c_void_p(display), None, None):
        raise NoOpenGl("EGL cannot be initialised (install libgl1-mesa-dri, or a GPU's driver)")
    if not egl.eglBindAPI(OPENGL_API) or not has_context(egl, ctypes.c_void_p(display)):
        raise NoOpenGl("the driver has no OpenGL 4.3")
    return egl.eglQueryString(ctypes.c_void_p(display), VENDOR).decode(errors="replace")


def library():
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        raise NoOpenGl("libEGL.so.1 is missing (install libegl1)") from None
    egl.eglGetPlatformDisplay.restype = egl.eglCreateContext.restype = ctypes.c_void_p
    egl.eglGetPlatformDisplay.argtypes = [ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p]
    egl.eglQueryString.restype = ctypes.c_char_p
    return egl


def has_context(egl, display):
    wanted = (ctypes.c_int * 5)(SURFACE_TYPE, PBUFFER_BIT, RENDERABLE_TYPE, OPENGL_BIT, NONE)
    config, count = ctypes.c_void_p(), ctypes.c_int()
    if not egl.eglChooseConfig(display, wanted, ctypes.byref(config), 1, ctypes.byref(count)) or not count.value:
        return False
    attributes = (ctypes.c_int * 7)(MAJOR, 4, MINOR, 3, PROFILE_MASK, CORE, NONE)
    return bool(egl.eglCreateContext(display, config, None, attributes))


if __name__ == "__main__":
    try:
        found = {"vendor": vendor(), "problem": ""}
    except NoOpenGl as reason:
        found = {"vendor": "", "problem": str(reason)}
    print(json.dumps(found))
