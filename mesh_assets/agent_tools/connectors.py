"""Tools: connectors."""

from typing import Annotated

from pydantic import Field

from mesh_assets.answering.answers import (
    About,
    Answer,
    ClusterName,
    CursorArgument,
    LimitArgument,
    Name,
    Page,
    PatternArgument,
    SourceArgument,
    cut,
)
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.answering.pages import build_page, matches
from mesh_assets.answering.views import the_connector
from mesh_assets.inventory.links import set_aside_topics
from mesh_assets.inventory.records import Connector

_SHOWN = 50
_TRACE_CHARACTERS = 1_500
ConnectorName = Annotated[Name, Field(description="The connector's name.")]


class ConnectorRow(Answer):
    """`tasks`: how many run, of how many. `topics`: how many it is known to use."""

    name: str
    type: str
    status: str
    tasks: str
    connector_class: str | None = None
    topics: int


class ConnectorPage(Page):
    connectors: list[ConnectorRow]


class TaskRow(Answer):
    id: int
    state: str
    worker: str | None = None
    trace: str | None = None


class UsedTopic(Answer):
    """`known`: declared by the config, or observed by Connect."""

    topic: str
    known: str


class ConnectorDescription(Answer):
    """`topics_note`: why topics may be missing; without it the list is complete. Traces are cut at 1,500
    characters."""

    about: About
    name: str
    id: str | None = None
    connect: str = Field(description="The Connect endpoint it was read from.")
    type: str
    connector_class: str | None = None
    status: str
    worker: str | None = None
    trace: str | None = None
    tasks: list[TaskRow]
    topics: list[UsedTopic]
    topics_pattern: str | None = None
    topics_note: str | None = None
    error: str | None = Field(default=None, description="Why part of it could not be read.")
    records_in_per_second: float | None = None
    records_out_per_second: float | None = None
    dead_letter_records: int | None = None
    config_keys: int
    hint: str | None = None


class ConnectorConfig(Answer):
    """Secrets are masked. An empty config means that the server may not read it."""

    about: About
    connector: str
    config: dict[str, str | None]


def list_connectors(
    known: KnownEstate,
    /,
    cluster: ClusterName = None,
    pattern: PatternArgument = None,
    state: Annotated[
        str | None,
        Field(
            max_length=40,
            description="Only where the connector or one of its tasks is in this state: FAILED, PAUSED, …",
        ),
    ] = None,
    topic: Annotated[
        str | None, Field(max_length=249, description="Only connectors that use this topic.")
    ] = None,
    limit: LimitArgument = None,
    cursor: CursorArgument = None,
    source: SourceArgument = "latest",
) -> ConnectorPage:
    """Connectors by name, with type, status, running tasks and how many topics each uses."""
    view = known.view(cluster, source, needs=("connectors",))
    return build_page(
        ConnectorPage,
        "connectors",
        [
            connector
            for connector in view.document.connectors
            if matches(connector.name, pattern)
            and _in_state(connector, state)
            and (topic is None or _uses(connector, topic))
        ],
        place=lambda connector: (connector.name, connector.connect),
        row=_row,
        limit=limit,
        cursor=cursor,
        question=("connectors", view.document.cluster.name, pattern, state, topic, source),
        version=view.version,
        narrow="pattern, state or topic",
        about=view.about("connectors"),
    )


def describe_connector(
    known: KnownEstate,
    /,
    connector: ConnectorName,
    cluster: ClusterName = None,
    source: SourceArgument = "latest",
) -> ConnectorDescription:
    """One connector: status, tasks with the reasons for failures, the topics it uses and how that is known,
    rates."""
    view = known.view(cluster, source, needs=("topics", "connectors"))
    found = the_connector(view.document, connector)
    rates = view.document.metrics.connectors if view.document.metrics else ()
    rate = next(
        (rate for rate in rates if (rate.connector, rate.connect) == (found.name, found.connect)), None
    )
    return ConnectorDescription(
        about=view.about("connectors"),
        name=found.name,
        id=found.id,
        connect=found.connect,
        type=found.type,
        connector_class=found.connector_class,
        status=found.status,
        worker=found.worker_id,
        trace=cut(found.trace, _TRACE_CHARACTERS) if found.trace else None,
        tasks=_tasks(found),
        topics=[UsedTopic(topic=topic.name, known=topic.known) for topic in found.topics[:_SHOWN]],
        topics_pattern=found.topics_pattern,
        topics_note=found.topics_note,
        error=cut(found.error, 300) if found.error else None,
        records_in_per_second=rate.records_in_per_second if rate else None,
        records_out_per_second=rate.records_out_per_second if rate else None,
        dead_letter_records=rate.dead_letter_records if rate else None,
        config_keys=len(found.config),
        hint=f"lists are cut at {_SHOWN}" if max(len(found.topics), len(found.tasks)) > _SHOWN else None,
    )


def get_connector_config(
    known: KnownEstate,
    /,
    connector: ConnectorName,
    cluster: ClusterName = None,
    pattern: Annotated[
        str | None, Field(max_length=249, description="Only keys that match, e.g. `transforms*`.")
    ] = None,
    source: SourceArgument = "latest",
) -> ConnectorConfig:
    """The config of one connector, secrets masked."""
    view = known.view(cluster, source, needs=("connectors",))
    found = the_connector(view.document, connector)
    config = {
        key: None if value is None else cut(value, 1_000)
        for key, value in found.config.items()
        if matches(key, pattern)
    }
    return ConnectorConfig(about=view.about("connectors"), connector=found.name, config=config)


def _row(connector: Connector) -> ConnectorRow:
    running = sum(1 for task in connector.tasks if task.state == "RUNNING")
    return ConnectorRow(
        name=connector.name,
        type=connector.type,
        status=connector.status,
        tasks=f"{running} of {len(connector.tasks)}",
        connector_class=(connector.connector_class or "").rpartition(".")[2] or None,
        topics=len(connector.topics),
    )


def _in_state(connector: Connector, state: str | None) -> bool:
    return state is None or state.upper() in (connector.status, *(task.state for task in connector.tasks))


def _uses(connector: Connector, topic: str) -> bool:
    return (
        any(link.name == topic for link in connector.topics) or topic in set_aside_topics(connector).values()
    )


def _tasks(connector: Connector) -> list[TaskRow]:
    """Failed tasks first; only the first three have traces, which are usually the same."""
    ordered = sorted(connector.tasks, key=lambda task: (task.state != "FAILED", task.id))[:_SHOWN]
    return [
        TaskRow(
            id=task.id,
            state=task.state,
            worker=task.worker_id,
            trace=cut(task.trace, _TRACE_CHARACTERS) if task.trace and number < 3 else None,
        )
        for number, task in enumerate(ordered)
    ]
