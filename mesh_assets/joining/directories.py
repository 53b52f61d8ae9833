"""Log directories of brokers that did not report theirs."""

from msgspec.structs import replace

from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import Section, TopicsSection


def with_offline_directories(topics: Section, previous: Document | None) -> Section:
    """The topics, with the directories that `previous` has as offline on brokers that did not report theirs now: nothing says
    that they are back. Those that were fine have sizes, which would be old. A broker without any replica is gone."""
    assert isinstance(topics, TopicsSection)
    known = topics.log_directories
    if known is None or previous is None or topics.state.status != "fresh":
        return topics
    told = {one.broker for one in known}
    offline = [
        one for one in previous.log_directories or () if one.error is not None and one.broker not in told
    ]
    if not offline:
        return topics
    holding = {broker for topic in topics.records for one in topic.partitions for broker in one.replicas}
    kept = (one for one in offline if one.broker in holding)
    return replace(
        topics, log_directories=tuple(sorted((*known, *kept), key=lambda one: (one.broker, one.path)))
    )
