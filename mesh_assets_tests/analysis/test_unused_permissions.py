"""ACLs and principals that match nothing, and when that is unknown."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.analysis.unused_permissions import KnownNames, conflicts_of, unused_principals
from mesh_assets.inventory.access_records import Acl
from mesh_assets.inventory.sections import SectionScope
from mesh_assets_tests.documents import (
    FRESH,
    NEVER_READ,
    a_document,
    a_group,
    a_topic,
    an_acl,
    some_access,
)


def test_a_principal_with_rights_only_on_missing_resources_is_unused() -> None:
    acls = (
        an_acl(),
        an_acl("User:gone", resource="old", pattern="prefixed"),
        an_acl("User:gone", resource="billing-2", resource_type="group"),
        an_acl("User:admin", "alter", resource_type="cluster", resource="kafka-cluster"),
    )
    document = a_document(
        topics=(a_topic(),), consumer_groups=(a_group("billing"),), access=some_access(acls=acls)
    )
    assert unused_principals(document) == ("User:gone",)
    assert [one.acl.principal for one in conflicts_of(document) or ()] == ["User:gone"] * 2


def test_no_principal_counts_as_unused_where_names_may_be_missing() -> None:
    access = some_access(acls=(an_acl("User:gone", resource="old"),))
    assert unused_principals(a_document(access=access, excluded_topics=1)) is None  # no scope says which
    assert unused_principals(a_document(access=access, sections={"topics": NEVER_READ})) is None
    assert unused_principals(a_document(access=some_access(acls=None))) is None
    assert conflicts_of(a_document()) is None
    assert conflicts_of(a_document(access=access, excluded_topics=1)) == ()


@pytest.mark.parametrize(
    ("acl", "is_known"),
    [
        (an_acl(resource="old"), True),
        (an_acl(resource="old", pattern="prefixed"), True),
        (an_acl(resource="__consumer_offsets"), False),
        (an_acl(resource="_", pattern="prefixed"), False),
        (an_acl(resource="__old", pattern="prefixed"), False),
    ],
)
def test_excluded_names_hide_only_what_the_patterns_may_match(acl: Acl, is_known: bool) -> None:
    document = a_document(
        access=some_access(acls=(acl,)),
        excluded_topics=1,
        sections={"topics": replace(FRESH, scope=SectionScope(exclude=("__*",)))},
    )
    assert bool(conflicts_of(document)) is is_known
    assert bool(unused_principals(document)) is is_known


def test_another_prefix_may_have_topics_where_only_some_names_are_included() -> None:
    known = KnownNames((), scope=SectionScope(include=("shop.*",)))
    assert known.may_lack(an_acl(resource="old"))
    assert known.may_lack(an_acl(resource="shop.", pattern="prefixed"))
    assert not known.may_lack(an_acl(resource="shop.old"))


@given(
    st.text("ab_", max_size=5), st.integers(0, 5), st.integers(0, 5), st.sampled_from(["*", "?*", "[!c]*"])
)
def test_excluded_names_are_never_called_missing(name: str, cut: int, fixed: int, rest: str) -> None:
    excluded = name[:fixed] + rest
    hidden = KnownNames((), scope=SectionScope(exclude=(excluded,)))
    if fnmatchcase(name, excluded):
        assert hidden.may_lack(an_acl(resource=name))
        assert hidden.may_lack(an_acl(resource=name[:cut], pattern="prefixed"))
