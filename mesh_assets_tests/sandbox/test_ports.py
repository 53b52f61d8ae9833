"""Ports are chosen once and kept, and a stranger on one is named."""

import os
import socket
from collections.abc import Iterator

import pytest

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.ports import LOOPBACK, Port, choose_free, is_free, plan_ports


@pytest.fixture
def a_taken_port() -> Iterator[int]:
    with socket.socket() as stranger:
        stranger.bind((LOOPBACK, 0))
        stranger.listen(1)
        yield stranger.getsockname()[1]


def test_ports_are_chosen_at_first_and_kept_later() -> None:
    first, notes = plan_ports(["broker", "connect"], kept={}, given={}, running=())
    assert notes == []
    assert first["broker"] != first["connect"]
    again, notes = plan_ports(["broker", "connect"], kept=first, given={}, running=())
    assert (again, notes) == (first, [])


def test_a_kept_port_taken_by_a_stranger_is_replaced_and_the_stranger_named(a_taken_port: int) -> None:
    ports, notes = plan_ports(["broker"], kept={"broker": Port(a_taken_port)}, given={}, running=())
    assert ports["broker"].number != a_taken_port
    (note,) = notes
    assert f"port {a_taken_port} of broker was taken by" in note
    assert f"(pid {os.getpid()}): broker moves to {ports['broker'].number}" in note


def test_a_given_port_is_used_kept_and_never_replaced(a_taken_port: int) -> None:
    free = choose_free(())
    ports, _ = plan_ports(["broker"], kept={}, given={"broker": free}, running=())
    assert ports == {"broker": Port(free, given=True)}
    with pytest.raises(
        SandboxError, match=f"port {a_taken_port}, given for broker, is taken by .*pid {os.getpid()}"
    ):
        plan_ports(["broker"], kept={}, given={"broker": a_taken_port}, running=())
    with pytest.raises(SandboxError, match="is taken by"):
        plan_ports(["broker"], kept={"broker": Port(a_taken_port, given=True)}, given={}, running=())


def test_the_port_of_a_running_server_is_rightly_taken(a_taken_port: int) -> None:
    kept = {"broker": Port(a_taken_port)}
    assert plan_ports(["broker"], kept=kept, given={}, running={"broker"}) == (kept, [])


def test_a_listening_port_is_not_free(a_taken_port: int) -> None:
    assert not is_free(a_taken_port)
