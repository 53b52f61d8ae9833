"""Sections as a run reads them, and the result of joining them."""

from datetime import timedelta

from mesh_assets.inventory.document import ClusterIdentity, Document, EnvironmentIdentity
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import (
    ConnectorsSection,
    ConsumerGroupsSection,
    MetricsSection,
    SchemasSection,
    Section,
    SectionName,
    SectionState,
    TopicsSection,
)
from mesh_assets.joining.join import join_sections, settle_section
from mesh_assets_tests.documents import FRESH, MOMENT

LATER = MOMENT + timedelta(minutes=5)


def a_topics_section(*topics: Topic, state: SectionState = FRESH) -> TopicsSection:
    return TopicsSection(cluster_id="lkc-1", state=state, records=topics)


def five_sections(**given: Section) -> dict[SectionName, Section]:
    return {
        "topics": given.get("topics", a_topics_section()),
        "connectors": given.get("connectors", ConnectorsSection(cluster_id="lkc-1", state=FRESH, records=())),
        "schemas": given.get("schemas", SchemasSection(cluster_id="lkc-1", state=FRESH, records=())),
        "consumer_groups": given.get(
            "consumer_groups", ConsumerGroupsSection(cluster_id="lkc-1", state=FRESH, records=())
        ),
        "metrics": given.get("metrics", MetricsSection(cluster_id="lkc-1", state=FRESH, records=None)),
    }


def join(sections: dict[SectionName, Section], previous: Document | None = None) -> Document:
    return join_sections(
        sections,
        previous=previous,
        environment=EnvironmentIdentity(id="env-1", name="test"),
        cluster=ClusterIdentity(id="lkc-1", name="warehouse"),
        now=LATER,
        sequence=2,
        run_id="run-2",
    )


def fresh_at(minutes: int) -> SectionState:
    return SectionState(status="fresh", collected_at=MOMENT + timedelta(minutes=minutes))


def settle(collected: Section, previous: Document, *, minutes: int) -> Section:
    return settle_section(
        "topics", collected, cluster_id="lkc-1", previous=previous, now=MOMENT + timedelta(minutes=minutes)
    )
