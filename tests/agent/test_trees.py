"""The memory of a box is that of its whole tree of processes."""

import subprocess
import sys

import psutil
import pytest

from pictor_agent import trees

# Starts a child, which starts another; the last says that all are there, and all wait until their input ends.
NESTED = """
import subprocess, sys
if int(sys.argv[1]):
    child = subprocess.Popen([sys.executable, "-c", sys.argv[2], str(int(sys.argv[1]) - 1), sys.argv[2]], stdin=sys.stdin)
else:
    print("there", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def tree():
    words = [sys.executable, "-c", NESTED, "2", NESTED]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as top:
        assert top.stdout.readline() == "there\n"
        yield top.pid
        top.stdin.close()


class RssBytesTests:
    def test_children_of_children_count(self, tree):
        alone = psutil.Process(tree).memory_info().rss
        assert trees.rss_bytes(tree) > 2 * alone

    @pytest.mark.skipif(not trees.LISTS_CHILDREN, reason="this kernel lists no children")
    def test_both_ways_find_the_same(self, tree):
        pages = abs(trees.by_children(tree) - trees.by_every_process(tree)) // trees.PAGE_BYTES
        assert pages < 100  # a waiting program may still move a little

    def test_one_that_is_gone_holds_nothing(self):
        done = subprocess.Popen(["true"])
        done.wait()
        assert trees.rss_bytes(done.pid) == 0
