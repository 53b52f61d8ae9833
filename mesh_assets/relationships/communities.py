"""Which topics belong together by what they share: keys, connectors, applications.

A graph of topics and of what binds them. It is bipartite, so its size is the number of bonds, not of pairs of
topics.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from mesh_assets.inventory.document import Document
from mesh_assets.relationships.records import Entity

_MOST_TOPICS = 100
"""Anything that binds more topics than this binds everything: a backup sink, an audit application, a tenant's
id."""
_SEED = 37  # arbitrary, but fixed: the same graph must always give the same communities
_EXACT = 1_000_000
"""Weights are whole numbers: each step of the propagation then increases the total agreement, so it ends.
Louvain's method, in floating point, moves topics back and forth forever when two places are equally good."""
_THINGS_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Bond:
    """Something that several topics share. `words`: as in a sentence (`the key user_id`). `held_by`: the
    topics that describe what the key identifies; the others only refer to it."""

    name: str
    words: str
    topics: tuple[str, ...]
    weight: float
    held_by: tuple[str, ...] = ()


def bonds_of(document: Document, entities: Iterable[Entity]) -> list[Bond]:
    """The bonds between two to 100 topics, in a stable order. A key weighs more the fewer topics have it;
    connectors and applications weigh half, since these are often wired for other reasons."""
    names = {topic.name for topic in document.topics if not topic.details.internal}
    found: list[Bond] = []

    def add(name: str, words: str, topics: Iterable[str], sure: float, held_by: tuple[str, ...] = ()) -> None:
        bound = tuple(sorted(set(topics) & names))
        if 2 <= len(bound) <= _MOST_TOPICS:
            found.append(Bond(name, words, bound, sure / (len(bound) - 1), held_by))

    for entity in entities:
        if entity.cluster == document.cluster.name:
            add(entity.name, f"the key {entity.key}", entity.topics, entity.score, entity.described_by)
    for connector in document.connectors:
        add(connector.name, f"the connector {connector.name}", (one.name for one in connector.topics), 0.5)
    for group in document.consumer_groups:
        if group.protocol_type != "connect" and not group.group_id.startswith("connect-"):
            add(group.group_id, f"the consumer group {group.group_id}", group.topics, 0.5)
    return sorted(found, key=lambda bond: (bond.words, bond.topics))


def communities(bonds: Sequence[Bond]) -> list[frozenset[str]]:
    """The topics of each community, by their first topic; the same bonds always give the same communities.

    Label propagation, weighted (Traag, Šubelj: Large network community detection by fast label propagation,
    https://doi.org/10.1038/s41598-023-29610-z): each node takes the label with the most weight around it (at
    random among equals), until none changes.
    """
    neighbours: defaultdict[int | str, dict[int | str, int]] = defaultdict(dict)
    for number, bond in enumerate(bonds):
        for topic in bond.topics:
            neighbours[number][topic] = neighbours[topic][number] = round(bond.weight * _EXACT)
    labels = {node: label for label, node in enumerate(neighbours)}
    chance = Random(_SEED)
    order = list(labels)
    chance.shuffle(order)
    waiting, queued = deque(order), set(order)
    while waiting:
        node = waiting.popleft()
        queued.remove(node)
        weights: dict[int, int] = {}
        for other, weight in neighbours[node].items():
            weights[labels[other]] = weights.get(labels[other], 0) + weight
        most = max(weights.values())
        label = chance.choice([one for one, weight in weights.items() if weight == most])
        if labels[node] != label:
            labels[node] = label
            for other in neighbours[node]:
                if labels[other] != label and other not in queued:
                    waiting.append(other)
                    queued.add(other)
    found: defaultdict[int, set[str]] = defaultdict(set)
    for node, label in labels.items():
        if isinstance(node, str):
            found[label].add(node)
    return sorted(map(frozenset, found.values()), key=min)


@dataclass(frozen=True, slots=True)
class Placed:
    domain: str
    reason: str


def place(
    bonds: Sequence[Bond], named: Mapping[str, str], candidates: Iterable[str]
) -> tuple[dict[str, Placed], dict[str, str]]:
    """Domains for the `candidates`, which no rule has named, and why the rest get none. `named`: the domains
    of the other topics.

    A bond counts only if it points one way: more than half of its other topics are in one domain. Otherwise a
    key that all topics have (`user_id`) would put them all into one domain. A key points to the topics that
    describe its things: a shop's inventory and pizza orders that refer to the same stores are not in one
    domain because of that.
    """
    open_topics = set(candidates)
    of: defaultdict[str, list[Bond]] = defaultdict(list)
    for bond in bonds:
        for topic in bond.topics:
            of[topic].append(bond)
    placed: dict[str, Placed] = {}
    for community in communities(bonds):
        together = _held_together(community & open_topics, of)
        if not together:
            continue
        bonds_within = {
            topic: [bond for bond in of[topic] if _more_than_half(bond.topics, together)]
            for topic in sorted(together)
        }
        names = Counter(bond.name for shared in bonds_within.values() for bond in shared)
        most = max(names.items(), key=lambda item: (item[1], item[0]))[0]
        for topic, shared in bonds_within.items():
            others = sorted({one for bond in shared for one in bond.topics} & together - {topic})
            placed[topic] = Placed(f"around {most}", f"shares {_words(shared)} with {_listed(others)}")
    known = {**named, **{topic: one.domain for topic, one in placed.items()}}
    for topic in sorted(open_topics - placed.keys()):
        joined = _joined(topic, of[topic], known)
        if joined is not None:
            placed[topic] = joined
    left = {topic: _why_not(of[topic]) for topic in open_topics - placed.keys()}
    return placed, left


def _held_together(topics: frozenset[str], of: Mapping[str, list[Bond]]) -> frozenset[str]:
    """Those that are held by a bond with most of its topics among them; none if they are fewer than two."""
    while True:
        held = frozenset(
            topic for topic in topics if any(_more_than_half(bond.topics, topics) for bond in of[topic])
        )
        if held == topics:
            return held if len(held) > 1 else frozenset()
        topics = held


def _more_than_half(topics: Sequence[str], of: frozenset[str]) -> bool:
    within = sum(1 for topic in topics if topic in of)
    return within > 1 and 2 * within > len(topics)


def _joined(topic: str, bonds: Iterable[Bond], named: Mapping[str, str]) -> Placed | None:
    """The domain that the topic's bonds point to, the stronger ones first."""
    support: Counter[str] = Counter()
    by: defaultdict[str, list[Bond]] = defaultdict(list)
    for bond in bonds:
        if topic in bond.held_by:
            continue  # topics that refer to it do not show where it belongs
        others = [one for one in bond.held_by or bond.topics if one != topic]
        domains = Counter(named[one] for one in others if one in named)
        for domain, count in domains.most_common(1):
            if 2 * count > len(others):
                support[domain] += 1
                by[domain].append(bond)
    if not support:
        return None
    domain = max(support, key=lambda name: (sum(bond.weight for bond in by[name]), name))
    others = sorted(
        {one for bond in by[domain] for one in bond.held_by or bond.topics if named.get(one) == domain}
    )
    return Placed(domain, f"shares {_words(by[domain])} with {_listed(others)}")


def _why_not(bonds: Sequence[Bond]) -> str:
    if not bonds:
        return "no rule names it, and it shares no key, connector or consumer group with another topic"
    return f"no rule names it, and what it shares ({_words(bonds)}) is shared by topics of several domains"


def _words(bonds: Sequence[Bond]) -> str:
    return _listed([bond.words for bond in sorted(bonds, key=lambda bond: (-bond.weight, bond.words))])


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _THINGS_SHOWN
    shown = ", ".join(names[:_THINGS_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown
