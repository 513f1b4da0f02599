"""Commands in, answers out, on descriptors that Blender does not know."""

import json
import os
import re
import shutil
import time

PROGRESS_SECONDS = 0.5  # the agent tells the server no more often
# "Sample 15/24" until 5.0's Cycles, "Rendering 3 / 64 samples" in EEVEE.
SAMPLE = re.compile(r"Sample (\d+)/(\d+)|Rendering\s+(\d+)\s*/\s*(\d+) samples")

PREPARING = re.compile(r"\b((?:Synchronizing|Updating|Loading|Building|Compiling)[A-Za-z ]*[A-Za-z])")
REMAINING = re.compile(r"Remaining:\s*(?:00:(?=\d+:))?([\d:]+)")
MEMORY = re.compile(r"\bMem:\s*([\d.]+[KMGT])")


class Refusal(Exception):
    """A command that cannot be done; `reason` is one of protocol.FailureReason."""

    def __init__(self, reason, detail=""):
        super().__init__(detail)
        self.reason = reason


class Pipe:
    """Taken before bpy is imported: importing it already prints."""

    def __init__(self):
        self.commands = os.fdopen(os.dup(0), "r", encoding="utf-8")
        self.answers = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)

    def say(self, event, picture=None, **fields):
        if picture is not None:
            fields["size_bytes"] = os.path.getsize(picture)
        self.answers.write(json.dumps({"event": event, **fields}).encode() + b"\n")
        if picture is not None:
            with open(picture, "rb") as source:
                shutil.copyfileobj(source, self.answers, 1 << 20)
        self.answers.flush()


class Progress:
    """Turns Blender's status lines into a fraction and a note, a few times a second; a frame that is soon done says nothing.

    Blender calls this for every object of the scene: the clock comes first, since two searches a call were felt.
    """

    def __init__(self, pipe):
        self.pipe, self.due_at, self.sampling = pipe, time.monotonic() + PROGRESS_SECONDS, False

    def __call__(self, stats, *_):
        if time.monotonic() < self.due_at:
            return
        stats = str(stats)
        counted = samples_in(stats)
        self.sampling = self.sampling or counted is not None
        preparing = None if self.sampling else PREPARING.search(stats)
        if counted is not None:
            done, total = counted
            self.say(min(done / total, 1.0), f"sample {done} of {total}{rest_of(stats)}")
        elif preparing is not None:
            self.say(0.0, preparing[1].lower())

    def say(self, fraction, note):
        self.due_at = time.monotonic() + PROGRESS_SECONDS
        self.pipe.say("progress", fraction=fraction, note=note)


def rest_of(stats):
    """What Cycles says beside its samples: ", 0:12 left, 340M"."""
    found = [REMAINING.search(stats), MEMORY.search(stats)]
    left, memory = (match[1] if match else "" for match in found)
    return (f", {left} left" if left else "") + (f", {memory}" if memory else "")


def samples_in(stats):
    """(done, total) in a status line, or None."""
    found = SAMPLE.search(stats)
    if found is None:
        return None
    done, total = (int(number) for number in found.groups() if number is not None)
    return done, max(total, 1)


def memory_bytes(field):
    """`VmRSS` (now) or `VmHWM` (the most so far) of this process; 0 where /proc is absent."""
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith(field + ":"))
    except (OSError, StopIteration):
        return 0
