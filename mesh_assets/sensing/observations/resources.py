"""A look at what there is: topics with partitions and, in slices, configs; connectors, subjects and groups by
name.

Each source is looked at by itself: one that fails leaves a note, and the others are compared all the same.
"""

from collections.abc import Callable

from msgspec.structs import replace

from mesh_assets.collecting.consumer_groups import group_records
from mesh_assets.collecting.topics import topic_records
from mesh_assets.collecting.vanished import confirm_groups_gone, confirm_topics_gone
from mesh_assets.errors import PlatformError, UnexpectedAnswerError
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.sections import ConsumerGroupsSection, TopicsSection
from mesh_assets.platforms.kafka import OffsetsReading
from mesh_assets.sensing.cursor import next_slice, slice_size
from mesh_assets.sensing.observations.comparison import Compared, causes_of, compare_section, seen_now
from mesh_assets.sensing.observations.connectors import compare_connectors
from mesh_assets.sensing.observations.observation import Observation, ObservationContext
from mesh_assets.sensing.observations.schemas import compare_subjects

# A call to Kafka brings the configs of 500 topics.
LEAST_CONFIGS, MOST_CONFIGS = 500, 5000
# New groups are described one by one; the discovery that follows sees the rest.
MOST_NEW_GROUPS = 100


def observe_resources(look: ObservationContext) -> Observation:
    """Topics, connectors, subjects and consumer groups that came or went; partitions and configs of topics
    that changed."""
    names = sorted(topic.name for topic in look.document.topics)
    size = slice_size(
        len(names), interval_seconds=look.interval_seconds, least=LEAST_CONFIGS, most=MOST_CONFIGS
    )
    configs, configs_after = next_slice(names, after=look.cursor.configs_after, size=size)
    looked: list[Compared] = []
    failed: list[str] = []

    def reads(source: Callable[[], Compared]) -> bool:
        try:
            looked.append(source())
        except PlatformError as error:
            failed.append(str(error))
            return False
        return True

    registry = look.clients.registry
    topics_were_read = reads(lambda: _topics(look, configs))
    if topics_were_read:  # else the groups would only wait for the same brokers once more
        reads(lambda: _groups(look))
    if look.clients.connect:
        reads(lambda: compare_connectors(look.clients.connect, look.document, look.now)[0])
    if registry is not None:
        reads(lambda: compare_subjects(registry, look.document, look.now))
    changes = [change for compared in looked for change in compared.changes if _is_ours(change)]
    return Observation(
        findings=(*(finding for compared in looked for finding in compared.findings), *causes_of(changes)),
        notes=(*failed, *(note for compared in looked for note in compared.notes)),
        cursor=replace(look.cursor, configs_after=configs_after) if topics_were_read else look.cursor,
    )


def _is_ours(change: Change) -> bool:
    """Updates of anything but topics are seen by chance here (a bulk list brings versions): they are the
    other sensors' to tell."""
    return change.kind != "updated" or change.resource_type == "topic"


def _topics(look: ObservationContext, configs: frozenset[str]) -> Compared:
    metadata = look.clients.kafka.metadata()
    if metadata.cluster_id != look.document.cluster.id:
        raise UnexpectedAnswerError(
            f"{look.cluster.kafka.address} is cluster {metadata.cluster_id}, but the latest document is of "
            f"{look.document.cluster.id}; the next discovery tells more"
        )
    selected = [topic for topic in metadata.topics if look.cluster.topics.selects(topic.name)]
    known = {topic.name: topic for topic in look.document.topics}
    confirm_topics_gone(
        look.clients.kafka, look.cluster, known.values(), listed={topic.name for topic in metadata.topics}
    )
    records = topic_records(
        selected,
        configs=look.clients.kafka.configs([topic.name for topic in selected if topic.name in configs]),
        offsets=OffsetsReading(read_at=look.now, topics={}),  # offsets are no changes
        previous=known,
    )
    section = TopicsSection(cluster_id=look.document.cluster.id, state=seen_now(look.now), records=records)
    return compare_section("topics", section, look.document, now=look.now)


def _groups(look: ObservationContext) -> Compared:
    """By the listing alone: only groups that nobody knew are described, as the discovery will."""
    known = {group.group_id: group for group in look.document.consumer_groups}
    listed: set[str] = set()
    new: set[str] = set()

    def is_new(group_id: str) -> bool:
        if not look.cluster.consumer_groups.selects(group_id):
            return False
        listed.add(group_id)
        if group_id not in known and len(new) < MOST_NEW_GROUPS:
            new.add(group_id)
        return group_id in new

    reading = look.clients.kafka.groups(is_new)
    confirm_groups_gone(look.clients.kafka, look.cluster, known.values(), listed=listed)
    described = group_records(reading.groups, offsets=OffsetsReading(read_at=look.now, topics={}))
    section = ConsumerGroupsSection(
        cluster_id=look.document.cluster.id,
        state=seen_now(look.now),
        records=(*(known[group_id] for group_id in sorted(listed & known.keys())), *described),
    )
    return compare_section("consumer_groups", section, look.document, now=look.now)
