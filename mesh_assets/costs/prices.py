"""What a driver costs in a month, by the estate's prices."""

from mesh_assets.costs.records import HOURS_A_MONTH
from mesh_assets.estate.costs import ClusterPrices, Driver

_GIB = 2**30
_SECONDS_A_MONTH = HOURS_A_MONTH * 3_600
_UNITS: dict[Driver, float] = {
    "bytes_in_per_second": _SECONDS_A_MONTH / _GIB,
    "bytes_out_per_second": _SECONDS_A_MONTH / _GIB,
    "retained_bytes": 1 / _GIB,
    "replica_bytes": 1 / _GIB,
    "partitions": HOURS_A_MONTH,
    "connector_tasks": HOURS_A_MONTH,
}
"""How many units of its price one of the driver makes in a month."""


def monthly_cost(prices: ClusterPrices | None, driver: Driver, value: float | None) -> float | None:
    """None: the driver has no price there, or its value is not known."""
    price = None if prices is None else prices.by_driver.get(driver)
    return None if price is None or value is None else price * value * _UNITS[driver]
