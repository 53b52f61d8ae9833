"""External Dagster assets for the things of the estate."""

from collections.abc import Mapping
from datetime import timedelta
from string import Formatter
from typing import Any
from urllib.parse import quote

import dagster as dg

from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import group_name, owner, tag_value
from mesh_assets.inventory.wording import one_line

CLUSTER_TAG = "mesh/cluster"
KIND_TAG = "mesh/kind"
REPORT_FIELDS = ("page", "cluster", "kind", "name")
# The report's name for the page of a thing, after its `#`; things without a page are found by search.
_PAGES = {"topics": "topic", "connectors": "connector", "consumer_groups": "group"}


WARN_GAPS, FAIL_GAPS = 2, 4
"""After how many of its longest usual gaps a topic is late."""


def asset_spec(asset: MeshAsset, *, report_url: str | None = None, freshness: bool = False) -> dg.AssetSpec:
    """`freshness`: whether a topic whose usual gap between records is known has a policy, which is judged by reports.
    `report_url`: an address with {page} (the thing's place in the page of `mesh-assets report`, after its #), {cluster},
    {kind} and {name}, which becomes a link.

    Names that Dagster refuses in groups, owners and tags are changed; the metadata keeps the original.
    """
    facts: dict[str, Any] = dict(asset.facts)
    group = group_name(asset.domain or asset.cluster or "")
    if asset.domain is not None and group != asset.domain:
        facts["domain"] = asset.domain
    tags: dict[str, str] = {KIND_TAG: asset.kind}
    if asset.cluster is not None:
        tags[CLUSTER_TAG] = tag_value(asset.cluster)
        if tags[CLUSTER_TAG] != asset.cluster:
            facts["cluster"] = asset.cluster
    owned_by = None if asset.owner is None else owner(asset.owner)
    if owned_by is not None and owned_by != asset.owner:
        facts["owner"] = asset.owner
    if asset.columns is not None:
        facts["dagster/column_schema"] = dg.TableSchema(
            [
                dg.TableColumn(
                    column.path,
                    column.type,
                    description=column.doc,
                    constraints=dg.TableColumnConstraints(nullable=column.optional),
                )
                for column in asset.columns
            ]
        )
    if asset.column_sources:
        facts["dagster/column_lineage"] = dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(dg.AssetKey(key), of) for key, of in sources]
                for column, sources in asset.column_sources.items()
            }
        )
    if report_url is not None:
        facts["report"] = dg.MetadataValue.url(report_url.format_map(_report_fields(asset)))
    return dg.AssetSpec(
        dg.AssetKey(asset.key),
        deps=[dg.AssetKey(key) for key in asset.upstream],
        description=one_line(asset.description, most=1_000)
        if "\n" not in asset.description
        else asset.description,
        group_name=group,
        owners=[] if owned_by is None else [owned_by],
        kinds=set(asset.kinds),
        tags=tags,
        metadata=facts,
        freshness_policy=_policy(asset) if freshness else None,
    )


def _policy(asset: MeshAsset) -> dg.FreshnessPolicy | None:
    if asset.usual_gap_seconds is None:
        return None
    gap = timedelta(seconds=asset.usual_gap_seconds)
    return dg.FreshnessPolicy.time_window(fail_window=FAIL_GAPS * gap, warn_window=WARN_GAPS * gap)


def check_report_url(text: str) -> str:
    """The text itself. Raises ValueError if it has fields other than {page}, {cluster}, {kind} and {name}."""
    expected = "expected an address with {page}, or {cluster}, {kind} and {name}"
    try:
        fields = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"report_url is {text!r}: {error}; {expected}") from error
    for _, name, spec, conversion in fields:
        if name is not None and (name not in REPORT_FIELDS or spec or conversion):
            raise ValueError(f"report_url: {{{name}}} is not a field here; {expected}")
    if not text.startswith(("http://", "https://")):
        raise ValueError(f"report_url is {text!r}; {expected}")
    return text


def _report_fields(asset: MeshAsset) -> Mapping[str, str]:
    return {
        "page": _page(asset),
        "cluster": quote(asset.cluster or asset.key[1], safe=""),
        "kind": asset.kind,
        "name": quote(asset.name, safe=""),
    }


def _page(asset: MeshAsset) -> str:
    page = _PAGES.get(asset.kind)
    if page is None or asset.cluster is None:
        return f"search/{quote(asset.name, safe='')}"
    parts = [asset.cluster, asset.name]
    if asset.key[-1] != asset.name and asset.kind == "connectors":  # it shares its name (components/links.py)
        parts.append(str(asset.facts["connect"]))
    return "/".join([page, *(quote(part, safe="") for part in parts)])
