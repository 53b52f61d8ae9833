"""The sources of the stand-in's metrics agree with the broker."""

import pytest

from mesh_assets.sandbox.cloud.readings import ClusterReader
from mesh_assets.sandbox.credentials import cloud_login
from mesh_assets.sandbox.estate import EXPECTED
from mesh_assets.sandbox.estate.clusters import CLOUD_GROUPS, DATAGENS
from mesh_assets.sandbox.folder import read_json
from mesh_assets.sandbox.kafka_admin import end_offsets
from mesh_assets.sandbox.servers import Sandbox

pytestmark = pytest.mark.sandbox


def test_a_reading_of_a_quiet_cluster_is_what_the_broker_and_the_feed_say(sandbox: Sandbox) -> None:
    broker, login = str(sandbox.endpoints().cloud_bootstrap_servers), cloud_login(sandbox.folder)
    with sandbox.quiet():
        reader = ClusterReader(sandbox.folder, broker, login)
        reading = reader.read(at=0.0, schemas=37)
        reader.close()
        ends = end_offsets(broker, EXPECTED.topics, login=login)
        written = (read_json(sandbox.folder.datagen_report) or {})["connectors"]

    assert {place: end for place, end in reading.ends.items() if place[0] in EXPECTED.topics} == ends
    assert {
        d.id: (written[d.name]["records"], written[d.name]["bytes"]) for d in DATAGENS
    } == reading.connectors
    for datagen in DATAGENS:
        # Nothing else writes to these topics, and an orderly stop loses nothing.
        assert (
            sum(end for (topic, _), end in ends.items() if topic == datagen.topic.name)
            >= written[datagen.name]["records"]
            > 0
        )
    assert all(10 < reading.record_bytes(topic) < 1000 for topic in EXPECTED.topics)
    assert all(reading.committed[group.name] for group in CLOUD_GROUPS)
    assert reading.connections > 0
