"""Properties of the diff of any two documents."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.diff import State, apply_changes, compared_sections, diff_documents, stable_state
from mesh_assets.inventory.changes import change_line, headline_changes
from mesh_assets.inventory.document import Document, decode_document, encode_document
from mesh_assets.inventory.sections import SectionName, SectionState
from mesh_assets.masking.configs import MASK
from mesh_assets_tests.arbitrary_documents import (
    documents,
    known_documents,
    property_of_documents,
    shuffled,
    volatile_twins,
)
from mesh_assets_tests.documents import (
    FRESH,
    NEVER_READ,
    NOT_CONFIGURED,
    STALE,
    a_connector,
    a_document,
    a_group,
    a_schema,
    a_topic,
)

A_TOPIC, A_CONNECTOR, A_SCHEMA, A_GROUP = a_topic(), a_connector(), a_schema(), a_group()
EMPTY = a_document()
FULL = a_document(
    topics=(A_TOPIC,), connectors=(A_CONNECTOR,), schemas=(A_SCHEMA,), consumer_groups=(A_GROUP,)
)
SECTIONS: tuple[tuple[SectionName, str], ...] = (
    ("topics", "topic"),
    ("connectors", "connector"),
    ("schemas", "schema"),
    ("consumer_groups", "consumer_group"),
)

ALSO = {"schemas": ("schema_registry",), "topics": ("topic_defaults", "log_directories")}


@property_of_documents
@given(documents(), documents())
def test_any_two_documents_can_be_compared_and_every_change_is_one_readable_line(
    before: Document, after: Document
) -> None:
    changes = diff_documents(before, after)
    for change in changes:
        assert change.sentence
        assert change_line(change).splitlines() == [change_line(change)]
        assert change.before != change.after or MASK in str(change.after)
        assert (change.field is None) == (change.kind != "updated")
    assert set(headline_changes(changes)) <= set(changes)
    assert bool(headline_changes(changes)) == bool(changes)
    keys = [(c.resource_type, c.resource, c.field or "") for c in changes]
    assert keys == sorted(keys)


@property_of_documents
@given(documents())
def test_nothing_changed_between_equal_documents(document: Document) -> None:
    assert diff_documents(document, decode_document(encode_document(document), source="test")) == ()


@property_of_documents
@given(documents(), st.data())
def test_nothing_changed_when_only_volatile_and_derived_values_differ(
    document: Document, data: st.DataObject
) -> None:
    assert diff_documents(document, data.draw(volatile_twins(document))) == ()


@property_of_documents
@given(documents(), st.data())
def test_the_order_of_lists_is_not_a_change(document: Document, data: st.DataObject) -> None:
    assert diff_documents(document, data.draw(shuffled(document))) == ()


@property_of_documents
@given(documents(), documents())
def test_the_changes_do_not_depend_on_the_order_of_resources(before: Document, after: Document) -> None:
    assert diff_documents(reordered(before), reordered(after)) == diff_documents(before, after)


@property_of_documents
@given(known_documents(), known_documents())
def test_applying_the_changes_to_the_old_state_gives_the_new(before: Document, after: Document) -> None:
    changes = diff_documents(before, after)
    present = apply_changes(stable_state(before), changes)
    assert present == stable_state(after)
    assert apply_changes(present, changes) == present


@property_of_documents
@given(known_documents(), st.data())
def test_a_consumer_that_applies_the_changes_of_several_snapshots_knows_the_current_state(
    first: Document, data: st.DataObject
) -> None:
    state, latest = stable_state(first), first
    for document in data.draw(st.lists(known_documents(), max_size=3)):
        state, latest = apply_changes(state, diff_documents(latest, document)), document
    assert state == stable_state(latest)


@property_of_documents
@given(documents(fresh=True), documents(fresh=True))
def test_known_values_are_right_after_applying_whatever_else_is_unknown(
    before: Document, after: Document
) -> None:
    old, new = stable_state(before), stable_state(after)
    present = apply_changes(old, diff_documents(before, after))
    for resource_type in ("topic", "connector", "schema", "consumer_group"):
        assert present[resource_type].keys() == new[resource_type].keys()
    for known, value in leaves(new).items():
        if known in leaves(present):
            assert leaves(present)[known] == value
        else:  # it was unknown and became known: that is only in the snapshot, unless it is a state
            in_parts = known[0] in (
                "cluster_link",
                "mirror_topic",
            )  # a part that becomes known is included as a whole
            assert in_parts or not known[2].startswith(("status", "state", "tasks"))


@property_of_documents
@given(documents(), documents())
def test_applying_gives_a_new_state_and_keeps_the_old(before: Document, after: Document) -> None:
    old = stable_state(before)
    apply_changes(old, diff_documents(before, after))
    assert old == stable_state(before)


@property_of_documents
@given(documents(fresh=True), documents(fresh=True), st.sampled_from([STALE, NEVER_READ, NOT_CONFIGURED]))
def test_only_fresh_sections_give_changes(before: Document, after: Document, state: SectionState) -> None:
    changes = diff_documents(before, after)
    for section, resource_type in SECTIONS:
        of_section = {resource_type, *ALSO.get(section, ())}
        remaining = tuple(change for change in changes if change.resource_type not in of_section)
        assert (
            diff_documents(before, replace(after, sections={**after.sections, section: state})) == remaining
        )


def test_the_first_document_is_a_baseline_without_changes() -> None:
    assert diff_documents(None, FULL) == ()


def test_sections_are_compared_where_both_documents_know_them() -> None:
    assert [change.resource_type for change in diff_documents(EMPTY, FULL)] == [
        "connector",
        "consumer_group",
        "schema",
        "topic",
    ]
    assert [change.kind for change in diff_documents(FULL, EMPTY)] == ["deleted"] * 4


@pytest.mark.parametrize("state", [NEVER_READ, NOT_CONFIGURED])
def test_the_first_reading_of_a_section_is_a_baseline_without_changes(state: SectionState) -> None:
    before = a_document(sections={"schemas": state})
    assert [change.resource_type for change in diff_documents(before, FULL)] == [
        "connector",
        "consumer_group",
        "topic",
    ]
    assert compared_sections(before, FULL) == (
        "topics",
        "connectors",
        "consumer_groups",
        "brokers",
        "access",
        "transactions",
        "cluster_links",
    )


def test_a_section_read_again_is_compared_with_its_last_good_data() -> None:
    before = a_document(schemas=(A_SCHEMA,), sections={"schemas": STALE})
    after = a_document(schemas=(a_schema(version=2),))
    assert [change.sentence for change in diff_documents(before, after)] == ["Schema version 1 → 2"]


def test_a_document_without_a_section_has_not_lost_its_resources() -> None:
    assert diff_documents(FULL, replace(EMPTY, sections={"topics": FRESH}))[0].resource_type == "topic"
    assert len(diff_documents(FULL, replace(EMPTY, sections={"topics": FRESH}))) == 1


def reordered(document: Document) -> Document:
    return replace(
        document,
        topics=document.topics[::-1],
        connectors=document.connectors[::-1],
        schemas=document.schemas[::-1],
        consumer_groups=document.consumer_groups[::-1],
    )


def leaves(state: State) -> dict[tuple[str, str, str], str]:
    return {
        (resource_type, resource, field): value
        for resource_type, resources in state.items()
        for resource, fields in resources.items()
        for field, value in fields.items()
    }
