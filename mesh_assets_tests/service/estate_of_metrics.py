"""A store with documents and readings, its service, and the answer as Prometheus' own client reads it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from mesh_assets.estate.file import parse_estate
from mesh_assets.estate.model import Estate
from mesh_assets.fleet.in_force import InForce
from mesh_assets.inventory.document import Document
from mesh_assets.readings.history import ReadingHistory
from mesh_assets.readings.reading import Reading, series_name
from mesh_assets.service.scrape import Scrape, unpacked
from mesh_assets.service.selection import Selection
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.objects import ObjectStore
from mesh_assets_tests.documents import MOMENT
from mesh_assets_tests.snapshot.world import World

NOW = MOMENT + timedelta(hours=1)
Labels = Mapping[str, str]


def an_estate(*clusters: str) -> Estate:
    lines = [
        f'  {name}:\n    kafka: {{bootstrap_servers: "127.0.0.1:1"}}' for name in clusters or ("warehouse",)
    ]
    return parse_estate("\n".join(("clusters:", *lines)) + "\n", source="estate.yaml")


def publish(world: World, document: Document) -> None:
    world.store.remember_cluster(document.cluster.name, document.cluster.id)
    world.publish(
        lambda _, sequence: replace(document, sequence=sequence),
        cluster=document.cluster.name,
        cluster_id=document.cluster.id,
    )


def a_world(*documents: Document, store: ObjectStore | None = None) -> World:
    world = World(store=store)
    for document in documents:
        publish(world, document)
    return world


def keep_reading(
    store: InventoryStore,
    read_at: datetime,
    *,
    ends: Mapping[str, int] | None = None,
    commits: Mapping[str, int] | None = None,
    lags: Mapping[str, int] | None = None,
    cluster_id: str = "lkc-1",
) -> None:
    """As the sensor stores it: ends by topic of these documents, commits and lags by group."""
    reading = Reading(
        read_at=read_at,
        ends={series_name(topic, f"id-of-{topic}"): end for topic, end in (ends or {}).items()},
        commits={series_name(group, "all"): committed for group, committed in (commits or {}).items()},
        lags=dict(lags or {}),
        topics=frozenset(ends or ()),
        groups=frozenset(lags or ()),
    )
    history = ReadingHistory(store.objects, cluster_id)
    history.keep(history.extended(history.newest(history.entries()), reading))


def a_scrape(
    world: World, *clusters: str, now: datetime = NOW, fault: str | None = None, **selection: Any
) -> Scrape:
    """`fault`: of the estate file, seen now."""
    estate = InForce(estate=an_estate(*clusters), fault=fault, since=None if fault is None else now)
    return Scrape(lambda: estate, lambda: world.store, selection=Selection(**selection), now=lambda: now)


class Scraped:
    """The samples of an answer, by family: `value("mesh_topic_records", topic="orders")`; None where there is none."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.samples: dict[str, list[tuple[Labels, float]]] = {}
        for family in text_string_to_metric_families(text):  # type: ignore[no-untyped-call]
            assert family.type == "gauge"
            assert family.name not in self.samples, "each family comes once"
            self.samples[family.name] = [(sample.labels, sample.value) for sample in family.samples]

    def values(self, family: str, **labels: str) -> list[float]:
        return [value for known, value in self.samples.get(family, ()) if labels.items() <= known.items()]

    def value(self, family: str, **labels: str) -> float | None:
        found = self.values(family, **labels)
        assert len(found) < 2, f"{family} has {len(found)} series with {labels}"
        return found[0] if found else None

    def label(self, family: str, name: str) -> list[str]:
        return [labels[name] for labels, _ in self.samples.get(family, ())]


def scraped(scrape: Scrape, *clusters: str) -> Scraped:
    return Scraped(unpacked(scrape.answer(clusters)).decode())


def moment(value: float | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)
