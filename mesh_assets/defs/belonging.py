"""`analysis/relationships` and `analysis/domains`: which topics are about the same things, and which belong together."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.answering.belonging import (
    EstateDomains,
    EstateRelationships,
    keep_estate_domains,
    keep_estate_relationships,
    read_estate_domains,
    read_estate_relationships,
)
from mesh_assets.components.refreshing import refresh_states
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.runs.failures import masking_failures
from mesh_assets.store.results import DocumentRead

RELATIONSHIPS_KEY = dg.AssetKey(["analysis", "relationships"])
DOMAINS_KEY = dg.AssetKey(["analysis", "domains"])


def relationships_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=RELATIONSHIPS_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY],
        description="Which topics are about the same things: entities and the keys in all schemas that identify them.",
        # Only reads, and replaces the result as a whole, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def relationships(estate: EstateResource, store: StoreResource) -> dg.MaterializeResult[None]:
        found = read_estate_relationships(estate.estate(), store.documents_once())
        location = keep_estate_relationships(store.documents_once(), found, made_at=datetime.now(UTC))
        return dg.MaterializeResult(
            asset_key=RELATIONSHIPS_KEY, metadata=relationships_metadata(found, location)
        )

    return relationships


def domains_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=DOMAINS_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY, RELATIONSHIPS_KEY],
        description="Which topics belong together, each with the reason.",
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def domains(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> dg.MaterializeResult[None]:
        found = read_estate_domains(estate.estate(), store.documents_once())
        location = keep_estate_domains(store.documents_once(), found, made_at=datetime.now(UTC))
        for line in refresh_states(
            context.instance, store.documents_once(), clusters=estate.estate().clusters
        ):
            context.log.info(line)
        return dg.MaterializeResult(asset_key=DOMAINS_KEY, metadata=domains_metadata(found, location))

    return domains


def relationships_metadata(found: EstateRelationships, location: str) -> dict[str, Any]:
    """Dagster metadata: counts, the first entities as a table, and what could not be read."""
    entities, gaps = found.relationships.entities, found.relationships.gaps
    shared = [entity for entity in entities if len(entity.topics) > 1]
    return {
        "entities": len(entities),
        "relationships": len(shared),
        "subjects": found.relationships.subjects,
        "fields": found.relationships.fields,
        "gaps": len(gaps),
        "result": location,
        "documents": _documents(found.documents),
        **table_metadata(
            "entities",
            entities,
            lambda one: {
                "cluster": one.cluster,
                "entity": one.name,
                "key": one.key,
                "topics": ", ".join(one.topics[:10]),
                "described_by": ", ".join(one.described_by[:10]),
                "score": one.score,
                "reason": one.reason,
            },
        ),
        **table_metadata(
            "not read",
            gaps,
            lambda gap: {"cluster": gap.cluster, "subject": gap.subject, "reason": gap.reason},
        ),
    }


def domains_metadata(found: EstateDomains, location: str) -> dict[str, Any]:
    """Dagster metadata: counts by how domains are known, the first topics as a table, and topics without a domain."""
    domains, unassigned = found.domains.domains, found.domains.unassigned
    members = [(domain, member) for domain in domains for member in domain.topics]
    known = Counter(member.known for _, member in members)
    return {
        "domains": len(domains),
        "topics": len(members),
        **{f"by_{how}": known[how] for how in sorted(known)},
        "without_domain": len(unassigned),
        "result": location,
        "documents": _documents(found.documents),
        **table_metadata(
            "topics",
            members,
            lambda one: {
                "cluster": one[0].cluster,
                "domain": one[0].name,
                "topic": one[1].topic,
                "known": one[1].known,
                "reason": one[1].reason,
            },
        ),
        **table_metadata(
            "without a domain",
            unassigned,
            lambda one: {"cluster": one.cluster, "topic": one.topic, "reason": one.reason},
        ),
    }


def _documents(read: tuple[DocumentRead, ...]) -> dg.JsonMetadataValue:
    return dg.MetadataValue.json({one.cluster: one.sequence for one in read})
