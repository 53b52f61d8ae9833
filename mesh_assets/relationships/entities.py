"""Entities of one cluster: keys of one name, split where one name means several things.

An inverted index from key to topics; topics are never compared with each other, which would take millions of
comparisons.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from mesh_assets.inventory.wording import counted, listed
from mesh_assets.relationships.keys import LEAST_SCORE, Candidate, Scores
from mesh_assets.relationships.names import TopicNames, Words
from mesh_assets.relationships.records import Entity, KeyUse

_NAMES_SHOWN = 5


def entities_of(
    cluster: str, found: Sequence[Candidate], names: TopicNames, *, topics: int, compacted: frozenset[str]
) -> list[Entity]:
    """The entities of the candidates that are certain enough. `compacted`: topics that keep the latest record
    of each key."""
    scores = Scores(found, topics=topics)
    by_key: defaultdict[str, list[Candidate]] = defaultdict(list)
    keys_of: defaultdict[str, set[str]] = defaultdict(set)
    for one in found:
        by_key[one.key].append(one)
        keys_of[one.topic].add(one.key)
    scopes = {key: _Scopes(key, uses, names, keys_of) for key, uses in by_key.items()}
    undivided = {key for key, scope in scopes.items() if len(scope.groups) == 1}
    for key, scope in scopes.items():
        if key not in undivided:
            rarer = {other for other in undivided if scores.topics_with[other] < scores.topics_with[key]}
            scope.join(rarer, keys_of)
    made = [
        _entity(cluster, scope, qualifier, uses, scores, names, compacted)
        for scope in scopes.values()
        for qualifier, uses in scope.groups.items()
    ]
    return [entity for entity in made if entity.score >= LEAST_SCORE]


class _Scopes:
    """One key's uses grouped by meaning: `order_id` of `pizza_orders` is not that of `orders`.

    The words before the entity in the name of a topic that is about it (`pizza`) are the scope of every topic whose name
    begins with them. `groups`: scope → uses; () is the rest.
    """

    def __init__(
        self, key: str, uses: Sequence[Candidate], names: TopicNames, keys_of: Mapping[str, set[str]]
    ) -> None:
        self.key = key
        self.entity = uses[0].entity
        self.joined_by: str | None = None
        self.divided = False
        scopes = {scope for one in uses if (scope := _scope(one, names, keys_of)) is not None}
        self.groups: dict[Words, list[Candidate]] = defaultdict(list)
        if len(scopes) < 2:
            self.groups[()] = list(uses)
            return
        self.divided = True
        longest = max(map(len, scopes))
        for one in uses:
            words = names.words(one.topic)
            starts = (words[:length] for length in range(min(longest, len(words)), 0, -1))
            self.groups[next((start for start in starts if start in scopes), ())].append(one)

    def join(self, rarer: set[str], keys_of: Mapping[str, set[str]]) -> None:
        """Rejoins groups that are bound by another key, which fewer topics have and which means one thing:
        clickstream and pageviews have one `session_id`, so they also have one `user_id`."""
        joined: dict[str, Words] = {}
        target = {scope: scope for scope in self.groups}
        for scope, uses in self.groups.items():
            for one in uses:
                for other in sorted(keys_of[one.topic] & rarer):
                    before = joined.setdefault(other, scope)
                    if _root(target, before) != _root(target, scope):
                        target[_root(target, max(before, scope))] = _root(target, min(before, scope))
                        self.joined_by = other
        merged: dict[Words, list[Candidate]] = defaultdict(list)
        for scope, uses in self.groups.items():
            merged[_root(target, scope)] += uses
        self.groups = merged


def _root(target: Mapping[Words, Words], scope: Words) -> Words:
    while target[scope] != scope:
        scope = target[scope]
    return scope


def _scope(one: Candidate, names: TopicNames, keys_of: Mapping[str, set[str]]) -> Words | None:
    """The scope of a topic that is about the entity; None: the topic is about something else.

    It is about the entity if its name ends with it, or if the key is its first field and its only key, in a
    family of topics: `shoes` next to `shoe_orders` holds products of its own.
    """
    words = names.words(one.topic)
    length = len(one.entity)
    if words[-length:] == one.entity:
        return words[:-length]
    family = names.family(one.topic)
    if family is not None and one.first and len(keys_of[one.topic]) == 1:
        return (family,)
    return None


def _entity(
    cluster: str,
    scope: _Scopes,
    qualifier: Words,
    candidates: Sequence[Candidate],
    scores: Scores,
    names: TopicNames,
    compacted: frozenset[str],
) -> Entity:
    described_by = sorted({one.topic for one in candidates if _describes(one, names, compacted)})
    uses = []
    for one in sorted(candidates, key=lambda one: (one.topic, one.path)):
        score, reason = scores.score(one, described=bool(described_by))
        uses.append(
            KeyUse(
                topic=one.topic,
                subject=one.subject,
                path=one.path,
                type=one.type,
                in_key=one.in_key,
                score=score,
                reason=reason,
            )
        )
    kept = tuple(use for use in uses if use.score >= LEAST_SCORE)
    words = scope.entity if scope.entity[: len(qualifier)] == qualifier else (*qualifier, *scope.entity)
    return Entity(
        cluster=cluster,
        name=" ".join(words) or scope.key,
        key=scope.key,
        described_by=tuple(described_by),
        uses=kept,
        score=max((use.score for use in kept), default=0.0),
        reason=_reason(scope, qualifier, kept, described_by),
    )


def _describes(one: Candidate, names: TopicNames, compacted: frozenset[str]) -> bool:
    words = names.words(one.topic)
    named = words[-len(one.entity) :] == one.entity
    return named or (one.topic in compacted and (one.first or one.in_key))


def _reason(scope: _Scopes, qualifier: Words, uses: Iterable[KeyUse], described_by: Sequence[str]) -> str:
    topics = len({use.topic for use in uses})
    said = [f"{counted(topics, 'topic')} with {scope.key}"]
    if described_by:
        said.append(f"described by {listed(described_by[:_NAMES_SHOWN])}")
    if scope.divided and len(scope.groups) > 1:
        said.append(
            f"those whose names begin with {' '.join(qualifier)} have one of their own"
            if qualifier
            else "topics of other families have one of their own"
        )
    if scope.joined_by is not None:
        said.append(f"one thing in several families, since topics of them share {scope.joined_by}")
    return "; ".join(said)
