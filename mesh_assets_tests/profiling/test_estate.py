"""Profiles of the whole estate: stored with their trend, and never lost because a cluster does not answer."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from msgspec.structs import replace

from mesh_assets.errors import StoreError, UnreachableError
from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.profiling.cluster import MOST_POINTS, ProfilingClients
from mesh_assets.profiling.estate import EstateProfiles, keep_estate_profiles, profile_estate
from mesh_assets.profiling.records import DataQuality
from mesh_assets.profiling.results import of_present_topics, profile_results
from mesh_assets.store.folder import FolderStore
from mesh_assets.store.inventories import InventoryStore
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.profiling.logs import CLUSTER_ID, NOW, InMemory, Log, a_record, numbered

MARKER = "very-private-words"


def an_estate(**allowed: list[str]) -> Estate:
    clusters = {
        name: {"kafka": {"bootstrap_servers": "b:1"}, "allow_message_reading": patterns}
        for name, patterns in allowed.items()
    }
    return parse_estate(yaml.safe_dump({"clusters": clusters}), source="a test")


def a_world(count: int = 40) -> InMemory:
    values = [{"id": f"{MARKER}-{n}", "state": MARKER, "n": n} for n in range(count)]
    records = [
        a_record(json.dumps(one).encode(), key=f"{MARKER}{n}".encode()) for n, one in enumerate(values)
    ]
    return InMemory({"orders": Log(numbered(records))})


@pytest.fixture
def store(tmp_path: Path) -> InventoryStore:
    return InventoryStore(FolderStore(tmp_path / "store"))


def run(
    store: InventoryStore, estate: Estate, worlds: Mapping[str, InMemory | None], *, days: int = 0
) -> EstateProfiles:
    """`worlds`: by cluster; None: it does not answer."""

    @contextmanager
    def unreachable() -> Iterator[ProfilingClients]:
        raise UnreachableError("Kafka at b:1 could not be reached")
        yield

    def open_clients(cluster: Cluster) -> AbstractContextManager[ProfilingClients]:
        world = worlds[cluster.name]
        return unreachable() if world is None else world.open(cluster)

    at = NOW + timedelta(days=days)
    found = profile_estate(estate, store, now=lambda: at, open_clients=open_clients)
    keep_estate_profiles(store, found, made_at=at)
    return found


def kept(store: InventoryStore) -> DataQuality:
    result = profile_results(store).get()
    assert result is not None
    return result.result


def test_a_trend_keeps_the_figures_of_earlier_profiles_and_ends(store: InventoryStore) -> None:
    estate = an_estate(a=["*"])
    for day in range(MOST_POINTS + 3):
        run(store, estate, {"a": a_world(20 + day)}, days=day)
    profile = kept(store).profile("a", "orders")
    assert profile is not None
    assert profile.sampled_records == 20 + MOST_POINTS + 2
    assert [one.sampled_records for one in profile.trend] == list(range(22, 22 + MOST_POINTS))
    assert profile.trend[-1].taken_at == NOW + timedelta(days=MOST_POINTS + 1)


def test_a_topic_that_was_recreated_has_no_trend_yet(store: InventoryStore) -> None:
    world = a_world()
    world.logs["orders"].topic_id = "the one before"
    run(store, an_estate(a=["*"]), {"a": world})
    run(store, an_estate(a=["*"]), {"a": a_world()}, days=1)
    profile = kept(store).profile("a", "orders")
    assert profile is not None
    assert (profile.topic_id, profile.trend) == ("id-of-orders", ())


def test_an_unresponsive_cluster_keeps_its_last_profiles_and_is_named(store: InventoryStore) -> None:
    estate = an_estate(a=["*"], b=["*"])
    run(store, estate, {"a": a_world(), "b": a_world()})
    found = run(store, estate, {"a": None, "b": a_world()}, days=1).quality
    assert [(one.cluster, one.reason) for one in found.unprofiled] == [
        ("a", "Kafka at b:1 could not be reached")
    ]
    assert [(one.cluster, one.taken_at) for one in found.profiles] == [
        ("a", NOW),
        ("b", NOW + timedelta(days=1)),
    ]
    no_longer = run(store, an_estate(a=["other"], b=["*"]), {"a": None, "b": a_world()}, days=2).quality
    assert [one.cluster for one in no_longer.profiles] == ["b"]


def test_a_cluster_that_allows_nothing_is_not_contacted(store: InventoryStore) -> None:
    found = run(store, an_estate(a=[]), {}).quality
    assert found.profiles == ()
    assert [(one.cluster, one.nothing_allowed) for one in found.unprofiled] == [("a", True)]


def test_a_trend_names_only_fields_of_the_profile(store: InventoryStore) -> None:
    for day, name in enumerate(("was-data", "note")):
        values = [{"id": n, **({name: "x"} if n % 2 else {})} for n in range(40)]
        records = numbered([a_record(json.dumps(one).encode()) for one in values])
        run(store, an_estate(a=["*"]), {"a": InMemory({"orders": Log(records)})}, days=day)
    profile = kept(store).profile("a", "orders")
    assert profile is not None
    assert [one.completeness for one in profile.trend] == [{}]


def test_what_was_sampled_of_topics_that_are_gone_or_recreated_is_left_out(store: InventoryStore) -> None:
    names = ("gone", "orders", "payments", "users")
    values = [json.dumps({"user_id": f"u-{number}"}).encode() for number in range(40)]
    logs = {name: Log(numbered([a_record(one) for one in values])) for name in names}
    quality = run(store, an_estate(a=["*"]), {"a": InMemory(logs)}).quality
    assert len(quality.overlaps) == 6
    document = a_document(
        cluster=ClusterIdentity(id=CLUSTER_ID, name="a"),
        topics=(a_topic("orders"), a_topic("payments", id="of a new one"), a_topic("users")),
    )

    found = of_present_topics(quality, {"a": document})

    assert [one.topic for one in found.profiles] == ["orders", "users"]
    assert [(one.topic, one.other_topic) for one in found.overlaps] == [("orders", "users")]
    other = replace(document, cluster=replace(document.cluster, id="another-cluster-of-that-name"))
    assert of_present_topics(quality, {"a": other}).profiles == ()


def test_damaged_results_cost_their_trend_and_nothing_else(store: InventoryStore) -> None:
    estate = an_estate(a=["*"])
    store.objects.put("analysis/data_quality.json", b"{")
    store.objects.put("analysis/usual_gaps.json", b"{")
    found = run(store, estate, {"a": a_world()})
    assert [note.partition(":")[0] for note in found.notes] == [
        "trends start over",
        "usual figures come from the samples",
    ]
    assert len(found.quality.profiles) == 1


def test_without_the_stores_key_nothing_is_hashed_by_another(
    store: InventoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesh_assets.profiling.estate.fingerprint_key", lambda _: None)
    with pytest.raises(StoreError, match="the store's private key cannot be read"):
        run(store, an_estate(a=["*"]), {"a": a_world()})


def test_no_value_and_no_key_is_in_the_store(store: InventoryStore, tmp_path: Path) -> None:
    run(store, an_estate(a=["*"]), {"a": a_world()})
    written = {path: path.read_bytes() for path in (tmp_path / "store").rglob("*") if path.is_file()}
    assert any(path.name == "data_quality.json" for path in written)
    assert [path for path, data in written.items() if MARKER.encode() in data] == []
