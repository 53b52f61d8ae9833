"""Observes what exists: topics with partitions and, in slices, configs; connectors with their configs;
subjects and groups by name.

Each source is read separately: one that fails leaves a note, and the others are still compared.
"""

from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.collecting.group_records import group_records
from mesh_assets.collecting.kafka_records import topic_defaults, topic_records
from mesh_assets.collecting.scopes import patterns_scope
from mesh_assets.collecting.vanished import confirm_groups_gone, confirm_topics_gone, unlisted_groups
from mesh_assets.errors import PlatformError, StoreError
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.digest import GroupsDigest, TopicsDigest
from mesh_assets.inventory.sections import ConsumerGroupsSection, TopicsSection
from mesh_assets.platforms.kafka import OffsetsReading
from mesh_assets.sensing.cursor import next_slice, slice_size
from mesh_assets.sensing.observations.comparison import Compared, causes_of, compare_section, observed_now
from mesh_assets.sensing.observations.connectors import compare_connectors
from mesh_assets.sensing.observations.observation import Observation, ObservationContext
from mesh_assets.sensing.observations.schemas import compare_subjects
from mesh_assets.sensing.observations.unchanged import (
    are_configs_unchanged,
    are_groups_unchanged,
    are_topics_unchanged,
)

# One call to Kafka returns the configs of 1,000 topics.
LEAST_CONFIGS, MOST_CONFIGS = 500, 5000
# New groups are described one by one; the discovery that follows sees the rest.
MOST_NEW_GROUPS = 100


def observe_resources(context: ObservationContext) -> Observation:
    """Observes topics, connectors, subjects and consumer groups created or deleted, topics' partitions and configs,
    and configs of connectors.
    """
    digest = context.known.digest()
    names = sorted(
        (topic.name for topic in context.known.document().topics)
        if digest.topics is None
        else digest.topics.topics
    )
    size = slice_size(
        len(names), interval_seconds=context.interval_seconds, least=LEAST_CONFIGS, most=MOST_CONFIGS
    )
    configs, configs_after = next_slice(names, after=context.cursor.configs_after, size=size)
    read: list[Compared] = []
    failed: list[str] = []

    def reads(source: Callable[[], Compared]) -> bool:
        try:
            read.append(source())
        except PlatformError as error:
            failed.append(str(error))
            return False
        return True

    registry = context.clients.registry
    topics_were_read = reads(lambda: _topics(context, digest.topics, configs))
    if topics_were_read:  # otherwise, reading groups would only wait for the same brokers again
        reads(lambda: _groups(context, digest.groups))
    if context.clients.connect:
        reads(lambda: _connectors(context))
    if registry is not None:
        reads(lambda: compare_subjects(registry, context.document, context.now))
    changes = [change for compared in read for change in compared.changes if _is_ours(change)]
    identities = {key: identity for compared in read for key, identity in compared.identities.items()}
    return Observation(
        causes=(*(cause for compared in read for cause in compared.causes), *causes_of(changes, identities)),
        notes=(*failed, *(note for compared in read for note in compared.notes)),
        cursor=replace(context.cursor, configs_after=configs_after) if topics_were_read else context.cursor,
    )


def _is_ours(change: Change) -> bool:
    """Whether this sensor reports the change. Updates to anything but topics are seen only by chance (a bulk
    list has versions): other sensors report them.
    """
    return change.kind != "updated" or change.resource_type in ("topic", "topic_defaults")


def _topics(context: ObservationContext, digest: TopicsDigest | None, configs: frozenset[str]) -> Compared:
    metadata = context.clients.kafka.metadata()
    selected = [topic for topic in metadata.topics if context.cluster.topics.selects(topic.name)]
    scope = patterns_scope(context.cluster.topics)
    asked = [topic.name for topic in selected if topic.name in configs]
    if digest is not None and are_topics_unchanged(digest, selected, scope=scope):
        read = context.clients.kafka.configs(asked)
        if are_configs_unchanged(digest, read):
            return Compared()
    else:
        read = None
    document = context.known.document()
    known = {topic.name: topic for topic in document.topics}
    confirm_topics_gone(
        context.clients.kafka,
        context.cluster,
        known.values(),
        listed={topic.name for topic in metadata.topics},
    )
    if read is None:
        read = context.clients.kafka.configs(asked)
    records = topic_records(
        selected,
        configs=read,
        offsets=OffsetsReading(read_at=context.now, topics={}),  # offsets are not compared
        previous=known,
    )
    section = TopicsSection(
        cluster_id=document.cluster.id,
        state=observed_now(context.now, scope),
        records=records,
        topic_defaults=topic_defaults(read.values(), document.topic_defaults),
    )
    return compare_section("topics", section, document, now=context.now)


def _connectors(context: ObservationContext) -> Compared:
    notes: tuple[str, ...] = ()
    try:
        known = context.read_secrets()
    except StoreError as error:
        known, notes = None, (f"rotations of secrets are not seen: {error}",)
    read = compare_connectors(context.clients.connect, context.document, context.now, known_secrets=known)
    compared = read.compared
    return replace(
        compared,
        causes=(*compared.causes, *read.config_causes),
        notes=(*compared.notes, *read.unread, *notes),
    )


def _groups(context: ObservationContext, digest: GroupsDigest | None) -> Compared:
    """Compares the list of groups: only new ones are described, as the discovery will do."""
    scope = patterns_scope(context.cluster.consumer_groups)
    known_names = (
        {group.group_id for group in context.known.document().consumer_groups}
        if digest is None
        else digest.names
    )
    listed: set[str] = set()
    new: set[str] = set()

    def is_new(group_id: str) -> bool:
        if not context.cluster.consumer_groups.selects(group_id):
            return False
        listed.add(group_id)
        if group_id not in known_names and len(new) < MOST_NEW_GROUPS:
            new.add(group_id)
        return group_id in new

    reading = context.clients.kafka.groups(is_new)
    if digest is not None and reading.unlisted is None and are_groups_unchanged(digest, listed, scope=scope):
        return Compared()
    document = context.known.document()
    known = {group.group_id: group for group in document.consumer_groups}
    kept = unlisted_groups(known.values(), reading.unlisted, listed=listed)
    expected = (group for group_id, group in known.items() if group_id not in kept)
    confirm_groups_gone(context.clients.kafka, context.cluster, expected, listed=listed)
    described = group_records(reading.groups, offsets=OffsetsReading(read_at=context.now, topics={}))
    section = ConsumerGroupsSection(
        cluster_id=document.cluster.id,
        state=observed_now(context.now, scope),
        records=(
            *(known[group_id] for group_id in sorted((listed | kept.keys()) & known.keys())),
            *described,
        ),
    )
    compared = compare_section("consumer_groups", section, document, now=context.now)
    return (
        compared
        if reading.unlisted is None
        else replace(compared, notes=(*compared.notes, reading.unlisted.reason))
    )
