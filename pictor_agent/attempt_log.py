"""What the renderer printed during one attempt: a bounded tail, of which the newest is streamed while it runs."""

import codecs

from pictor_agent.protocol import LOG_LINES_MAX, plain_text

TAIL_CHARACTERS = 16_000  # protocol.LogTail
STREAMED_CHARACTERS_MAX = 400_000  # of one attempt; whoever needs more reads the tail at the end


class AttemptLog:
    """Counts characters since the attempt began; holds only the last TAIL_CHARACTERS of them."""

    def __init__(self) -> None:
        self.tail = ""
        self.written = self.sent = self.streamed = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, block: bytes) -> None:
        """Take on raw output, of any size and content."""
        text = plain_text(self._decoder.decode(block))
        self.written += len(text)
        self.tail = (self.tail + text)[-TAIL_CHARACTERS:]

    def fresh(self) -> tuple[int, str] | None:
        """Offset and text of what has not been streamed; of more than one message holds, the newest. None: nothing."""
        room = min(LOG_LINES_MAX, STREAMED_CHARACTERS_MAX - self.streamed)
        start = max(self.sent, self.written - room)
        if start >= self.written:
            return None
        text = self.tail[start - self.written :]
        self.sent = self.written
        self.streamed += len(text)
        return start, text
