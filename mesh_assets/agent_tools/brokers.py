"""Tool: the brokers, their configs, features and controllers."""

from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    SourceArgument,
    UnknownError,
    cut,
    moment_text,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import matches
from mesh_assets.inventory.broker_records import BrokerConfigs, Quorum, QuorumReplica

_SHOWN = 40
_VALUE_CHARACTERS = 200


class BrokerRow(Answer):
    id: int
    address: str
    rack: str | None = None
    fenced: bool | None = None


class BrokerConfigRow(Answer):
    """`brokers`: those with this value; left out: all."""

    name: str
    value: str | None = None
    source: str
    sensitive: bool | None = None
    brokers: list[int] | None = None


class ReplicaRow(Answer):
    id: int
    lag_records: int | None = None
    last_caught_up: str | None = None


class QuorumRow(Answer):
    leader: int | None = None
    voters: list[ReplicaRow]
    observers: list[ReplicaRow]


class BrokersAnswer(Answer):
    about: About
    brokers: list[BrokerRow]
    controller: int | None = None
    features: dict[str, int | None] | None = Field(
        default=None, description="Feature → the level agreed on; null: none."
    )
    quorum: QuorumRow | None = None
    configs: list[BrokerConfigRow] | None = None
    unknown: dict[str, str] = Field(description="What could not be read → why.")
    hint: str | None = None


def describe_brokers(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    configs: Annotated[
        str | None,
        Field(
            max_length=249,
            description="Configs whose names match, such as `log.retention*`; by default those set explicitly.",
        ),
    ] = None,
    source: SourceArgument = "latest",
) -> BrokersAnswer:
    """The brokers of a cluster: which are fenced, the active controller and its quorum, features with their levels,
    and configs with where each is set.
    """
    view = known.view(cluster, source, needs=("brokers",))
    found = view.document.brokers
    if found is None:
        state = view.document.state("brokers")
        raise UnknownError(
            f"nothing is known about the brokers of {view.document.cluster.name}: {state.error}"
        )
    rows = None if found.configs is None else _configs(found.configs, configs)
    return BrokersAnswer(
        about=view.about("brokers"),
        brokers=[
            BrokerRow(id=one.id, address=f"{one.host}:{one.port}", rack=one.rack, fenced=one.fenced)
            for one in found.brokers[:_SHOWN]
        ],
        controller=found.controller,
        features=None if found.features is None else {one.name: one.level for one in found.features.features},
        quorum=None if found.quorum is None else _quorum(found.quorum),
        configs=None if rows is None else rows[:_SHOWN],
        unknown={part: cut(reason, 300) for part, reason in found.unknown.items()},
        hint=f"lists are cut at {_SHOWN}: {len(found.brokers)} brokers, {len(rows or ())} configs; narrow `configs`"
        if max(len(found.brokers), len(rows or ())) > _SHOWN
        else None,
    )


def _configs(known: BrokerConfigs, pattern: str | None) -> list[BrokerConfigRow]:
    return [
        BrokerConfigRow(
            name=entry.name,
            value=None if entry.value is None else cut(entry.value, _VALUE_CHARACTERS),
            source=entry.source,
            sensitive=entry.sensitive or None,
            brokers=list(entry.brokers) or None,
        )
        for entry in known.entries
        if (entry.source != "default" if pattern is None else matches(entry.name, pattern))
    ]


def _quorum(quorum: Quorum) -> QuorumRow:
    return QuorumRow(
        leader=quorum.leader,
        voters=[_replica(one) for one in quorum.voters[:_SHOWN]],
        observers=[_replica(one) for one in quorum.observers[:_SHOWN]],
    )


def _replica(one: QuorumReplica) -> ReplicaRow:
    return ReplicaRow(
        id=one.id,
        lag_records=one.lag_records,
        last_caught_up=None if one.last_caught_up is None else moment_text(one.last_caught_up),
    )
