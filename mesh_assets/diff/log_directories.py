"""Changes of the brokers' log directories: one goes offline, or comes back. How much they hold, and how full their
volumes are, is transient."""

from collections.abc import Iterable, Iterator

from mesh_assets.diff.fields import Fields, differing_fields, shown, updated
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.storage_records import LogDirectory

LOG_DIRECTORIES = "log_directories"
"""The resource of these changes, with a field for each offline directory: `1./var/kafka`."""


def directory_fields(directories: Iterable[LogDirectory]) -> Fields:
    return {f"{one.broker}.{one.path}": one.error for one in directories if one.error is not None}


def diff_log_directories(
    before: Iterable[LogDirectory] | None, after: Iterable[LogDirectory] | None
) -> Iterator[Change]:
    """A broker that did not report its directories in `after` has no changes: nothing is known about them. If it reported none
    in `before`, those that are offline went offline since: any that were before are kept there."""
    if before is None or after is None:
        return
    old, new = tuple(before), tuple(after)
    told = {one.broker for one in new}
    names = {f"{one.broker}.{one.path}": one for one in (*old, *new)}
    for field, was, now in differing_fields(
        directory_fields(one for one in old if one.broker in told),
        directory_fields(new),
    ):
        one = names[field]
        what = "is back" if now is None else f"{'went' if was is None else 'is still'} offline: {shown(now)}"
        yield updated(
            "log_directories",
            LOG_DIRECTORIES,
            field,
            before=was,
            after=now,
            severity="info" if now is None else "critical",
            sentence=f"Log directory {shown(one.path)} of broker {one.broker} {what}",
        )
