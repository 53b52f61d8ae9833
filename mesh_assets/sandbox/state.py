"""What the sandbox remembers between starts: its ports and the id of its cluster."""

import base64
import json
import uuid
from dataclasses import dataclass, field, replace

from mesh_assets.sandbox.folder import Folder, read_json, write_atomically
from mesh_assets.sandbox.ports import LOOPBACK, Port

REGISTRY_API = "/apis/ccompat/v7"

# Of the stand-in for AWS. The account's id is also its access key; the name is that of the topic and its
# queue.
AWS_ACCOUNT = "123456789012"
AWS_REGION = "us-east-1"
TRIGGER_NAME = "discovery-agent-triggers"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """`ports`: by purpose, e.g. `broker`, `controller`. `kafka_cluster_id`: made once, part of Kafka's data."""

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
        """None: nothing of that purpose was ever started here."""
        return self.address(port) if port in self.ports else None

    @property
    def cloud_bootstrap_servers(self) -> str | None:
        """Of `data-mesh-cluster`. None: it was never started here."""
        return self.address("cloud-broker") if "cloud-broker" in self.ports else None

    @property
    def cloud_url(self) -> str | None:
        """Of the stand-in for Confluent Cloud. None: it was never started here."""
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
        """None: it was never started here."""
        return f"http://{self.address('aws')}" if "aws" in self.ports else None

    @property
    def lambda_url(self) -> str | None:
        """Of the stand-in for Lambda's Kafka mappings, which passes on what is not its own to that for AWS.
        None: never started here."""
        return f"http://{self.address('lambda')}" if "lambda" in self.ports else None

    def queue_url(self, name: str) -> str:
        return f"{self.aws_url}/{AWS_ACCOUNT}/{name}"


def load_state(folder: Folder) -> State | None:
    """The remembered state; None in a folder that was never started, or whose state is unreadable."""
    content = read_json(folder.state_file)
    if content is None or "kafka_cluster_id" not in content:
        return None
    ports = {name: Port(p["number"], given=p["given"]) for name, p in content.get("ports", {}).items()}
    return State(kafka_cluster_id=content["kafka_cluster_id"], ports=ports)


def new_state() -> State:
    # Kafka's form of a random id: 16 bytes, URL-safe base64 without padding. A leading dash would read as an
    # option of StorageTool.
    while (cluster_id := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return State(kafka_cluster_id=cluster_id)


def save_state(folder: Folder, state: State) -> None:
    ports = {name: {"number": p.number, "given": p.given} for name, p in sorted(state.ports.items())}
    write_atomically(
        folder.state_file,
        json.dumps({"kafka_cluster_id": state.kafka_cluster_id, "ports": ports}, indent=2) + "\n",
    )
