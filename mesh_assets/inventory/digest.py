"""The digest of a document: what a sensor must know about topics and groups to see that nothing has changed.

The document of 9,000 topics is 26 MB, and nearly all of it is irrelevant to a sensor that asks every five minutes whether
there is something new. A digest is enough for that, in a fortieth of the size. It can only ever answer "nothing": in any
other case, the document itself is compared, by the rules of the discovery.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import UNDECODABLE, Record, Topic
from mesh_assets.inventory.sections import SectionName, SectionScope


class TopicDigest(Record, frozen=True, array_like=True):
    """`configs`: a fingerprint of those set on the topic itself; None: its configs are unknown."""

    id: str | None
    partitions: int
    replication_factor: int
    configs: str | None


class TopicsDigest(Record, frozen=True, kw_only=True):
    scope: SectionScope
    topics: dict[str, TopicDigest]
    defaults: dict[str, str] | None


class GroupsDigest(Record, frozen=True, kw_only=True):
    scope: SectionScope
    names: frozenset[str]


class Digest(Record, frozen=True, kw_only=True):
    """`document`: the SHA-256 of its document. `topics`, `groups` None: only the document itself can show what changed,
    because part of the section is held back or its scope is unknown."""

    format: int = 1
    document: str
    topics: TopicsDigest | None
    groups: GroupsDigest | None


def digest_of(document: Document, sha256: str) -> Digest:
    """The digest of the document with that SHA-256."""
    topics, groups = _scope(document, "topics"), _scope(document, "consumer_groups")
    return Digest(
        document=sha256,
        topics=None
        if topics is None
        else TopicsDigest(
            scope=topics,
            topics={topic.name: _topic(topic) for topic in document.topics},
            defaults=document.topic_defaults,
        ),
        groups=None
        if groups is None
        else GroupsDigest(
            scope=groups, names=frozenset(group.group_id for group in document.consumer_groups)
        ),
    )


def configs_fingerprint(values: Mapping[str, str | None] | None, overrides: Iterable[str]) -> str | None:
    """A fingerprint of the configs set on a topic itself: equal for equal configs; empty if there are none. None: unknown."""
    if values is None:
        return None
    own = sorted((name, values[name]) for name in overrides if name in values)
    return blake2b(_encoder.encode(own), digest_size=16).hexdigest() if own else ""


def encode_digest(digest: Digest) -> bytes:
    return _encoder.encode(digest)


def decode_digest(data: bytes) -> Digest | None:
    """None for bytes that are not a digest of this version: it can be derived from the document again."""
    try:
        digest = _decoder.decode(data)
    except UNDECODABLE:
        return None
    return digest if digest.format == 1 else None


def _topic(topic: Topic) -> TopicDigest:
    return TopicDigest(
        topic.id,
        topic.details.partitions,
        topic.details.replication_factor,
        configs_fingerprint(topic.config, topic.config_overrides),
    )


def _scope(document: Document, name: SectionName) -> SectionScope | None:
    state = document.state(name)
    held = document.held.get(name) or state.held_since is not None
    return None if held or state.collected_at is None else state.scope


_encoder = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Digest)
