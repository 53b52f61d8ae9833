"""When the service reads and encodes again, and what it answers where something is unreadable."""

from pathlib import Path

import pytest

from mesh_assets.errors import StoreError
from mesh_assets.fleet.in_force import InForce
from mesh_assets.inventory.document import ClusterIdentity
from mesh_assets.service.health import Bounds, problems_of
from mesh_assets.service.scrape import Scrape, UnknownClusterError
from mesh_assets.service.selection import Selection
from mesh_assets.store.layout import open_store
from mesh_assets_tests.documents import a_document, a_topic
from mesh_assets_tests.service.estate_of_metrics import (
    NOW,
    a_scrape,
    a_world,
    an_estate,
    publish,
    scraped,
)
from mesh_assets_tests.snapshot.world import World


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def timed(world: World, clock: Clock, *clusters: str) -> Scrape:
    estate = InForce(estate=an_estate(*clusters))
    return Scrape(
        lambda: estate,
        lambda: world.store,
        selection=Selection(),
        refresh_seconds=10,
        clock=clock,
        now=lambda: NOW,
    )


def test_a_cluster_is_encoded_again_only_when_its_document_changes(tmp_path: Path) -> None:
    lab = ClusterIdentity(id="lkc-2", name="lab")
    world = a_world(a_document(), a_document(cluster=lab), store=open_store(str(tmp_path)))
    clock = Clock()
    scrape = timed(world, clock, "warehouse", "lab")
    first = scrape.look()
    answer = scrape.answer()
    publish(world, a_document(topics=(a_topic(),), cluster=lab))
    assert scrape.answer() is answer, "it has not looked again"
    clock.now = 31
    second = scrape.look()
    assert [one is other for one, other in zip(first.clusters, second.clusters, strict=True)] == [True, False]
    assert scrape.answer().etag != answer.etag
    clock.now = 62
    assert [one is other for one, other in zip(second.clusters, scrape.look().clusters, strict=True)] == [
        True,
        True,
    ]


def test_the_same_text_has_the_same_etag_even_if_looked_up_again() -> None:
    clock = Clock()
    scrape = timed(a_world(a_document()), clock)
    first = scrape.answer()
    clock.now = 31
    assert scrape.answer() is first


def test_a_cluster_without_a_document_or_with_a_damaged_one_says_so_and_affects_no_other() -> None:
    world = a_world(a_document(), a_document(cluster=ClusterIdentity(id="lkc-2", name="damaged")))
    key = next(key for key in world.objects.data if "lkc-2/inventory-" in key)
    world.objects.data[key] = b"{}"
    scrape = a_scrape(world, "warehouse", "damaged", "new")
    read = scraped(scrape)
    assert {
        name: read.value("mesh_snapshot_readable", cluster=name) for name in ("warehouse", "damaged", "new")
    } == {"warehouse": 1, "damaged": 0, "new": 0}
    assert read.label("mesh_cluster_topics", "cluster") == ["warehouse"]
    problems = {state.cluster: state.problem or "" for state in scrape.look().clusters}
    assert "not what was written there" in problems["damaged"]
    assert "never discovered" in problems["new"]


@pytest.mark.parametrize("content", [b'{"format": 99}', b"{half"])
@pytest.mark.parametrize("key", ["inventories/lkc-2/latest.json", "clusters/other.json"])
def test_damage_and_later_versions_affect_no_other_cluster_either(key: str, content: bytes) -> None:
    world = a_world(a_document(), a_document(cluster=ClusterIdentity(id="lkc-2", name="other")))
    assert key in world.objects.data
    world.objects.data[key] = content
    read = scraped(a_scrape(world, "warehouse", "other"))
    assert [read.value("mesh_snapshot_readable", cluster=name) for name in ("warehouse", "other")] == [1, 0]


def test_an_unreadable_store_is_not_an_empty_answer_and_old_values_are_not_served_for_long() -> None:
    world, clock = a_world(a_document()), Clock()
    scrape = timed(world, clock)
    known = scrape.look()

    def fails(_: str) -> None:
        raise StoreError("the bucket does not answer")

    world.objects.get = fails  # type: ignore[assignment]
    clock.now = 29
    assert scrape.look() is known, "a moment's failure is not told"
    clock.now = 31
    for _ in range(2):
        with pytest.raises(StoreError, match="does not answer"):
            scrape.look()
    del world.objects.get
    assert scrape.look().clusters[0].texts == known.clusters[0].texts


def test_an_unknown_cluster_cannot_be_scraped() -> None:
    with pytest.raises(UnknownClusterError, match="no cluster 'lab'"):
        a_scrape(a_world(a_document())).answer(["lab"])


def test_damaged_readings_are_ignored_and_everything_else_is_served() -> None:
    world = a_world(a_document(topics=(a_topic("orders"),)))
    world.objects.data[f"readings/lkc-1/{NOW:%Y-%m-%d}/00-00-00-000000Z.bin"] = b"garbage"
    read = scraped(a_scrape(world))
    assert read.value("mesh_cluster_topics") == 1
    assert read.values("mesh_reading_timestamp_seconds") == []


def test_while_the_estate_file_is_broken_the_last_good_one_is_served_with_a_notice() -> None:
    world, estates = a_world(a_document()), [InForce(estate=an_estate())]
    clock = Clock()
    scrape = Scrape(
        lambda: estates[-1],
        lambda: world.store,
        selection=Selection(),
        refresh_seconds=10,
        clock=clock,
        now=lambda: NOW,
    )
    assert scraped(scrape).value("mesh_estate_readable") == 1
    estates.append(InForce(estate=an_estate(), fault="estate.yaml:3: expected a mapping", since=NOW))
    clock.now = 31
    read = scraped(scrape)
    assert (read.value("mesh_estate_readable"), read.value("mesh_snapshot_readable")) == (0, 1)
    problems = problems_of(scrape.look(), Bounds(), now=NOW)
    assert problems == [
        {
            "problem": f"the estate file is broken (seen since {NOW:%Y-%m-%d %H:%M:%S} UTC); until it is fixed, the last good estate "
            "stays in force, with 1 cluster: estate.yaml:3: expected a mapping"
        }
    ]
