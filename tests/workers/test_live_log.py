"""The live log of an attempt: in order, each character once, gaps marked, never longer than a page wants."""

import pytest

from pictor_agent import protocol
from workers import live_log
from workers.live_log import LEFT_OUT, LOG_CHARACTERS, Chunk, joined


class JoinTests:
    def test_chunks_follow_each_other_in_the_order_of_the_log(self):
        assert joined([Chunk(1, 4, "two\n"), Chunk(1, 0, "one\n")]) == "one\ntwo\n"

    def test_what_was_sent_twice_is_there_once(self):
        assert joined([Chunk(1, 0, "one\n"), Chunk(1, 0, "one\n"), Chunk(1, 2, "e\ntwo\n")]) == "one\ntwo\n"

    def test_a_gap_is_marked(self):
        assert joined([Chunk(1, 0, "one\n"), Chunk(1, 900, "late\n")]) == f"one\n{LEFT_OUT}late\n"

    def test_only_the_newest_attempt_counts(self):
        assert joined([Chunk(1, 0, "old and long"), Chunk(2, 0, "new")]) == "new"

    def test_it_has_an_end(self):
        chunks = [Chunk(1, number * 4_000, "x" * 4_000) for number in range(live_log.CHUNKS_MAX)]
        assert len(joined(chunks)) == LOG_CHARACTERS

    def test_nothing_is_no_text(self):
        assert joined([]) == ""


class PlainTextTests:
    @pytest.mark.parametrize(
        ("said", "plain"),
        [
            ("Fra:1\tMem:3M\n", "Fra:1\tMem:3M\n"),
            ("\x1b[2J\x1b[31mred\x1b[0m", "red"),
            ("a\x00b\x07c\x9bd", "abcd"),
            ("12 %\r50 %\r\n", "12 %\n50 %\n"),
            ("\u202egpj.exe", "gpj.exe"),
            ("half \ud800 of one", "half  of one"),
            ("Größe 3 µm", "Größe 3 µm"),
        ],
    )
    def test_control_characters_go_and_words_stay(self, said, plain):
        assert protocol.plain_text(said) == plain

    def test_a_node_that_does_not_clean_its_lines_has_them_cleaned(self):
        raw = protocol.encode(protocol.LogLines(work_id=1, attempt=1, offset=0, text="a~b"))
        assert protocol.decode_to_server(raw.replace(b"a~b", b"a\x1bb")).text == "ab"
