from fnmatch import fnmatchcase

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionScope, Source
from mesh_assets.joining.scope import scope_change
from mesh_assets_tests.arbitrary_records import topics
from mesh_assets_tests.documents import FRESH, a_connector, a_document

scopes = st.builds(
    SectionScope,
    include=st.sampled_from([("*",), ("a*", "o*"), ("[a-m]*",)]),
    exclude=st.sampled_from([(), ("*s",), ("o*",)]),
)
known_topics = st.lists(topics(known=True), max_size=4, unique_by=lambda topic: topic.name).map(
    lambda found: a_document(topics=tuple(found))
)
property_of = settings(max_examples=min(30, settings().max_examples))


def scoped(document: Document, scope: SectionScope) -> Document:
    """The document of a reading with `scope`."""
    return replace(
        document,
        topics=tuple(topic for topic in document.topics if selects(scope, topic.name)),
        sections={**document.sections, "topics": replace(FRESH, scope=scope)},
    )


def selects(scope: SectionScope, name: str) -> bool:
    return any(fnmatchcase(name, p) for p in scope.include) and not any(
        fnmatchcase(name, p) for p in scope.exclude
    )


@property_of
@given(known_topics, scopes, scopes)
def test_no_edit_of_the_patterns_alone_is_a_change(
    document: Document, one: SectionScope, other: SectionScope
) -> None:
    assert diff_documents(scoped(document, one), scoped(document, other)) == ()


@property_of
@given(known_topics, known_topics, scopes, scopes)
def test_changes_of_what_both_patterns_select_do_not_depend_on_the_rest(
    before: Document, after: Document, one: SectionScope, other: SectionScope
) -> None:
    both = [
        change
        for change in of_topics(before, after)
        if selects(one, change.resource) and selects(other, change.resource)
    ]
    assert of_topics(scoped(before, one), scoped(after, other)) == both


def of_topics(before: Document, after: Document) -> list[Change]:
    return [change for change in diff_documents(before, after) if change.resource_type == "topic"]


def test_a_source_is_identified_by_its_name_or_after_a_renaming_by_its_address() -> None:
    before = a_document(
        connectors=(a_connector(connect="a"),),
        sections={
            "connectors": replace(
                FRESH,
                scope=SectionScope(
                    sources=(Source(name="a", address="one"), Source(name="b", address="two"))
                ),
            )
        },
    )
    after = SectionScope(sources=(Source(name="a", address="three"), Source(name="c", address="two")))

    change = scope_change(before, "connectors", after)

    assert change.renamed == {"b": "c"}
    assert (change.left(("a", "x")), change.left(("c", "x"))) == (True, False)
    assert (change.entered(("a", "x")), change.entered(("c", "x"))) == (True, False)
    assert not change.unrelated


addresses = st.permutations(["one", "two", "three", "four"])


def at(names: dict[str, str]) -> Document:
    """A distinct connector `x` at each endpoint, by name and address."""
    scope = SectionScope(sources=tuple(Source(name=n, address=a) for n, a in names.items()))
    return a_document(
        connectors=tuple(
            replace(a_connector("x", config={"of": address}), connect=name) for name, address in names.items()
        ),
        sections={"connectors": replace(FRESH, scope=scope)},
    )


@property_of
@example(["one", "two", "three", "four"], ["three", "one", "two", "four"], 3, 3)  # all three are handed on
@example(["one", "two", "three", "four"], ["two", "three", "four", "one"], 3, 2)  # and one is taken out
@example(["one", "two", "three", "four"], ["two", "three", "one", "four"], 2, 3)  # or comes in
@given(addresses, addresses, st.integers(1, 4), st.integers(1, 4))
def test_no_connector_changes_however_endpoints_exchange_names(
    before: list[str], after: list[str], first: int, then: int
) -> None:
    old = dict(zip("abcd", before[:first], strict=False))
    new = dict(zip("abcd", after[:then], strict=False))
    moved = set(new.values()) - set(old.values())
    # A name that stays while its contents change is the same endpoint at a new address: its connector differs.
    new = {name: address for name, address in new.items() if address not in moved or name not in old}

    assume(new)

    assert diff_documents(at(old), at(new)) == ()


def test_names_exchanged_between_endpoints_change_nothing() -> None:
    one, two = Source(name="a", address="one"), Source(name="b", address="two")
    first, second = a_connector("x", config={"of": "one"}), a_connector("x", config={"of": "two"})
    before = a_document(
        connectors=(replace(first, connect="a"), replace(second, connect="b")),
        sections={"connectors": replace(FRESH, scope=SectionScope(sources=(one, two)))},
    )
    exchanged = SectionScope(sources=(replace(two, name="a"), replace(one, name="b")))
    after = a_document(
        connectors=(replace(second, connect="a"), replace(first, connect="b")),
        sections={"connectors": replace(FRESH, scope=exchanged)},
    )

    change = scope_change(before, "connectors", exchanged)

    assert diff_documents(before, after) == ()
    assert change.note("connectors", {("a", "x"), ("b", "x")}, {("a", "x"), ("b", "x")}) == (
        "endpoint a is called b now; endpoint b is called a now"
    )
