"""What is used, as records; the store holds them as JSON (`analysis/costs.json`)."""

from typing import Literal

from mesh_assets.estate.costs import Driver
from mesh_assets.inventory.records import Record

TakerKind = Literal["topic", "domain", "product", "application"]
HOURS_A_MONTH = 730
"""Hours in a month of 365 / 12 days."""


class Taken(Record, frozen=True, kw_only=True):
    """How much of a driver something uses. `value`: the sum of what is known, in the driver's unit; None: nothing is.
    `unknown`: for how many topics it is not known, for the `reason`, so that the sum is a lower bound. `share`: of the sum
    over the whole estate, 0 to 1; None where that is unknown or 0. `cost`: per month; None: unknown or without a price."""

    driver: Driver
    value: float | None
    unknown: int = 0
    reason: str | None = None
    share: float | None = None
    cost: float | None = None


class CostRow(Record, frozen=True, kw_only=True):
    """How much of each driver one thing uses. `name` None: whatever belongs to no thing of the kind (topics without a domain,
    connectors without a topic), so that shares add up to 1. `cluster` None: several, or all.

    `cost`: per month, in the estate's currency, the sum of what is known and its share of fixed prices (`fixed_cost`);
    None: nothing is known or nothing has a price. `cost_share`: of the costs of the estate. `cost_unknown`: the drivers
    that have a price and are not known for all its topics; the cost is then a lower bound."""

    kind: TakerKind
    cluster: str | None
    name: str | None
    topics: int
    taken: tuple[Taken, ...]
    fixed_cost: float | None = None
    cost: float | None = None
    cost_share: float | None = None
    cost_unknown: tuple[Driver, ...] = ()

    def of(self, driver: Driver) -> Taken:
        return next(one for one in self.taken if one.driver == driver)


class EstateCosts(Record, frozen=True, kw_only=True):
    """`rows`: by kind, the largest first. `currency` None: the estate has no prices. `totals`: for the whole estate, in the
    form of a row. `notes`: what has no price, or is not current."""

    currency: str | None
    totals: tuple[Taken, ...]
    cost: float | None
    rows: tuple[CostRow, ...]
    notes: tuple[str, ...] = ()

    def rows_of(self, kind: TakerKind) -> tuple[CostRow, ...]:
        return tuple(one for one in self.rows if one.kind == kind)
