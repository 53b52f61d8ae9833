"""One broker with an authorizer, shared by all tests here."""

from collections.abc import Iterator

import pytest

from mesh_assets_tests.access_checks.broker_with_acls import BrokerWithAcls, broker_with_acls

USERS = ("discovery", "without_configs", "without_groups", "nobody", "creator")


@pytest.fixture(scope="package")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrokerWithAcls]:
    with broker_with_acls(tmp_path_factory.mktemp("acls"), USERS) as running:
        running.create_topics(orders="delete", users="compact", discovery_events="compact")
        running.create_groups("g1", "g2", topic="orders")
        running.grant(
            "discovery",
            cluster="DESCRIBE DESCRIBE_CONFIGS CREATE",
            topics={"*": "DESCRIBE DESCRIBE_CONFIGS", "discovery-events": "READ WRITE"},
            groups={"*": "DESCRIBE"},
        )
        running.grant(
            "without_configs",
            cluster="DESCRIBE DESCRIBE_CONFIGS",
            topics={"*": "DESCRIBE", "users": "DESCRIBE_CONFIGS"},
            groups={"g1": "DESCRIBE"},
        )
        running.grant("without_groups", topics={"orders": "READ DESCRIBE_CONFIGS"}, groups={"g1": "READ"})
        running.grant(
            "creator",
            topics={
                "*": "DESCRIBE DESCRIBE_CONFIGS",
                "discovery-events": "READ WRITE",
                "discovery-changes": "CREATE WRITE",
            },
        )
        yield running
