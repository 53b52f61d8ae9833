"""`analysis/lineage`: what feeds what, over every cluster of the estate."""

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from mesh_assets.answering.estate_lineage import EstateLineage, keep_estate_lineage, read_estate_lineage
from mesh_assets.answering.known_mappings import KnownMappings
from mesh_assets.components.refreshing import refresh_states
from mesh_assets.defs.esm.asset import MAPPINGS_KEY
from mesh_assets.defs.resources import EstateResource, EventSourceMappings, StoreResource
from mesh_assets.defs.section_metadata import table_metadata
from mesh_assets.defs.snapshot import SNAPSHOT_KEY
from mesh_assets.lineage.estate import counts
from mesh_assets.runs.failures import masking_failures

LINEAGE_KEY = dg.AssetKey(["analysis", "lineage"])


def lineage_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    @dg.asset(
        key=LINEAGE_KEY,
        group_name="analysis",
        kinds={"kafka"},
        deps=[SNAPSHOT_KEY, MAPPINGS_KEY],
        description="What feeds what: tables, connectors, topics, applications, functions. From the newest documents of all clusters.",
        # Only reads, and replaces the result as a whole, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
    )
    @masking_failures
    def lineage(
        context: dg.AssetExecutionContext,
        estate: EstateResource,
        store: StoreResource,
        event_source_mappings: EventSourceMappings,
    ) -> dg.MaterializeResult[None]:
        known = estate.estate()
        found = read_estate_lineage(
            known,
            store.documents_once(),
            mappings=KnownMappings(lambda: known, open_access=event_source_mappings.account),
        )
        location = keep_estate_lineage(store.documents_once(), found, made_at=datetime.now(UTC))
        for line in refresh_states(context.instance, store.documents_once(), clusters=known.clusters):
            context.log.info(line)
        return dg.MaterializeResult(asset_key=LINEAGE_KEY, metadata=lineage_metadata(found, location))

    return lineage


def lineage_metadata(found: EstateLineage, location: str) -> dict[str, Any]:
    """Dagster metadata: counts, what is missing and why, and the first edges as a table."""
    graph = found.graph
    known = Counter(edge.known for edge in graph.edges)
    return {
        **counts(graph),
        "edges": len(graph.edges),
        **{f"{how}_edges": known[how] for how in sorted(known)},
        "notes": len(graph.notes),
        "result": location,
        "documents": dg.MetadataValue.json({one.cluster: one.sequence for one in found.documents}),
        **({"gaps": dg.MetadataValue.md("\n".join(f"- {gap}" for gap in graph.gaps))} if graph.gaps else {}),
        **table_metadata(
            "lineage",
            graph.edges,
            lambda edge: {
                "source": str(edge.source),
                "target": str(edge.target),
                "known": edge.known,
                "by": edge.by,
                "purpose": edge.purpose,
                "active": edge.active,
                "cluster": edge.target.cluster or edge.source.cluster,
            },
        ),
        **table_metadata(
            "not followed", graph.notes, lambda note: {"node": str(note.node), "note": note.text}
        ),
    }
