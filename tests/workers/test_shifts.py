"""A node's sign-on: what it says of itself is kept as it can be shown."""

import pytest

from pictor_agent import protocol
from tests.workers.builders import inventory, worker
from workers import shifts


def test_what_a_node_says_of_itself_cannot_read_otherwise_than_it_is():
    kept = shifts._inventory_columns(inventory(hostname="at\u202ekcit", cpu_model="Test\nCPU", os="Debian\x1b[2J 12"))
    assert (kept["hostname"], kept["cpu_model"], kept["os"]) == ("atkcit", "Test CPU", "Debian[2J 12")


@pytest.mark.django_db
def test_so_is_what_it_says_of_its_gpus():
    node = worker()
    shifts._replace_gpus(node, [protocol.GpuInfo(index=0, model="RTX\u202e 4090\n", vram_bytes=24 << 30)])
    assert node.gpus.get().model == "RTX 4090"
