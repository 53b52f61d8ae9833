"""Changes of brokers and of who may do what, each with a sentence and a severity."""

from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.diff import apply_changes, diff_documents, stable_state
from mesh_assets.inventory.access_records import ClientQuota, ScramCredential, ScramUser
from mesh_assets.inventory.broker_records import (
    BrokerConfig,
    BrokerConfigs,
    Brokers,
    ClusterBroker,
    Feature,
    Features,
)
from mesh_assets_tests.documents import a_document, an_acl, some_access, some_brokers

ONE, TWO = some_brokers().brokers
KNOWN = some_brokers()


def changes(before: Any, after: Any) -> list[tuple[str, str]]:
    """Severity and sentence of each change of brokers or access. Also checks that applying the changes gives the new state."""
    field = "brokers" if isinstance(before, Brokers) else "access"
    one, other = a_document(**{field: before}), a_document(**{field: after})
    found = diff_documents(one, other)
    assert apply_changes(stable_state(one), found) == stable_state(other)
    return [(change.severity, change.sentence) for change in found]


def with_config(value: str, *, of_two: str | None = None) -> Brokers:
    """`retention` on all three brokers, or with another value on the second."""
    entry = BrokerConfig(name="log.retention.ms", value=value, source="static")
    entries: tuple[BrokerConfig, ...] = (entry,)
    if of_two is not None:
        entries = (replace(entry, brokers=(1, 3)), replace(entry, value=of_two, brokers=(2,)))
    three = ClusterBroker(id=3, host="three", port=9092, fenced=False)
    configs = BrokerConfigs(brokers=(1, 2, 3), entries=entries, cluster_wide={})
    return some_brokers(brokers=(ONE, TWO, three), configs=configs)


def test_a_broker_that_leaves_joins_or_is_fenced() -> None:
    alone = some_brokers(brokers=(ONE,), configs=None)
    assert changes(some_brokers(configs=None), alone) == [("warning", "Broker 2 (two:9092) is gone, 1 left")]
    assert changes(alone, some_brokers(configs=None)) == [("info", "Broker 2 joined, at two:9092")]
    fenced = some_brokers(brokers=(ONE, replace(TWO, fenced=True)))
    assert changes(KNOWN, fenced) == [("critical", "Broker 2 is fenced: it serves nothing")]
    assert changes(fenced, KNOWN) == [("info", "Broker 2 serves again")]


def test_a_config_of_all_brokers_is_one_change() -> None:
    assert changes(with_config("1000"), with_config("2000")) == [
        ("warning", "Brokers: config log.retention.ms 1000 → 2000")
    ]


def test_a_config_that_differs_on_one_broker_is_its_own() -> None:
    assert changes(with_config("1000"), with_config("1000", of_two="5")) == [
        ("warning", "Broker 2: config log.retention.ms not set → 5")
    ]


def test_the_same_value_from_another_source_is_not_a_change() -> None:
    before = with_config("1000")
    assert before.configs is not None
    [entry] = before.configs.entries
    elsewhere = replace(before.configs, entries=(replace(entry, source="dynamic_cluster"),))
    assert changes(before, replace(before, configs=elsewhere)) == []


def test_a_lower_level_is_a_warning() -> None:
    def at(level: int) -> Brokers:
        return some_brokers(
            features=Features(epoch=1, broker=1, features=(Feature(name="metadata.version", level=level),))
        )

    assert changes(at(25), at(27)) == [("info", "Feature metadata.version: level 25 → 27")]
    assert changes(at(27), at(25)) == [("warning", "Feature metadata.version: level 27 → 25")]


def test_new_voters_are_a_change_and_a_new_controller_is_not() -> None:
    assert KNOWN.quorum is not None
    [voter] = KNOWN.quorum.voters
    moved = replace(KNOWN, controller=2, quorum=replace(KNOWN.quorum, leader=2, epoch=9, high_watermark=99))
    assert changes(KNOWN, moved) == []
    more = replace(KNOWN.quorum, voters=(voter, replace(voter, id=2)))
    assert changes(KNOWN, replace(KNOWN, quorum=more)) == [
        ("warning", "Voters of the controller quorum: [1] → [1,2]")
    ]


@pytest.mark.parametrize("part", ["configs", "features", "quorum"])
def test_an_unknown_part_of_the_brokers_has_not_changed(part: str) -> None:
    unknown = some_brokers(**{part: None})
    assert diff_documents(a_document(brokers=KNOWN), a_document(brokers=unknown)) == ()
    assert diff_documents(a_document(brokers=unknown), a_document(brokers=KNOWN)) == ()


def test_acls_that_are_added_and_removed() -> None:
    deny = an_acl("User:*", "all", permission="deny", resource="tmp-", pattern="prefixed", host="10.0.0.1")
    assert changes(some_access(acls=(an_acl(),)), some_access(acls=(an_acl("User:bob", "write"), deny))) == [
        ("warning", "ACL removed: User:alice may read on topic orders"),
        ("info", "ACL added: User:bob may write on topic orders"),
        ("warning", "ACL added: User:* may not do everything on topic tmp-…, only from 10.0.0.1"),
    ]


def test_quotas_that_are_set_changed_and_removed() -> None:
    quota = ClientQuota(entity={"user": None}, limits={"producer_byte_rate": 1000.0})
    name = "user=<default>"
    assert changes(some_access(quotas=()), some_access(quotas=(quota,))) == [
        ("info", f"Quota of {name} set: producer_byte_rate 1000")
    ]
    more = replace(quota, limits={"producer_byte_rate": 2000.0})
    assert changes(some_access(quotas=(quota,)), some_access(quotas=(more,))) == [
        ("info", f"Quota of {name}: producer_byte_rate 1000.0 → 2000.0")
    ]
    assert changes(some_access(quotas=(quota,)), some_access(quotas=())) == [
        ("warning", f"Quota of {name} removed: producer_byte_rate 1000")
    ]


def test_scram_users_that_are_added_removed_and_changed() -> None:
    user = ScramUser(name="eve", credentials=(ScramCredential(mechanism="SCRAM-SHA-256", iterations=4096),))
    assert changes(some_access(scram_users=()), some_access(scram_users=(user,))) == [
        ("info", "SCRAM user eve added: SCRAM-SHA-256")
    ]
    more = replace(user, credentials=(ScramCredential(mechanism="SCRAM-SHA-256", iterations=8192),))
    assert changes(some_access(scram_users=(user,)), some_access(scram_users=(more,))) == [
        ("info", "SCRAM user eve: iterations of SCRAM-SHA-256 4096 → 8192")
    ]
    assert changes(some_access(scram_users=(user,)), some_access(scram_users=())) == [
        ("warning", "SCRAM user eve removed")
    ]


@pytest.mark.parametrize("part", ["acls", "quotas", "scram_users"])
def test_an_unknown_part_of_access_has_not_changed(part: str) -> None:
    known, unknown = some_access(), some_access(**{part: None})
    assert diff_documents(a_document(access=known), a_document(access=unknown)) == ()
    assert diff_documents(a_document(access=unknown), a_document(access=known)) == ()
