"""Dagster's events without a run: each discovery reports the topics that received records, and the events
would grow forever.

Dagster has no public way to remove some of them (1.13: `wipe_assets` takes all of an asset). So its tables
are named here, as `dagster._core.storage.event_log.schema` has them in every storage that is a database.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.instance.utils import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetEventTagsTable, SqlEventLogStorageTable

from mesh_assets.estate.retention import Kept

_AT_ONCE = 1_000
_SECONDS = 120.0
_EVENTS = SqlEventLogStorageTable.c
_ABOUT_ASSETS = sa.and_(_EVENTS.run_id == RUNLESS_RUN_ID, _EVENTS.asset_key.is_not(None))


def prune_reports(
    instance: dg.DagsterInstance, kept: Kept, *, clock: datetime, seconds: float = _SECONDS
) -> int:
    """Removes events about assets that belong to no run and are older than `kept.days`; returns how many. The
    newest of each asset, partition and kind stays, whatever its age: freshness and data versions depend on
    it. It takes at most `seconds`; the next call goes on from there. Ages count from the newest such event,
    so that a clock that runs ahead removes nothing."""
    storage = instance.event_log_storage
    if kept.days is None or not isinstance(storage, SqlEventLogStorage):
        return 0
    ends = time.monotonic() + seconds
    # SQLite holds each event about an asset twice: in the file of its run, and in the one that all assets
    # share.
    removed = _prune(storage.index_connection, kept.days, clock=clock, ends=ends)
    _prune(partial(storage.run_connection, RUNLESS_RUN_ID), kept.days, clock=clock, ends=ends)
    return removed


def _prune(
    connect: Callable[[], AbstractContextManager[Any]], days: float, *, clock: datetime, ends: float
) -> int:
    with connect() as connection:
        newest = connection.execute(sa.select(sa.func.max(_EVENTS.timestamp)).where(_ABOUT_ASSETS)).scalar()
    if newest is None:
        return 0
    # Without a time zone, like the column: UTC.
    before = min(newest.replace(tzinfo=None), clock.astimezone(UTC).replace(tzinfo=None)) - timedelta(
        days=days
    )
    stays = sa.select(sa.func.max(_EVENTS.id)).where(_EVENTS.asset_key.is_not(None))
    stays = stays.group_by(_EVENTS.asset_key, _EVENTS.partition, _EVENTS.dagster_event_type)
    going = sa.select(_EVENTS.id).where(_ABOUT_ASSETS, _EVENTS.timestamp < before, _EVENTS.id.not_in(stays))
    removed = 0
    while time.monotonic() < ends:
        with connect() as connection:
            ids = list(connection.execute(going.order_by(_EVENTS.id).limit(_AT_ONCE)).scalars())
            if not ids:
                break
            connection.execute(AssetEventTagsTable.delete().where(AssetEventTagsTable.c.event_id.in_(ids)))
            connection.execute(SqlEventLogStorageTable.delete().where(_EVENTS.id.in_(ids)))
        removed += len(ids)
    return removed
