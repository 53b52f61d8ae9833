"""The connectors of all Connect endpoints as records: masked, with their topics and how each is known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal, Protocol

from msgspec.structs import replace

from mesh_assets.collecting.connector_topics import declared_topics, listed
from mesh_assets.collecting.vanished import HttpSource, confirm_gone, one_by_one
from mesh_assets.errors import PlatformError, UnreachableError
from mesh_assets.inventory.records import Connector, ConnectorTask, ConnectorTopic, Record
from mesh_assets.inventory.sections import SecretFingerprints
from mesh_assets.masking.configs import (
    hidden_parts,
    mask_config,
    mask_trace,
    masked_keys,
    masked_values,
)
from mesh_assets.masking.names import is_plain_key
from mesh_assets.platforms.connect import connectors as platform
from mesh_assets.store.fingerprints import FingerprintKey, fingerprints_of

# Asking a connector for its topics costs a request. The rest keep what the latest document has, and are asked
# in a later run.
OBSERVED_PER_RUN = 100
_IN_FLIGHT = 8

ConnectorKey = tuple[str, str]


class ConnectReader(HttpSource, Protocol):
    """What collecting needs from a Connect endpoint."""

    def connectors(self) -> Sequence[platform.Connector]: ...
    def topics(self, name: str) -> tuple[str, ...] | None: ...
    def password_keys(self, plugin_class: str) -> frozenset[str] | None: ...


ConnectorScope = Literal["whole", "list"]
"""How much to read: `whole` is what a discovery needs. `list` is only one list per endpoint, so configs are
masked without knowing which keys hold passwords, and observed topics are those of `previous`."""


class CollectedConnectors(Record, frozen=True, kw_only=True):
    """`failed`: why endpoints could not be read, by name as in `Connector.connect`; `records` then holds what was
    known about their connectors. `fingerprints`: those of the secrets in the configs that were read."""

    records: tuple[Connector, ...]
    failed: dict[str, str]
    fingerprints: SecretFingerprints | None = None


def collect_connectors(
    endpoints: Sequence[ConnectReader],
    *,
    previous: Iterable[Connector],
    turn: int = 0,
    scope: ConnectorScope = "whole",
    fingerprint_key: FingerprintKey | None = None,
) -> CollectedConnectors:
    """All connectors of all endpoints: one list per endpoint, and one request per connector class for the
    keys that it declares as passwords.

    `turn` grows from run to run. It chooses which connectors are asked for their topics when more than
    OBSERVED_PER_RUN have configs that do not name them. `fingerprint_key`: the key for fingerprints; None: make
    none.

    An endpoint that cannot be read, or whose list lacks a connector that is not gone (vanished.py), affects only
    itself. Raises PlatformError when no endpoint can be read.
    """
    known = {(connector.connect, connector.name): connector for connector in previous}
    secrets: dict[ConnectorKey, dict[str, str]] = {}

    def read(endpoint: ConnectReader) -> list[Connector] | PlatformError:
        try:
            connectors = endpoint.connectors()
            _confirm_gone(endpoint, connectors, known)
        except PlatformError as error:
            return error
        return _records(endpoint, connectors, known, turn, scope, secrets)

    with ThreadPoolExecutor(max_workers=max(1, len(endpoints)), thread_name_prefix="connect") as pool:
        answers = list(pool.map(read, endpoints))
    errors = [answer for answer in answers if isinstance(answer, PlatformError)]
    if errors and len(errors) == len(answers):
        raise type(errors[0])("; ".join(dict.fromkeys(map(str, errors)))) from errors[0]
    records: list[Connector] = []
    failed: dict[str, str] = {}
    for endpoint, answer in zip(endpoints, answers, strict=True):
        name = endpoint.name
        if isinstance(answer, PlatformError):
            failed[name] = str(answer)
            records.extend(connector for connector in known.values() if connector.connect == name)
        else:
            records.extend(answer)
    return CollectedConnectors(
        records=tuple(records),
        failed=failed,
        fingerprints=None if fingerprint_key is None else fingerprints_of(fingerprint_key, secrets),
    )


def _confirm_gone(
    endpoint: ConnectReader, connectors: Sequence[platform.Connector], known: Mapping[ConnectorKey, Connector]
) -> None:
    connect, listed = endpoint.name, {connector.name for connector in connectors}
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
    secrets: dict[ConnectorKey, dict[str, str]],
) -> list[Connector]:
    """The records; adds to `secrets` what it masks in the configs that were read."""
    name = endpoint.name
    declared = _declared_passwords(endpoint, connectors) if scope == "whole" else {}
    records = []
    for connector in connectors:
        record, is_read = _record(name, connector, declared, known.get((name, connector.name)))
        records.append(record)
        if is_read:
            secrets[name, connector.name] = masked_values(connector.config, record.config)
    observed = _observed_topics(endpoint, records, turn) if scope == "whole" else {}
    return [
        _with_observed(record, observed.get(record.name), known.get((name, record.name)))
        for record in records
    ]


_Declared = Mapping[str, frozenset[str] | PlatformError | None]


def _record(
    connect: str, connector: platform.Connector, declared: _Declared, old: Connector | None
) -> tuple[Connector, bool]:
    """The record, and whether its config is the one that was read. Where the config could not be read, or Connect cannot
    say which of its values are passwords, it is the last known config, masked as it was then: so a secret that was masked
    before is still known to be one."""
    answers = {plugin: declared.get(plugin) for _, plugin in _plugins(connector.config)}
    said = {
        plugin: None if isinstance(answer, PlatformError) else answer for plugin, answer in answers.items()
    }
    record = connector_record(connect, connector, _password_keys(connector.config, said, old))
    refused = next((answer for answer in answers.values() if isinstance(answer, PlatformError)), None)
    last_known = {} if old is None else old.config
    if refused is not None:
        withheld = (
            f"its config is withheld because it is not known which of its keys are passwords ({refused})"
        )
        error = withheld if record.error is None else f"{record.error}; {withheld}"
        return replace(record, config=last_known, error=error), False
    if record.error is not None and not record.config:
        return replace(record, config=last_known), False
    return record, True


def _observed_topics(
    endpoint: ConnectReader, records: Sequence[Connector], turn: int
) -> dict[str, tuple[str, ...] | PlatformError | None]:
    """By connector, for those asked in this turn; None where Connect does not say, the error where it cannot be
    asked. Once it does not answer at all, the rest are not asked."""
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
    if (unnamed := record.topics_note) is None:
        return record
    if isinstance(observed, PlatformError):
        unnamed = f"{unnamed}; what Connect has seen it use could not be read: {observed}"
        record = replace(record, topics_note=unnamed)
    if observed is None or isinstance(observed, PlatformError):
        if old is None:
            return record
        kept = [topic.name for topic in old.topics if topic.known == "observed"]
        # The sentence from the turn in which Connect was asked, so that it does not come and go.
        same = (old.topics_note or "").startswith(unnamed)
        note = old.topics_note if same else unnamed
        return replace(record, topics=_declared_and_seen(record, kept), topics_note=note)
    seen = "Connect has seen it use these" if observed else "Connect has seen it use none yet"
    return replace(record, topics=_declared_and_seen(record, observed), topics_note=f"{unnamed}; {seen}")


def _declared_and_seen(record: Connector, seen: Iterable[str]) -> tuple[ConnectorTopic, ...]:
    topics = {name: ConnectorTopic(name=name, known="observed") for name in seen}
    topics.update((topic.name, topic) for topic in record.topics)
    return tuple(topics[name] for name in sorted(topics))


def _declared_passwords(
    endpoint: ConnectReader, connectors: Sequence[platform.Connector]
) -> dict[str, frozenset[str] | PlatformError | None]:
    """By class; None where the endpoint does not say, the error where it cannot be asked. All are asked in every
    run: a newer version of a plugin may declare more."""
    classes = sorted({plugin for connector in connectors for _, plugin in _plugins(connector.config)})

    def ask(plugin: str) -> frozenset[str] | PlatformError | None:
        try:
            return endpoint.password_keys(plugin)
        except PlatformError as error:
            return error

    with ThreadPoolExecutor(max_workers=_IN_FLIGHT, thread_name_prefix="connector-classes") as pool:
        return dict(zip(classes, pool.map(ask, classes), strict=True))


_CONVERTERS = ("key.converter", "value.converter", "header.converter")
# Kafka's own transforms, predicates and converters declare no passwords (Apache Kafka 4.3).
_OF_KAFKA = "org.apache.kafka.connect."


def _plugins(config: Mapping[str, str | None]) -> Iterator[tuple[str, str]]:
    """The parts of a config that may declare passwords: the prefix of their keys, and their class."""
    if connector_class := config.get("connector.class"):
        yield "", connector_class
    named = [
        (f"{kind}.{alias}.", config.get(f"{kind}.{alias}.type"))
        for kind in ("transforms", "predicates")
        for alias in listed(config.get(kind))
    ]
    for prefix, plugin in (*named, *((f"{key}.", config.get(key)) for key in _CONVERTERS)):
        if plugin and not plugin.startswith(_OF_KAFKA):
            yield prefix, plugin


def _password_keys(
    config: Mapping[str, str | None],
    declared: Mapping[str, frozenset[str] | None],
    previous: Connector | None,
) -> frozenset[str]:
    """The keys that the connector and its plugins declare as passwords, and those that were masked before: a
    plugin that does not answer today has not made its secrets public. A key is released only when today's rules
    know it to be harmless and every plugin has answered."""
    answers = [(prefix, declared.get(plugin)) for prefix, plugin in _plugins(config)]
    passwords = frozenset(prefix + key for prefix, keys in answers for key in keys or ())
    masked = frozenset() if previous is None else masked_keys(previous.config)
    if all(keys is not None for _, keys in answers):
        masked = frozenset(key for key in masked if not is_plain_key(key))
    return passwords | masked


def connector_record(
    connect: str, connector: platform.Connector, passwords: frozenset[str] = frozenset()
) -> Connector:
    """`connect`: the endpoint's name. `passwords`: the config keys that are known to hold one."""
    declared = declared_topics(connector.type, connector.config)
    config = mask_config(connector.config, passwords=passwords)
    # A trace may quote a secret in a form that no pattern matches; here the secret is known.
    secrets = hidden_parts(masked_values(connector.config, config), config)
    return Connector(
        name=connector.name,
        id=connector.id,
        connect=connect,
        type=connector.type,
        connector_class=connector.connector_class,
        status=connector.state,
        worker_id=connector.worker_id,
        trace=mask_trace(connector.trace, secrets),
        tasks=tuple(
            ConnectorTask(
                id=task.id,
                state=task.state,
                worker_id=task.worker_id,
                trace=mask_trace(task.trace, secrets),
            )
            for task in connector.tasks
        ),
        config=config,
        quickstart=connector.config.get("quickstart"),
        topics=tuple(ConnectorTopic(name=name, known="declared") for name in declared.names),
        topics_pattern=declared.pattern,
        topics_note=declared.unknown_because,
        error=connector.error,
    )
