from mesh_assets.diff import (
    State,
    apply_changes,
    diff_documents,
    stable_state,
)
from mesh_assets.inventory.storage_records import LogDirectory
from mesh_assets_tests.documents import a_connector, a_document, a_group, a_schema, a_topic


def test_the_state_holds_lasting_facts_as_text() -> None:
    document = a_document(
        topics=(a_topic(config={"retention.ms": "1", "a.secret": None}),),
        connectors=(a_connector(),),
        schemas=(a_schema(),),
        consumer_groups=(a_group(), a_group("console-consumer-1")),
        topic_defaults={"retention.ms": "2"},
        log_directories=(
            LogDirectory(broker=1, path="/a", bytes=5),
            LogDirectory(broker=2, path="/b", error="KAFKA_STORAGE_ERROR"),
        ),
    )
    expected: State = {
        "topic": {
            "orders": {
                "id": "id-of-orders",
                "partitions": "1",
                "replication_factor": "1",
                "internal": "false",
                "replicas": '{"0":[1]}',
                "config.retention.ms": "1",
            }
        },
        "topic_defaults": {"topic_defaults": {"config.retention.ms": "2"}},
        "log_directories": {"log_directories": {"2./b": "KAFKA_STORAGE_ERROR"}},
        "connector": {
            "main/orders-sink": {
                "connect": "main",
                "name": "orders-sink",
                "type": "sink",
                "status": "RUNNING",
                "tasks": "1",
                "tasks.0.state": "RUNNING",
                "config.connector.class": "FileStreamSink",
                "config.topics": "orders",
            }
        },
        "schema": {
            "users-value": {
                "version": "1",
                "id": "1",
                "schema_type": "JSON",
                "definition": '{"type":"object"}',
                "references": "[]",
            }
        },
        "schema_registry": {"schema_registry": {"compatibility": "BACKWARD", "mode": "READWRITE"}},
        "consumer_group": {
            "fraud-detection": {
                "type": "classic",
                "state": "active",
                "topics": '["orders"]',
                "members": "1",
            }
        },
        "broker": {},
        "cluster": {},
        "acl": {},
        "client_quota": {},
        "scram_user": {},
        "hanging_transaction": {},
        "cluster_link": {},
        "mirror_topic": {},
    }
    assert stable_state(document) == expected


def test_a_recreated_topic_ends_as_the_new_one() -> None:
    before, after = (
        a_document(topics=(a_topic(id="1", config={"old": "x"}),)),
        a_document(topics=(a_topic(id="2", partitions=3),)),
    )
    assert apply_changes(stable_state(before), diff_documents(before, after)) == stable_state(after)


def test_a_connector_is_found_by_its_name_until_another_has_the_same() -> None:
    one = a_document(connectors=(a_connector(connect="one"),))
    two = a_document(connectors=(a_connector(connect="one"), a_connector(connect="two")))
    both_failed = a_document(
        connectors=(a_connector(connect="one", status="FAILED"), a_connector(connect="two", status="FAILED"))
    )
    moved = a_document(connectors=(a_connector(connect="two", status="PAUSED"),))
    state, previous = stable_state(one), one
    for document in (two, both_failed, moved, one):
        state, previous = apply_changes(state, diff_documents(previous, document)), document
        assert state == stable_state(document)


def test_a_change_of_something_missing_is_ignored() -> None:
    changes = diff_documents(a_document(topics=(a_topic(),)), a_document(topics=(a_topic(partitions=2),)))
    assert apply_changes({}, changes) == {"topic": {}}
