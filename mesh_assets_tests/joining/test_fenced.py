"""While brokers are fenced, what they were configured with last still counts."""

from msgspec.structs import replace

from mesh_assets.diff import diff_documents
from mesh_assets.inventory.broker_records import BrokerConfig, BrokerConfigs, Brokers, ConfigSource
from mesh_assets.joining.silent_brokers import with_fenced
from mesh_assets_tests.documents import a_document, some_brokers

DIRECTORIES = {1: "/one", 2: "/two"}


def entry(name: str, value: str, source: ConfigSource, *brokers: int) -> BrokerConfig:
    return BrokerConfig(name=name, value=value, source=source, brokers=brokers)


def cluster(*live: int, retention: str = "7") -> Brokers:
    """Two brokers with directories of their own; the others are fenced."""
    known = some_brokers()
    directories = [
        entry("log.dirs", DIRECTORIES[one], "static", *((one,) if len(live) > 1 else ())) for one in live
    ]
    shared = [
        entry("log.retention.hours", retention, "dynamic_cluster"),
        entry("num.io.threads", "8", "static"),
    ]
    return replace(
        known,
        brokers=tuple(replace(one, fenced=one.id not in live) for one in known.brokers),
        configs=BrokerConfigs(brokers=live, entries=(*directories, *shared), cluster_wide={}),
    )


def changes(before: Brokers, after: Brokers) -> list[str]:
    found = diff_documents(a_document(brokers=before), a_document(brokers=after))
    return [change.sentence for change in found]


def test_a_broker_that_is_fenced_for_a_while_changes_no_config() -> None:
    before = cluster(1, 2)
    fenced = with_fenced(cluster(1), before)

    assert fenced.configs == before.configs
    assert with_fenced(fenced, before) == fenced
    assert changes(before, fenced) == ["Broker 2 is fenced: it serves nothing"]
    assert changes(fenced, with_fenced(cluster(1, 2), fenced)) == ["Broker 2 serves again"]


def test_a_fenced_broker_follows_the_cluster_in_what_it_does_not_set_itself() -> None:
    before = cluster(1, 2)
    fenced = with_fenced(cluster(1, retention="9"), before)

    assert changes(before, fenced) == [
        "Broker 2 is fenced: it serves nothing",
        "Brokers: config log.retention.hours 7 → 9",
    ]


def test_a_broker_that_was_always_fenced_has_no_configs() -> None:
    assert with_fenced(cluster(1), None) == cluster(1)
    assert with_fenced(cluster(1), cluster(1)) == cluster(1)
