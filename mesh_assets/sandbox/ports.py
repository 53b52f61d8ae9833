"""The ports of the servers: free ones chosen once and kept, so that connection strings stay good."""

import random
import socket
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import psutil

from mesh_assets.errors import SandboxError

LOOPBACK = "127.0.0.1"

# Below Linux's range for outgoing connections (from 32768), from which a kept port would now and then be
# taken by chance.
_RANGE = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Port:
    """A port the sandbox keeps. `given`: the user named it, so it is never replaced by another."""

    number: int
    given: bool = False


def is_free(number: int) -> bool:
    """Whether a server could listen there now. Old connections in TIME_WAIT are no obstacle, as for the
    servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
            # Binding alone succeeds with SO_REUSEADDR when another socket is bound but not yet listening.
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_free(taken: Collection[int]) -> int:
    for number in random.SystemRandom().sample(_RANGE, 200):
        if number not in taken and is_free(number):
            return number
    raise SandboxError(
        f"no free port was found between {_RANGE.start} and {_RANGE.stop}; stop something that listens there"
    )


def holder(number: int) -> str:
    """Who listens on the port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            # The address is empty where there is none, else (host, port).
            if (
                connection.status == psutil.CONN_LISTEN
                and tuple(connection.laddr)[1:] == (number,)
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        return "a process this user cannot see"
    return "a process this user cannot see"


def plan_ports(
    wanted: Iterable[str], *, kept: dict[str, Port], given: dict[str, int], running: Collection[str]
) -> tuple[dict[str, Port], list[str]]:
    """The ports to use, and a sentence for each that had to move.

    `running`: ports whose server holds them right now and so are rightly taken.
    """
    ports = dict(kept)
    notes = []
    for name in wanted:
        old = kept.get(name)
        if name in given and (old is None or old.number != given[name]):
            if not is_free(given[name]):
                raise SandboxError(
                    f"port {given[name]}, given for {name}, is taken by {holder(given[name])}; give another or none"
                )
            ports[name] = Port(given[name], given=True)
        elif name in given:
            ports[name] = Port(given[name], given=True)
        elif old is None:
            ports[name] = Port(choose_free({p.number for p in ports.values()} | set(given.values())))
        if name in running or is_free(ports[name].number):
            continue
        if ports[name].given:
            raise SandboxError(
                f"port {ports[name].number}, given for {name}, is taken by {holder(ports[name].number)}; end that, or give another port"
            )
        fresh = Port(choose_free({p.number for p in ports.values()} | set(given.values())))
        notes.append(
            f"port {ports[name].number} of {name} was taken by {holder(ports[name].number)}: {name} moves to {fresh.number}"
        )
        ports[name] = fresh
    return ports, notes
