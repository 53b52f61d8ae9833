"""Cluster links of the sandbox's stand-in, found and read as those of Confluent Cloud would be."""

from pathlib import Path

import pytest

from mesh_assets.collecting.clients import open_clients
from mesh_assets.collecting.sections import collect_sections
from mesh_assets.estate.file import load_estate
from mesh_assets.inventory.sections import ClusterLinksSection
from mesh_assets.sandbox.estate.clusters import CLUSTER
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.estates import estate_of
from mesh_assets_tests.sandbox.cloud.asking import StandIn

pytestmark = pytest.mark.sandbox
LINK = {
    "name": "from-afar",
    "source": "lkc-afar",
    "config": {"bootstrap.servers": "afar:9092", "sasl.jaas.config": "never shown"},
    "mirrors": [{"topic": "users", "source_topic": "people", "status": "PAUSED", "lags": [0, 7]}],
}


def test_a_link_is_found_through_the_control_plane_and_read_with_the_brokers_key(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    cluster = load_estate(estate_of(sandbox.endpoints(), tmp_path, CLUSTER)).clusters[CLUSTER]

    def section() -> ClusterLinksSection:
        read = collect_sections(cluster, ["cluster_links"], previous=lambda _: None, clients=open_clients)[
            "cluster_links"
        ]
        assert isinstance(read, ClusterLinksSection)
        assert read.state.error is None
        return read

    with StandIn(sandbox) as stand_in:
        none = section().records
        stand_in.tell("links", [LINK])
        try:
            linked = section()
        finally:
            stand_in.forget()

    assert none is not None
    assert (none.links, none.mirror_topics) == ((), ())
    assert linked.records is not None
    [link], [mirror] = linked.records.links or (), linked.records.mirror_topics or ()
    assert (link.name, link.origin_id, link.state) == ("from-afar", "lkc-afar", "ACTIVE")
    assert link.config == {
        "bootstrap.servers": "afar:9092",
        "link.mode": "DESTINATION",
        "sasl.jaas.config": None,
    }
    assert (mirror.name, mirror.source_topic, mirror.status, mirror.lag_records) == (
        "users",
        "people",
        "PAUSED",
        7,
    )
    assert "stand-in for Confluent Cloud" in (linked.stand_in or "")
    assert linked.cost.http_requests == 4
