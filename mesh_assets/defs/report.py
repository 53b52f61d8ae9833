"""`analysis/report`: the mesh as one HTML page, made from the results of the other analyses."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from mesh_assets.defs.belonging import DOMAINS_KEY, RELATIONSHIPS_KEY
from mesh_assets.defs.findings import FINDINGS_KEY
from mesh_assets.defs.lineage import LINEAGE_KEY
from mesh_assets.defs.products import DATA_PRODUCTS_KEY
from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.errors import MeshError
from mesh_assets.masking.text import mask_text
from mesh_assets.report import keep_report, read_report, render_report
from mesh_assets.runs.failures import masking_failures

REPORT_KEY = dg.AssetKey(["analysis", "report"])
WRITTEN = "written"


def report_asset() -> dg.AssetsDefinition:
    """If no page could be written, its check says so instead of the step failing: a run should not fail for its report when
    everything that the page would show is kept."""

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                REPORT_KEY,
                group_name="analysis",
                kinds={"kafka"},
                deps=[LINEAGE_KEY, RELATIONSHIPS_KEY, DOMAINS_KEY, FINDINGS_KEY, DATA_PRODUCTS_KEY],
                skippable=True,
                description="One HTML page: what is wrong, what changed, lineage by domain, a page for each topic (docs/report.md).",
            )
        ],
        check_specs=[
            dg.AssetCheckSpec(
                WRITTEN, asset=REPORT_KEY, description="The page could be rendered and written."
            )
        ],
        name="report",
    )
    @masking_failures
    def report(
        context: dg.AssetExecutionContext, estate: EstateResource, store: StoreResource
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        try:
            found = read_report(estate.estate(), store.documents_once(), made_at=datetime.now(UTC))
            html = render_report(found)
            location = keep_report(store.documents_once(), html)
        except MeshError as error:
            reason = mask_text(str(error))
            context.log.error(f"the report was not written: {reason}")
            yield dg.AssetCheckResult(
                asset_key=REPORT_KEY,
                check_name=WRITTEN,
                passed=False,
                severity=dg.AssetCheckSeverity.WARN,
                description=f"{reason}; the page in the store, if there is one, is the previous one",
            )
            return
        yield dg.MaterializeResult(
            asset_key=REPORT_KEY,
            metadata={
                "report": dg.MetadataValue.path(location)
                if "://" not in location
                else dg.MetadataValue.text(location),
                "bytes": len(html.encode()),
                "findings": len(found.findings),
                "missing_or_old": dg.MetadataValue.md(
                    "\n".join(f"- {note}" for note in found.notes) or "nothing"
                ),
            },
        )
        yield dg.AssetCheckResult(asset_key=REPORT_KEY, check_name=WRITTEN, passed=True)

    return report
