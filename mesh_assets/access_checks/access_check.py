"""The result of checking one system: where it is, as whom it was asked, and what is missing."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec.structs import replace

from mesh_assets.errors import EstateError
from mesh_assets.estate.connections import HttpConnection, KafkaConnection
from mesh_assets.inventory.records import Record
from mesh_assets.platforms.certificates import certificate_subject
from mesh_assets.platforms.http.transport import parse_base_url
from mesh_assets.platforms.kafka.settings import shown_property
from mesh_assets.platforms.secrets import resolve, shown

# What a check found out about one system.

System = Literal[
    "kafka",
    "events",
    "schema registry",
    "connect",
    "control plane",
    "metrics",
    "kafka rest",
    "flink",
    "ksqldb",
]
State = Literal["ok", "incomplete", "failed"]

_NAMES_SHOWN = 3


class AccessCheck(Record, frozen=True, kw_only=True):
    """One system of one cluster, and whether discovery can do its work there.

    `system`: `events` is the cluster as the carrier of the events. `endpoint`, `identity`: where, and as
    whom; empty when the estate's references to them cannot be resolved. `state`: `failed` when it could not
    be asked, `incomplete` when something is missing. `facts`: what it says about itself, in display order.
    `rights`: what the user may do there. `missing`: what discovery lacks, one sentence each: what, the
    consequence, what to do. `notes`: worth knowing, though discovery works.
    """

    cluster: str
    system: System
    endpoint: str
    identity: str
    state: State
    facts: dict[str, int | str]
    rights: str = ""
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def answered(
    cluster: str,
    system: System,
    endpoint: str,
    identity: str,
    *,
    facts: dict[str, int | str],
    rights: str,
    missing: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> AccessCheck:
    return AccessCheck(
        cluster=cluster,
        system=system,
        endpoint=endpoint,
        identity=identity,
        state="incomplete" if missing else "ok",
        facts=facts,
        rights=rights,
        missing=tuple(missing),
        notes=tuple(notes),
    )


def failed(cluster: str, system: System, endpoint: str, identity: str, sentence: str) -> AccessCheck:
    return AccessCheck(
        cluster=cluster,
        system=system,
        endpoint=endpoint,
        identity=identity,
        state="failed",
        facts={},
        missing=(sentence,),
    )


def facts_text(facts: dict[str, int | str]) -> str:
    """The facts of a check, for people."""
    return ", ".join(filter(None, (_fact(name, value, facts) for name, value in facts.items())))


def _fact(name: str, value: int | str, facts: dict[str, int | str]) -> str:
    if name.startswith("selected_"):
        return f"{value:,} selected"
    if name == "kafka_cluster_id" and facts.get("belongs_to") == "this cluster":
        return ""  # already shown with the brokers
    words = name.replace("_", " ")
    if isinstance(value, int):
        return f"{value:,} {words.removesuffix('s') if value == 1 else words}"
    return f"{words} {value}"


# Systems that say which Kafka cluster they work on, and what of theirs would be linked to topics.
PLACED: dict[System, str] = {"connect": "connectors", "ksqldb": "queries"}


def place(check: AccessCheck, *, cluster_id: str | None) -> AccessCheck:
    """The check, with whether the system belongs to the cluster that it is listed under. `cluster_id` None:
    that id is unknown.
    """
    if check.state == "failed" or "belongs_to" in check.facts:
        return check
    theirs = check.facts.get("kafka_cluster_id")
    if theirs is None or cluster_id is None:
        return replace(check, facts={**check.facts, "belongs_to": "unknown"})
    if theirs == cluster_id:
        return replace(check, facts={**check.facts, "belongs_to": "this cluster"})
    sentence = (
        f"it belongs to Kafka cluster {theirs}, not to {check.cluster} ({cluster_id}): its {PLACED[check.system]} would be "
        "linked to topics of the wrong cluster; list it under the cluster it belongs to"
    )
    return replace(
        check,
        state="incomplete",
        facts={**check.facts, "belongs_to": "another cluster"},
        missing=(*check.missing, sentence),
    )


def some(names: Collection[str]) -> str:
    """The names, or the first few of many."""
    shown = ", ".join(sorted(names)[:_NAMES_SHOWN])
    return shown if len(names) <= _NAMES_SHOWN else f"{shown}, …"


def stand_in_notes(text: str | None) -> tuple[str, ...]:
    """The note for a service that declares itself a stand-in; empty for any other."""
    return () if text is None else (f"this is a stand-in: {text}",)


# --- where a system is reached and as whom, safe to show: never a secret

ANONYMOUS = "anonymous"


def kafka_identity(properties: Mapping[str, str]) -> str:
    """The identity in librdkafka's properties: `alice (SCRAM-SHA-512)`, `certificate CN=discovery`, or
    anonymous.
    """
    protocol = properties.get("security.protocol", "PLAINTEXT").upper()
    if protocol.startswith("SASL"):
        mechanism = shown_property(properties, "sasl.mechanism") or "GSSAPI"
        username = shown_property(properties, "sasl.username")
        return f"{username} ({mechanism})" if username else f"by {mechanism}"
    if protocol != "SSL":
        return ANONYMOUS
    if "ssl.certificate.location" in properties:
        subject = certificate_subject(Path(properties["ssl.certificate.location"]))
        return f"certificate {subject or properties['ssl.certificate.location']}"
    given = any(name in properties for name in ("ssl.certificate.pem", "ssl.keystore.location"))
    return "certificate" if given else ANONYMOUS


def kafka_endpoint(connection: KafkaConnection) -> str:
    """The bootstrap servers, or the ARN that replaces them; as written in the estate when a reference cannot
    be resolved.
    """
    try:
        return resolve(connection.address)
    except EstateError:
        return connection.address


def http_endpoint(connection: HttpConnection, *, name: str) -> str:
    """The address without the parts that may be secret; empty when a reference cannot be resolved."""
    try:
        return parse_base_url(resolve(connection.url), name=name).shown
    except EstateError:
        return ""


def http_identity(connection: HttpConnection, *, name: str) -> str:
    try:
        if connection.username is not None:
            return shown(connection.username)
        return parse_base_url(resolve(connection.url), name=name).username or ANONYMOUS
    except EstateError:
        return ""
