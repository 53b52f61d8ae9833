"""MSK Connect: the connectors of an account and region that use one cluster.

It lists all connectors in pages of 100 and takes one more request for each connector of this cluster to read
its config, which arrives in clear. It reports no tasks, no topics that a connector has used, and not whether
a connector is a source or a sink.
"""

import re
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mesh_assets.errors import UnreachableError
from mesh_assets.estate.connections import MskConnectEndpoint
from mesh_assets.platforms import Presence
from mesh_assets.platforms.aws.client import aws_client, aws_failure, denied, read_pages
from mesh_assets.platforms.aws.msk import region_of_brokers
from mesh_assets.platforms.connect.connectors import UNKNOWN, Connector
from mesh_assets.platforms.http import address_of
from mesh_assets.platforms.in_flight import in_flight

NAME = "MSK Connect"

_PAGE = 100
# AWS allows few requests a second here and does not say how many; botocore backs off when throttled.
_IN_FLIGHT = 4
_READ_SECONDS = 120.0
_LIST, _DESCRIBE = "kafkaconnect:ListConnectors", "kafkaconnect:DescribeConnector"
# `b-1.`, `b-1-public.`, `boot-abc.`: the part of a host that differs between the brokers of one cluster.
_BROKER = re.compile(r"^(?:b-\d+(?:-public)?|boot-[a-z0-9]+)\.(?=.*\.kafka(?:-serverless)?\.)")


class MskConnectClient:
    """Reads one cluster's connectors. Safe to use from many threads; changes nothing."""

    def __init__(self, endpoint: MskConnectEndpoint, *, bootstrap_servers: str, client: Any = None) -> None:
        """`bootstrap_servers` are the cluster's. Contacts nothing; raises EstateError when no region is
        known."""
        self._name = endpoint.name
        self._cluster = brokers_of(bootstrap_servers)
        self._client = client or aws_client(
            "kafkaconnect",
            resource=NAME,
            region=endpoint.region or region_of_brokers(bootstrap_servers),
            endpoint_url=endpoint.endpoint_url,
            read_timeout_seconds=endpoint.timeout_seconds,
        )
        self._lock = threading.Lock()
        self._requests = 0

    def __enter__(self) -> "MskConnectClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    @property
    def url(self) -> str:
        return str(self._client.meta.endpoint_url)

    @property
    def address(self) -> str:
        return address_of(self.url)

    @property
    def name(self) -> str:
        """The endpoint's name in the estate; its address if it has none."""
        return self._name or self.address

    @property
    def requests(self) -> int:
        """Requests made so far, without botocore's own retries."""
        with self._lock:
            return self._requests

    @property
    def stand_in(self) -> str | None:
        return None

    @property
    def rights_advice(self) -> str:
        return f"allow {_LIST} and {_DESCRIBE} on all connectors to the role or user this runs as"

    def connectors(self) -> tuple[Connector, ...]:
        """The connectors of this cluster, by name. A config that we may not read is empty. Raises
        PlatformError."""
        own = [entry for entry in self._list() if brokers_of(_bootstrap_servers(entry)) & self._cluster]
        read = in_flight(
            self._described,
            own,
            workers=_IN_FLIGHT,
            within_seconds=_READ_SECONDS,
            what=f"reading {len(own)} connectors of {NAME}",
        )
        return tuple(
            sorted(
                (connector for connector in read if connector is not None),
                key=lambda connector: connector.name,
            )
        )

    def topics(self, name: str) -> tuple[str, ...] | None:  # noqa: ARG002 - every Connect client has it
        """None, without a request: MSK Connect does not report topics."""
        return None

    def password_keys(self, plugin_class: str) -> frozenset[str] | None:  # noqa: ARG002 - every Connect client has it
        """None, without a request: keys and values that look like secrets are masked by pattern."""
        return None

    def presence(self, name: str) -> Presence:
        """Whether connector `name` exists in the account and region, whatever the list says. Raises
        PlatformError."""
        try:
            found = self._pages(connectorNamePrefix=name)
        except ClientError as error:
            if denied(error):
                return "refused"
            raise aws_failure(error, action=_LIST, resource=f"{NAME} at {self.url}") from error
        return "here" if any(entry.get("connectorName") == name for entry in found) else "gone"

    def _list(self) -> list[Mapping[str, Any]]:
        try:
            return self._pages()
        except ClientError as error:
            raise aws_failure(error, action=_LIST, resource=f"{NAME} at {self.url}") from error

    def _pages(self, **filters: str) -> list[Mapping[str, Any]]:
        """The entries of every page. Raises ClientError when AWS refuses, PlatformError for any other
        failure."""

        def ask(page: Mapping[str, str]) -> Mapping[str, Any]:
            self._count()
            try:
                answer: Mapping[str, Any] = self._client.list_connectors(maxResults=_PAGE, **filters, **page)
            except BotoCoreError as error:
                raise aws_failure(error, action=_LIST, resource=f"{NAME} at {self.url}") from error
            return answer

        pages = read_pages(ask, what=f"{NAME} at {self.url}", token="nextToken")
        return [entry for answer in pages for entry in answer.get("connectors", ())]

    def _described(self, entry: Mapping[str, Any]) -> Connector | None:
        """The connector with its config; if AWS does not describe it, the connector as listed, with an error;
        None if it was deleted after being listed."""
        try:
            self._count()
            return _connector(self._client.describe_connector(connectorArn=entry["connectorArn"]))
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "NotFoundException":
                return None
            if denied(error):
                return _connector(entry)
            failure = aws_failure(error, action=_DESCRIBE, resource=str(entry["connectorName"]))
            if isinstance(failure, UnreachableError):
                raise failure from error
            return replace(_connector(entry), error=str(failure))
        except BotoCoreError as error:
            raise aws_failure(error, action=_DESCRIBE, resource=str(entry["connectorName"])) from error

    def _count(self) -> None:
        with self._lock:
            self._requests += 1


def brokers_of(bootstrap_servers: str) -> frozenset[str]:
    """What two lists of one cluster's brokers have in common: the hosts, on MSK without the broker's number.

    AWS returns a few of many brokers, with a different port for each way to log in.
    """
    hosts = (
        server.strip().rpartition(":")[0].lower() for server in bootstrap_servers.split(",") if server.strip()
    )
    return frozenset(_BROKER.sub("", host) for host in hosts)


def _bootstrap_servers(entry: Mapping[str, Any]) -> str:
    return str(entry.get("kafkaCluster", {}).get("apacheKafkaCluster", {}).get("bootstrapServers", ""))


def _connector(entry: Mapping[str, Any]) -> Connector:
    config = {str(key): str(value) for key, value in entry.get("connectorConfiguration", {}).items()}
    reported = entry.get("stateDescription", {})
    trace = ": ".join(part for part in (reported.get("code"), reported.get("message")) if part)
    return Connector(
        name=entry["connectorName"],
        id=entry["connectorArn"],
        type=_type(config),
        connector_class=config.get("connector.class") or None,
        state=entry.get("connectorState") or UNKNOWN,
        worker_id=None,
        trace=trace or None,
        config=config,
        tasks=(),
    )


def _type(config: Mapping[str, str]) -> str:
    """Judged by a setting that only sinks have, or by the class's name; many names (Debezium's) do not say."""
    name = config.get("connector.class", "").rpartition(".")[2]
    says = {kind for kind in ("source", "sink") if kind.capitalize() in name}
    if "topics.regex" in config:
        return "sink"
    return says.pop() if len(says) == 1 else UNKNOWN
