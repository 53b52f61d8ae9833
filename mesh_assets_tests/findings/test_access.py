from typing import Any

import pytest
from msgspec.structs import replace

from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName, SectionScope, SectionState
from mesh_assets_tests.documents import FRESH, STALE, a_group, a_topic, an_acl, some_access
from mesh_assets_tests.findings.cases import SCOPED, found, judged, now, then

GONE = an_acl("User:shop", resource="old-", pattern="prefixed")
USED = an_acl("User:shop", resource="orders")
DENIED = an_acl("User:*", "all", permission="deny", resource="orders")


def kinds(document: Document, **rest: Any) -> list[tuple[str, str, str]]:
    return [
        (one.kind, one.severity, one.resource)
        for one in judged(document, **rest)
        if one.kind in ("overridden_acl", "redundant_acl", "unmatched_acl", "unused_principal")
    ]


def a_cluster(*acls: Acl, **fields: Any) -> dict[str, Any]:
    return {
        "topics": (a_topic(),),
        "consumer_groups": (a_group("billing"),),
        "access": some_access(acls=acls),
        **fields,
    }


def unused(*acls: Acl, before: tuple[Acl, ...] | None = None, **fields: Any) -> list[tuple[str, str, str]]:
    return kinds(
        now(**a_cluster(*acls, **fields)), a_week_ago=then(**a_cluster(*(acls if before is None else before)))
    )


def test_an_acl_that_another_one_denies_entirely_does_nothing() -> None:
    name = "allow User:alice read on topic literal orders from *"
    document = now(**a_cluster(an_acl(), DENIED))
    assert kinds(document) == [("overridden_acl", "warning", name)]
    assert found(document, "overridden_acl") == [
        f"{name}: does nothing, since another ACL denies all of it: deny User:* all on topic literal orders from *"
    ]


def test_an_exception_is_not_a_finding() -> None:
    wide = an_acl(resource="", pattern="prefixed")
    assert kinds(now(**a_cluster(wide, replace(DENIED, resource="payments")))) == []
    assert kinds(now(**a_cluster(an_acl(), replace(DENIED, host="10.0.0.1")))) == []


def test_an_acl_within_another_is_not_needed() -> None:
    assert kinds(now(**a_cluster(an_acl(), an_acl(resource="*")))) == [
        ("redundant_acl", "info", "allow User:alice read on topic literal orders from *")
    ]


def test_the_describe_that_kafkas_own_tool_adds_to_each_write_is_not_a_finding() -> None:
    assert kinds(now(**a_cluster(an_acl(operation="write"), an_acl(operation="describe")))) == []


def test_an_acl_without_a_match_for_a_week_is_unmatched() -> None:
    assert unused(GONE, USED) == [
        ("unmatched_acl", "info", "allow User:shop read on topic prefixed old-… from *")
    ]


def test_a_principal_with_nothing_to_use_is_one_finding() -> None:
    assert unused(GONE, replace(GONE, operation="write"), an_acl()) == [
        ("unused_principal", "info", "User:shop")
    ]


@pytest.mark.parametrize(
    ("acl", "before", "fields"),
    [
        pytest.param(GONE, (), {}, id="a new ACL"),
        pytest.param(GONE, None, {"topics": (a_topic("old-orders"),)}, id="a topic that came"),
        pytest.param(replace(GONE, resource_type="cluster"), None, {}, id="of what no inventory holds"),
        pytest.param(replace(GONE, permission="deny"), None, {}, id="a denial keeps out who may come"),
        pytest.param(replace(GONE, resource="__c"), None, {"excluded_topics": 1}, id="left out by patterns"),
        pytest.param(GONE, None, {"sections": {"topics": STALE}}, id="stale topics"),
        pytest.param(GONE, None, {"sections": {"access": STALE}}, id="stale ACLs"),
    ],
)
def test_an_acl_that_may_match_is_never_called_unmatched(
    acl: Acl, before: tuple[Acl, ...] | None, fields: dict[str, Any]
) -> None:
    assert unused(acl, before=before, **fields) == []


def test_a_topic_deleted_within_the_week_keeps_its_acls_matched() -> None:
    before = then(**a_cluster(GONE, topics=(a_topic("old-orders"),)))
    assert kinds(now(**a_cluster(GONE)), a_week_ago=before) == []


def test_excluded_topics_of_kafka_hide_no_other_names() -> None:
    sections: dict[SectionName, SectionState] = {"topics": SCOPED}
    assert len(unused(GONE, excluded_topics=1, sections=sections)) == 1
    narrow = replace(FRESH, scope=SectionScope(include=("orders*",)))
    assert unused(GONE, excluded_topics=1, sections={"topics": narrow}) == []


def test_without_acls_or_a_week_old_document_nothing_is_reported() -> None:
    assert kinds(now(**a_cluster(GONE, access=some_access(acls=None)))) == []
    assert kinds(now(**a_cluster(GONE))) == []
