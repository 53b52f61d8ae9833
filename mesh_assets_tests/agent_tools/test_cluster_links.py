"""What agents learn about cluster links."""

from collections.abc import Callable

from mesh_assets.inventory.cluster_link_records import ClusterLinks, LinkTask
from mesh_assets_tests.documents import a_document, a_link, a_mirror, some_links
from mesh_assets_tests.mcp_server.served import Served


def test_broken_mirrors_come_first_then_those_far_behind(make_served: Callable[..., Served]) -> None:
    mirrors = (
        a_mirror("a"),
        a_mirror("b", lag_records=900),
        a_mirror("c", status="PAUSED"),
        a_mirror("d", status="FAILED", errors=("TOPIC_GONE: it was made anew",)),
    )
    answer = make_served(a_document(cluster_links=some_links(mirror_topics=mirrors))).answer(
        "describe_cluster_links"
    )

    assert [one["topic"] for one in answer["mirror_topics"]] == ["d", "c", "b", "a"]
    assert answer["mirror_topics"][0]["errors"] == ["TOPIC_GONE: it was made anew"]
    assert answer["links"] == [{"name": "dr", "source_cluster": "lkc-2", "state": "ACTIVE"}]
    assert answer["totals"] == {"links": 1, "mirror_topics": 4}


def test_a_broken_link_comes_first_in_a_list_that_is_cut(make_served: Callable[..., Served]) -> None:
    links = (*(a_link(f"a{number:02d}") for number in range(60)), a_link("z", error="AUTHENTICATION_ERROR"))
    answer = make_served(a_document(cluster_links=some_links(links=links))).answer("describe_cluster_links")
    assert [one["name"] for one in answer["links"]][:3] == ["z", "a00", "a01"]
    assert answer["hint"] == "lists are cut at 40; narrow by link or topic"


def test_a_pattern_of_the_link_or_of_either_topic_narrows_the_answer(
    make_served: Callable[..., Served],
) -> None:
    links = some_links(
        links=(
            a_link("dr"),
            a_link(
                "lab",
                error="AUTHENTICATION_ERROR",
                error_message="check the key",
                tasks=(LinkTask(name="AclSync", state="IN_ERROR", errors=("ACL_LIMIT: too many",)),),
            ),
        ),
        mirror_topics=(a_mirror("orders"), a_mirror("x", link="lab", source_topic="users")),
    )
    served = make_served(a_document(cluster_links=links))

    of_link = served.answer("describe_cluster_links", link="l*")
    assert [one["topic"] for one in of_link["mirror_topics"]] == ["x"]
    assert of_link["links"][0]["error"] == "AUTHENTICATION_ERROR: check the key"
    assert of_link["links"][0]["tasks_in_error"] == ["AclSync: ACL_LIMIT: too many"]
    of_topic = served.answer("describe_cluster_links", topic="use*")
    assert [one["topic"] for one in of_topic["mirror_topics"]] == ["x"]


def test_unknown_values_are_left_out_with_the_reason(make_served: Callable[..., Served]) -> None:
    unknown = {"links": "Kafka REST refused Kafka API key K (403)"}
    answer = make_served(a_document(cluster_links=ClusterLinks(mirror_topics=(), unknown=unknown))).answer(
        "describe_cluster_links"
    )
    assert "links" not in answer
    assert (answer["unknown"], answer["totals"]) == (unknown, {"mirror_topics": 0})


def test_long_lists_are_cut_and_say_so(make_served: Callable[..., Served]) -> None:
    mirrors = tuple(a_mirror(f"t{number:02d}") for number in range(60))
    answer = make_served(a_document(cluster_links=some_links(mirror_topics=mirrors))).answer(
        "describe_cluster_links"
    )
    assert len(answer["mirror_topics"]) == 40
    assert answer["hint"] == "lists are cut at 40; narrow by link or topic"
    assert answer["totals"]["mirror_topics"] == 60
