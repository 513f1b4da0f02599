"""A port in use is one clear line."""

import socket

import pytest

from pictor.stack import ports
from pictor.stack.words import Stop


@pytest.fixture
def listener():
    """A port in use whose neighbour below is free."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", ports.free_pair() + 1))
        server.listen()
        yield server.getsockname()[1]


class RequireFreeTests:
    def test_a_port_in_use_is_named_with_a_way_out(self, listener):
        with pytest.raises(Stop, match=f"Port {listener} is in use.*PORT="):
            ports.require_free(listener)

    def test_the_port_of_the_sockets_counts_too(self, listener):
        with pytest.raises(Stop, match=f"Port {listener} is in use"):
            ports.require_free(listener - 1)

    @pytest.mark.parametrize("port", [0, -1, 65535, 99999])
    def test_a_number_that_is_no_port_is_refused(self, port):
        with pytest.raises(Stop, match="is not a port"):
            ports.require_free(port)

    def test_two_free_ports_pass(self):
        ports.require_free(ports.free_pair())
