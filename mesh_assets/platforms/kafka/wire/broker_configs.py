"""Configs of brokers: DescribeConfigs, which each broker answers only for itself. Values that they all share
are given once."""

from collections.abc import Mapping, Sequence
from functools import partial
from sys import intern

from msgspec import Struct

from mesh_assets.inventory.broker_records import BrokerConfig, BrokerConfigs, ConfigSource
from mesh_assets.masking.configs import mask_config
from mesh_assets.platforms.kafka.wire.configs import write_names
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    together,
)

_BROKER = 4
_ALL_BROKERS = ""
# Kafka's ConfigSource; the others are those of topics, groups and loggers.
_SOURCES: dict[int, ConfigSource] = {
    2: "dynamic_broker",
    3: "dynamic_cluster",
    4: "static",
    5: "default",
}


class _Entry(Struct, frozen=True):
    value: str | None
    source: ConfigSource
    sensitive: bool


_Configs = dict[str, _Entry]


async def read_broker_configs(connections: Connections, brokers: Sequence[int]) -> BrokerConfigs:
    """The configs of the live `brokers`, at least one. Raises BrokerError when one of them cannot report its
    own: the others' would say nothing about the cluster."""
    answers = await together(
        _ask(connections, broker, cluster_wide=broker == brokers[0]) for broker in brokers
    )
    return BrokerConfigs(
        brokers=tuple(brokers),
        entries=_told_once({broker: own for broker, (own, _) in zip(brokers, answers, strict=True)}),
        cluster_wide={name: entry.value for name, entry in sorted(answers[0][1].items())},
    )


def _told_once(by_broker: Mapping[int, _Configs]) -> tuple[BrokerConfig, ...]:
    having: dict[str, dict[_Entry, list[int]]] = {}
    for broker, configs in by_broker.items():
        for name, entry in configs.items():
            having.setdefault(name, {}).setdefault(entry, []).append(broker)
    return tuple(
        BrokerConfig(
            name=name,
            value=entry.value,
            source=entry.source,
            sensitive=entry.sensitive,
            brokers=() if len(brokers) == len(by_broker) else tuple(brokers),
        )
        for name in sorted(having)
        for entry, brokers in having[name].items()
    )


async def _ask(connections: Connections, broker: int, *, cluster_wide: bool) -> tuple[_Configs, _Configs]:
    """The broker's own configs, and the cluster's defaults if they are asked for."""
    names = [str(broker), *([_ALL_BROKERS] if cluster_wide else [])]
    request = Request("DescribeConfigs", 32, 1, 4, 4, partial(write_names, _BROKER, names), _read)
    answer = await connections.ask(request, broker=broker)
    if answer.keys() != set(names):
        raise MalformedError("an answer to DescribeConfigs about brokers that were not asked for")
    for told in answer.values():
        if isinstance(told, BrokerError):
            raise told
    known = {name: _masked(told) for name, told in answer.items() if not isinstance(told, BrokerError)}
    return known[str(broker)], known.get(_ALL_BROKERS, {})


def _masked(configs: _Configs) -> _Configs:
    """Kafka hides what it knows to be a password; it cannot know about the settings of a broker's plugins."""
    masked = mask_config({name: entry.value for name, entry in configs.items()})
    return {
        name: entry if masked[name] == entry.value else _Entry(masked[name], entry.source, entry.sensitive)
        for name, entry in configs.items()
    }


def _read(r: Reader, version: int) -> dict[str, _Configs | BrokerError]:
    r.throttle()
    read: dict[str, _Configs | BrokerError] = {}
    for _ in range(r.length()):
        code, said, kind, name = r.int16(), r.nullable_text(), r.int8(), r.text()
        if kind != _BROKER or name in read:
            raise MalformedError(
                "an answer to DescribeConfigs about something else, or about something twice"
            )
        configs: _Configs = {}
        count = r.length()
        for _ in range(count):
            config, entry = _entry(r, version)
            configs[config] = entry
        if len(configs) < count:
            raise MalformedError("a broker with two values of a config")
        r.tags()
        read[name] = BrokerError(code, said or "") if code else configs
    r.tags()
    return read


def _entry(r: Reader, version: int) -> tuple[str, _Entry]:
    name, value = intern(r.text()), r.nullable_text()
    r.boolean()  # whether it is read-only
    source, sensitive = r.int8(), r.boolean()
    for _ in range(r.length()):
        r.text(), r.nullable_text(), r.int8()
        r.tags()
    if version >= 3:
        r.int8(), r.nullable_text()  # its type and documentation
    r.tags()
    return name, _Entry(None if sensitive else value, _SOURCES.get(source, "unknown"), sensitive)
