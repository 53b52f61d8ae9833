"""Which topics could form one product: those of a domain and an owner, plus those that lineage binds to them
alone."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache

from mesh_assets.inventory.records import Record
from mesh_assets.inventory.wording import counted, listed
from mesh_assets.products.flows import Flows
from mesh_assets.products.records import TopicPlace
from mesh_assets.relationships.records import Domains, Relationships

_ROUNDS = 20
"""How many lineage steps a topic may be from a domain."""
_MOST_BOUND = 50


class Candidate(Record, frozen=True, kw_only=True):
    """`owner`: only if topics of the domain have several. `topics`: with the reason for each."""

    cluster: str
    domain: str
    owner: str | None
    topics: dict[str, str]


class Found(Record, frozen=True, kw_only=True):
    """`outside`: the topics of no candidate, with the reason."""

    candidates: tuple[Candidate, ...]
    outside: dict[TopicPlace, str]


def find_candidates(
    domains: Domains, relationships: Relationships, flows: Flows, owners: Mapping[TopicPlace, str]
) -> Found:
    """A product has one owner: a domain whose topics have several is divided, and topics without an owner go
    to the product they share most with. A topic without a domain belongs to the only product that writes it
    or, if none does, to the only one that reads it."""
    bonds = cache(lambda: _bonds(relationships, flows))  # few estates need them
    made: list[Candidate] = []
    for domain in domains.domains:
        reasons = {one.topic: f"domain {domain.name}: {one.reason}" for one in domain.topics}
        for owner, topics in _by_owner(domain.cluster, list(reasons), owners, bonds):
            made.append(
                Candidate(
                    cluster=domain.cluster,
                    domain=domain.name,
                    owner=owner,
                    topics={
                        topic: reasons[topic] + ("" if why is None else f"; {why}")
                        for topic, why in topics.items()
                    },
                )
            )
    outside = {TopicPlace(cluster=one.cluster, topic=one.topic): one.reason for one in domains.unassigned}
    _follow(made, outside, flows)
    return Found(candidates=tuple(made), outside=outside)


Bonds = Mapping[TopicPlace, Counter[TopicPlace]]
"""Topic → how much it shares with other topics."""


def _by_owner(
    cluster: str, topics: Sequence[str], owners: Mapping[TopicPlace, str], bonds: Callable[[], Bonds]
) -> Iterator[tuple[str | None, dict[str, str | None]]]:
    """The owners of a domain with their topics, and why a topic without an owner is among them."""
    owned = {
        topic: owner for topic in topics if (owner := owners.get(TopicPlace(cluster=cluster, topic=topic)))
    }
    if len(set(owned.values())) < 2:
        yield None, dict.fromkeys(topics)
        return
    groups: defaultdict[str | None, dict[str, str | None]] = defaultdict(dict)
    for topic in topics:
        owner = owned.get(topic)
        if owner is not None:
            groups[owner][topic] = f"owned by {owner}"
            continue
        shared: Counter[str] = Counter()
        for other, weight in bonds().get(TopicPlace(cluster=cluster, topic=topic), Counter()).items():
            if other.cluster == cluster and other.topic in owned:
                shared[owned[other.topic]] += weight
        nearest = shared.most_common(2)
        if nearest and (len(nearest) == 1 or nearest[0][1] > nearest[1][1]):
            name = nearest[0][0]
            groups[name][topic] = f"it shares keys or flows with topics of {name}"
        else:
            groups[None][topic] = (
                f"none of the domain's {counted(len(set(owned.values())), 'owner')} is its own"
            )
    yield from sorted(groups.items(), key=lambda one: (one[0] is None, one[0] or ""))


def _bonds(relationships: Relationships, flows: Flows) -> Bonds:
    """Two for a key that both have, one for something that both flow through. Anything shared by very many
    binds nobody."""
    found: defaultdict[TopicPlace, Counter[TopicPlace]] = defaultdict(Counter)
    for entity in relationships.entities:
        _bind(found, [TopicPlace(cluster=entity.cluster, topic=topic) for topic in entity.topics], 2)
    for node in dict.fromkeys((*flows.inputs, *flows.outputs)):
        _bind(found, sorted(flows.inputs.get(node, set()) | flows.outputs.get(node, set())), 1)
    return found


def _bind(
    found: defaultdict[TopicPlace, Counter[TopicPlace]], places: Sequence[TopicPlace], weight: int
) -> None:
    if len(places) > _MOST_BOUND:
        return
    for one in places:
        found[one].update({other: weight for other in places if other != one})


def _follow(made: Sequence[Candidate], outside: dict[TopicPlace, str], flows: Flows) -> None:
    """Moves topics from `outside` to the only candidate that writes or reads them, step by step."""
    of = {
        TopicPlace(cluster=one.cluster, topic=topic): at
        for at, one in enumerate(made)
        for topic in one.topics
    }
    for _ in range(_ROUNDS):
        moved: list[tuple[TopicPlace, int, str]] = []
        for place in sorted(outside):
            evidence = _evidence(place, flows)
            if evidence is None:
                continue
            around, why = evidence
            found = {of.get(other) for other in around}
            at = found.pop() if len(found) == 1 else None
            # A product that people think of as one cluster's does not grow into another cluster through a
            # mirror.
            if at is not None and made[at].cluster == place.cluster:
                moved.append((place, at, why))
        if not moved:
            return
        for place, at, why in moved:
            made[at].topics[place.topic] = why
            of[place] = at
            del outside[place]


def _evidence(place: TopicPlace, flows: Flows) -> tuple[set[TopicPlace], str] | None:
    """The topics that show where this one belongs, and how; None: nothing does."""
    makers, readers = flows.makers.get(place, set()), flows.readers.get(place, set())
    for nodes, sides, verb in (
        (makers, (flows.inputs, flows.outputs), "makes it"),
        (readers, (flows.outputs, flows.inputs), "reads it"),
    ):
        if not nodes:
            continue
        for side in sides:
            around = set().union(*(side.get(node, set()) for node in nodes)) - {place}
            if around:
                what = "of" if side is flows.inputs and nodes is makers else "beside"
                return (
                    around,
                    f"{min(map(str, nodes))} {verb} {what} {listed(sorted(one.topic for one in around), most=2)}",
                )
        return None
    return None
