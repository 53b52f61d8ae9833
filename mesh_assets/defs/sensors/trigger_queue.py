"""`trigger_queue`: messages from the SQS queue that subscribes to the SNS topic `discovery-agent-triggers`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
import msgspec

from mesh_assets.defs.resources import EstateResource, StoreResource
from mesh_assets.errors import MeshError, StoreError
from mesh_assets.estate.model import Cluster, Estate, QueueTriggers
from mesh_assets.importing import importing
from mesh_assets.inventory.wording import counted
from mesh_assets.runs.requests import (
    Launches,
    clusters_with_partition,
    discovery_sensor,
    interval_seconds,
    reasons_text,
    requests_for,
)
from mesh_assets.sensing.trigger_queue import (
    LONGEST_WAIT_SECONDS,
    DeadLetters,
    Intake,
    Target,
    TriggerQueue,
    take_in,
)
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore

NOT_CONFIGURED = "the estate names no trigger queue (triggers: {queue_url: …}); see docs/triggers.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The queue to read, and where to send messages that cannot be understood; None leaves those to the queue's own
    redrive.
    """

    triggers: TriggerQueue
    dead_letters: DeadLetters | None


OpenQueues = Callable[[QueueTriggers], Queues]
"""Creates the clients without contacting anything. Raises MeshError."""


def open_queues(settings: QueueTriggers) -> Queues:
    # boto3 is heavy, and needed only where a queue is configured.
    with importing:
        from mesh_assets.platforms.aws.messaging import SqsQueue

    def opened(url: str) -> SqsQueue:
        return SqsQueue(url, region=settings.region, endpoint_url=settings.endpoint_url)

    dead = settings.dead_letter_queue_url
    return Queues(triggers=opened(settings.queue_url), dead_letters=None if dead is None else opened(dead))


def trigger_queue_sensor(partitions: dg.StaticPartitionsDefinition) -> dg.SensorDefinition:
    """Mounted whether or not a queue is configured: each tick rereads the estate, so naming one takes effect at
    once.
    """
    interval = interval_seconds(30)

    @discovery_sensor(
        name="trigger_queue",
        interval_seconds=interval,
        description="Messages from the SQS queue: our own triggers, CloudWatch alarms, EventBridge events, Confluent Cloud notifications.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, estate: EstateResource, store: StoreResource
    ) -> dg.SensorResult:
        known = estate.estate()
        clusters = clusters_with_partition(known, partitions)
        result, notes = tick(
            context.instance,
            known,
            clusters,
            store=store.store(),
            cursor=context.cursor,
            wait_seconds=min(interval, LONGEST_WAIT_SECONDS),
        )
        for note in notes:
            context.log.info(note)
        return result

    return sensor


def tick(
    instance: dg.DagsterInstance,
    estate: Estate,
    clusters: dict[str, Cluster],
    *,
    store: InventoryStore,
    cursor: str | None,
    wait_seconds: int = LONGEST_WAIT_SECONDS,
    queues: OpenQueues = open_queues,
) -> tuple[dg.SensorResult, tuple[str, ...]]:
    """The tick's result, and a log line for each message.

    Raises StoreError when the store fails; then every deleted message has been kept.
    """
    if estate.triggers is None:
        return dg.SensorResult(skip_reason=NOT_CONFIGURED), ()
    try:
        opened = queues(estate.triggers)
    except MeshError as error:
        return dg.SensorResult(skip_reason=str(error)), ()
    intake = take_in(
        opened.triggers,
        Inbox(store.objects),
        [_target(name, cluster, store) for name, cluster in clusters.items()],
        dead_letters=opened.dead_letters,
        remembered=_remembered(cursor),
        now=lambda: datetime.now(UTC),
        wait_seconds=wait_seconds,
    )
    launches = requests_for(instance, clusters, store)
    result = dg.SensorResult(
        run_requests=launches.requests,
        cursor=msgspec.json.encode(intake.remembered).decode(),
        skip_reason=None if launches.requests else _skip_reason(intake, launches),
    )
    return result, intake.notes if intake.error is None else (*intake.notes, intake.error)


def _target(name: str, cluster: Cluster, store: InventoryStore) -> Target:
    """The id from the brokers takes precedence over the estate file's, because runs use the brokers'. Where it
    cannot be read, triggers wait under the name, as before a first discovery."""
    try:
        known = store.cluster_id(name)
    except StoreError:
        known = None  # this tick's `requests_for` says why
    return Target(name=name, cluster_id=known or cluster.cluster_id, discovered=known is not None)


def _remembered(cursor: str | None) -> tuple[str, ...]:
    try:
        return msgspec.json.decode(cursor or "[]", type=tuple[str, ...])
    except msgspec.DecodeError:
        return ()  # from another version: at worst a message that comes again leads to one more run


def _skip_reason(intake: Intake, launches: Launches) -> str:
    found = (
        f"{counted(intake.received, 'message')}, {len(intake.taken_in)} taken in"
        if intake.received
        else "no messages"
    )
    waiting = reasons_text({name: (reason,) for name, reason in launches.waiting.items()})
    return "; ".join([*([] if intake.error is None else [intake.error]), found, *waiting])
