"""What transactions reveal about the counts of topics: the two sections are read in parallel."""

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.records import Topic
from mesh_assets.inventory.sections import Section, TopicsSection, TransactionsSection


def with_transactions(topics: Section, transactions: Section | None, previous: Document | None) -> Section:
    """The topics, with counts as upper bounds if transactions are known to have written: now, from what
    brokers still know about producers, or when the previous document was made, since brokers forget producers
    before retention removes their records."""
    assert isinstance(topics, TopicsSection)
    assert transactions is None or isinstance(transactions, TransactionsSection)
    known = transactions.records if transactions is not None else None
    transactional = {one.topic for one in (known.producers if known else None) or () if one.transactional}
    before = {
        (topic.name, topic.id)
        for topic in (previous.topics if previous else ())
        if topic.details.message_count_is == "upper_bound" and not _is_compacted(topic)
    }
    if not transactional and not before:
        return topics
    return replace(
        topics,
        records=tuple(
            replace(topic, details=replace(topic.details, message_count_is="upper_bound"))
            if topic.details.message_count_is == "exact_without_transactions"
            and (topic.name in transactional or (topic.name, topic.id) in before)
            else topic
            for topic in topics.records
        ),
    )


def _is_compacted(topic: Topic) -> bool:
    return topic.details.cleanup_policy is None or "compact" in topic.details.cleanup_policy
