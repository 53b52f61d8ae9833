"""CloudWatch alarms as triggers: an alarm in ALARM is reported once, until it ends.
`alarms/<cluster_id>.json` records which have been.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from mesh_assets.errors import ConflictError
from mesh_assets.estate.model import Cluster
from mesh_assets.estate.monitoring import CloudWatchAlarms
from mesh_assets.importing import importing
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.platforms.aws.records import AlarmInAlarm
from mesh_assets.sensing.trigger_queue.alarms import alarm as read_alarm
from mesh_assets.sensing.trigger_queue.message import Meaning, Understood
from mesh_assets.store.inbox import Inbox
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore, set_aside

SOURCE = "metrics_anomalies"

ReadAlarms = Callable[[Cluster, CloudWatchAlarms], tuple[AlarmInAlarm, ...]]


class OpenAlarm(Record, frozen=True, kw_only=True):
    """An alarm that was in ALARM when it was last read. `cause`: its ARN and since when, as in a message
    about it."""

    name: str
    cause: str


class OpenAlarms(Record, frozen=True, kw_only=True):
    open: tuple[OpenAlarm, ...] = ()


class WatchedAlarms:
    """The outcome for one cluster. `begun`, `ended`: one line for each alarm. `skipped`: why all or some of
    the alarms were not read.
    """

    def __init__(
        self,
        *,
        begun: tuple[str, ...] = (),
        ended: tuple[str, ...] = (),
        skipped: str | None = None,
        keep: Callable[[], None] | None = None,
    ) -> None:
        self.begun = begun
        self.ended = ended
        self.skipped = skipped
        self._keep = keep

    def keep(self) -> None:
        """Fills the inbox, then records the alarms. After a crash in between, they are reported again under
        the same cause.

        Raises StoreError when the store fails.
        """
        if self._keep is not None:
            self._keep()


def watch_alarms(
    cluster: Cluster,
    store: InventoryStore,
    *,
    read: ReadAlarms | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> WatchedAlarms:
    """Reads a cluster's alarms. Nothing is written before `WatchedAlarms.keep`.

    Raises PlatformError when the alarms cannot be read, EstateError when the region cannot be resolved,
    StoreError when the store fails.
    """
    if cluster.alarms is None:
        return WatchedAlarms()
    cluster_id = store.cluster_id(cluster.name)
    if cluster_id is None:
        return WatchedAlarms(
            skipped="alarms are read only after its first discovery: run `mesh-assets discover`"
        )
    found = [
        alarm
        for alarm in (read or _read)(cluster, cluster.alarms)
        if cluster.alarms.names.selects(alarm.name)
    ]
    before = {alarm.cause: alarm for alarm in _get(store.objects, cluster_id).open}
    meanings = [(alarm.name, _meaning(alarm)) for alarm in found]
    understood = [(name, meaning) for name, meaning in meanings if isinstance(meaning, Understood)]
    after = tuple(OpenAlarm(name=name, cause=meaning.cause_id) for name, meaning in understood)
    begun = [meaning for _, meaning in understood if meaning.cause_id not in before]
    causes = {alarm.cause for alarm in after}

    def keep() -> None:
        inbox = Inbox(store.objects)
        for meaning in begun:
            inbox.put(cluster_id, meaning.trigger, cause=meaning.cause_id, source=SOURCE, now=now())
        if causes != set(before):
            store.objects.put(_key(cluster_id), msgspec.json.encode(OpenAlarms(open=after)))

    return WatchedAlarms(
        begun=tuple(f"alarm {meaning.trigger.resource}: {meaning.trigger.details}" for meaning in begun),
        ended=tuple(f"alarm {alarm.name} is over" for cause, alarm in before.items() if cause not in causes),
        skipped="; ".join(
            f"alarm {name} is left out: {meaning.reason}"
            for name, meaning in meanings
            if not isinstance(meaning, Understood)
        )
        or None,
        keep=keep,
    )


def _meaning(alarm: AlarmInAlarm) -> Meaning:
    """The alarm, read like a notification about it, so that both have the same cause."""
    return read_alarm(
        name=alarm.name,
        identity=alarm.arn,
        state="ALARM",
        reason=alarm.reason,
        changed_at=alarm.since.isoformat(),
        dimensions=(),
        message_id="",
    )


def _read(cluster: Cluster, settings: CloudWatchAlarms) -> tuple[AlarmInAlarm, ...]:
    with importing:
        from mesh_assets.platforms.aws.cloudwatch import (
            alarms_in_alarm,  # boto3 is heavy, and only needed if alarms are named
        )
        from mesh_assets.platforms.aws.msk import region_of_cluster

    region = settings.region or region_of_cluster(cluster.kafka)
    return alarms_in_alarm(
        name_prefix=settings.name_prefix, region=region, endpoint_url=settings.endpoint_url
    )


_decoder = msgspec.json.Decoder(OpenAlarms)


def _get(objects: ObjectStore, cluster_id: str) -> OpenAlarms:
    """None if they are damaged: open alarms are then reported once more, which costs a discovery; waiting for
    somebody to repair the file would cost every later alarm."""
    found = objects.get(_key(cluster_id))
    if found is None:
        return OpenAlarms()
    try:
        return _decoder.decode(found[0])
    except UNDECODABLE as error:
        set_aside(objects, _key(cluster_id), found[0], reason=str(error))
        with suppress(ConflictError):  # another process has rewritten it
            objects.delete_if(_key(cluster_id), found[1])
        return OpenAlarms()


def _key(cluster_id: str) -> str:
    return f"alarms/{safe(cluster_id)}.json"
