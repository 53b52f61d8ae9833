"""What agents learn about profiles: figures, page by page, or why there are none."""

import json
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import profile_results
from mesh_assets_tests.documents import MOMENT, a_document, a_topic
from mesh_assets_tests.mcp_server.served import FLINK, Served
from mesh_assets_tests.profiling.logs import InMemory, Log, a_record, numbered, profile

MARKER = "very-private-words"


def a_shop() -> Document:
    return a_document(
        topics=tuple(a_topic(name) for name in ("public-new", "public-orders", "public-recreated", "secret"))
    )


@pytest.fixture
def served(make_served: Callable[..., Served]) -> Served:
    served = make_served(a_shop(), estate=FLINK)
    values = [
        {"id": f"{MARKER}-{n}", "state": MARKER if n % 2 else "paid", "note": f"a{n}@example.com"}
        for n in range(40)
    ]
    values[3].pop("state")
    records = numbered([a_record(json.dumps(one).encode(), key=b"%d" % n) for n, one in enumerate(values)])
    (found,) = profile(InMemory({"public-orders": Log([*records, a_record(b"\xff", offset=40)])})).profiles
    document = a_shop()
    found = replace(found, cluster=document.cluster.name, cluster_id=document.cluster.id)
    kept = DataQuality(
        profiles=(found, replace(found, topic="public-recreated", topic_id="of the one before")),
        overlaps=(),
        unprofiled=(),
        not_allowed=1,
    )
    profile_results(served.known.store).put(kept, documents=(), made_at=MOMENT)
    return served


def test_a_profile_shows_figures_and_faults_and_no_value(served: Served) -> None:
    found = served.answer("get_profile", topic="public-orders")
    assert found["figures"]["sampled_records"] == 41
    assert found["figures"]["decoded"] == 40 / 41
    assert {(one["kind"], one.get("field")) for one in found["faults"]} == {
        ("undecodable_records", None),
        ("incomplete_field", "state"),
        ("personal_data", "note"),
    }
    fields = {one["path"]: one for one in found["fields"]}
    assert fields["state"]["completeness"] == 39 / 40
    assert sorted(fields["state"]["values"].values()) == [19, 20]
    assert fields["note"]["looks_personal"] == {"email": 1.0}
    assert fields["id"]["figures_of"] == "length"
    assert MARKER not in json.dumps(found)


def test_fields_are_chosen_by_pattern_and_shown_with_histograms_on_request(served: Served) -> None:
    (field,) = served.answer("get_profile", topic="public-orders", pattern="id", histograms=True)["fields"]
    assert sum(field["histogram"].values()) == 40


def test_a_topic_shows_its_profile(served: Served) -> None:
    faults = served.answer("describe_topic", topic="public-orders")["data_faults"]
    assert faults[0].startswith("1 value of 41 records cannot be decoded")
    assert len(faults) == 3


def test_a_missing_profile_is_explained(served: Served) -> None:
    for topic in ("public-new", "public-recreated"):
        assert "the job profiling makes one" in served.refusal("get_profile", topic=topic)
        assert "data_faults" not in served.answer("describe_topic", topic=topic)
    assert "is not under allow_message_reading of cluster warehouse" in served.refusal(
        "get_profile", topic="secret"
    )
    assert "has no topic 'nowhere'" in served.refusal("get_profile", topic="nowhere")


def test_unreadable_profiles_do_not_affect_the_topic(served: Served) -> None:
    served.known.store.objects.put("analysis/data_quality.json", b"{")
    found = served.answer("describe_topic", topic="public-orders")
    assert any(note.startswith("profiles: ") for note in found["about"]["notes"])
    assert "run the job" in served.refusal("get_profile", topic="public-orders")
