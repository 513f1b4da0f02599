"""Reads Binary Canonical Serialization (github.com/aptos-labs/bcs), and nothing that is not canonical."""

import re

from users.wallets.refusals import Reason, Refused

HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})+")
BYTES_MAX = 8_192  # 32 keys or signatures of the longest kind take half of it


def from_hex(words: object) -> bytes:
    """The bytes behind `0x...`.

    Raises:
        Refused: not a string, no prefix, an odd digit, or far too long.
    """
    if not isinstance(words, str) or len(words) > 2 * BYTES_MAX + 2 or not HEX.fullmatch(words):
        raise Refused(Reason.BAD_ENCODING, "not hexadecimal")
    return bytes.fromhex(words[2:])


class Reader:
    """Takes values off the front of `data`. Raises Refused where it is too short; `end` where something is left."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        if len(taken) != count:
            raise Refused(Reason.BAD_ENCODING, "truncated")
        self._at += count
        return taken

    def byte(self) -> int:
        return self.take(1)[0]

    def uleb128(self) -> int:
        """A length or a variant: below 2^32, in as few bytes as it needs."""
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                break
        if value >= 1 << 32 or (byte == 0 and shift > 7):
            raise Refused(Reason.BAD_ENCODING, "a number that is not canonical")
        return value

    def sized(self, *lengths: int) -> bytes:
        """A byte string that has one of these lengths."""
        length = self.uleb128()
        if length not in lengths:
            raise Refused(Reason.BAD_ENCODING, f"{length} bytes instead of {' or '.join(map(str, lengths))}")
        return self.take(length)

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        if self._at != len(self._data):
            raise Refused(Reason.BAD_ENCODING, "trailing bytes")
