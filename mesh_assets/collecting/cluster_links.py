"""The section `cluster_links`: from the Kafka REST interface, whose address Confluent Cloud's control plane knows."""

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Self
from urllib.parse import urlsplit

from mesh_assets.collecting.phases import Phases, cost_of
from mesh_assets.errors import EstateError, RefusedError
from mesh_assets.estate.connections import KafkaRestConnection, is_confluent_host
from mesh_assets.estate.model import Cluster
from mesh_assets.inventory.cluster_link_records import ClusterLinks
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.parts import Unread, failed_parts
from mesh_assets.inventory.sections import ClusterLinksSection, SectionState
from mesh_assets.joining.parts import settle_parts
from mesh_assets.platforms.confluent_cloud.control_plane import ControlPlaneClient
from mesh_assets.platforms.confluent_cloud.kafka_rest import KafkaRestClient
from mesh_assets.platforms.http import SYSTEM_CLOCK, Clock, Transport

_ELSE = "or give the cluster kafka_rest: {url: …}"


class ClusterLinksReader:
    """Reads the links of a cluster that has `kafka_rest` in the estate, or `control_plane`, which knows its address."""

    def __init__(
        self, cluster: Cluster, *, transport: Transport | None = None, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        """Contacts nothing and resolves no secrets: nothing else in a discovery needs those of `control_plane`."""
        self._cluster = cluster
        self._transport = transport
        self._clock = clock
        self._stack = ExitStack()
        self._opened: list[ControlPlaneClient | KafkaRestClient] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def requests(self) -> int:
        return sum(client.requests for client in self._opened)

    @property
    def stand_in(self) -> str | None:
        return next((text for client in self._opened if (text := client.stand_in)), None)

    @property
    def url(self) -> str:
        """The address of the Kafka REST interface, safe to show; empty while it is not known."""
        return next((client.url for client in self._opened if isinstance(client, KafkaRestClient)), "")

    @property
    def identity(self) -> str:
        """Who asks it or, while its address is not known, who looks that up."""
        return self._opened[-1].identity if self._opened else ""

    def read(self, cluster_id: str) -> tuple[ClusterLinks, dict[str, Unread]]:
        """What is known, and the parts that could not be read. Raises PlatformError if nobody answers."""
        try:
            connection = self._cluster.kafka_rest_at() or self.find(cluster_id)
            if isinstance(connection, Unread):
                return _nothing(connection)
            client = self._stack.enter_context(
                KafkaRestClient(connection, transport=self._transport, clock=self._clock)
            )
        except EstateError as error:
            return _nothing(Unread(reason=str(error), expected=False))
        self._opened.append(client)
        return client.cluster_links(cluster_id)

    def find(self, cluster_id: str) -> KafkaRestConnection | Unread:
        """The address that Confluent Cloud gives for the cluster's Kafka REST interface. Raises EstateError, PlatformError."""
        control_plane, environment = self._cluster.control_plane, self._cluster.environment
        assert control_plane is not None
        if environment is None:
            return _unread(
                "the address of the Kafka REST interface is looked up in the cluster's environment, which the estate does not "
                f"give; add `environment: {{id: env-…}}`, {_ELSE}"
            )
        client = self._stack.enter_context(
            ControlPlaneClient(control_plane, transport=self._transport, clock=self._clock)
        )
        self._opened.append(client)
        try:
            found = next((one for one in client.kafka_clusters(environment.id) if one.id == cluster_id), None)
        except RefusedError as error:
            return _unread(f"the address of the Kafka REST interface is not known: {error}; {_ELSE}")
        if found is None or found.http_endpoint is None:
            return _unread(
                f"{client.identity} cannot see the Kafka REST address of {cluster_id} in {environment.id}; grant its owner "
                f"Operator on the environment, {_ELSE}"
            )
        if not _may_have_the_key(found.http_endpoint, told_by=client.url):
            return _unread(
                f"Confluent Cloud names {found.http_endpoint} for Kafka REST, which is not one of its own hosts, so the key is not sent "
                f"there; if it is right, give the cluster kafka_rest: {{url: {found.http_endpoint}}}"
            )
        return self._cluster.kafka_rest_at(found.http_endpoint) or _unread(
            "the Kafka REST interface needs a key of the Kafka cluster, and the estate's brokers have no username and password "
            "(PLAIN); give kafka_rest its url, username and password"
        )


def collect_cluster_links(
    reader: ClusterLinksReader, cluster_id: str, previous: Document | None, phases: Phases
) -> ClusterLinksSection:
    """Raises PlatformError if nobody answers."""
    now = datetime.now(UTC)
    with phases.phase("cluster links"):
        links, unread = reader.read(cluster_id)
    section = ClusterLinksSection(
        cluster_id=cluster_id,
        state=SectionState(status="fresh", collected_at=now, stale_sources=failed_parts(unread)),
        records=links,
        stand_in=reader.stand_in,
        cost=cost_of(phases.seconds("cluster links"), http_requests=reader.requests),
    )
    return settle_parts(section, previous)


def _may_have_the_key(url: str, *, told_by: str) -> bool:
    """A key is sent only to Confluent's hosts, over TLS, or, with a stand-in, to the host that gave the address."""
    here, there = urlsplit(url), urlsplit(told_by)
    if (here.scheme, here.hostname) == (there.scheme, there.hostname):
        return True
    return here.scheme == "https" and is_confluent_host(url)


def _unread(reason: str) -> Unread:
    return Unread(reason=reason, expected=True)


def _nothing(why: Unread) -> tuple[ClusterLinks, dict[str, Unread]]:
    parts = ("links", "mirror_topics")
    return ClusterLinks(unknown=dict.fromkeys(parts, why.reason)), dict.fromkeys(parts, why)
