"""Who uses what: adds up the measures of all topics for topics, domains, products and applications."""

from collections.abc import Collection, Iterable, Iterator, Mapping

from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.costs.drivers import Measure, measure, monthly_cost
from mesh_assets.costs.readers import Place, group_rates, kept_by, readers_of, split, taker_name
from mesh_assets.costs.records import CostRow, EstateCosts, Taken, TakerKind
from mesh_assets.estate.costs import DRIVERS, ClusterPrices, CostSettings, Driver
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import SectionName
from mesh_assets.inventory.wording import counted

_Key = tuple[TakerKind, str | None, str | None]
"""Kind, cluster, name."""


def share_costs(
    documents: Iterable[Document],
    graph: LineageGraph,
    settings: CostSettings,
    *,
    domains: Mapping[Place, str],
    products: Mapping[Place, str],
) -> EstateCosts:
    """What each thing uses in these clusters. `domains`, `products`: of topics that have one; a topic is in one of each.

    For each kind, the values and shares of all rows add up to those of the estate.
    """
    ledger = _Ledger(settings)
    notes: list[str] = []
    readers, kept = readers_of(graph), kept_by(graph)
    for document in documents:
        name = document.cluster.name
        prices = settings.of(name)
        if settings.prices and prices is None:
            notes.append(f"{name} has no prices: no entry of `costs.prices` matches it")
        notes += _not_current(document)
        measures = tuple(measure(document))
        takers = _Takers(document, readers, kept)
        ledger.count(name, measures)
        rows: dict[str | None, tuple[_Sum, ...]] = {}  # by topic: all its measures share them
        for one in measures:
            of_topic = rows.get(one.topic)
            if of_topic is None:
                place = None if one.topic is None else (name, one.topic)
                of_topic = rows[one.topic] = (
                    ledger.row(("topic", name, one.topic)),
                    ledger.row(("domain", name, None if place is None else domains.get(place))),
                    ledger.row(("product", None, None if place is None else products.get(place))),
                )
                if place is not None:
                    for to in of_topic:
                        to.topics.add(place)
            if takers.are_nobody(one):
                nobody = ledger.row(("application", name, None))
                if one.topic is not None:
                    nobody.topics.add((name, one.topic))
                ledger.add((*of_topic, nobody), one)
                continue
            ledger.add(of_topic, one)
            parts = takers.parts(one)
            for taker, part in takers.of(one, parts):
                row = ledger.row(("application", name, None if taker is None else taker_name(taker)))
                if one.topic is not None:
                    row.topics.add((name, one.topic))
                ledger.add((row,), one, part)
            for node in takers.not_divided(one, parts):
                ledger.unknown((ledger.row(("application", name, taker_name(node))),), one, takers.why(one))
        ledger.close(name, notes)
    return EstateCosts(
        currency=settings.currency,
        totals=ledger.totals(),
        cost=ledger.cost,
        rows=ledger.rows(),
        notes=(*notes, *graph.gaps),
    )


class _Takers:
    """Which application uses what of a cluster's topics."""

    def __init__(
        self, document: Document, readers: Mapping[Place, frozenset[Node]], kept: Mapping[Place, Node]
    ) -> None:
        self._cluster = document.cluster.name
        self._readers = readers
        self._kept = kept
        self._rates, self._single = group_rates(document)

    def are_nobody(self, one: Measure) -> bool:
        """Whether it belongs to no connector or application and is not shared by readers: true of most measures."""
        if one.connector is not None or one.driver == "bytes_out_per_second":
            return False
        return (self._cluster, one.topic or "") not in self._kept

    def of(self, one: Measure, parts: Mapping[Node, float] | None) -> Iterator[tuple[Node | None, float]]:
        """Each user of it with its part, from the readers' `parts`; None: nobody in particular."""
        if one.connector is not None:
            node = Node(kind="connector", cluster=self._cluster, namespace=one.connect, name=one.connector)
            yield node, 1.0
            return
        place = (self._cluster, one.topic or "")
        if place in self._kept:
            yield self._kept[place], 1.0
            return
        if not parts:
            yield None, 1.0
            return
        yield from parts.items()

    def not_divided(self, one: Measure, parts: Mapping[Node, float] | None) -> frozenset[Node]:
        """Those who use an unknown part of it."""
        if one.driver != "bytes_out_per_second" or (self._cluster, one.topic or "") in self._kept:
            return frozenset()
        readers = self._readers.get((self._cluster, one.topic or ""), frozenset())
        return readers if one.value != 0 and parts is None else frozenset()

    def why(self, one: Measure) -> str:
        readers = len(self._readers.get((self._cluster, one.topic or ""), ()))
        return one.reason or f"{counted(readers, 'reader')} of {one.topic}, whose bytes are counted together"

    def parts(self, one: Measure) -> dict[Node, float] | None:
        """Each reader's share of what leaves a topic; None: not known. Empty: it is not divided by readers."""
        if one.driver != "bytes_out_per_second" or one.topic is None:
            return {}
        readers = self._readers.get((self._cluster, one.topic), frozenset())
        return split(readers, self._rates, self._single, one.topic)


_NOTHING = {driver: Taken(driver=driver, value=0.0) for driver in DRIVERS}
"""What most rows use of most drivers."""


class _Sum:
    """What one row has used of each driver so far."""

    __slots__ = ("costs", "fixed", "missing", "reasons", "topics", "unknown", "values", "without_tasks")

    def __init__(self) -> None:
        self.values: dict[Driver, float] = {}
        self.unknown: dict[Driver, int] = {}
        self.without_tasks: set[tuple[str, str | None]] = set()
        self.reasons: dict[Driver, str] = {}
        self.costs: dict[Driver, float] = {}
        self.fixed: float | None = None
        self.missing: set[Driver] = set()
        self.topics: set[tuple[str, str]] = set()


class _Ledger:
    """Rows while they are being added up."""

    def __init__(self, settings: CostSettings) -> None:
        self._settings = settings
        self._sums: dict[_Key, _Sum] = {}
        self._all = _Sum()
        self._in_cluster: dict[tuple[str, Driver], float] = {}
        self._prices: dict[str, ClusterPrices | None] = {}

    def _prices_of(self, cluster: str) -> ClusterPrices | None:
        """Cached: needed for each measure of each row, and matches patterns."""
        if cluster not in self._prices:
            self._prices[cluster] = self._settings.of(cluster)
        return self._prices[cluster]

    def count(self, cluster: str, measures: Iterable[Measure]) -> None:
        """Call before adding a cluster's measures: their sums, which are the estate's totals, and by which a fixed price is
        shared."""
        sums: dict[Driver, float] = {}
        for one in measures:
            if one.value is None:
                self.unknown((self._all,), one, one.reason or "not known")
            else:
                sums[one.driver] = sums.get(one.driver, 0.0) + one.value
        prices, whole = self._prices_of(cluster), self._all
        for driver, value in sums.items():
            self._in_cluster[cluster, driver] = value
            whole.values[driver] = whole.values.get(driver, 0.0) + value
            cost = monthly_cost(prices, driver, value)
            if cost is not None:
                whole.costs[driver] = whole.costs.get(driver, 0.0) + cost

    def row(self, key: _Key) -> _Sum:
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _Sum()
        return found

    def add(self, rows: Collection[_Sum], one: Measure, part: float = 1.0) -> None:
        """Adds that part of the measure to each of these."""
        if one.value is None:
            self.unknown(rows, one, one.reason or "not known")
            return
        driver, value = one.driver, one.value * part
        for to in rows:
            to.values[driver] = to.values.get(driver, 0.0) + value
        prices = self._prices_of(one.cluster)
        if prices is None:
            return
        cost, fixed = monthly_cost(prices, driver, value), self._fixed(prices, one, value)
        for to in rows:
            if cost is not None:
                to.costs[driver] = to.costs.get(driver, 0.0) + cost
            if fixed is not None:
                to.fixed = (to.fixed or 0.0) + fixed

    def _fixed(self, prices: ClusterPrices, one: Measure, value: float) -> float | None:
        """Its share of the cluster's fixed price; None: the price is not shared by this driver, or not at all."""
        total = self._in_cluster.get((one.cluster, one.driver), 0.0)
        if prices.month_by != one.driver or total <= 0:
            return None
        assert prices.month is not None
        return prices.month * value / total

    def unknown(self, rows: Iterable[_Sum], one: Measure, reason: str) -> None:
        driver = one.driver
        prices = self._prices_of(one.cluster)
        is_missing = prices is not None and (driver in prices.by_driver or prices.month_by == driver)
        # A topic has one measure for each driver, but for tasks one for each connector.
        place = (one.cluster, one.topic) if driver == "connector_tasks" else None
        for to in rows:
            if place is None or place not in to.without_tasks:
                to.unknown[driver] = to.unknown.get(driver, 0) + 1
            if place is not None:
                to.without_tasks.add(place)
            if driver not in to.reasons:
                to.reasons[driver] = reason
            if is_missing:
                to.missing.add(driver)

    def close(self, cluster: str, notes: list[str]) -> None:
        """Call after adding a cluster's measures: a fixed price that nothing shares belongs to nothing in particular."""
        prices = self._prices_of(cluster)
        if prices is None or prices.month is None or prices.month_by is None:
            return
        self._all.fixed = (self._all.fixed or 0.0) + prices.month
        if self._in_cluster.get((cluster, prices.month_by), 0.0) > 0:
            return
        notes.append(
            f"the monthly cost of {cluster} is not shared: {prices.month_by} is not known for its topics, or 0"
        )
        nobody: tuple[_Key, ...] = (
            ("topic", cluster, None),
            ("domain", cluster, None),
            ("product", None, None),
            ("application", cluster, None),
        )
        for key in nobody:
            rest = self.row(key)
            rest.fixed = (rest.fixed or 0.0) + prices.month

    @property
    def cost(self) -> float | None:
        return _cost(self._all)

    def totals(self) -> tuple[Taken, ...]:
        return self._taken(self._all)

    def rows(self) -> tuple[CostRow, ...]:
        made = [self._row(key, one) for key, one in self._sums.items()]
        kinds: tuple[TakerKind, ...] = ("product", "domain", "application", "topic")
        made.sort(
            key=lambda row: (
                kinds.index(row.kind),
                row.name is None,
                -(row.cost or 0.0),
                -max((one.share or 0.0) for one in row.taken),
                row.cluster or "",
                row.name or "",
            )
        )
        return tuple(made)

    def _row(self, key: _Key, one: _Sum) -> CostRow:
        kind, cluster, name = key
        cost, total = _cost(one), self.cost
        return CostRow(
            kind=kind,
            cluster=cluster,
            name=name,
            topics=len(one.topics),
            taken=tuple(map(_of_applications, self._taken(one)))
            if kind == "application" and name is not None
            else self._taken(one),
            fixed_cost=one.fixed,
            cost=cost,
            cost_share=cost / total if cost is not None and total else None,
            cost_unknown=tuple(driver for driver in DRIVERS if driver in one.missing),
        )

    def _taken(self, one: _Sum) -> tuple[Taken, ...]:
        return tuple(
            self._taken_of(one, driver) if driver in one.values or driver in one.unknown else _NOTHING[driver]
            for driver in DRIVERS
        )

    def _taken_of(self, one: _Sum, driver: Driver) -> Taken:
        value = one.values.get(driver)
        unknown = one.unknown.get(driver)
        return Taken(
            driver=driver,
            value=value,
            unknown=unknown or 0,
            reason=one.reasons.get(driver),
            share=_share(value, self._all.values.get(driver)),
            cost=one.costs.get(driver),
        )


def _of_applications(taken: Taken) -> Taken:
    """Nobody counts by writer: only what goes to topics that the application keeps for itself is known."""
    if taken.driver != "bytes_in_per_second":
        return taken
    reason = "brokers count bytes by topic, not by who writes them"
    return replace(taken, value=taken.value or None, share=taken.share or None, reason=taken.reason or reason)


def _not_current(document: Document) -> Iterator[str]:
    sections: tuple[SectionName, ...] = ("topics", "connectors", "metrics")
    for section in sections:
        state = document.state(section)
        if state.status == "stale":
            yield f"{document.cluster.name}: {section} are not current: {state.error or 'no reason is known'}"


def _share(value: float | None, total: float | None) -> float | None:
    return value / total if value is not None and total else None


def _cost(one: _Sum) -> float | None:
    if not one.costs and one.fixed is None:
        return None
    return sum(one.costs.values()) + (one.fixed or 0.0)
