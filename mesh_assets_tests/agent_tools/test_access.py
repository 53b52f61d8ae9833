"""What agents learn about who may do what."""

from collections.abc import Callable
from typing import Any

import pytest

from mesh_assets.inventory.access_records import Access, ClientQuota, ScramCredential, ScramUser
from mesh_assets_tests.documents import a_document, a_group, a_topic, an_acl, some_access
from mesh_assets_tests.mcp_server.served import Served

MakeServed = Callable[..., Served]
TOPICS = (a_topic("orders"), a_topic("payments"))


def access(make_served: MakeServed, told: Access, **arguments: Any) -> dict[str, Any]:
    document = a_document(topics=TOPICS, consumer_groups=(a_group("billing"),), access=told)
    return make_served(document).answer("describe_access", **arguments)


def test_acls_quotas_and_users_are_listed(make_served: MakeServed) -> None:
    answer = access(make_served, some_access())
    assert [(one["principal"], one["operation"], one["resource"]) for one in answer["acls"]] == [
        ("User:alice", "read", "orders"),
        ("User:bob", "write", "orders"),
    ]
    assert answer["quotas"] == [
        {
            "entity": {"client-id": None, "user": "alice"},
            "limits": {"consumer_byte_rate": 1000.0, "producer_byte_rate": 2000.0},
        }
    ]
    assert answer["scram_users"] == {"alice": ["SCRAM-SHA-512"]}
    assert (answer["total"], answer["unknown"]) == (2, {})
    assert answer["totals"] == {"conflicts": 0, "unused_principals": 0, "quotas": 1, "scram_users": 1}


def test_the_answer_about_a_topic_lists_the_effective_rights_of_each_principal(
    make_served: MakeServed,
) -> None:
    acls = (
        an_acl("User:alice", "all", resource="ord", pattern="prefixed"),
        an_acl("User:alice", "delete", permission="deny"),
        an_acl("User:bob", "read", resource="payments"),
        an_acl("User:carol", "read", resource_type="group"),
    )
    answer = access(make_served, some_access(acls=acls), topic="orders")
    assert {one["principal"] for one in answer["acls"]} == {"User:alice"}
    [alice] = answer["permitted"]
    assert ("read" in alice["operations"], alice["denied"]) == (True, ["delete"])
    assert answer["conflicts"] == [
        "allow User:alice all on topic ord… is restricted by deny User:alice delete on topic orders"
    ]


def test_acls_that_match_nothing_are_listed(make_served: MakeServed) -> None:
    told = some_access(acls=(an_acl("User:gone", resource="abandoned"), an_acl()))
    answer = access(make_served, told)
    assert answer["unused_principals"] == ["User:gone"]
    assert answer["conflicts"] == ["allow User:gone read on topic abandoned matches no existing topic"]


def test_a_cluster_without_grants_is_read_and_empty(make_served: MakeServed) -> None:
    answer = access(make_served, Access(acls=(), quotas=(), scram_users=()))
    assert (answer["acls"], answer["total"], answer["conflicts"], answer["quotas"]) == ([], 0, [], [])
    assert (answer["scram_users"], answer["unknown"]) == ({}, {})


@pytest.mark.parametrize("about", [{}, {"topic": "orders"}, {"group": "billing"}])
def test_unread_parts_are_neither_empty_nor_counted(make_served: MakeServed, about: dict[str, str]) -> None:
    unknown = {
        "acls": "SECURITY_DISABLED: no authorizer is configured",
        "quotas": "CLUSTER_AUTHORIZATION_FAILED",
    }
    answer = access(make_served, Access(scram_users=(), unknown=unknown), **about)
    assert answer["unknown"] == unknown
    for name in ("acls", "total", "conflicts", "permitted", "unused_principals", "quotas"):
        assert name not in answer, name
    assert answer["totals"] == {"scram_users": 0}


def test_a_sentence_explains_that_nothing_was_read_yet(make_served: MakeServed) -> None:
    refusal = make_served(a_document()).refusal("describe_access")
    assert "who may do what on" in refusal
    assert "is unknown" in refusal
    assert "pass a topic or a group, not both" in make_served(a_document(access=some_access())).refusal(
        "describe_access", topic="orders", group="billing"
    )


@pytest.mark.slow
def test_many_acls_come_in_short_pages_that_list_each_once(make_served: MakeServed) -> None:
    acls = tuple(
        an_acl(f"User:application-{number:05}", operation, resource=f"company.domain.events-{number:05}")
        for number in range(450)
        for operation in ("read", "write")
    )
    told = Access(
        acls=acls,
        quotas=tuple(
            ClientQuota(entity={"user": f"application-{number:05}"}, limits={"producer_byte_rate": 1.0})
            for number in range(2_500)
        ),
        scram_users=tuple(
            ScramUser(
                name=f"application-{number:05}",
                credentials=(ScramCredential(mechanism="SCRAM-SHA-512", iterations=4096),),
            )
            for number in range(2_500)
        ),
    )
    served = make_served(a_document(topics=TOPICS, access=told))
    first = served.call("describe_access")
    assert len(first.model_dump_json(by_alias=True, exclude_none=True).encode()) <= 25_000

    seen: list[tuple[str, str]] = []
    cursor: dict[str, str] = {}
    while True:
        page = served.answer("describe_access", limit=500, **cursor)
        seen += [(one["principal"], one["operation"]) for one in page["acls"]]
        if page.get("next_cursor") is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == page["total"] == 900
    assert page["totals"]["quotas"] == page["totals"]["scram_users"] == 2_500
    assert len(page["quotas"]) == len(page["scram_users"]) == 10

    narrowed = served.answer("describe_access", principal="User:application-00007")
    assert [one["operation"] for one in narrowed["acls"]] == ["read", "write"]
