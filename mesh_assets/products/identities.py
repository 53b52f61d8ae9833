"""Matches candidates with those of the previous run, so that a product keeps its id when topics join or
leave, or when a domain is renamed."""

import hashlib
import re
from collections.abc import Iterable, Sequence

from mesh_assets.products.candidates import Candidate
from mesh_assets.products.records import Identity

MOST_CHARACTERS = 63
"""The longest id: what Backstage allows for a name and DNS for a label."""
_LEAST_COMMON = 0.5
_NOT_IN_IDS = re.compile(r"[^a-z0-9]+")


def identify(candidates: Sequence[Candidate], before: Sequence[Identity]) -> tuple[Identity, ...]:
    """An identity for each candidate, in their order. It is that of the earlier candidate with the same
    cluster, domain and owner; else of the one it shares at least half of all their topics with; else new:
    `cluster.domain`, `cluster.domain.owner`."""
    known = {(one.cluster, one.domain, one.owner): one for one in before}
    ids: dict[int, str] = {}
    for at, one in enumerate(candidates):
        same = known.get((one.cluster, one.domain, one.owner))
        if same is not None:
            ids[at] = same.id
    left = [one for one in before if one.id not in set(ids.values())]
    for at, identity_id in _by_topics(candidates, left, ids):
        ids[at] = identity_id
    taken = set(ids.values())
    made = []
    for at, one in enumerate(candidates):
        if at not in ids:
            ids[at] = _new_id(one, taken)
            taken.add(ids[at])
        made.append(
            Identity(
                id=ids[at],
                cluster=one.cluster,
                domain=one.domain,
                owner=one.owner,
                topics=tuple(sorted(one.topics)),
            )
        )
    return tuple(made)


def _by_topics(
    candidates: Sequence[Candidate], left: Sequence[Identity], ids: dict[int, str]
) -> Iterable[tuple[int, str]]:
    """The most alike first, each earlier one only once."""
    of_topic: dict[tuple[str, str], list[Identity]] = {}
    for identity in left:
        for topic in identity.topics:
            of_topic.setdefault((identity.cluster, topic), []).append(identity)
    pairs: list[tuple[float, int, str]] = []
    for at, one in enumerate(candidates):
        if at in ids:
            continue
        near = {other.id: other for topic in one.topics for other in of_topic.get((one.cluster, topic), ())}
        for other in near.values():
            common = len(one.topics.keys() & set(other.topics))
            alike = common / (len(one.topics) + len(other.topics) - common)
            if alike >= _LEAST_COMMON:
                pairs.append((-alike, at, other.id))
    used: set[str] = set()
    found: dict[int, str] = {}
    for _, at, identity_id in sorted(pairs):
        if at not in found and identity_id not in used:
            found[at] = identity_id
            used.add(identity_id)
    return found.items()


def _new_id(one: Candidate, taken: set[str]) -> str:
    parts = [one.cluster, one.domain, *([one.owner] if one.owner else [])]
    slug = ".".join(_NOT_IN_IDS.sub("-", part.casefold()).strip("-") or "x" for part in parts)
    if len(slug) <= MOST_CHARACTERS and slug not in taken:
        return slug
    mark = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug[: MOST_CHARACTERS - 9].rstrip('.-')}-{mark}"
