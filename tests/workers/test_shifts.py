"""A node's sign-on: what it says of itself is kept as it can be shown."""

import pytest

from common import clock
from pictor_agent import protocol
from tests.workers.builders import inventory, worker
from workers import presentation, shifts
from workers.states import WorkerStatus


def test_what_a_node_says_of_itself_cannot_read_otherwise_than_it_is():
    kept = shifts._inventory_columns(inventory(hostname="at\u202ekcit", cpu_model="Test\nCPU", os="Debian\x1b[2J 12"))
    assert (kept["hostname"], kept["cpu_model"], kept["os"]) == ("atkcit", "Test CPU", "Debian[2J 12")


@pytest.mark.django_db
def test_so_is_what_it_says_of_its_gpus():
    node = worker()
    shifts._replace_gpus(node, [protocol.GpuInfo(index=0, model="RTX\u202e 4090\n", vram_bytes=24 << 30)])
    assert node.gpus.get().model == "RTX 4090"


@pytest.mark.django_db
class SimulatedTests:
    """GPUs that are played from a file."""

    def sign_on(self, node):
        admission = shifts.Admission(node.pk, node.name, node.connection_epoch)
        played = inventory(simulated=True, gpus=[protocol.GpuInfo(index=0, model="RTX 4090", vram_bytes=24 << 30)])
        return shifts.sign_on(admission, inventory=played, holding=[], version="1", now=clock.now())

    def test_a_network_for_real_work_refuses_them(self):
        node = worker(status=WorkerStatus.OFFLINE)
        with pytest.raises(shifts.Refusal) as refused:
            self.sign_on(node)
        assert refused.value.code == "simulated"
        node.refresh_from_db()
        assert node.status == WorkerStatus.OFFLINE

    def test_where_they_may_be_tried_the_page_says_so(self, settings):
        settings.SIMULATED_GPUS = True
        node = worker(status=WorkerStatus.OFFLINE)
        assert self.sign_on(node) is not None
        node.refresh_from_db()
        assert presentation._notice(node)["title"] == "Its GPUs are simulated."
