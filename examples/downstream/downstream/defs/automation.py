"""The sensor that evaluates `AutomationCondition`s. Dagster's own is stopped until somebody starts it; this one runs.

A run here is one small step: in a process of its own, which imports everything again, it would take twice as long.
"""

import dagster as dg


@dg.definitions
def automation() -> dg.Definitions:
    return dg.Definitions(
        executor=dg.in_process_executor,
        sensors=[
            dg.AutomationConditionSensorDefinition(
                "records_arrived",
                target=dg.AssetSelection.assets("order_totals"),
                default_status=dg.DefaultSensorStatus.RUNNING,
                minimum_interval_seconds=15,
            )
        ],
    )
