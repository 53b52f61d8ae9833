"""Hypothesis strategies for what a document has once: brokers, access, transactions, cluster links."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from msgspec.structs import replace

from mesh_assets.diff.access import acl_name, quota_name
from mesh_assets.diff.transactions import transaction_name
from mesh_assets.inventory.access_records import Access, Acl, ClientQuota, ScramCredential, ScramUser
from mesh_assets.inventory.broker_records import (
    BrokerConfig,
    BrokerConfigs,
    Brokers,
    ClusterBroker,
    Feature,
    Features,
    Quorum,
    QuorumReplica,
)
from mesh_assets.inventory.cluster_link_records import ClusterLink, ClusterLinks, LinkTask, MirrorTopic
from mesh_assets.inventory.transaction_records import OpenTransaction, Transactions
from mesh_assets_tests.arbitrary_records import counts, maybe, names, texts, tuples


@cache
def brokers(*, known: bool = False) -> SearchStrategy[Brokers]:
    """Without values that Kafka hides where all is known; one of two configs can differ between brokers."""
    numbers = st.lists(st.integers(1, 4), unique=True, min_size=1, max_size=3).map(sorted)
    return numbers.flatmap(
        lambda ids: st.builds(
            Brokers,
            brokers=st.tuples(
                *(
                    st.builds(
                        ClusterBroker,
                        id=st.just(number),
                        host=texts,
                        port=st.integers(1, 65_535),
                        rack=st.none() | texts,
                        fenced=maybe(st.booleans(), known),
                    )
                    for number in ids
                )
            ),
            controller=st.none() | st.sampled_from(ids),
            configs=maybe(_broker_configs(tuple(ids)), known),
            features=maybe(_features, known),
            quorum=maybe(_quorums, known),
        )
    )


def _broker_configs(ids: tuple[int, ...]) -> SearchStrategy[BrokerConfigs]:
    def entries(name: str) -> SearchStrategy[list[BrokerConfig]]:
        """A value for each broker; shared ones are listed once."""
        values = st.tuples(*(st.none() | st.sampled_from(["1", "2"]) for _ in ids))

        def told(of_each: tuple[str | None, ...]) -> list[BrokerConfig]:
            having: dict[str | None, list[int]] = {}
            for number, value in zip(ids, of_each, strict=True):
                having.setdefault(value, []).append(number)
            return [
                BrokerConfig(
                    name=name,
                    value=value,
                    source="static",
                    brokers=() if len(some) == len(ids) else tuple(some),
                )
                for value, some in having.items()
            ]

        return values.map(told)

    return st.builds(
        BrokerConfigs,
        brokers=st.just(ids),
        entries=st.tuples(entries("log.dirs"), entries("node.id")).map(lambda both: (*both[0], *both[1])),
        cluster_wide=st.just({}),
    )


_features = st.builds(
    Features,
    epoch=st.none() | counts,
    broker=st.just(1),
    features=tuples(
        st.builds(Feature, name=names, level=st.none() | st.integers(0, 30)), lambda feature: feature.name
    ),
)
_quorums = st.builds(
    Quorum,
    leader=st.none() | st.integers(1, 4),
    epoch=counts,
    high_watermark=counts,
    voters=tuples(
        st.builds(
            QuorumReplica, id=st.integers(1, 4), log_end_offset=st.none() | counts, lag_records=st.none()
        ),
        lambda voter: voter.id,
    ),
    observers=st.just(()),
)
_acls = st.builds(
    Acl,
    principal=texts,
    permission=st.sampled_from(["allow", "deny"]),
    operation=st.sampled_from(["read", "all"]),
    resource_type=st.sampled_from(["topic", "group"]),
    resource=names,
    pattern=st.sampled_from(["literal", "prefixed"]),
    host=st.just("*"),
)
_quotas = st.builds(
    ClientQuota,
    entity=st.dictionaries(st.sampled_from(["user", "client-id"]), st.none() | texts, min_size=1),
    limits=st.dictionaries(st.sampled_from(["producer_byte_rate", "request_percentage"]), st.floats(0, 1e9)),
)
_scram_users = st.builds(
    ScramUser,
    name=texts,
    credentials=tuples(
        st.builds(
            ScramCredential,
            mechanism=st.sampled_from(["SCRAM-SHA-256", "SCRAM-SHA-512"]),
            iterations=st.integers(4096, 8192),
        ),
        lambda one: one.mechanism,
    ),
)


@cache
def accesses(*, known: bool = False) -> SearchStrategy[Access]:
    return st.builds(
        Access,
        acls=maybe(tuples(_acls, acl_name), known),
        quotas=maybe(tuples(_quotas, quota_name), known),
        scram_users=maybe(tuples(_scram_users, lambda user: user.name), known),
    )


_open_transactions = st.builds(
    OpenTransaction,
    topic=st.sampled_from(["orders", "users"]),
    partition=st.integers(0, 3),
    producer_id=st.integers(0, 2**40),
    producer_epoch=st.integers(0, 100),
    start_offset=st.integers(0, 2**40),
    last_written_at=st.none(),
    transactional_id=st.none() | texts,
    hanging=st.sampled_from([None, "overdue", "unknown_to_coordinator"]),
)


@cache
def transactions(*, known: bool = False) -> SearchStrategy[Transactions]:
    return st.builds(
        Transactions, open_transactions=maybe(tuples(_open_transactions, transaction_name), known)
    )


_links = st.builds(
    ClusterLink,
    name=names,
    id=texts,
    source_cluster_id=st.none() | texts,
    remote_cluster_id=st.none() | texts,
    state=st.none() | texts,
    error=st.none() | texts,
    tasks=tuples(st.builds(LinkTask, name=names, state=texts, errors=tuples(texts))),
)
_mirrors = st.builds(
    MirrorTopic,
    name=names,
    link=names,
    source_topic=names,
    status=st.sampled_from(["ACTIVE", "PAUSED", "FAILED", "STOPPED"]),
    partitions=st.integers(1, 9),
    lag_records=st.none() | counts,
)


@cache
def cluster_links(*, known: bool = False) -> SearchStrategy[ClusterLinks]:
    configs = st.dictionaries(texts, maybe(texts, known), max_size=3)
    links = st.builds(lambda one, config: replace(one, config=config), _links, maybe(configs, known))
    return st.builds(
        ClusterLinks,
        links=maybe(tuples(links, lambda one: one.name), known),
        mirror_topics=maybe(tuples(_mirrors, lambda one: one.name), known),
    )
