"""What stays known of brokers that are away: the configs of fenced ones, without which what brokers have in common would change
whenever one of them restarts, and the log directories that were offline."""

from msgspec.structs import replace

from mesh_assets.inventory.broker_records import BrokerConfig, BrokerConfigs, Brokers
from mesh_assets.inventory.document import Document
from mesh_assets.inventory.sections import Section, TopicsSection

_ByBroker = dict[int, dict[str, BrokerConfig]]
_OF_ALL = frozenset({"dynamic_cluster", "default"})


def with_fenced(now: Brokers, before: Brokers | None) -> Brokers:
    """`now`, with the configs that `before` has of brokers that are fenced now. What is not set on a broker itself, it has in
    common with the others, as far as they agree."""
    if now.configs is None or before is None or before.configs is None:
        return now
    told, known = _by_broker(now.configs), _by_broker(before.configs)
    fenced = [one.id for one in now.brokers if one.fenced and one.id in known and one.id not in told]
    if not fenced:
        return now
    agreed: dict[str, set[BrokerConfig]] = {}
    for entries in told.values():
        for name, entry in entries.items():
            agreed.setdefault(name, set()).add(entry)
    common = {name: next(iter(ones)) for name, ones in agreed.items() if len(ones) == 1}
    shared = {name: entry for name, entry in common.items() if entry.source in _OF_ALL}
    for broker in fenced:
        own = {name: entry for name, entry in known[broker].items() if entry.source not in _OF_ALL}
        told[broker] = {**known[broker], **shared, **own}
    return replace(now, configs=_told_once(told, now.configs))


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


def _by_broker(configs: BrokerConfigs) -> _ByBroker:
    found: _ByBroker = {broker: {} for broker in configs.brokers}
    for entry in configs.entries:
        for broker in entry.brokers or configs.brokers:
            found[broker][entry.name] = replace(entry, brokers=())
    return found


def _told_once(told: _ByBroker, configs: BrokerConfigs) -> BrokerConfigs:
    having: dict[str, dict[BrokerConfig, list[int]]] = {}
    for broker in sorted(told):
        for name, entry in told[broker].items():
            having.setdefault(name, {}).setdefault(entry, []).append(broker)
    return replace(
        configs,
        brokers=tuple(sorted(told)),
        entries=tuple(
            replace(entry, brokers=() if len(brokers) == len(told) else tuple(brokers))
            for name in sorted(having)
            for entry, brokers in having[name].items()
        ),
    )
