"""All configs of topics: DescribeConfigs, spread over the brokers.

Topics differ in few of their 33 configs, or none. Their answers are compared byte by byte with what is known,
and only differences are parsed: 297,000 configs become a few hundred entries, and topics with the same
configs share one dict.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from math import ceil
from sys import intern

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.errors import AUTHENTICATION, item_error
from mesh_assets.platforms.kafka.values import TopicConfigs
from mesh_assets.platforms.kafka.wire.forms import (
    BrokerError,
    Connections,
    MalformedError,
    Reader,
    Request,
    Writer,
    together,
)

TOPICS_A_REQUEST = 1_000
# Fewer are not worth a request to another broker.
_FEWEST_A_REQUEST = 100
_IN_FLIGHT_A_BROKER = 2
# With up to this many blocks of configs, a topic's block is first compared as a whole, with the last one
# first, and only then entry by entry.
_RECENT = 16
_ATTEMPTS = 3
_PAUSE_SECONDS = 0.1

_DESCRIBE_CONFIGS = "DESCRIBE_CONFIGS on the topic"
_TOPIC = 2
# Kafka's ConfigSource; the others are static or defaults.
_ON_THE_TOPIC, _ON_THE_BROKER, _ON_THE_CLUSTER = 1, 2, 3


async def read_configs(connections: Connections, topics: Iterable[str]) -> dict[str, TopicConfigs]:
    """All configs of each of `topics`; an error replaces the values if Kafka refused them or the topic is
    gone. Raises BrokerError when some of the brokers' answers could not be obtained."""
    names = sorted(set(topics))
    if not names:
        return {}
    brokers: list[int | None] = [broker.id for broker in await connections.brokers()] or [None]
    rounds = ceil(len(names) / (TOPICS_A_REQUEST * len(brokers)))
    size = ceil(len(names) / min(rounds * len(brokers), ceil(len(names) / _FEWEST_A_REQUEST)))
    reading = _Reading(connections, brokers)
    await together(
        reading.read(names[start : start + size], frozenset()) for start in range(0, len(names), size)
    )
    return {name: reading.configs[name] for name in names}


class _Reading:
    """One reading: what is known so far, and how busy the brokers are."""

    def __init__(self, connections: Connections, brokers: Sequence[int | None]) -> None:
        self.configs: dict[str, TopicConfigs] = {}
        self._connections = connections
        self._brokers = brokers
        self._busy: Counter[int | None] = Counter()
        self._asked: Counter[int | None] = Counter()
        self._free = asyncio.Semaphore(len(brokers) * _IN_FLIGHT_A_BROKER)
        self._known: dict[int, _Known] = {}

    async def read(self, names: list[str], tried: frozenset[int | None], attempt: int = 1) -> None:
        """Asks the broker that has the least to do, so that a slow or throttled one gets fewer requests.
        Failed requests are repeated in halves, to other brokers first: the answer may have been too large."""
        failure: BrokerError | None = None
        async with self._free:
            broker = min(self._brokers, key=lambda one: (one in tried, self._busy[one], self._asked[one]))
            self._busy[broker] += 1
            self._asked[broker] += 1
            try:
                await self._ask(names, broker)
            except BrokerError as error:
                failure = error
            finally:
                self._busy[broker] -= 1
        if failure is None:
            return
        if failure.code in AUTHENTICATION or attempt == _ATTEMPTS:
            raise failure
        await asyncio.sleep(_PAUSE_SECONDS * attempt)
        half = ceil(len(names) / 2)
        await together(
            self.read(part, tried | {broker}, attempt + 1) for part in (names[:half], names[half:]) if part
        )

    async def _ask(self, names: list[str], broker: int | None) -> None:
        request = Request("DescribeConfigs", 32, 1, 4, 4, partial(write_names, _TOPIC, names), self._decode)
        answered = await self._connections.ask(request, broker=broker)
        if answered.keys() != set(names):
            raise MalformedError("an answer to DescribeConfigs about topics that were not asked for")
        self.configs |= answered

    def _decode(self, r: Reader, version: int) -> dict[str, TopicConfigs]:
        known = self._known.get(version)
        if known is None:
            known = self._known[version] = _Known(version)
        return known.read(r)


def write_names(kind: int, names: Sequence[str], w: Writer, version: int) -> None:
    """Asks for all configs of these resources of a kind, as DescribeConfigs numbers it."""
    w.count(len(names))
    for name in names:
        w.int8(kind)
        w.text(name)
        w.count(None)  # all its configs
        w.tags()
    w.boolean(False)  # where else each is set
    if version >= 3:
        w.boolean(False)  # its documentation
    w.tags()


class _Entry:
    """A config with its value and where it is set. Two are equal if and only if they are the same object."""

    __slots__ = ("name", "raw", "source", "value")

    def __init__(self, raw: bytes, name: str, value: str | None, source: int) -> None:
        self.raw = raw
        self.name = name
        self.value = value
        self.source = source


class _Block:
    """All configs of one or more topics."""

    __slots__ = ("entries", "of_the_broker", "of_the_cluster", "of_the_topic", "values")

    def __init__(self, entries: tuple[_Entry, ...]) -> None:
        self.entries = entries
        self.values = {entry.name: entry.value for entry in sorted(entries, key=lambda entry: entry.name)}
        if len(self.values) < len(entries):
            raise MalformedError("a topic with two values of a config")
        self.of_the_topic = self._set_on(_ON_THE_TOPIC)
        self.of_the_broker = self._set_on(_ON_THE_BROKER)
        self.of_the_cluster = self._set_on(_ON_THE_CLUSTER)

    def _set_on(self, source: int) -> tuple[str, ...]:
        return tuple(sorted(entry.name for entry in self.entries if entry.source == source))


class _Known:
    """What was read so far in one version of the answer. The bytes of something known mean that same thing:
    parsing them again would give the same result."""

    def __init__(self, version: int) -> None:
        self._version = version
        self._entries: dict[bytes, _Entry] = {}
        self._blocks: dict[tuple[_Entry, ...], _Block] = {}
        self._recent: list[tuple[bytes, _Block]] = []

    def read(self, r: Reader) -> dict[str, TopicConfigs]:
        r.throttle()
        read: dict[str, TopicConfigs] = {}
        for _ in range(r.length()):
            code, said, kind, name = r.int16(), r.nullable_text(), r.int8(), intern(r.text())
            if kind != _TOPIC or name in read:
                raise MalformedError(
                    "an answer to DescribeConfigs about something else, or about something twice"
                )
            block = self._block(r)
            r.tags()
            if code:
                printable = BrokerError(code, said or "").said
                error = item_error(KafkaError(code, printable or None), _DESCRIBE_CONFIGS)
                read[name] = TopicConfigs(topic=name, values=None, error=error)
            else:
                read[name] = TopicConfigs(
                    topic=name,
                    values=block.values,
                    overridden=block.of_the_topic,
                    cluster_wide=block.of_the_cluster,
                    of_the_broker=block.of_the_broker,
                )
        r.tags()
        return read

    def _block(self, r: Reader) -> _Block:
        begins, start, recent = r.data.startswith, r.at, self._recent
        for number, (raw, block) in enumerate(recent):
            if begins(raw, start):
                r.at = start + len(raw)
                if number:
                    recent.insert(0, recent.pop(number))
                return block
        entries: list[_Entry] = []
        count = r.length()
        at = r.at
        for entry in recent[0][1].entries[:count] if recent else ():
            if not begins(entry.raw, at):
                r.at = at
                entry = self._entry(r)
            entries.append(entry)
            at += len(entry.raw)
        r.at = at
        while len(entries) < count:
            entries.append(self._entry(r))
        key = tuple(entries)
        block = self._blocks.get(key) or _Block(key)
        self._blocks[key] = block
        if entries:  # an error has none
            recent.insert(0, (r.data[start : r.at], block))
            del recent[_RECENT:]
        return block

    def _entry(self, r: Reader) -> _Entry:
        data, at = r.data, r.at
        if r.flexible:
            # We guess its end as if its texts were short and nothing optional followed.
            try:
                value_at = at + data[at]
                raw = data[at : value_at + (data[value_at] or 1) + 7]
            except IndexError:
                raw = b""
            if (known := self._entries.get(raw)) is not None:
                r.at = at + len(raw)
                return known
        entry = self._read_entry(r)
        return self._entries.setdefault(entry.raw, entry)

    def _read_entry(self, r: Reader) -> _Entry:
        start = r.at
        name, value = intern(r.text()), r.nullable_text()
        r.boolean()  # whether it is read-only
        source, sensitive = r.int8(), r.boolean()
        for _ in range(r.length()):
            r.text(), r.nullable_text(), r.int8()
            r.tags()
        if self._version >= 3:
            r.int8(), r.nullable_text()  # its type and documentation
        r.tags()
        carried = None if sensitive or value is None else intern(value)
        return _Entry(r.data[start : r.at], name, carried, source)
