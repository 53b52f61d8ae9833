"""Test messages through every login method, counted by Kafka itself; and a plan that says who else reads them."""

import json
from dataclasses import replace
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError
from mesh_assets.esm.connection import KafkaLogin
from mesh_assets.esm.connection.login import properties_of
from mesh_assets.esm.errors import PlanOutdatedError
from mesh_assets.esm.proof import ProducePlan, check_plan, plan_test_messages, produce_test_messages
from mesh_assets.esm.proof.content import json_content
from mesh_assets.sandbox.credentials import warehouse_access
from mesh_assets.sandbox.servers import Endpoints, Sandbox

pytestmark = pytest.mark.sandbox


@pytest.fixture
def topic(broker: Endpoints) -> str:
    name = f"__esm-{uuid4().hex[:12]}"  # outside the estate that other tests look at
    with AdminClient({"bootstrap.servers": broker.bootstrap_servers}) as admin:
        [future] = admin.create_topics([NewTopic(name, 3, 1)]).values()
        future.result(timeout=30)
    return name


@pytest.fixture
def logins(stand_ins: Sandbox, broker: Endpoints) -> dict[str, KafkaLogin]:
    own = warehouse_access(stand_ins.folder)
    plain = KafkaLogin(bootstrap_servers=broker.bootstrap_servers)
    tls = KafkaLogin(
        bootstrap_servers=str(broker.tls_bootstrap_servers),
        security_protocol="SSL",
        authority=own.authority.read_text(),
    )
    pair = replace(
        tls,
        bootstrap_servers=str(broker.mtls_bootstrap_servers),
        certificate=own.certificate.read_text(),
        key=own.key.read_text(),
    )
    sasl = replace(
        tls,
        bootstrap_servers=str(broker.sasl_bootstrap_servers),
        security_protocol="SASL_SSL",
        username=own.username,
        password=own.password,
    )
    mechanisms: dict[str, KafkaLogin] = {
        "PLAIN": replace(sasl, sasl_mechanism="PLAIN"),
        "SCRAM-SHA-256": replace(sasl, sasl_mechanism="SCRAM-SHA-256"),
        "SCRAM-SHA-512": replace(sasl, sasl_mechanism="SCRAM-SHA-512"),
    }
    return {"PLAINTEXT": plain, "TLS": tls, "mTLS": pair, **mechanisms}


def planned(login: KafkaLogin, topic: str, **wanted: Any) -> ProducePlan:
    given: dict[str, Any] = {"messages": 7, "bytes_each": 300, "key": None, "group": None, **wanted}
    return plan_test_messages(properties_of(login), topic=topic, **given)


def read(broker: Endpoints, topic: str, partitions: int = 3) -> list[Any]:
    consumer = Consumer(
        {
            "bootstrap.servers": broker.bootstrap_servers,
            "group.id": "reads",
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,  # an answer without records marks the end
        }
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    found, ended = [], 0
    while ended < partitions:
        message = consumer.poll(10)
        assert message is not None
        if message.error() is None:
            found.append(message)
        else:
            ended += 1
    consumer.close()
    return found


@pytest.mark.parametrize("way", ["PLAINTEXT", "TLS", "mTLS", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_every_login_method_writes_them(
    logins: dict[str, KafkaLogin], broker: Endpoints, topic: str, way: str
) -> None:
    done = produce_test_messages(properties_of(logins[way]), planned(logins[way], topic))

    messages = read(broker, topic)
    values = [json.loads(message.value()) for message in messages]
    assert sorted(value["sequence"] for value in values) == list(range(7))
    assert {value["mesh_assets_test"] for value in values} == {done.test_id}
    assert {len(message.value()) for message in messages} == {300}
    assert {name for message in messages for name, _ in message.headers()} == {"mesh-assets-test"}
    assert [(written.partition, written.first, written.messages) for written in done.partitions] == [
        (0, 0, 3),
        (1, 0, 2),
        (2, 0, 2),
    ]


def test_with_a_key_they_go_to_its_partition(
    logins: dict[str, KafkaLogin], broker: Endpoints, topic: str
) -> None:
    login = logins["PLAINTEXT"]
    done = produce_test_messages(properties_of(login), planned(login, topic, key="customer-1"))
    assert [written.messages for written in done.partitions] == [7]
    assert {message.key() for message in read(broker, topic)} == {b"customer-1"}


def test_the_plan_writes_nothing_and_names_the_other_readers(
    logins: dict[str, KafkaLogin], broker: Endpoints, topic: str
) -> None:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": f"other-{topic}"})
    consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    consumer.close()

    plan = planned(logins["PLAINTEXT"], topic, group="the-mappings-own")

    assert plan.other_groups == (f"other-{topic}",)
    assert planned(logins["PLAINTEXT"], topic, group=f"other-{topic}").other_groups == ()
    assert read(broker, topic) == []


def test_a_plan_other_than_the_reviewed_one_is_refused(logins: dict[str, KafkaLogin], topic: str) -> None:
    plan = planned(logins["PLAINTEXT"], topic)
    check_plan(planned(logins["PLAINTEXT"], topic), plan.id)
    with pytest.raises(PlanOutdatedError, match="check the new plan first"):
        check_plan(planned(logins["PLAINTEXT"], topic, messages=8), plan.id)
    assert msgspec.structs.replace(plan, id="").id == ""


def test_a_missing_topic_is_named_and_not_created(logins: dict[str, KafkaLogin]) -> None:
    with pytest.raises(RefusedError, match="has no topic no-such-topic"):
        planned(logins["PLAINTEXT"], "no-such-topic")


def test_the_largest_message_is_written(logins: dict[str, KafkaLogin], topic: str) -> None:
    login = logins["PLAINTEXT"]
    plan = planned(login, topic, messages=1, bytes_each=1_000_000, key="k" * 1_000)
    assert produce_test_messages(properties_of(login), plan).messages == 1


def test_a_failure_says_how_many_messages_are_in_the_topic(
    logins: dict[str, KafkaLogin], broker: Endpoints, topic: str
) -> None:
    """The topic's other readers have received those."""
    login = logins["PLAINTEXT"]
    content = json_content(300)

    def encode(test_id: str, sequence: int, of: int) -> bytes:
        return content.encode(test_id, sequence, of) * (1 if sequence < 4 else 4_000)

    uneven = msgspec.structs.replace(content, encode=encode)
    with pytest.raises(UnexpectedAnswerError, match=f"4 of 7 test messages are known to be in {topic}"):
        produce_test_messages(properties_of(login), planned(login, topic), content=uneven)
    assert len(read(broker, topic)) == 4


@pytest.mark.parametrize(
    "wanted", [{"messages": 0}, {"messages": 20_000}, {"bytes_each": 10}, {"bytes_each": 2_000_000}]
)
def test_absurd_amounts_are_refused(
    logins: dict[str, KafkaLogin], topic: str, wanted: dict[str, int]
) -> None:
    with pytest.raises(EstateError, match="expected"):
        planned(logins["PLAINTEXT"], topic, **wanted)
