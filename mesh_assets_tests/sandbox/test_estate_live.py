"""The real servers hold the estate that the definitions describe."""

import json
import stat
from dataclasses import dataclass

import pytest
from confluent_kafka import Consumer, ConsumerGroupState, TopicPartition
from confluent_kafka.admin import ConfigResource, ResourceType  # type: ignore[attr-defined] # re-exported without saying so

from mesh_assets.sandbox.estate import EXPECTED, PLANTED_PASSWORD, REFERENCED_PASSWORD
from mesh_assets.sandbox.estate.topics import TOPICS
from mesh_assets.sandbox.kafka_admin import Offsets
from mesh_assets.sandbox.servers import Sandbox
from mesh_assets_tests.sandbox.live import (
    admin,
    committed,
    describe_groups,
    ends,
    get,
    lines_in_feeds,
    records_in_topics,
    wait_until_all_run,
)

pytestmark = pytest.mark.sandbox


@dataclass(frozen=True, slots=True)
class Quiet:
    """A reading during a quiet time, with the offsets at its beginning and end."""

    lines: dict[str, int]
    records: dict[str, int]
    begin: tuple[Offsets, dict[str, Offsets]]
    members: dict[str, int]
    end: tuple[Offsets, dict[str, Offsets]]


@pytest.fixture(scope="module")
def quiet(sandbox: Sandbox) -> Quiet:
    with sandbox.quiet():
        return Quiet(
            lines=lines_in_feeds(sandbox),
            records=records_in_topics(sandbox),
            begin=(ends(sandbox), committed(sandbox)),
            members={
                name: len(group.members)
                for name, group in describe_groups(sandbox, EXPECTED.live_groups).items()
            },
            end=(ends(sandbox), committed(sandbox)),
        )


def test_all_37_topics_have_6_partitions_and_their_configs(sandbox: Sandbox) -> None:
    with admin(sandbox) as client:
        found = client.list_topics(timeout=10).topics
        futures = client.describe_configs([ConfigResource(ResourceType.TOPIC, t.name) for t in TOPICS])
        configs = {resource.name: future.result(timeout=10) for resource, future in futures.items()}
    assert {t: len(found[t].partitions) for t in EXPECTED.topics if t in found} == dict.fromkeys(
        EXPECTED.topics, 6
    )
    for topic in TOPICS:
        assert {name: configs[topic.name][name].value for name in topic.config} == dict(topic.config)


def test_all_40_connectors_and_their_tasks_run(sandbox: Sandbox) -> None:
    wait_until_all_run(sandbox)


def test_every_line_of_the_feeds_arrives_and_sinks_write(sandbox: Sandbox, quiet: Quiet) -> None:
    lines, records = quiet.lines, quiet.records
    # At least: after another test has killed Connect, the last few are delivered again.
    assert {t: records[t] >= lines[t] for t in EXPECTED.topics} == dict.fromkeys(EXPECTED.topics, True)
    assert sum(records.values()) - sum(lines.values()) < 1000
    written = (sandbox.folder.sinks / "orders.txt").read_text().splitlines()
    assert len(written) >= 300
    assert json.loads(written[0]).keys() >= {"order_id", "user_id", "product_id"}


def test_a_record_of_a_compacted_topic_has_a_key_and_is_json(sandbox: Sandbox) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": sandbox.endpoints().bootstrap_servers,
            "group.id": "none",
            "enable.auto.commit": False,
        }
    )
    consumer.assign([TopicPartition("users", p, 0) for p in range(6)])
    message = consumer.poll(20)
    consumer.close()
    assert message is not None
    assert message.error() is None
    value = message.value()
    assert value is not None
    assert message.key() == value
    assert json.loads(value)["user_id"].startswith("user_")


def test_subjects_versions_references_and_levels_are_as_defined(sandbox: Sandbox) -> None:
    registry = sandbox.endpoints().registry_url
    # Other tests have discovered this estate, which registers the two schemas of the events.
    assert {
        subject for subject in get(f"{registry}/subjects") if not subject.startswith("discovery-")
    } == set(EXPECTED.subjects)
    for subject in EXPECTED.subjects:
        versions = [1, 2] if subject in EXPECTED.subjects_with_two_versions else [1]
        assert get(f"{registry}/subjects/{subject}/versions") == versions
    for subject in EXPECTED.subjects_with_references:
        assert get(f"{registry}/subjects/{subject}/versions/latest")["references"] != []
    levels = {
        subject: get(f"{registry}/config/{subject}")["compatibilityLevel"] for subject in EXPECTED.subjects
    }
    assert levels == {**dict.fromkeys(EXPECTED.subjects, "BACKWARD"), **EXPECTED.compatibility_levels}


def test_three_groups_have_members_and_lag_and_one_is_empty(sandbox: Sandbox, quiet: Quiet) -> None:
    groups = describe_groups(sandbox, (*EXPECTED.live_groups, *EXPECTED.empty_groups))
    assert {name: len(group.members) for name, group in groups.items()} == {
        "order-fulfilment": 2,
        "clickstream-sessions": 3,
        "fraud-detection": 1,
        "nightly-report": 0,
    }
    assert groups["nightly-report"].state == ConsumerGroupState.EMPTY
    end, all_committed = quiet.end
    for name in (*EXPECTED.live_groups, *EXPECTED.empty_groups):
        lag = sum(end[place] - offset for place, offset in all_committed[name].items())
        assert 0 < lag < 2000, name


def test_a_quiet_estate_stands_still_with_live_members(quiet: Quiet) -> None:
    assert quiet.begin == quiet.end
    assert all(quiet.members.values())


def test_connect_shows_the_planted_password_and_hides_the_referenced_one(sandbox: Sandbox) -> None:
    text = json.dumps(get(f"{sandbox.endpoints().connect_url}/connectors?expand=info"))
    assert PLANTED_PASSWORD in text
    assert REFERENCED_PASSWORD not in text
    secrets = sandbox.folder.config / "secrets.properties"
    assert REFERENCED_PASSWORD in secrets.read_text()
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o600
