"""What things cost, as the estate states it: the only known prices are those given here."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from mesh_assets.estate.fields import EstateModel

Driver = Literal[
    "bytes_in_per_second",
    "bytes_out_per_second",
    "retained_bytes",
    "replica_bytes",
    "partitions",
    "connector_tasks",
]
"""What costs money, as the inventory measures it. `retained_bytes`: on disk, each record once; `replica_bytes`: all copies."""
DRIVERS: tuple[Driver, ...] = get_args(Driver)

_Price = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class ClusterPrices(EstateModel):
    """Prices of the clusters whose names match the shell pattern `clusters`; the first entry that matches counts.

    A GiB is 2**30 bytes, a month 730 hours. `gib_month_retained` counts each record once, `gib_month_replicas` all copies:
    only one of the two can be what is paid. `month`: the cluster's fixed cost, shared among its topics by the driver
    `month_by`. Anything without a price costs nothing here.
    """

    clusters: Annotated[str, Field(min_length=1)] = "*"
    gib_in: _Price | None = None
    gib_out: _Price | None = None
    gib_month_retained: _Price | None = None
    gib_month_replicas: _Price | None = None
    partition_hour: _Price | None = None
    connector_task_hour: _Price | None = None
    month: _Price | None = None
    month_by: Driver | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "ClusterPrices":
        if not self.by_driver and self.month is None:
            raise ValueError(
                "has no price; give gib_in, gib_out, gib_month_retained or gib_month_replicas, partition_hour, "
                "connector_task_hour, or month with month_by"
            )
        if (self.month is None) != (self.month_by is None):
            raise ValueError(
                f"month and month_by go together: the cost of a month, and which of {', '.join(DRIVERS)} it is shared by"
            )
        if self.gib_month_retained is not None and self.gib_month_replicas is not None:
            raise ValueError(
                "gives bytes on disk two prices; expected gib_month_retained or gib_month_replicas"
            )
        return self

    @property
    def by_driver(self) -> dict[Driver, float]:
        """The given prices, as written in the file."""
        given: dict[Driver, float | None] = {
            "bytes_in_per_second": self.gib_in,
            "bytes_out_per_second": self.gib_out,
            "retained_bytes": self.gib_month_retained,
            "replica_bytes": self.gib_month_replicas,
            "partitions": self.partition_hour,
            "connector_tasks": self.connector_task_hour,
        }
        return {driver: price for driver, price in given.items() if price is not None}


class CostSettings(EstateModel):
    """`file`: a YAML file that holds `currency` and `prices` instead of the estate file, relative to it; once read, its
    absolute path. Without prices there are only shares and quantities."""

    file: str | None = Field(default=None, min_length=1)
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    prices: tuple[ClusterPrices, ...] = ()

    @model_validator(mode="after")
    def _has_a_currency(self) -> "CostSettings":
        if self.prices and self.currency is None:
            raise ValueError("has prices without a currency; add one, such as `currency: EUR`")
        return self

    def of(self, cluster: str) -> ClusterPrices | None:
        return next((one for one in self.prices if fnmatchcase(cluster, one.clusters)), None)
