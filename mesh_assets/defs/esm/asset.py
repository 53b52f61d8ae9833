"""`esm/event_source_mappings`: every mapping of a Kafka topic in the estate's AWS accounts."""

from collections.abc import Iterator, Sequence

import dagster as dg

from mesh_assets.defs.esm.metadata import mappings_metadata, rows_metadata
from mesh_assets.defs.resources import EstateResource, EventSourceMappings
from mesh_assets.errors import MeshError
from mesh_assets.esm.health import Health, MappingLag, enabled, last_result_ok, mapping_lags, not_lagging
from mesh_assets.esm.lookup import list_mappings
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.runs.failures import masking_failures

MAPPINGS_KEY = dg.AssetKey(["esm", "event_source_mappings"])
NOT_CONFIGURED = "the estate has no `esm: {accounts: …}`, so no account is read; name the accounts to see their mappings here"

_CHECKS = {
    "enabled": "Every mapping is Enabled, or about to be.",
    "last_result_ok": "No mapping's last result, as Lambda reports it, is a problem.",
    "not_lagging": "No group lags by more than its cluster's anomalies.lag_records, for clusters in the estate.",
}


def mappings_asset(*, retry_seconds: float = 5) -> dg.AssetsDefinition:
    """The asset with its checks."""

    @dg.asset(
        key=MAPPINGS_KEY,
        group_name="esm",
        kinds={"kafka", "lambda"},
        description="Every event source mapping of a Kafka topic in the estate's AWS accounts: function, topic, group, state, last result.",
        # Only reads, so retrying is safe.
        retry_policy=dg.RetryPolicy(max_retries=1, delay=retry_seconds),
        check_specs=[
            dg.AssetCheckSpec(name, asset=MAPPINGS_KEY, description=text) for name, text in _CHECKS.items()
        ],
    )
    @masking_failures
    def event_source_mappings(
        estate: EstateResource, event_source_mappings: EventSourceMappings
    ) -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
        settings = estate.estate().esm
        if settings is None or not settings.accounts:
            yield dg.MaterializeResult(
                asset_key=MAPPINGS_KEY, metadata={"status": "not_configured", "message": NOT_CONFIGURED}
            )
            yield from (_result(name, Health(passed=True, sentence=NOT_CONFIGURED)) for name in _CHECKS)
            return
        found: list[tuple[str, EventSourceMapping]] = []
        lags: list[MappingLag] = []
        failures: list[str] = []
        for configured in settings.accounts:
            account = event_source_mappings.account(configured)
            try:
                owner = f"{account.identity.account_id} {account.region}"
                mappings = list_mappings(account)
            except MeshError as error:  # read the rest as well, to report all failures at once
                failures.append(f"{account}: {error}")
                continue
            found += [(owner, mapping) for mapping in mappings]
            lags += mapping_lags(estate.estate(), account, mappings)
        if failures:
            raise MeshError(
                "not all accounts could be read, and a partial list would mislead:\n" + "\n".join(failures)
            )
        yield dg.MaterializeResult(
            asset_key=MAPPINGS_KEY, metadata={"status": "fresh", **mappings_metadata(found)}
        )
        yield from _checks([mapping for _, mapping in found], lags)

    return event_source_mappings


def _checks(
    mappings: Sequence[EventSourceMapping], lags: Sequence[MappingLag]
) -> Iterator[dg.AssetCheckResult]:
    yield _result("enabled", enabled(mappings))
    yield _result("last_result_ok", last_result_ok(mappings))
    yield _result("not_lagging", not_lagging(mappings, lags))


def _result(name: str, health: Health) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=MAPPINGS_KEY,
        check_name=name,
        passed=health.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=health.sentence,
        metadata={
            "findings": dg.MetadataValue.md("\n".join(f"- {line}" for line in health.failures) or "none"),
            **rows_metadata("mappings", [mapping.row for mapping in health.failed]),
        },
    )
