"""The little of OpenCL that the challenge of GPUs needs, by the loader that comes with every maker's driver: no package is installed.

Source: The OpenCL Specification, version 1.2, and its headers (numbers of constants).
"""

import ctypes
import sys
from collections.abc import Iterable
from ctypes import byref, c_char_p, c_int32, c_size_t, c_uint32, c_uint64, c_void_p
from dataclasses import dataclass, field
from functools import cache

LIBRARIES = {"win32": "OpenCL.dll", "darwin": "/System/Library/Frameworks/OpenCL.framework/OpenCL"}
ON_OTHERS = "libOpenCL.so.1"

GPU, ALL = 1 << 2, 0xFFFFFFFF  # kinds of devices
DEVICE_VENDOR_ID, DEVICE_NAME, DEVICE_GLOBAL_MEMORY = 0x1001, 0x102B, 0x101F
PCI_ADDRESS = {0x410F: 16, 0x4008: 4}  # cl_khr_pci_bus_info, and NVIDIA's number of the bus: the sizes of the answers
PROGRAM_BUILD_LOG = 0x1183
READ_WRITE = 1
OUT_OF_MEMORY = (-4, -5, -6, -61)  # no memory object, resources or host memory; a buffer's size


class NoOpenCL(Exception):
    """No loader, or no driver that answers."""


class Failed(Exception):
    """A call went wrong."""

    def __init__(self, call: str, code: int, words: str = "") -> None:
        super().__init__(f"{call} gave {code} {words}".strip())
        self.out_of_memory = code in OUT_OF_MEMORY


@cache
def _library() -> ctypes.CDLL:
    try:
        loaded = ctypes.CDLL(LIBRARIES.get(sys.platform, ON_OTHERS))
        for name in (
            "clCreateContext",
            "clCreateCommandQueue",
            "clCreateProgramWithSource",
            "clCreateKernel",
            "clCreateBuffer",
        ):
            getattr(loaded, name).restype = c_void_p
        return loaded
    except (OSError, AttributeError) as error:
        raise NoOpenCL("the OpenCL loader is not installed") from error


def _call(name: str, *arguments) -> None:
    if code := getattr(_library(), name)(*arguments):
        raise Failed(name, code)


def _make(name: str, *arguments) -> c_void_p:
    """Of the functions that give a handle and write their code last."""
    code = c_int32()
    handle = getattr(_library(), name)(*arguments, byref(code))
    if code.value:
        raise Failed(name, code.value)
    return c_void_p(handle)


@dataclass(frozen=True)
class Device:
    handle: int
    name: str
    memory_bytes: int
    address: bytes  # where it sits, where the driver says so: two drivers may show one card


def devices(kinds: int = GPU) -> list[Device]:
    """All of these kinds, of all drivers, each card once.

    Raises:
        NoOpenCL
    """
    found: dict[bytes, Device] = {}
    for platform in _platforms():
        for number, handle in enumerate(_handles("clGetDeviceIDs", c_void_p(platform), c_uint64(kinds))):
            device = _device(handle)
            found.setdefault(device.address or f"{platform} {number}".encode(), device)
    return list(found.values())


def _platforms() -> list[int]:
    found = _handles("clGetPlatformIDs")
    if not found:
        raise NoOpenCL("no driver offers OpenCL")
    return found


def _handles(name: str, *arguments) -> list[int]:
    """Asked for their number, then for them; none where it says that there are none."""
    count = c_uint32()
    if getattr(_library(), name)(*arguments, c_uint32(0), None, byref(count)) or not count.value:
        return []
    handles = (c_void_p * count.value)()
    _call(name, *arguments, count, handles, None)
    return [handle for handle in handles if handle]


def _device(handle: int) -> Device:
    name = _fact(handle, DEVICE_NAME, 200).split(b"\0")[0].decode(errors="replace").strip()
    memory = int.from_bytes(_fact(handle, DEVICE_GLOBAL_MEMORY, 8), sys.byteorder)
    address = next((bytes(fact) for what, size in PCI_ADDRESS.items() if (fact := _fact(handle, what, size))), b"")
    return Device(handle, name, memory, address and _fact(handle, DEVICE_VENDOR_ID, 4) + address)


def _fact(handle: int, what: int, size_bytes: int) -> bytes:
    """Empty where the driver does not know the question."""
    target = ctypes.create_string_buffer(size_bytes)
    code = _library().clGetDeviceInfo(c_void_p(handle), c_uint32(what), c_size_t(size_bytes), target, None)
    return b"" if code else target.raw


@dataclass
class Program:
    """Kernels on one device, one command after the other. `close` gives its memory back."""

    device: Device
    source: str
    buffers: list[c_void_p] = field(default_factory=list)
    kernels: dict[str, c_void_p] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raises Failed."""
        on = (c_void_p * 1)(self.device.handle)
        self.context = _make("clCreateContext", None, c_uint32(1), on, None, None)
        self.queue = _make("clCreateCommandQueue", self.context, c_void_p(self.device.handle), c_uint64(0))
        text = c_char_p(self.source.encode())
        self.program = _make("clCreateProgramWithSource", self.context, c_uint32(1), byref(text), None)
        try:
            _call("clBuildProgram", self.program, c_uint32(1), on, b"", None, None)
        except Failed as failed:
            raise Failed("clBuildProgram", 0, f"{failed}: {self._build_log()}") from None

    def _build_log(self) -> str:
        text = ctypes.create_string_buffer(4_000)
        handle = c_void_p(self.device.handle)
        _library().clGetProgramBuildInfo(self.program, handle, c_uint32(PROGRAM_BUILD_LOG), c_size_t(4_000), text, None)
        return text.value.decode(errors="replace")

    def buffer(self, size_bytes: int) -> c_void_p:
        """Zeros, in the device's memory already: drivers take it when it is first written."""
        made = _make("clCreateBuffer", self.context, c_uint64(READ_WRITE), c_size_t(size_bytes), None)
        self.buffers.append(made)
        zero = c_uint32(0)
        _call(
            "clEnqueueFillBuffer", self.queue, made, byref(zero), c_size_t(4), c_size_t(0), c_size_t(size_bytes), 0, None, None
        )
        return made

    def run(self, name: str, items: int, *arguments: c_void_p | int, group: int = 0) -> None:
        """Buffers are handed over as they are, numbers as 32 bits."""
        if name not in self.kernels:
            self.kernels[name] = _make("clCreateKernel", self.program, name.encode())
        kernel = self.kernels[name]
        for at, argument in enumerate(arguments):
            value = argument if isinstance(argument, c_void_p) else c_uint32(argument)
            _call("clSetKernelArg", kernel, c_uint32(at), c_size_t(ctypes.sizeof(value)), byref(value))
        sizes = byref(c_size_t(items)), byref(c_size_t(group)) if group else None
        _call("clEnqueueNDRangeKernel", self.queue, kernel, c_uint32(1), None, *sizes, c_uint32(0), None, None)

    def finish(self) -> None:
        _call("clFinish", self.queue)

    def write(self, buffer: c_void_p, content: bytes) -> None:
        _call(
            "clEnqueueWriteBuffer", self.queue, buffer, c_uint32(1), c_size_t(0), c_size_t(len(content)), content, 0, None, None
        )

    def read(self, buffer: c_void_p, begin_bytes: int, size_bytes: int) -> bytes:
        target = ctypes.create_string_buffer(size_bytes)
        place = c_size_t(begin_bytes), c_size_t(size_bytes)
        _call("clEnqueueReadBuffer", self.queue, buffer, c_uint32(1), *place, target, c_uint32(0), None, None)
        return target.raw

    def close(self) -> None:
        _release("clReleaseMemObject", self.buffers)
        _release("clReleaseKernel", self.kernels.values())
        _release("clReleaseProgram", [self.program])
        _release("clReleaseCommandQueue", [self.queue])
        _release("clReleaseContext", [self.context])
        self.buffers, self.kernels = [], {}


def _release(name: str, handles: Iterable[c_void_p]) -> None:
    for handle in handles:
        getattr(_library(), name)(handle)
