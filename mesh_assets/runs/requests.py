"""From the inbox to runs: one run for everything that waits for a cluster, and how often sensors look."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from threading import Lock

import dagster as dg

from mesh_assets.discovering.under_way import who_discovers
from mesh_assets.errors import MeshError, StoreError
from mesh_assets.estate.model import Cluster, Estate
from mesh_assets.events.model import leading_trigger
from mesh_assets.inventory.wording import counted, plural, shortened
from mesh_assets.runs.failures import masking_failures
from mesh_assets.runs.tags import (
    DISCOVERY_JOB,
    FROM_INBOX_TAG,
    LATER,
    PRIORITY_TAG,
    SOONER,
    end_if_lost,
    trigger_tags,
)
from mesh_assets.sensing.cursor import SensorCursor, encode_cursor
from mesh_assets.sensing.handover import CLAIM_LASTS, claim_run
from mesh_assets.sensing.rounds import rests_until
from mesh_assets.store.inbox import Inbox, inbox_by_name
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe

# Shared by the sensors: how often they tick, for which clusters, and how they explain a skipped tick.

INTERVAL_VARIABLE = "MESH_SENSOR_INTERVAL_SECONDS"

# After a failed run, unless the intervals are shortened.
_PAUSE_SECONDS = 60.0
_PAUSE_BY_INTERVAL = 5

# The UI shows the reason for a skip on one line; it must stay on one with tens of clusters.
_REASONS_SHOWN = 10
# Enough for two sentences that say what to do, the part that cutting would lose.
_REASON_CHARACTERS = 500


def discovery_sensor(
    *, name: str, interval_seconds: int, description: str
) -> Callable[[Callable[..., dg.SensorResult]], dg.SensorDefinition]:
    """A decorator: a sensor that runs unless it is switched off, and launches the job `discovery`.
    `interval_seconds`: between its ticks."""
    as_sensor = dg.sensor(
        name=name,
        job_name=DISCOVERY_JOB,
        minimum_interval_seconds=interval_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=description,
    )
    return lambda body: as_sensor(masking_failures(body))


def interval_seconds(default: int, *, environment: Mapping[str, str] | None = None) -> int:
    """`default`, unless MESH_SENSOR_INTERVAL_SECONDS sets one interval for all sensors (demo, tests).

    Raises MeshError when the variable is not a whole number of seconds.
    """
    shortened = _override(os.environ if environment is None else environment)
    return default if shortened is None else shortened


def pause_unit_seconds(*, environment: Mapping[str, str] | None = None) -> float:
    """The first pause after a failed run: a minute, or less where the intervals are shortened.

    Raises MeshError as `interval_seconds` does.
    """
    shortened = _override(os.environ if environment is None else environment)
    return _PAUSE_SECONDS if shortened is None else min(_PAUSE_SECONDS, shortened / _PAUSE_BY_INTERVAL)


def between_rounds(cursor: SensorCursor, interval_seconds: int) -> dg.SensorResult | None:
    """What an idle tick says: every cluster has been visited, and it is not time for the next round. None
    when there is something to do."""
    until = rests_until(cursor, now=time.time(), interval_seconds=interval_seconds)
    if until is None:
        return None
    text = datetime.fromtimestamp(until, UTC).strftime("%H:%M:%S")
    return dg.SensorResult(
        skip_reason=f"all clusters were looked at, again at {text} UTC", cursor=encode_cursor(cursor)
    )


def clusters_with_partition(estate: Estate, partitions: dg.StaticPartitionsDefinition) -> dict[str, Cluster]:
    """A cluster added to the estate file after the definitions were loaded has no partition to run on."""
    return {
        name: estate.clusters[name] for name in partitions.get_partition_keys() if name in estate.clusters
    }


def reasons_text(reasons: Mapping[str, Sequence[str]]) -> list[str]:
    """`cluster: reason; reason` for the first clusters, and how many more there are."""
    shown = [
        f"{name}: {shortened('; '.join(text.removeprefix(f'{name}: ') for text in texts), _REASON_CHARACTERS)}"
        for name, texts in sorted(reasons.items())[:_REASONS_SHOWN]
    ]
    more = len(reasons) - len(shown)
    if more > 0:
        different = len({text for texts in reasons.values() for text in texts})
        shown.append(
            f"and {more} more {plural(more, 'cluster')} ({counted(different, 'different reason')} in all)"
        )
    return shown


def _override(environment: Mapping[str, str]) -> int | None:
    text = environment.get(INTERVAL_VARIABLE)
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise MeshError(f"{INTERVAL_VARIABLE} is {text!r}; expected a whole number of seconds, 1 or more")
    return int(text)


# From the inbox to runs: one for everything that waits for a cluster, none while one is under way.
#
# After failures it pauses, longer each time.

PARTITION_TAG = "dagster/partition"

IN_FLIGHT = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_FAILED = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)

# 1, 2, 4, 8, 16, then 30 minutes: looking back beyond the sixth failure in a row changes nothing.
_LONGEST_PAUSE = 30
_RUNS_LOOKED_AT = 6
_LISTINGS_AT_ONCE = 8
_LATER = "many runs were requested at once; this one comes with the next tick"
# The daemon submits them one after the other, each in 0.1 to 0.5 s, and no other sensor may conclude
# meanwhile that one was lost (CLAIM_LASTS). Between two ticks, the queue runs fewer than this.
MOST_REQUESTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Launches:
    """`requests`: the runs to launch. `waiting`: by cluster, why triggers wait and no run is requested.
    `more`: whether there were too many for one tick, so that the next one must request the rest."""

    requests: list[dg.RunRequest]
    waiting: dict[str, str]
    more: bool = False


def requests_for(
    instance: dg.DagsterInstance,
    clusters: Iterable[str],
    store: InventoryStore,
    *,
    now: datetime | None = None,
) -> Launches:
    """A run of the job `discovery` for each of `clusters` (names, each a partition) with something in the
    inbox and nothing in its way.

    Call it once per tick, after putting what the tick found into the inbox, even when it found nothing:
    triggers of failed runs also wait there. `run_key` stays empty, since Dagster would remember it forever.

    At most MOST_REQUESTS: `Launches.more` says that there are more.

    A cluster that was never discovered is launched when something waits under its name. Raises StoreError when
    the store fails for every cluster; if it fails for only some, `waiting` says so and the others go ahead.
    """
    now = now or datetime.now(UTC)
    inbox = Inbox(store.objects)
    # One listing instead of one per cluster, each of which is a request in a bucket.
    folders = {entry.key.split("/")[1] for entry in store.objects.list("triggers/")}
    if not folders:
        return Launches(requests=[], waiting={})

    # One after the other: a place that is taken and given back, because a run was already requested, would be
    # missing for those that come meanwhile.
    claiming, claimed = Lock(), 0

    def look(name: str) -> tuple[str, str | None, tuple[dg.RunRequest, ...]]:
        nonlocal claimed
        cluster_id = store.cluster_id(name) or inbox_by_name(name)
        if safe(cluster_id) not in folders:
            return name, None, ()
        waiting = inbox.waiting(cluster_id)
        if not waiting:
            return name, None, ()
        records = _newest_runs(instance, name)
        if any(end_if_lost(instance, record.dagster_run) for record in records):
            records = _newest_runs(instance, name)
        reason = _in_the_way(records, now) or _by_hand(store, name, now)
        if reason is None:
            newest = records[0].dagster_run.run_id if records else None
            with claiming:
                if claimed >= MOST_REQUESTS:
                    reason = _LATER
                elif claim_run(store.objects, cluster_id, now=now, newest_run=newest):
                    claimed += 1
                else:
                    reason = "a run has just been requested"
        if reason is not None:
            return name, f"{sum(one.stands_for for one in waiting):,} waiting: {reason}", ()
        leading = leading_trigger([one.trigger for one in waiting])
        priority = LATER if _failures(records) else SOONER
        tags = {**trigger_tags(leading), FROM_INBOX_TAG: "true", PRIORITY_TAG: priority}
        return name, None, (dg.RunRequest(partition_key=name, tags=tags),)

    with ThreadPoolExecutor(max_workers=_LISTINGS_AT_ONCE, thread_name_prefix="mesh-inbox") as pool:
        looking = {name: pool.submit(look, name) for name in clusters}
    looked: list[tuple[str, str | None, tuple[dg.RunRequest, ...]]] = []
    failed: dict[str, StoreError] = {}
    for name, one in looking.items():
        try:
            looked.append(one.result())
        except StoreError as error:
            failed[name] = error
    if failed and not looked:
        raise next(iter(failed.values()))
    return Launches(
        requests=[request for _, _, requests in looked for request in requests],
        waiting={name: reason for name, reason, _ in looked if reason is not None}
        | {name: f"its inbox is not available: {error}" for name, error in failed.items()},
        more=any(reason is not None and reason.endswith(_LATER) for _, reason, _ in looked),
    )


def _by_hand(store: InventoryStore, name: str, now: datetime) -> str | None:
    process = who_discovers(store.objects, name, now=now)
    return None if process is None else f"process {process.pid} on {process.host} is discovering it"


def _newest_runs(instance: dg.DagsterInstance, name: str) -> "Sequence[dg.RunRecord]":
    return instance.get_run_records(
        filters=dg.RunsFilter(job_name=DISCOVERY_JOB, tags={PARTITION_TAG: name}), limit=_RUNS_LOOKED_AT
    )


def _in_the_way(records: "Sequence[dg.RunRecord]", now: datetime) -> str | None:
    """Why no run may be launched now; `records` are the cluster's runs, newest first."""
    for record in records:
        status = record.dagster_run.status
        # The daemon records a run before it submits it. A run that stays unsubmitted was lost in between;
        # nothing may wait for it.
        created = (
            status is dg.DagsterRunStatus.NOT_STARTED and abs(now - record.create_timestamp) < CLAIM_LASTS
        )
        if created or status in IN_FLIGHT:
            return f"run {record.dagster_run.run_id[:8]} is {status.value.lower()}"
    failures = _failures(records)
    if not failures:
        return None
    newest = records[0]
    ended = (
        datetime.fromtimestamp(newest.end_time, UTC)
        if newest.end_time is not None
        else newest.update_timestamp
    )
    again = ended + pause_after(failures)
    # A run that ended in the future did so before the clock was set back: how long ago is unknown.
    if now >= again or ended - now > CLAIM_LASTS:
        return None
    return f"{failures} failed in a row, again at {again.strftime('%H:%M:%S')} UTC"


def _failures(records: "Sequence[dg.RunRecord]") -> int:
    """How many of the newest runs failed in a row."""
    return sum(1 for _ in takewhile(lambda record: record.dagster_run.status in _FAILED, records))


def pause_after(failures: int) -> timedelta:
    """1, 2, 4 … 30 minutes after that many failed runs in a row."""
    return timedelta(seconds=pause_unit_seconds() * min(_LONGEST_PAUSE, 2 ** (failures - 1)))
