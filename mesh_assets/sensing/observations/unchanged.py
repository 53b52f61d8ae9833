"""Whether a look at the brokers agrees with the document's digest: then the discovery would find no cause
either.

Each answer is True only if comparing the document itself would yield no change that is a cause
(`comparison.py`), and False whenever that is not obvious: then the document is compared. So these functions
ignore exactly what is never a cause (leaders, replicas, whether a topic is internal).
"""

from collections.abc import Collection, Mapping, Sequence
from fnmatch import fnmatchcase

from mesh_assets.collecting.kafka_records import topic_defaults
from mesh_assets.diff import EPHEMERAL_GROUPS
from mesh_assets.inventory.digest import GroupsDigest, TopicDigest, TopicsDigest, configs_fingerprint
from mesh_assets.inventory.sections import SectionScope
from mesh_assets.platforms.kafka import PartitionMetadata, TopicConfigs, TopicMetadata, for_alike


def are_topics_unchanged(
    digest: TopicsDigest, topics: Sequence[TopicMetadata], *, scope: SectionScope
) -> bool:
    """Whether `topics`, those that the patterns of `scope` select, are the digest's, with as many partitions
    and replicas."""
    known, factor = digest.topics, for_alike(_replication_factor)

    def is_same(was: TopicDigest, topic: TopicMetadata) -> bool:
        return (
            topic.error is None
            and (topic.id is None or was.id is None or topic.id == was.id)
            and len(topic.partitions) == was.partitions
            and factor(topic.partitions) == was.replication_factor
        )

    return (
        scope == digest.scope
        and len(topics) == len(known)
        and all((was := known.get(topic.name)) is not None and is_same(was, topic) for topic in topics)
    )


def _replication_factor(partitions: Sequence[PartitionMetadata]) -> int:
    return max((len(one.replicas) for one in partitions), default=0)


def are_configs_unchanged(digest: TopicsDigest, read: Mapping[str, TopicConfigs]) -> bool:
    """Whether the configs set on these topics, all of which are in the digest, and the cluster's defaults are the same.
    Anything that cannot be read now, or could not be then, is not a change."""
    for name, configs in read.items():
        was = digest.topics[name].configs
        now = configs_fingerprint(configs.values, configs.overridden)
        if was is not None and now is not None and was != now:
            return False
    return digest.defaults is None or topic_defaults(read.values(), digest.defaults) == digest.defaults


def are_groups_unchanged(digest: GroupsDigest, listed: Collection[str], *, scope: SectionScope) -> bool:
    """Whether all groups of the digest are `listed`, and no others except those that come and go."""
    return (
        scope == digest.scope
        and digest.names <= set(listed)
        and all(
            any(fnmatchcase(name, pattern) for pattern in EPHEMERAL_GROUPS)
            for name in set(listed) - digest.names
        )
    )
