"""The sensor that evaluates `AutomationCondition`s. Dagster's own is stopped until somebody starts it; this one runs."""

import dagster as dg


@dg.definitions
def automation() -> dg.Definitions:
    return dg.Definitions(
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "records_arrived",
                target=dg.AssetSelection.assets("order_totals"),
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=15,
            )
        ]
    )
