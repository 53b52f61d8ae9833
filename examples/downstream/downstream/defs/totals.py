"""An asset that runs only when records have arrived in the topic it depends on."""

import dagster as dg

ORDERS = dg.AssetKey(["warehouse", "topics", "downstream-orders"])


@dg.asset(deps=[ORDERS], automation_condition=dg.AutomationCondition.eager())
def order_totals(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """A real one would continue reading the topic where it stopped. This one only records how far the topic has come."""
    newest = context.instance.get_latest_materialization_event(ORDERS)
    materialization = None if newest is None else newest.asset_materialization
    ends = None if materialization is None else materialization.metadata["end_offsets"].value
    return dg.MaterializeResult(metadata={"up_to_offset": ends})
