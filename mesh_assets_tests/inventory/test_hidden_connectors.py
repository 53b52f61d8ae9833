from mesh_assets.inventory.hidden_connectors import hidden_connectors, hidden_connectors_note
from mesh_assets_tests.documents import a_connector, a_group


def test_a_sink_that_consumes_and_is_not_listed_is_hidden() -> None:
    groups = [
        a_group("connect-lcc-abc123"),
        a_group("connect-lcc-def456"),
        a_group("fraud-detection"),
        a_group("connect-cluster"),
    ]
    assert hidden_connectors([a_connector(id="lcc-abc123")], groups) == ("lcc-def456",)


def test_a_group_without_members_may_be_left_over_from_a_deleted_connector() -> None:
    assert (
        hidden_connectors(
            [], [a_group("connect-lcc-abc123", state="Empty"), a_group("connect-lcc-x", members=None)]
        )
        == ()
    )


def test_the_note_says_how_many_which_and_what_to_grant() -> None:
    assert hidden_connectors_note(("lcc-a",)).startswith(
        "a managed connector that consumes is not in the list of connectors (lcc-a): "
    )
    assert hidden_connectors_note(("lcc-a", "lcc-b", "lcc-c", "lcc-d")) == (
        "4 managed connectors that consume are not in the list of connectors (lcc-a, lcc-b, lcc-c, …): the list is filtered by missing "
        "rights; grant Operator on the cluster, and DeveloperRead on connector *"
    )
