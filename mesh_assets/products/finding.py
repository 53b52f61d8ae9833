"""The analysis `data_products`: candidates, the decisions about them, and what is known about each
product."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from mesh_assets.analysis.graph import Node
from mesh_assets.costs.records import CostRow
from mesh_assets.estate.policy import Policy
from mesh_assets.estate.products import ProductSettings
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.products.candidates import find_candidates
from mesh_assets.products.decisions import Draft, Known, decide
from mesh_assets.products.flows import Flows
from mesh_assets.products.identities import identify
from mesh_assets.products.joins import MOST_DRAFTS, MOST_IN_ALL, Tables, draft_joins, tables_of
from mesh_assets.products.quality import Evidence, freshness_of, score, score_parts
from mesh_assets.products.records import (
    DataProduct,
    DataProducts,
    Identity,
    Member,
    MemberRole,
    OutsideProduct,
    TopicPlace,
)
from mesh_assets.relationships.records import Domains, Entity, Relationships


class Ground(Record, frozen=True, kw_only=True):
    """The sources of products: the newest documents by cluster, and what the other analyses found in them.
    `owners`: those that schemas name, by topic."""

    documents: Mapping[str, Document]
    flows: Flows
    domains: Domains
    relationships: Relationships
    owners: Mapping[TopicPlace, str]
    evidence: Evidence


class Placed(Record, frozen=True, kw_only=True):
    """Which topics are in which product, before anything else about the products is known."""

    drafts: tuple[Draft, ...]
    outside: tuple[OutsideProduct, ...]
    identities: tuple[Identity, ...]
    notes: tuple[str, ...]

    @property
    def product_of(self) -> dict[tuple[str, str], str]:
        return {(place.cluster, place.topic): one.id for one in self.drafts for place in one.topics}


def place_topics(
    ground: Ground, settings: ProductSettings, policy: Policy, *, before: DataProducts | None, now: datetime
) -> Placed:
    """`before`: the result of the last run, from which products keep their ids, and accepted ones their
    topics."""
    topics = {
        TopicPlace(cluster=name, topic=one.name)
        for name, document in ground.documents.items()
        for one in document.topics
        if not one.details.internal
    }
    owners = {place: owner for place in topics if (owner := policy.owner_of(place.topic)) is not None}
    found = find_candidates(ground.domains, ground.relationships, ground.flows, {**ground.owners, **owners})
    identities = identify(found.candidates, () if before is None else before.identities)
    read = {name for name, one in ground.documents.items() if one.state("topics").collected_at is not None}
    known = Known(found.candidates, identities, topics, read, before, now)
    decided = decide(known, settings.decisions)
    inside = {place for draft in decided.drafts for place in draft.topics}
    outside = {
        **{place: why for place, why in found.outside.items() if place not in inside},
        **decided.outside,
    }
    return Placed(
        drafts=decided.drafts,
        outside=tuple(OutsideProduct(place=place, reason=why) for place, why in sorted(outside.items())),
        identities=identities,
        notes=decided.notes,
    )


def make_products(
    ground: Ground,
    placed: Placed,
    policy: Policy,
    costs: Mapping[str | None, CostRow],
    *,
    before: DataProducts | None = None,
) -> DataProducts:
    """`costs`: what each product uses, by its id. `before`: the result of the last run, whose join drafts
    have been parsed."""
    readable = frozenset(
        join.sql
        for one in (() if before is None else before.products)
        for join in one.joins
        if join.sql is not None
    )
    tables = tables_of(ground.documents)
    entities = _Entities(ground.relationships.entities)
    made: list[DataProduct] = []
    left, notes = MOST_IN_ALL, list(placed.notes)
    # Accepted products first: if there are too many joins, theirs are drafted.
    for draft in sorted(placed.drafts, key=lambda one: (one.decision is None, one.id)):
        most = min(MOST_DRAFTS, left)
        made.append(_product(draft, ground, policy, tables, entities, costs.get(draft.id), most, readable))
        left -= len(made[-1].joins)
    if left == 0:
        notes.append(f"only the first {MOST_IN_ALL} joins are drafted; accepted products come first")
    return DataProducts(
        products=tuple(sorted(made, key=lambda one: one.id)),
        outside=placed.outside,
        identities=placed.identities,
        notes=tuple(notes),
    )


class _Entities:
    """The entities of each topic."""

    def __init__(self, entities: Iterable[Entity]) -> None:
        self._of: dict[TopicPlace, list[Entity]] = {}
        for one in entities:
            for topic in one.topics:
                self._of.setdefault(TopicPlace(cluster=one.cluster, topic=topic), []).append(one)

    def of(self, places: Iterable[TopicPlace]) -> list[Entity]:
        """Those of the topics, the most widely shared first."""
        count: dict[int, int] = {}
        found: dict[int, Entity] = {}
        for place in places:
            for one in self._of.get(place, ()):
                count[id(one)] = count.get(id(one), 0) + 1
                found[id(one)] = one
        return sorted(found.values(), key=lambda one: (-count[id(one)], one.cluster, one.name, one.key))


def _product(
    draft: Draft,
    ground: Ground,
    policy: Policy,
    tables: Tables,
    entities: _Entities,
    costs: CostRow | None,
    most: int,
    readable: Collection[str],
) -> DataProduct:
    places = sorted(draft.topics)
    around = _Around(set(places), ground.flows)
    members = tuple(
        Member(place=place, role=around.role(place), reason=draft.topics[place]) for place in places
    )
    holding = [
        (one.place, tables.topics[one.place]) for one in members if one.role in ("output", "intermediate")
    ]
    parts = score_parts(holding, ground.evidence)
    of_product = entities.of(place for place, _ in holding)
    joins = tuple(
        draft_joins(of_product, [place for place, _ in holding], tables, most=most, readable=readable)
    )
    decision = draft.decision
    owner, owner_reason = _owner(draft, ground, policy, [place for place, _ in holding])
    notes = list(draft.notes)
    if len(joins) == MOST_DRAFTS:
        notes.append(f"at most {MOST_DRAFTS} joins are drafted; find_relationships lists all keys")
    return DataProduct(
        id=draft.id,
        name=(decision.name if decision else None) or draft.domain or draft.id,
        status="candidate" if decision is None else "accepted",
        domain=(decision.domain if decision else None) or draft.domain,
        owner=owner,
        owner_reason=owner_reason,
        description=decision.description if decision else None,
        topics=members,
        connectors=around.members("connector"),
        applications=around.members("application", "statement", "event_source_mapping"),
        producers=around.producers,
        consumers=around.consumers,
        entities=tuple(dict.fromkeys(one.name for one in of_product)),
        score=score(parts),
        parts=parts,
        freshness=freshness_of([one for one in holding if around.role(one[0]) == "output"]),
        joins=joins,
        costs=costs,
        vanished=tuple(draft.vanished),
        notes=tuple(notes),
    )


def _owner(
    draft: Draft, ground: Ground, policy: Policy, places: Sequence[TopicPlace]
) -> tuple[str | None, str]:
    if draft.decision is not None and draft.decision.owner is not None:
        return draft.decision.owner, "the estate's decision names it"
    if draft.owner is not None:
        return draft.owner, "its topics are those of the domain that it owns"
    votes: dict[str, int] = {}
    for place in places:
        owner = policy.owner_of(place.topic) or ground.owners.get(place)
        if owner is not None:
            votes[owner] = votes.get(owner, 0) + 1
    if not votes:
        return None, "neither the estate's policy nor a schema names an owner of its topics"
    most = max(votes.values())
    first = sorted(owner for owner, number in votes.items() if number == most)
    if len(first) > 1:
        return None, f"its topics have {counted(len(votes), 'owner')}, with no majority: {listed(first)}"
    return first[0], f"the owner of {most} of {counted(len(places), 'topic')}"


class _Around:
    """What works for a product, and what is outside it."""

    def __init__(self, places: set[TopicPlace], flows: Flows) -> None:
        self._places = places
        self._flows = flows
        self._makers = {node for place in places for node in flows.makers.get(place, ())}
        self._readers = {node for place in places for node in flows.readers.get(place, ())}
        self._own = {node for node in self._makers | self._readers if self._is_own(node)}

    def _is_own(self, node: Node) -> bool:
        """Whether it writes topics of the product and touches no others. Anything that only reads is a
        consumer."""
        inputs, outputs = self._flows.inputs.get(node, set()), self._flows.outputs.get(node, set())
        return bool(outputs) and (inputs | outputs) <= self._places

    def members(self, *kinds: str) -> tuple[str, ...]:
        return _named(node for node in self._own if node.kind in kinds)

    @property
    def producers(self) -> tuple[str, ...]:
        """Also the tables that the product's connectors read."""
        fed = {source for node in self._own for source in self._flows.origins.get(node, ())}
        return _named((self._makers - self._own) | fed)

    @property
    def consumers(self) -> tuple[str, ...]:
        return _named(self._readers - self._own)

    def role(self, place: TopicPlace) -> MemberRole:
        if place in self._flows.dead_letter:
            return "dead_letter"
        if place in self._flows.internal:
            return "internal"
        readers = self._flows.readers.get(place, set())
        makers = self._flows.makers.get(place, set())
        return "intermediate" if readers and makers and (readers | makers) <= self._own else "output"


def _named(nodes: Iterable[Node]) -> tuple[str, ...]:
    return tuple(
        sorted({f"{node} on {node.namespace}" if node.kind == "connector" else str(node) for node in nodes})
    )
