"""What ACLs effectively permit, and which of them contradict each other or do nothing."""

from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from mesh_assets.analysis.permissions import Acls
from mesh_assets.inventory.access_records import Acl
from mesh_assets_tests.documents import an_acl


def permitted(*acls: Acl, topic: str = "orders") -> dict[str, tuple[str, ...]]:
    return {one.principal: one.operations for one in Acls(acls).permitted("topic", topic)}


def kinds(*acls: Acl) -> list[tuple[str, str]]:
    return [(one.kind, one.acl.operation) for one in Acls(acls).conflicts()]


def test_an_acl_covers_a_name_a_prefix_or_everything() -> None:
    assert permitted(
        an_acl("User:literal"),
        an_acl("User:prefix", resource="ord", pattern="prefixed"),
        an_acl("User:all", resource="*"),
        an_acl("User:other", resource="orders-2"),
        an_acl("User:starred", resource="ord*"),
        an_acl("User:group", resource_type="group"),
    ) == dict.fromkeys(("User:all", "User:literal", "User:prefix"), ("read", "describe"))


def test_a_deny_wins_over_every_allow() -> None:
    deny = an_acl("User:alice", "write", permission="deny", resource="*")
    assert permitted(an_acl("User:alice", "all"), deny)["User:alice"] == (
        *("read", "create", "delete", "alter", "describe", "describe_configs", "alter_configs"),
    )


def test_a_deny_for_everyone_covers_each_principal() -> None:
    assert permitted(an_acl(), an_acl("User:*", "all", permission="deny")) == {"User:alice": ()}


def test_denying_read_does_not_deny_describe_and_allowing_it_allows_both() -> None:
    assert permitted(an_acl(operation="all"), an_acl(permission="deny"))["User:alice"][-3:] == (
        "describe",
        "describe_configs",
        "alter_configs",
    )


def test_a_deny_from_one_host_leaves_the_others() -> None:
    one_host = an_acl(permission="deny", host="10.0.0.1")
    assert permitted(an_acl(), one_host) == {"User:alice": ("read", "describe")}
    assert kinds(an_acl(), one_host) == [("restricted", "read")]


def test_an_allow_that_a_deny_covers_does_nothing() -> None:
    allow = an_acl(resource="orders-eu", pattern="prefixed")
    deny = an_acl("User:*", "all", permission="deny", resource="orders", pattern="prefixed")
    assert kinds(allow, deny) == [("overridden", "read")]
    assert kinds(
        an_acl(resource="orders", pattern="prefixed"), an_acl(permission="deny", resource="orders-eu")
    ) == [("restricted", "read")]


def test_an_allow_within_another_is_not_needed() -> None:
    assert kinds(an_acl(operation="describe"), an_acl(resource="*")) == [("redundant", "describe")]
    assert kinds(an_acl(), an_acl("User:bob", "all")) == []


_PRINCIPALS = st.sampled_from(["User:a", "User:b", "User:*"])
_ACLS = st.builds(
    an_acl,
    _PRINCIPALS,
    st.sampled_from(["read", "describe", "all"]),
    permission=st.sampled_from(["allow", "deny"]),
    resource=st.sampled_from(["*", "a", "ab", ""]),
    pattern=st.sampled_from(["literal", "prefixed"]),
    host=st.sampled_from(["*", "h"]),
)


@given(st.lists(_ACLS, max_size=6, unique=True), st.sampled_from(["a", "ab", "abc", "b"]))
def test_an_overridden_allow_permits_nothing_anywhere(acls: list[Acl], topic: str) -> None:
    dead = {one.acl for one in Acls(acls).conflicts() if one.kind == "overridden"}
    living = [acl for acl in acls if acl not in dead]

    def all_permitted(some: list[Acl]) -> set[tuple[str, str, str]]:
        return {
            (one.principal, one.host, operation)
            for one in Acls(some).permitted("topic", topic)
            for operation in one.operations
        }

    # A principal that no other ACL names may still do what everyone may, from everywhere.
    still = all_permitted(living)
    missing = {
        (principal, host, operation)
        for principal, host, operation in all_permitted(acls)
        if still.isdisjoint(product((principal, "User:*"), (host, "*"), (operation,)))
    }
    # What an overridden ACL implies besides its own operation (read implies describe), no deny of read revokes.
    assert {operation for _, _, operation in missing} <= {"describe"}
