"""The messages between a node's agent and the gateway: one msgpack map per binary WebSocket frame.

Units: seconds, bytes, frames as integers, times as POSIX seconds of the *sender's* clock (the server never trusts
them). A message larger than MESSAGE_BYTES_MAX (to a node: TO_NODE_BYTES_MAX) is refused and closes the socket. `type`
names the message. Unknown types and fields are ignored, so either side may be one version ahead. See
docs/agent-protocol.md.
"""

import re
from functools import cache
from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta

VERSION = 7
OLDEST_SUPPORTED = 1
REGIONS_SINCE = 2  # an older agent passes RenderSpec.region over and would render the whole frame
LIMITS_SINCE = 3  # an older agent does not know Limits, and cannot be asked to obey them
SELF_TEST_SINCE = 4  # an older agent does not try itself, so nobody waits for its SelfTested
BENCHMARK_SINCE = 7  # an older agent cannot answer for its GPUs, all of them together
MESSAGE_BYTES_MAX = 256 * 1024  # from a node
TO_NODE_BYTES_MAX = 8 * 1024**2  # an assignment names every file of its scene, 5,000 at most
PATH = "/agent/v1"

Name = Annotated[str, Meta(max_length=200)]
Line = Annotated[str, Meta(max_length=500)]
LogTail = Annotated[str, Meta(max_length=16_000)]
OVERVIEW_SECONDS = 15.0  # from one answer to AskOverview to the next
LOG_LINES_MAX = 4_000  # characters of one LogLines
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Url = Annotated[str, Meta(max_length=4_000)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Micros = Annotated[int, Meta(ge=-(2**53), le=2**53)]  # of a credit; below zero where more was taken back than earned
WorkId = Annotated[int, Meta(ge=0, le=2**63 - 1)]  # what the database can compare
Attempt = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Held = tuple[WorkId, Attempt]
Side = Annotated[int, Meta(ge=0, le=2**31 - 1)]  # pixels, as claimed
Gauge = Annotated[float, Meta(ge=-1e9, le=1e9)]  # a finite number
Seconds = Annotated[float, Meta(ge=0, le=10_000_000)]
Fraction = Annotated[float, Meta(ge=0, le=1)]

Reason = Annotated[str, Meta(pattern=r"^[a-z_]{1,40}\Z")]  # on the wire: a newer agent may know one more

# Why an attempt ended badly. Fault and words for people: rendering.reasons (server side).
FailureReason = Literal[
    "asset_missing",  # a file could not be fetched by its hash
    "out_of_memory",
    "time_limit",
    "renderer_crashed",
    "scene_unreadable",  # Blender cannot open the file
    "no_camera",
    "no_gpu",  # a GPU was ordered, and Blender sees none on the node
    "blender_unavailable",  # the version is not on the node and cannot be fetched
    "output_invalid",  # the renderer wrote nothing that decodes
    "disk_full",  # the scene's files do not fit on the node
    "sandbox_unavailable",
    "cancelled",  # the server asked for it
    "paused",  # the owner asked for it
    "shutting_down",  # the node drains
    "upload_failed",
    "agent_error",
]


DEVICES = frozenset({"CPU", "OPTIX", "CUDA", "HIP", "METAL", "ONEAPI"})  # that Blender renders on

# Of a benchmark, in their order: the GPUs' memory is taken; their challenge is solved; the hash of what they show; "" all else.
Part = Literal["", "gpus_ready", "gpus", "gpus_shown"]

# Why a node takes no new work although it is connected: see pictor_agent.restraint. On the wire any name, as for Reason.
RestReason = Literal["", "paused_here", "in_use", "too_hot", "too_much_power", "disk_full"]


class Message(msgspec.Struct, tag_field="type", kw_only=True, omit_defaults=True):
    """Base of every message; the class name is the tag."""

    def __post_init__(self) -> None:
        drop_nul(self)


@cache
def _texts_of(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    """The fields of a message that may hold text."""
    numbers = (int, float, bool, bytes)
    return tuple(name for name, hint in get_type_hints(kind).items() if hint not in numbers and name in kind.__struct_fields__)


def drop_nul(struct: msgspec.Struct) -> None:
    """Texts without NUL, which no database column takes: a scene may write it into Blender's log."""
    for name in _texts_of(type(struct)):
        value = getattr(struct, name)
        if isinstance(value, str) and "\0" in value:
            setattr(struct, name, value.replace("\0", ""))
        elif isinstance(value, list) and any(isinstance(item, str) and "\0" in item for item in value):
            setattr(struct, name, [item.replace("\0", "") for item in value])


# Neither control characters nor those that reorder what a reader sees, nor halves of a character.
NOT_PLAIN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
COLOURS = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def plain_text(text: str) -> str:
    """Log text that is safe in a terminal, a page and a database: lines and tabs stay, control characters go."""
    return NOT_PLAIN.sub("", COLOURS.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))


# Work -----------------------------------------------------------------------------------------------------------------


class FileRef(msgspec.Struct, kw_only=True):
    """A file of a scene, fetched by GET and kept under its hash."""

    path: Annotated[str, Meta(max_length=1_000)]  # where it lies below the scene's folder, "/" between parts
    sha256: Sha256
    size_bytes: Count
    url: Url


class Region(msgspec.Struct, kw_only=True):
    """A part of a frame, in pixels from its upper left corner."""

    left: Annotated[int, Meta(ge=0, lt=65_536)]
    top: Annotated[int, Meta(ge=0, lt=65_536)]
    width: Annotated[int, Meta(ge=1, le=65_536)]
    height: Annotated[int, Meta(ge=1, le=65_536)]


class RenderSpec(msgspec.Struct, kw_only=True, tag="render"):
    """One frame of one scene, complete: whoever renders it with the same version gets the same pixels."""

    engine: Name  # an entry of pictor_agent.engines
    blender_version: Name  # exact: "5.0.1"
    scene_key: Sha256  # hash over the file list; equal key = the warm process can stay
    main_path: Annotated[str, Meta(max_length=1_000)]
    files: list[FileRef]
    frame: int
    seed: Annotated[int, Meta(ge=0, lt=2**31)]  # mandated by the network
    width: Annotated[int, Meta(ge=1, le=65_536)]  # final pixels, percentage already applied
    height: Annotated[int, Meta(ge=1, le=65_536)]
    samples: Annotated[int, Meta(ge=1, le=1_000_000)]
    format: Literal["PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER"]
    depth_bits: Literal[0, 8, 16, 32] = 0  # per channel; 0: as in the file
    quality_percent: Annotated[int, Meta(ge=0, le=100)] = 0  # of JPEG; 0: as in the file
    device: Literal["any", "cpu", "gpu"] = "any"  # of a GPU every kind is good
    denoise: bool | None = None  # None: as in the file
    camera: Name = ""  # empty: as in the file
    region: Region | None = None  # only this part, raw: every pass with those for denoising, neither denoised nor composited
    seconds_max: Seconds = 3_600.0

    @property
    def picture_size(self) -> tuple[int, int]:
        """Width and height of the file that is ordered."""
        return (self.region.width, self.region.height) if self.region else (self.width, self.height)

    @property
    def picture(self) -> "RenderSpec":
        """What is rendered of whichever kind of work."""
        return self

    @property
    def words(self) -> str:
        return f"frame {self.frame}"


class GpuOrder(msgspec.Struct, kw_only=True):
    """What one of a node's GPUs is asked for: pictor_agent.gpu_challenge. Its seed comes with Show."""

    width: Annotated[int, Meta(ge=2, le=2**16)]
    layers: Annotated[int, Meta(ge=2, le=2**14)]


class BenchmarkSpec(msgspec.Struct, kw_only=True, tag="benchmark"):
    """What a node is measured by: see pictor_agent.measuring and docs/benchmark-of-nodes.md."""

    seed: Annotated[bytes, Meta(min_length=32, max_length=32)]  # of the challenge
    side: Annotated[int, Meta(ge=2, le=4_096)]
    blocks: Annotated[int, Meta(ge=2, le=2**20)]
    canary: RenderSpec  # its seed comes with Show
    disk_bytes: Annotated[int, Meta(ge=0, le=2**34)] = 0  # written and read once; 0: the disk is left alone
    gpus: Annotated[list[GpuOrder], Meta(max_length=64)] = []  # that all answer at the same time

    @property
    def picture(self) -> RenderSpec:
        return self.canary

    @property
    def files(self) -> list[FileRef]:
        return self.canary.files

    @property
    def words(self) -> str:
        return "the benchmark"


Spec = RenderSpec | BenchmarkSpec


class BenchmarkFile(msgspec.Struct, kw_only=True):
    """The file of a benchmark, in msgpack. Claims, but for what the server can check."""

    memory_bytes_per_second: Count = 0
    disk_write_bytes_per_second: Count = 0
    disk_read_bytes_per_second: Count = 0
    challenge_seconds: Seconds = 0.0
    opening: bytes  # pictor_agent.challenge.Answer.opening
    gpu_seconds: Seconds = 0.0
    gpu_openings: bytes = b""  # of all GPUs, one after the other: pictor_agent.gpu_solver.Solver.opening
    canary: bytes  # the picture


class MergeOrder(msgspec.Struct, kw_only=True):
    """A frame to be finished from its tiles: what the server asks of the program on its own machine, never over the wire."""

    blender_version: Name
    main_path: Annotated[str, Meta(max_length=1_000)]
    merged_path: Annotated[
        str, Meta(max_length=1_000)
    ]  # all tiles as one multilayer EXR, upside down, below the scene's folder
    layers: dict[str, dict[str, str]]  # view layer -> pass -> its channels: {"ViewLayer": {"Combined": "RGBA"}}
    frame: int
    width: Annotated[int, Meta(ge=1, le=65_536)]
    height: Annotated[int, Meta(ge=1, le=65_536)]
    format: Literal["PNG", "JPEG", "OPEN_EXR", "OPEN_EXR_MULTILAYER"]
    depth_bits: Literal[0, 8, 16, 32] = 0
    quality_percent: Annotated[int, Meta(ge=0, le=100)] = 0
    denoise: bool | None = None  # None: as in the file
    camera: Name = ""
    seconds_max: Seconds = 3_600.0


class Assignment(msgspec.Struct, kw_only=True):
    """A lease on one place of the node, with all that is needed to work."""

    work_id: WorkId
    attempt: Attempt
    slot: int
    place: Literal[0, 1]  # 0: run now, 1: next
    lease_seconds: Seconds  # from receipt; renewed by heartbeats
    spec: Spec


class RenderResult(msgspec.Struct, kw_only=True, tag="render"):
    """What the node says of a rendered frame, before the file is sent. Claims, until checked."""

    file_sha256: Sha256
    pixels_sha256: Sha256  # pictor_agent.pixels.pixels_sha256
    size_bytes: Count
    width: Side
    height: Side
    render_seconds: Seconds  # inside the renderer
    peak_memory_bytes: Count = 0
    device: Name = ""  # what it was rendered on, of DEVICES


# Inventory ------------------------------------------------------------------------------------------------------------


class GpuInfo(msgspec.Struct, kw_only=True):
    index: Annotated[int, Meta(ge=0, le=2**15 - 1)]
    model: Name
    vram_bytes: Count
    driver: Name = ""
    uuid: Name = ""
    compute: Name = ""  # CUDA's compute capability: "8.9"
    power_limit_watts: Gauge = 0.0

    def __post_init__(self) -> None:
        drop_nul(self)


class Inventory(msgspec.Struct, kw_only=True):
    """What the node has; believed only where the server can check it."""

    hostname: Name
    os: Name
    cpu_model: Name
    cpu_cores: Count
    ram_bytes: Count
    disk_free_bytes: Count
    gpus: Annotated[list[GpuInfo], Meta(max_length=64)] = []
    blender_versions: Annotated[list[Name], Meta(max_length=32)] = []  # here, or fetched on first need
    engines: Annotated[list[Name], Meta(max_length=32)] = msgspec.field(
        default_factory=lambda: ["cycles"]
    )  # of pictor_agent.engines, that work on this machine
    engine_notes: Annotated[list[Line], Meta(max_length=32)] = []  # why one does not: "EEVEE: no libEGL.so.1"
    device: Name = "CPU"  # the best that Blender finds, of DEVICES
    isolation: Literal["bubblewrap", "none"] = "none"
    unsandboxed_allowed: bool = False  # the owner's explicit flag
    simulated: bool = False  # its GPUs are played from a file

    def __post_init__(self) -> None:
        drop_nul(self)


class GpuSample(msgspec.Struct, kw_only=True):
    index: Annotated[int, Meta(ge=0, le=2**15 - 1)]
    load: Fraction = 0.0
    vram_used_bytes: Count = 0
    temperature_celsius: Gauge = 0.0
    power_watts: Gauge = 0.0
    fan: Fraction | None = None
    clock_mhz: Count = 0
    memory_clock_mhz: Count = 0
    ecc_errors: Count | None = None  # that could not be corrected, since the driver was loaded; None: it has no ECC
    throttle: Annotated[list[Reason], Meta(max_length=16)] = []  # why it is slower than it could be; see pictor_agent.nvml
    programs: Count | None = None  # that compute on it; None: not known


# Node to server -------------------------------------------------------------------------------------------------------


class Hello(Message):
    """First message. `token` enrols a new key once; later sign-ons prove the key alone."""

    protocol: int
    agent_version: Name
    worker_uid: Name  # from the configuration file; or a fleet token's uid, which makes a node of the key
    public_key: Annotated[bytes, Meta(min_length=32, max_length=32)]  # Ed25519, raw
    token: Annotated[str, Meta(max_length=200)] = ""


class Proof(Message):
    """Ed25519 signature over proof_text(nonce, worker_uid)."""

    signature: Annotated[bytes, Meta(min_length=64, max_length=64)]


class SignOn(Message):
    """Sent after Welcome: what the node has and which attempts it still holds (from its outbox and places)."""

    inventory: Inventory
    holding: Annotated[list[Held], Meta(max_length=1_000)] = []  # (work_id, attempt)


class Received(Message):
    """The assignments arrived; an unacknowledged one comes back to the queue in seconds."""

    items: Annotated[list[Held], Meta(max_length=1_000)]  # (work_id, attempt)


class Started(Message):
    work_id: WorkId
    attempt: Attempt


class Progress(Message):
    """At most a few a second; a hint that may be lost."""

    work_id: WorkId
    attempt: Attempt
    fraction: Fraction
    note: Line = ""  # "sample 15 of 24"


class LogLines(Message):
    """What the renderer printed of late, at most a few times a second; a hint that may be lost.

    `offset` counts the characters of this attempt's log before `text`: a gap is what was lost or left out.
    """

    work_id: WorkId
    attempt: Attempt
    offset: Count
    text: Annotated[str, Meta(max_length=LOG_LINES_MAX)]

    def __post_init__(self) -> None:
        self.text = plain_text(self.text)


class Committed(Message):
    """The work of a part of a challenge is done, and its hashes are fixed. Answered by Show; repeated until then."""

    work_id: WorkId
    attempt: Attempt
    root: Annotated[bytes, Meta(min_length=32, max_length=32)]
    part: Part = ""


class Rendered(Message):
    """Commitment: the result exists and its hash is fixed. Answered by UploadGrant. Frees place 0."""

    work_id: WorkId
    attempt: Attempt
    result: RenderResult


class Done(Message):
    """The file is on the server. Repeated until Recorded."""

    work_id: WorkId
    attempt: Attempt
    result: RenderResult
    log_tail: LogTail = ""


class Failed(Message):
    """The attempt is over without a result. Repeated until Recorded."""

    work_id: WorkId
    attempt: Attempt
    reason: Reason
    detail: Line = ""
    log_tail: LogTail = ""


class NeedUrls(Message):
    """File URLs of a running attempt have expired."""

    work_id: WorkId
    attempt: Attempt


class Heartbeat(Message):
    """Every `report_seconds`: the host's gauges, and which attempts live (their leases are renewed)."""

    holding: Annotated[list[Held], Meta(max_length=1_000)] = []
    cpu_load: Fraction = 0.0
    ram_used_bytes: Count = 0
    disk_free_bytes: Count = 0
    network_down_bytes: Count = 0  # since the last heartbeat
    network_up_bytes: Count = 0
    gpus: Annotated[list[GpuSample], Meta(max_length=64)] = []
    limits_at: Count = 0  # Limits.at of those that it obeys
    resting: Annotated[str, Meta(pattern=r"^[a-z_]{0,40}\Z")] = ""  # why it takes no new work for now; see RestReason


class SelfTested(Message):
    """How far the node has tried itself; said again after every sign-on, newest counts. Claims: for its owner's page and the lowest level."""

    blender_versions: Annotated[list[Name], Meta(max_length=32)] = []  # that lie on the node
    blender_problem: Line = ""  # why none could be fetched
    passed: bool | None = None  # None: not yet
    words: Line = ""  # how it went, or why not


class AskOverview(Message):
    """Somebody looks at this machine's page. Answered by Overview, every OVERVIEW_SECONDS at most; an older server, or a busy one, says nothing."""


class Build(Message):
    """Which agent it is, and what became of its last update; said after every sign-on. Answered by Release where there is a newer one."""

    sha256: Annotated[str, Meta(pattern=r"^([0-9a-f]{64})?\Z")] = ""  # of the wheel it was made from; empty: not known
    number: Count = 0  # of its release, where it was made by an update
    obstacle: Annotated[str, Meta(pattern=r"^[a-z_]{0,40}\Z")] = (
        ""  # why it cannot replace itself: pictor_agent.updating.installation
    )
    tried: Count = 0  # the release that it tried last
    words: Line = ""  # why it stayed what it was


class Draining(Message):
    """No further work, please: the node stops after what it runs."""

    reason: Line = ""


class SignOff(Message):
    """A clean goodbye; leases that are still held return at once."""

    reason: Line = ""


# Server to node -------------------------------------------------------------------------------------------------------


class Challenge(Message):
    nonce: Annotated[bytes, Meta(min_length=32, max_length=32)]


class Welcome(Message):
    worker_name: Name
    epoch: int  # of this connection; an older socket of the same node is closed
    report_seconds: Seconds
    server_version: Name = ""


class Assign(Message):
    items: list[Assignment]


class UploadGrant(Message):
    """Where the file of a Rendered attempt goes: HEAD gives Upload-Offset, PATCH appends, both resumable."""

    work_id: WorkId
    attempt: Attempt
    url: Url


class Show(Message):
    """What a node that has committed to this part must show, and the seed of what begins now."""

    work_id: WorkId
    attempt: Attempt
    blocks: Annotated[list[Count], Meta(max_length=256)] = []  # of the processor's challenge
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0  # of the canary frame
    part: Part = ""
    gpu_seed: Annotated[bytes, Meta(max_length=32)] = b""
    gpu_blocks: Annotated[list[list[Count]], Meta(max_length=64)] = []  # of each GPU


class Urls(Message):
    """Fresh URLs for the files of an attempt, by hash."""

    work_id: WorkId
    attempt: Attempt
    urls: dict[str, str]


class Recorded(Message):
    """The report was taken or is void; either way it leaves the outbox."""

    work_id: WorkId
    attempt: Attempt
    stale: bool = False  # this attempt no longer held the lease: nothing changed
    note: Line = ""


class Cancel(Message):
    """Stop these attempts at once and forget them; no report is due."""

    items: list[Held]
    reason: Line = ""


class Pace(Message):
    """When to report next; the server spreads the load."""

    report_seconds: Seconds


class Limits(Message):
    """What its owner allows the node; the answer to a heartbeat that obeys others. 0 limits nothing."""

    at: Count  # milliseconds; names these limits
    idle_seconds: Seconds = 0.0  # new work only when nobody used the machine for so long
    celsius_max: Annotated[float, Meta(ge=0, le=200)] = 0.0  # of the hottest GPU
    watts_max: Annotated[float, Meta(ge=0, le=100_000)] = 0.0  # of each GPU
    cache_bytes: Count = 0
    bytes_per_second: Count = 0  # of files, each way
    update_max: Count = 0  # the newest release of the agent that it may become


class Release(Message):
    """A newer agent is there. Believed is only what the key in the node's configuration file has signed; taken is what
    Limits.update_max allows."""

    number: Count
    version: Name
    url: Url  # of its manifest, beside which the wheel lies


class Overview(Message):
    """How the node stands on the site, for the page on its own machine."""

    stands: Line  # "Online, idle"
    why: Line = ""  # it takes no work for now, or is paused there
    is_open: bool = True  # the site has nothing against giving it work
    earned_today_micros: Micros = 0
    earned_week_micros: Micros = 0  # of the last 7 days, today included
    url: Url = ""  # its page


class Refused(Message):
    """The server will not have this node; `code` is stable, `words` are for the owner's terminal."""

    code: Literal[
        "too_old",
        "unknown_node",
        "bad_token",
        "bad_signature",
        "retired",
        "suspended",
        "superseded",
        "bad_message",
        "simulated",
    ]
    words: Line
    retry: bool = False  # False: do not come back with the same configuration


ToServer = (
    Hello
    | Proof
    | SignOn
    | Received
    | Started
    | Progress
    | LogLines
    | Committed
    | Rendered
    | Done
    | Failed
    | NeedUrls
    | Heartbeat
    | SelfTested
    | AskOverview
    | Build
    | Draining
    | SignOff
)
ToNode = (
    Challenge | Welcome | Assign | UploadGrant | Show | Urls | Recorded | Cancel | Pace | Limits | Overview | Release | Refused
)

encode = msgspec.msgpack.Encoder().encode
decode_to_server = msgspec.msgpack.Decoder(ToServer).decode
decode_to_node = msgspec.msgpack.Decoder(ToNode).decode


def proof_text(nonce: bytes, worker_uid: str) -> bytes:
    """The bytes a node signs; the prefix keeps the signature useless anywhere else."""
    return b"pictor agent sign-on v1\n" + worker_uid.encode() + b"\n" + nonce
