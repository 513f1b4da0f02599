"""The loop: one scene at a time, each command answered by exactly one final event."""

import json
import time

import bpy

from . import devices, inspecting, merging, opening, rendering
from .pipe import Progress, Refusal, memory_bytes


class Host:
    def __init__(self, pipe):
        self.pipe, self.wishes = pipe, None
        self.wanted, self.device = "", ""  # what was ordered last, and the kind it came to

    @property
    def scene(self):
        if self.wishes is None:
            raise Refusal("agent_error", "no scene is open")
        return bpy.context.scene

    def probe(self, command):
        """What this Blender can render on here; no scene is opened."""
        self.pipe.say("probed", device=devices.choose("any", devices.seen()), version=bpy.app.version_string)

    def open(self, command):
        started_at = time.monotonic()
        self.wishes = opening.open_scene(command["main"])
        inspection = inspecting.inspect(self.scene, self.wishes) if command.get("inspect") else None
        opening.disarm()
        self.choose_device("any")
        seconds = time.monotonic() - started_at
        memory = memory_bytes("VmRSS")
        self.pipe.say("opened", seconds=seconds, device=self.device, inspection=inspection, memory_bytes=memory)

    def open_own(self, command):
        self.wishes = opening.open_own_scene()
        self.choose_device("any")
        self.pipe.say("opened", device=self.device)

    def choose_device(self, wanted):
        if wanted != self.wanted:
            self.device = devices.use(self.scene, wanted)
            self.wanted = wanted

    def render(self, command):
        self.choose_device(command.get("device") or "any")
        with rendering.frame(self.scene, self.wishes, command, Progress(self.pipe)) as (picture, seconds):
            memory = {"memory_bytes": memory_bytes("VmRSS"), "peak_memory_bytes": memory_bytes("VmHWM")}
            self.pipe.say("rendered", picture, seconds=seconds, device=self.device, **memory)

    def preview(self, command):
        with rendering.preview(self.scene, self.wishes, command["width"]) as (picture, _):
            self.pipe.say("previewed", picture)

    def merge(self, command):
        with merging.merged(self.scene, self.wishes, command) as picture:
            self.pipe.say("merged", picture)

    def serve(self):
        self.pipe.say("ready", version=bpy.app.version_string)
        for line in self.pipe.commands:
            command = json.loads(line)
            if command["command"] == "quit":
                return
            self.obey(command)

    def obey(self, command):
        verbs = {
            "probe": self.probe,
            "open": self.open,
            "open_own": self.open_own,
            "render": self.render,
            "preview": self.preview,
            "merge": self.merge,
        }
        try:
            verbs[command["command"]](command)
        except Refusal as refusal:
            self.pipe.say("failed", reason=refusal.reason, detail=str(refusal))
        except MemoryError:
            self.pipe.say("failed", reason="out_of_memory", detail="")
        except Exception as error:
            self.pipe.say("failed", reason="renderer_crashed", detail=f"{type(error).__name__}: {error}"[:400])
