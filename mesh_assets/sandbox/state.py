"""What the sandbox remembers between starts: the ports of its servers and the id of its cluster.

Ports are free ones, chosen once and kept, so that connection strings stay valid.
"""

import base64
import json
import random
import socket
import uuid
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

import psutil

from mesh_assets.errors import SandboxError
from mesh_assets.sandbox.folder import Folder, read_json, write_atomically

LOOPBACK = "127.0.0.1"

# Below Linux's range for outgoing connections (from 32768), which would now and then take a kept port by chance.
_RANGE = range(20_000, 32_000)


@dataclass(frozen=True, slots=True)
class Port:
    """A port the sandbox keeps. `given`: the user chose it, so it is never replaced."""

    number: int
    given: bool = False


def is_free(number: int) -> bool:
    """Whether a server could listen there now. Old connections in TIME_WAIT do not count, as for the servers."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
            # With SO_REUSEADDR, binding alone succeeds while another socket is bound but not yet listening.
            probe.listen(1)
        except OSError:
            return False
    return True


def choose_free(taken: Collection[int]) -> int:
    """A port that nothing listens on. Raises SandboxError if there seems to be none."""
    for number in random.SystemRandom().sample(_RANGE, 200):
        if number not in taken and is_free(number):
            return number
    raise SandboxError(
        f"no free port was found between {_RANGE.start} and {_RANGE.stop}; stop something that listens there"
    )


def holder(number: int) -> str:
    """The process that listens on the port, as far as this user may see it."""
    try:
        for connection in psutil.net_connections("tcp"):
            # The address is empty if there is none, else (host, port).
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

    `running`: ports that their own servers hold right now. Raises `SandboxError` when a port that the user chose is
    taken, or none is free.
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


REGISTRY_API = "/apis/ccompat/v7"

# In the stand-in for AWS. The account's id is also its access key; the SNS topic and its queue have the same name.
AWS_ACCOUNT = "123456789012"
AWS_REGION = "us-east-1"
TRIGGER_NAME = "discovery-agent-triggers"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`ports`: by purpose, e.g. `broker`, `controller`. `kafka_cluster_id`: made once, part of Kafka's data.

    An address is None when its server was never started in this folder.
    """

    kafka_cluster_id: str
    ports: dict[str, Port] = field(default_factory=dict)

    def with_ports(self, ports: dict[str, Port]) -> "State":
        return replace(self, ports=ports)

    def address(self, port: str) -> str:
        return f"{LOOPBACK}:{self.ports[port].number}"

    @property
    def bootstrap_servers(self) -> str:
        return self.address("broker")

    def known_address(self, port: str) -> str | None:
        return self.address(port) if port in self.ports else None

    @property
    def cloud_bootstrap_servers(self) -> str | None:
        """Of `data-mesh-cluster`."""
        return self.address("cloud-broker") if "cloud-broker" in self.ports else None

    @property
    def cloud_url(self) -> str | None:
        """Of the stand-in for Confluent Cloud."""
        return f"http://{self.address('cloud')}" if "cloud" in self.ports else None

    @property
    def cloud_registry_url(self) -> str | None:
        return f"{self.cloud_url}/schema-registry" if self.cloud_url else None

    @property
    def connect_url(self) -> str:
        return f"http://{self.address('connect')}"

    @property
    def registry_url(self) -> str:
        return f"http://{self.address('registry')}{REGISTRY_API}"

    @property
    def aws_url(self) -> str | None:
        return f"http://{self.address('aws')}" if "aws" in self.ports else None

    @property
    def lambda_url(self) -> str | None:
        """Of the stand-in for Lambda's Kafka mappings, which passes everything else on to the one for AWS."""
        return f"http://{self.address('lambda')}" if "lambda" in self.ports else None

    def queue_url(self, name: str) -> str:
        return f"{self.aws_url}/{AWS_ACCOUNT}/{name}"


def load_state(folder: Folder) -> State | None:
    """The remembered state; None in a folder that was never started or has an unreadable state."""
    content = read_json(folder.state_file)
    if content is None or "kafka_cluster_id" not in content:
        return None
    ports = {name: Port(p["number"], given=p["given"]) for name, p in content.get("ports", {}).items()}
    return State(kafka_cluster_id=content["kafka_cluster_id"], ports=ports)


def known_state(folder: Folder) -> State:
    """The remembered state. Raises `SandboxError` when the folder holds no sandbox."""
    state = load_state(folder)
    if state is None:
        raise SandboxError(f"there is no sandbox in {folder.root}; make one with: mesh-assets sandbox start")
    return state


def new_state() -> State:
    return State(kafka_cluster_id=random_id())


def random_id() -> str:
    """A random id in Kafka's form: 16 bytes in URL-safe base64 without padding."""
    # StorageTool would take a leading dash for an option.
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


def save_state(folder: Folder, state: State) -> None:
    ports = {name: {"number": p.number, "given": p.given} for name, p in sorted(state.ports.items())}
    write_atomically(
        folder.state_file,
        json.dumps({"kafka_cluster_id": state.kafka_cluster_id, "ports": ports}, indent=2) + "\n",
    )
