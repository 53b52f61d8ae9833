"""Discoveries made outside Dagster and not reported to it yet, as its UI is to show them.

`unreported/<cluster>/<cluster id>/<sequence>.json` and `unreported/<cluster>/failure.json` in the store. The sensor
`discovery_reports` reports them to Dagster and removes them. Where no daemon runs, the newest are kept; the documents have
all of them.
"""

import zlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from mesh_assets.discovering.section_shown import complete_check, section_metadata
from mesh_assets.discovering.shown import ShownAsset, ShownCheck
from mesh_assets.discovering.snapshot_shown import (
    CHANGES,
    SNAPSHOT,
    changes_metadata,
    current_check,
    snapshot_metadata,
)
from mesh_assets.inventory.changes import Change
from mesh_assets.inventory.formats import refuse_newer_format
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.sections import Section
from mesh_assets.snapshot.report import DiscoveryReport
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore, set_aside

# Four weeks of a discovery every 6 hours; about 10 kB each.
MOST_KEPT = 112
_FOLDER = "unreported/"
_FAILURE = "failure.json"


class Unreported(Record, frozen=True, kw_only=True):
    """A discovery of `cluster` at `moment`: what it published, or, with `failure`, why it published nothing.

    `assets` are in the order in which Dagster gets them, the snapshot last: if it is known, so is the rest. `changes`: how
    many were published.
    """

    format: int = 1
    cluster: str
    cluster_id: str = ""
    sequence: int = 0
    run_id: str
    moment: datetime
    assets: tuple[ShownAsset, ...] = ()
    checks: tuple[ShownCheck, ...] = ()
    changes: int = 0
    trigger: str = ""
    failure: str | None = None


_decoder = msgspec.json.Decoder(Unreported)


def unreported_of(
    report: DiscoveryReport, sections: Sequence[Section], changes: Sequence[Change]
) -> Unreported:
    """What a Dagster run of the same discovery would have shown."""
    read = [complete_check(section) for section in sections]
    return Unreported(
        cluster=report.cluster,
        cluster_id=report.cluster_id,
        sequence=report.sequence,
        run_id=report.run_id,
        moment=report.discovery_timestamp,
        assets=(
            *(
                ShownAsset(key=check.key, metadata=section_metadata(section))
                for check, section in zip(read, sections, strict=True)
            ),
            ShownAsset(key=CHANGES, metadata=changes_metadata(report, changes)),
            ShownAsset(key=SNAPSHOT, metadata=snapshot_metadata(report)),
        ),
        checks=(*read, current_check(report.sections, now=report.discovery_timestamp)),
        changes=len(changes),
        trigger=str(report.trigger),
    )


def keep_unreported(objects: ObjectStore, unreported: Unreported) -> None:
    """Keeps it until it is reported to Dagster; for each cluster, the newest. Raises StoreError."""
    folder = f"{_FOLDER}{safe(unreported.cluster)}/"
    data = zlib.compress(msgspec.json.encode(unreported), 1)
    if unreported.failure is not None:
        objects.put(f"{folder}{_FAILURE}", data)
        return
    of_its_id = f"{folder}{safe(unreported.cluster_id)}/"
    objects.put(f"{of_its_id}{unreported.sequence:012d}.json", data)
    for entry in objects.list(of_its_id)[:-MOST_KEPT]:
        objects.delete(entry.key)


def unreported_keys(objects: ObjectStore) -> dict[str, list[str]]:
    """The keys of what is to be reported, by cluster folder, oldest first. Raises StoreError."""
    found: dict[str, list[str]] = {}
    for entry in objects.list(_FOLDER):
        found.setdefault(entry.key.split("/")[1], []).append(entry.key)
    return found


def read_unreported(objects: ObjectStore, key: str) -> tuple[Unreported, str] | None:
    """With its version; None if another process has reported it meanwhile, or if it is damaged: then it is set aside. Raises
    StoreError, and NewerFormatError for what a later version wrote."""
    found = objects.get(key)
    if found is None:
        return None
    try:
        data = zlib.decompress(found[0])
        refuse_newer_format(data, source=objects.location(key))
        return _decoder.decode(data), found[1]
    except (*UNDECODABLE, zlib.error) as error:
        set_aside(
            objects,
            key,
            found[0],
            reason=f"it does not say what was discovered: {error}; the document has all of it, but Dagster will not show it",
        )
        objects.delete(key)
        return None
