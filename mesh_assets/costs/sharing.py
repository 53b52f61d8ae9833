"""Who takes what: the measures of all topics added up for topics, domains, products and applications."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from mesh_assets.analysis.graph import LineageGraph, Node
from mesh_assets.costs.drivers import Measure, measure
from mesh_assets.costs.prices import monthly_cost
from mesh_assets.costs.readers import Place, group_rates, kept_by, readers_of, split, taker_name
from mesh_assets.costs.records import CostRow, EstateCosts, Taken, TakerKind
from mesh_assets.estate.costs import DRIVERS, CostSettings, Driver
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
    """What each thing takes in these clusters. `domains`, `products`: of topics that have one; a topic is in one of each.

    Of one kind, the values and shares of all rows add up to those of the estate.
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
        for one in measures:
            place = None if one.topic is None else (name, one.topic)
            ledger.add(("topic", name, one.topic), one)
            ledger.add(("domain", name, None if place is None else domains.get(place)), one)
            ledger.add(("product", None, None if place is None else products.get(place)), one)
            for taker, part in takers.of(one):
                ledger.add(("application", name, None if taker is None else taker_name(taker)), one, part)
            for node in takers.not_divided(one):
                ledger.unknown(("application", name, taker_name(node)), one, takers.why(one))
        ledger.close(name, notes)
    return EstateCosts(
        currency=settings.currency,
        totals=ledger.totals(),
        cost=ledger.cost,
        rows=ledger.rows(),
        notes=(*notes, *graph.gaps),
    )


class _Takers:
    """Which application takes what of a cluster's topics."""

    def __init__(
        self, document: Document, readers: Mapping[Place, frozenset[Node]], kept: Mapping[Place, Node]
    ) -> None:
        self._cluster = document.cluster.name
        self._readers = readers
        self._kept = kept
        self._rates, self._single = group_rates(document)

    def of(self, one: Measure) -> Iterator[tuple[Node | None, float]]:
        """Each taker of it with its part; None: nobody in particular."""
        if one.connector is not None:
            node = Node(kind="connector", cluster=self._cluster, namespace=one.connect, name=one.connector)
            yield node, 1.0
            return
        place = (self._cluster, one.topic or "")
        if place in self._kept:
            yield self._kept[place], 1.0
            return
        parts = self._parts(one)
        if not parts:
            yield None, 1.0
            return
        yield from parts.items()

    def not_divided(self, one: Measure) -> frozenset[Node]:
        """Those who take some of it, it is not known how much."""
        if one.driver != "bytes_out_per_second" or (self._cluster, one.topic or "") in self._kept:
            return frozenset()
        readers = self._readers.get((self._cluster, one.topic or ""), frozenset())
        return readers if one.value != 0 and self._parts(one) is None else frozenset()

    def why(self, one: Measure) -> str:
        readers = len(self._readers.get((self._cluster, one.topic or ""), ()))
        return one.reason or f"{counted(readers, 'reader')} of {one.topic}, whose bytes are counted together"

    def _parts(self, one: Measure) -> dict[Node, float] | None:
        if one.driver != "bytes_out_per_second" or one.topic is None:
            return {}
        readers = self._readers.get((self._cluster, one.topic), frozenset())
        return split(readers, self._rates, self._single, one.topic)


class _Sum:
    """What one row has of each driver so far."""

    def __init__(self) -> None:
        self.values: dict[Driver, float] = {}
        self.unknown: defaultdict[Driver, set[tuple[str, str | None]]] = defaultdict(set)
        self.reasons: dict[Driver, str] = {}
        self.costs: dict[Driver, float] = {}
        self.fixed: float | None = None
        self.missing: set[Driver] = set()
        self.topics: set[tuple[str, str]] = set()


class _Ledger:
    """Rows while they are added up."""

    def __init__(self, settings: CostSettings) -> None:
        self._settings = settings
        self._sums: dict[_Key, _Sum] = {}
        self._all = _Sum()
        self._in_cluster: dict[tuple[str, Driver], float] = {}

    def count(self, cluster: str, measures: Iterable[Measure]) -> None:
        """Before the measures of a cluster are added: their sums, by which a fixed price is shared."""
        for one in measures:
            if one.value is not None:
                key = (cluster, one.driver)
                self._in_cluster[key] = self._in_cluster.get(key, 0.0) + one.value
            self._add(self._all, one, 1.0)

    def add(self, key: _Key, one: Measure, part: float = 1.0) -> None:
        self._add(self._sum(key), one, part)

    def unknown(self, key: _Key, one: Measure, reason: str) -> None:
        self._unknown(self._sum(key), one, reason)

    def _sum(self, key: _Key) -> _Sum:
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = _Sum()
        return found

    def _add(self, to: _Sum, one: Measure, part: float) -> None:
        if one.topic is not None:
            to.topics.add((one.cluster, one.topic))
        if one.value is None:
            self._unknown(to, one, one.reason or "not known")
            return
        value = one.value * part
        to.values[one.driver] = to.values.get(one.driver, 0.0) + value
        prices = self._settings.of(one.cluster)
        cost = monthly_cost(prices, one.driver, value)
        if cost is not None:
            to.costs[one.driver] = to.costs.get(one.driver, 0.0) + cost
        total = self._in_cluster.get((one.cluster, one.driver), 0.0)
        if to is not self._all and prices is not None and prices.month_by == one.driver and total > 0:
            assert prices.month is not None
            to.fixed = (to.fixed or 0.0) + prices.month * value / total

    def _unknown(self, to: _Sum, one: Measure, reason: str) -> None:
        to.unknown[one.driver].add((one.cluster, one.topic))
        to.reasons.setdefault(one.driver, reason)
        prices = self._settings.of(one.cluster)
        if prices is not None and (one.driver in prices.by_driver or prices.month_by == one.driver):
            to.missing.add(one.driver)

    def close(self, cluster: str, notes: list[str]) -> None:
        """After the measures of a cluster: a fixed price that nothing shares belongs to nothing in particular."""
        prices = self._settings.of(cluster)
        if prices is None or prices.month is None or prices.month_by is None:
            return
        self._all.fixed = (self._all.fixed or 0.0) + prices.month
        if self._in_cluster.get((cluster, prices.month_by), 0.0) > 0:
            return
        notes.append(
            f"what {cluster} costs in a month is not shared: {prices.month_by} is not known of its topics, or 0"
        )
        nobody: tuple[_Key, ...] = (
            ("topic", cluster, None),
            ("domain", cluster, None),
            ("product", None, None),
            ("application", cluster, None),
        )
        for key in nobody:
            rest = self._sum(key)
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
            Taken(
                driver=driver,
                value=one.values.get(driver, None if driver in one.unknown else 0.0),
                unknown=len(one.unknown.get(driver, ())),
                reason=one.reasons.get(driver),
                share=_share(one.values.get(driver), self._all.values.get(driver)),
                cost=one.costs.get(driver),
            )
            for driver in DRIVERS
        )


def _of_applications(taken: Taken) -> Taken:
    """Nobody counts who writes: what is known is what goes to topics that the application keeps for itself."""
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
