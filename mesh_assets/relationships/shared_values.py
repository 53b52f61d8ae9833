"""Evidence from samples: whether the fields that schemas suggest really hold the same values."""

from collections import defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from mesh_assets.relationships.records import Entity, KeyUse, Relationships, SharedValues

SURE = 0.5
"""The share of shared values from which a use is more certain."""
_MORE = 0.2
_SHOWN = 3


def with_shared_values(found: Relationships, shared: Iterable[SharedValues]) -> Relationships:
    """The relationships plus what samples show about their uses: those that share values become more certain,
    and each says with what it shares how many, or none. `shared`: in any order; fields that no entity has are
    ignored."""
    ends: defaultdict[tuple[str, str, str], list[SharedValues]] = defaultdict(list)
    for one in shared:
        ends[one.cluster, one.topic, one.path].append(one)
        ends[one.cluster, one.other_topic, one.other_path].append(one)
    if not ends:
        return found
    return replace(found, entities=tuple(_of_entity(entity, ends) for entity in found.entities))


def _of_entity(entity: Entity, ends: defaultdict[tuple[str, str, str], list[SharedValues]]) -> Entity:
    places = {_place(entity, use) for use in entity.uses}
    within: dict[SharedValues, None] = {}
    uses = []
    for use in entity.uses:
        here = _place(entity, use)
        known = [
            one
            for one in ends.get(here, ())
            if {(one.cluster, one.topic, one.path), (one.cluster, one.other_topic, one.other_path)} <= places
        ]
        within |= dict.fromkeys(known)
        uses.append(_of_use(use, known))
    if not within:
        return entity
    return replace(
        entity,
        uses=tuple(uses),
        score=max(use.score for use in uses),
        shared_values=tuple(
            sorted(
                within, key=lambda one: (-one.contained, one.topic, one.path, one.other_topic, one.other_path)
            )
        ),
    )


def _of_use(use: KeyUse, known: list[SharedValues]) -> KeyUse:
    if not known:
        return use
    known = sorted(known, key=lambda one: -one.contained)
    said = [
        f"shares {f'{one.contained:.0%}' if one.contained else 'none'} of the sampled values with "
        f"{one.other_topic if one.topic == use.topic else one.topic}"
        for one in known[:_SHOWN]
    ]
    surer = known[0].contained >= SURE
    score = round(min(1.0, use.score + _MORE), 3) if surer else use.score
    return replace(use, score=score, reason="; ".join([use.reason, *said]))


def _place(entity: Entity, use: KeyUse) -> tuple[str, str, str]:
    """The name in samples, where the fields of a record's key are below `key`."""
    return entity.cluster, use.topic, f"key.{use.path}" if use.in_key else use.path
