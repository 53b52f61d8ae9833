"""The connectors of all Connect endpoints as records: masked, with their topics and how each is known."""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol
from urllib.parse import urlsplit

from msgspec.structs import replace

from mesh_assets.collecting.vanished import confirm_gone, one_by_one
from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.inventory.masking import mask_config, mask_text
from mesh_assets.inventory.records import Connector, ConnectorTask, ConnectorTopic, Record
from mesh_assets.platforms import Presence
from mesh_assets.platforms.connect import connectors as platform

# A source with a topic under one of these keys writes to exactly that topic (FileStreamSource, Datagen, most
# single-table sources).
_SOURCE_KEYS = ("topic", "kafka.topic", "topics")
_ROUTERS = (
    "RegexRouter",
    "TimestampRouter",
    "ExtractTopic",
    "TopicRegexRouter",
    "ByLogicalTableRouter",
    "EventRouter",
    "Router",
)


class DeclaredTopics(Record, frozen=True, kw_only=True):
    """The topics a config names. `names`: after its routing. `pattern`: a sink's `topics.regex`.

    `unknown_because`: why the config does not name them all (`names` is empty then); None if it does.
    """

    names: tuple[str, ...] = ()
    pattern: str | None = None
    unknown_because: str | None = None


def declared_topics(connector_type: str, config: Mapping[str, str | None]) -> DeclaredTopics:
    """The topics a connector uses, from its config alone. What the config does not say is not guessed."""
    if not config:
        return DeclaredTopics(unknown_because="its config may not be read")
    if connector_type == "sink" or "topics.regex" in config:
        # A sink's transforms work on records it has already read, so they do not change what it reads.
        return DeclaredTopics(names=_split(config.get("topics")), pattern=config.get("topics.regex") or None)
    names = next((named for key in _SOURCE_KEYS if (named := _split(config.get(key)))), ())
    if not names:
        return DeclaredTopics(unknown_because="its config names no topic")
    return _routed(names, config)


def _split(value: str | None) -> tuple[str, ...]:
    return tuple(sorted({name.strip() for name in (value or "").split(",") if name.strip()}))


def _routed(names: tuple[str, ...], config: Mapping[str, str | None]) -> DeclaredTopics:
    for alias in _split_in_order(config.get("transforms")):
        kind = (
            (config.get(f"transforms.{alias}.type") or "")
            .rpartition(".")[2]
            .removesuffix("$Value")
            .removesuffix("$Key")
        )
        if not kind.endswith(_ROUTERS):
            continue
        if kind != "RegexRouter" or config.get(f"transforms.{alias}.predicate"):
            return DeclaredTopics(
                unknown_because=f"its transform {alias} ({kind}) decides the topic record by record"
            )
        followed = _follow(
            names, config.get(f"transforms.{alias}.regex"), config.get(f"transforms.{alias}.replacement")
        )
        if followed is None:
            return DeclaredTopics(unknown_because=f"its transform {alias} ({kind}) could not be followed")
        names = followed
    return DeclaredTopics(names=names)


def _split_in_order(value: str | None) -> list[str]:
    return [name.strip() for name in (value or "").split(",") if name.strip()]


def _follow(names: tuple[str, ...], regex: str | None, replacement: str | None) -> tuple[str, ...] | None:
    """RegexRouter's rule: a topic that matches as a whole is replaced, others stay
    (org.apache.kafka.connect.transforms.RegexRouter)."""
    if regex is None or replacement is None:
        return None
    try:
        pattern = re.compile(regex)
        python_replacement = re.sub(r"\$(\d+)", r"\\g<\1>", replacement.replace("\\", r"\\"))
        return tuple(
            sorted(
                {
                    pattern.sub(python_replacement, name, count=1) if pattern.fullmatch(name) else name
                    for name in names
                }
            )
        )
    except (re.error, IndexError):
        return None


# Asking a connector for its topics costs a request. The others keep what the latest document has, and are
# asked in a later run.
OBSERVED_PER_RUN = 100
_IN_FLIGHT = 8

ConnectorKey = tuple[str, str]


class ConnectReader(Protocol):
    """What collecting needs of a Connect endpoint."""

    @property
    def url(self) -> str: ...
    @property
    def requests(self) -> int: ...
    @property
    def stand_in(self) -> str | None: ...
    @property
    def rights_advice(self) -> str: ...
    def connectors(self) -> Sequence[platform.Connector]: ...
    def topics(self, name: str) -> tuple[str, ...] | None: ...
    def password_keys(self, connector_class: str) -> frozenset[str]: ...
    def presence(self, name: str) -> Presence: ...


ConnectorScope = Literal["whole", "list"]
"""How much to read: `whole` is what a discovery needs. `list` is one list per endpoint and nothing else, so
configs are masked without knowing which keys hold passwords, and observed topics are those of `previous`."""


class CollectedConnectors(Record, frozen=True, kw_only=True):
    """`failed`: why endpoints could not be read, by their names as in `Connector.connect`; `records` then
    holds what was known of their connectors."""

    records: tuple[Connector, ...]
    failed: dict[str, str]


def collect_connectors(
    endpoints: Sequence[ConnectReader],
    *,
    previous: Iterable[Connector],
    turn: int = 0,
    scope: ConnectorScope = "whole",
) -> CollectedConnectors:
    """All connectors of all endpoints: one list per endpoint, and one request per connector class for the
    keys that it declares as passwords.

    `turn` grows from run to run. It chooses which connectors are asked for their topics when more than
    OBSERVED_PER_RUN have configs that do not name them.

    An endpoint that cannot be read, or whose list lacks a connector that is not gone (vanished.py), costs
    nothing but itself. Raises PlatformError when no endpoint can be read.
    """
    known = {(connector.connect, connector.name): connector for connector in previous}

    def read(endpoint: ConnectReader) -> list[Connector] | PlatformError:
        try:
            connectors = endpoint.connectors()
            _confirm_gone(endpoint, connectors, known)
        except PlatformError as error:
            return error
        return _records(endpoint, connectors, known, turn, scope)

    with ThreadPoolExecutor(max_workers=max(1, len(endpoints)), thread_name_prefix="connect") as pool:
        answers = list(pool.map(read, endpoints))
    errors = [answer for answer in answers if isinstance(answer, PlatformError)]
    if errors and len(errors) == len(answers):
        raise type(errors[0])("; ".join(dict.fromkeys(map(str, errors)))) from errors[0]
    records: list[Connector] = []
    failed: dict[str, str] = {}
    for endpoint, answer in zip(endpoints, answers, strict=True):
        name = endpoint_name(endpoint.url)
        if isinstance(answer, PlatformError):
            failed[name] = str(answer)
            records.extend(connector for connector in known.values() if connector.connect == name)
        else:
            records.extend(answer)
    return CollectedConnectors(records=tuple(records), failed=failed)


def _confirm_gone(
    endpoint: ConnectReader, connectors: Sequence[platform.Connector], known: Mapping[ConnectorKey, Connector]
) -> None:
    connect, listed = endpoint_name(endpoint.url), {connector.name for connector in connectors}
    vanished = [name for place, name in known if place == connect and name not in listed]
    confirm_gone(
        vanished,
        one_by_one(endpoint.presence),
        noun="connector",
        source=f"Connect at {endpoint.url}",
        advice=endpoint.rights_advice,
    )


def _records(
    endpoint: ConnectReader,
    connectors: Sequence[platform.Connector],
    known: Mapping[ConnectorKey, Connector],
    turn: int,
    scope: ConnectorScope,
) -> list[Connector]:
    name = endpoint_name(endpoint.url)
    passwords = _password_keys(endpoint, connectors) if scope == "whole" else {}
    records = [
        _masked(name, connector, passwords.get(connector.connector_class or "", frozenset()))
        for connector in connectors
    ]
    observed = _observed_topics(endpoint, records, turn) if scope == "whole" else {}
    return [
        _with_observed(record, observed.get(record.name), known.get((name, record.name)))
        for record in records
    ]


def _masked(
    connect: str, connector: platform.Connector, passwords: frozenset[str] | PlatformError
) -> Connector:
    """The record; without its config when it is not known which of its values are passwords."""
    if not isinstance(passwords, PlatformError):
        return connector_record(connect, connector, passwords)
    withheld = f"its config is withheld, because it is not known which of its keys are passwords: {passwords}"
    record = connector_record(connect, connector)
    return replace(
        record, config={}, error=withheld if record.error is None else f"{record.error}; {withheld}"
    )


def _observed_topics(
    endpoint: ConnectReader, records: Sequence[Connector], turn: int
) -> dict[str, tuple[str, ...] | PlatformError | None]:
    """By connector, of those asked in this turn; None where Connect does not say, the error where it cannot
    be asked. Once it does not answer at all, the others are not asked."""
    silent = [record.name for record in records if record.topics_note is not None]
    first = turn * OBSERVED_PER_RUN % max(1, len(silent))
    asked = (silent[first:] + silent[:first])[:OBSERVED_PER_RUN]
    away: list[PlatformError] = []

    def ask(name: str) -> tuple[str, ...] | PlatformError | None:
        if away:
            return away[0]
        try:
            return endpoint.topics(name)
        except PlatformError as error:
            if isinstance(error, UnreachableError):
                away.append(error)
            return error

    with ThreadPoolExecutor(max_workers=_IN_FLIGHT, thread_name_prefix="connector-topics") as pool:
        return dict(zip(asked, pool.map(ask, asked), strict=True))


def _with_observed(
    record: Connector, observed: tuple[str, ...] | PlatformError | None, old: Connector | None
) -> Connector:
    if record.topics_note is None:
        return record
    if isinstance(observed, PlatformError):
        unknown = f"what Connect has seen it use could not be read: {observed}"
        record = replace(record, topics_note=f"{record.topics_note}; {unknown}")
    if observed is None or isinstance(observed, PlatformError):
        if old is None:
            return record
        return replace(record, topics=tuple(topic for topic in old.topics if topic.known == "observed"))
    seen = "Connect has seen it use these" if observed else "Connect has seen it use none yet"
    return replace(
        record,
        topics=tuple(ConnectorTopic(name=topic, known="observed") for topic in observed),
        topics_note=f"{record.topics_note}; {seen}",
    )


def _password_keys(
    endpoint: ConnectReader, connectors: Sequence[platform.Connector]
) -> dict[str, frozenset[str] | PlatformError]:
    """By connector class. All classes are asked in every run: a value masked in one run and not in the next
    would no longer be a secret."""
    classes = sorted({connector.connector_class for connector in connectors if connector.connector_class})

    def ask(connector_class: str) -> frozenset[str] | PlatformError:
        try:
            return endpoint.password_keys(connector_class)
        except PlatformError as error:
            return error

    with ThreadPoolExecutor(max_workers=_IN_FLIGHT, thread_name_prefix="connector-classes") as pool:
        return dict(zip(classes, pool.map(ask, classes), strict=True))


def connector_record(
    connect: str, connector: platform.Connector, passwords: frozenset[str] = frozenset()
) -> Connector:
    """`connect`: the endpoint's name. `passwords`: the config keys its class declares as passwords."""
    declared = declared_topics(connector.type, connector.config)
    return Connector(
        name=connector.name,
        id=connector.id,
        connect=connect,
        type=connector.type,
        connector_class=connector.connector_class,
        status=connector.state,
        worker_id=connector.worker_id,
        trace=None if connector.trace is None else mask_text(connector.trace),
        tasks=tuple(
            ConnectorTask(
                id=task.id,
                state=task.state,
                worker_id=task.worker_id,
                trace=None if task.trace is None else mask_text(task.trace),
            )
            for task in connector.tasks
        ),
        config=mask_config(connector.config, passwords=passwords),
        quickstart=connector.config.get("quickstart"),
        topics=tuple(ConnectorTopic(name=name, known="declared") for name in declared.names),
        topics_pattern=declared.pattern,
        topics_note=declared.unknown_because,
        error=connector.error,
    )


def endpoint_name(url: str) -> str:
    """What a connector's `connect` holds: host and port of the endpoint, with its path if it has one."""
    parts = urlsplit(url)
    return f"{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"


def sink_group(connector: Connector) -> str | None:
    """The consumer group a sink reads with; None for a source. Confluent Cloud names it after the connector's
    id."""
    if connector.type != "sink":
        return None
    return connector.config.get("consumer.override.group.id") or f"connect-{connector.id or connector.name}"
