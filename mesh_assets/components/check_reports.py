"""Runless evaluations of asset checks that start to fail, fail for a different reason, or stop failing.

A check that never failed is not reported, so most assets cost nothing: Dagster's SQLite stores about 30 events per second
of CPU (`python -m bench.assets`). The store keeps which checks fail, in `assets/failing/<Dagster's storage>.bin`.
"""

import hashlib
import time
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import dagster as dg
import msgspec

from mesh_assets.components.checks import Place, Verdict, applies, findings_by_place, judge_asset
from mesh_assets.components.mounted import Mounted, read_mounted
from mesh_assets.components.names import CheckName, Key, asset_key
from mesh_assets.components.reporting import keep_event, storage_id
from mesh_assets.errors import MeshError, StoreError
from mesh_assets.findings.finding import Finding
from mesh_assets.findings.history import EstateFindings
from mesh_assets.inventory.records import UNDECODABLE, Record
from mesh_assets.inventory.wording import counted
from mesh_assets.masking.unexpected import sentence
from mesh_assets.store.inventories import InventoryStore
from mesh_assets.store.layout import safe
from mesh_assets.store.objects import ObjectStore


class Failing(Record, frozen=True, kw_only=True, array_like=True):
    """A check that failed when it was last reported. `by`: a checksum of the findings that made it fail."""

    key: Key
    check: CheckName
    cluster: str
    by: str


class _News(NamedTuple):
    key: Key
    cluster: str
    verdict: Verdict


_decoder = msgspec.msgpack.Decoder(tuple[Failing, ...])


def report_checks(
    instance: dg.DagsterInstance,
    store: InventoryStore,
    found: EstateFindings,
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[str]:
    """Reports for at most `seconds`: failures first, critical ones before the rest; the next call continues. Returns a
    sentence for a person if there was something to report; never fails, since the findings themselves are kept."""
    try:
        mounted = [one for one in (read_mounted(store.objects) if seconds > 0 else ()) if one.checks]
        return [] if not mounted else _report_all(instance, store.objects, found, mounted, seconds, clock)
    except MeshError as error:
        return [f"not every check of an asset was reported to Dagster: {sentence(error)}"]


def _report_all(
    instance: dg.DagsterInstance,
    objects: ObjectStore,
    found: EstateFindings,
    mounted: list[Mounted],
    seconds: float,
    clock: Callable[[], float],
) -> list[str]:
    place = f"assets/failing/{safe(storage_id(instance))}.bin"
    before = {(one.key, one.check): one for one in _read(objects, place)}
    now = dict(_failing(found, mounted))
    judged = {cluster.cluster for cluster in found.clusters}
    news = [
        _News(key, cluster, verdict)
        for (key, _), (cluster, verdict) in now.items()
        if (known := before.get((key, verdict.check))) is None or known.by != _checksum(verdict)
    ]
    news.sort(key=lambda one: one.verdict.severity is not dg.AssetCheckSeverity.ERROR)
    news += [
        _News(one.key, one.cluster, Verdict(one.check, (), {}))
        for known, one in before.items()
        if known not in now and one.cluster in judged
    ]
    began, done = clock(), dict(before)
    reported = 0
    try:
        for one in news:
            if clock() - began >= seconds:
                break
            _report(instance, one)
            reported += 1
            if one.verdict.findings:
                done[one.key, one.verdict.check] = Failing(
                    key=one.key, check=one.verdict.check, cluster=one.cluster, by=_checksum(one.verdict)
                )
            else:
                del done[one.key, one.verdict.check]
    finally:
        if done != before:
            objects.put(place, zlib.compress(msgspec.msgpack.encode(tuple(done.values())), 1))
    if not news:
        return []
    left = len(news) - reported
    waiting = (
        f"; {left:,} wait for the next time, after {seconds:.0f} s (asset_reports in the estate)"
        if left
        else ""
    )
    return [f"{counted(reported, 'check')} of assets reported to Dagster{waiting}"]


def _failing(
    found: EstateFindings, mounted: list[Mounted]
) -> Iterator[tuple[tuple[Key, CheckName], tuple[str, Verdict]]]:
    for place, findings in findings_by_place(found).items():
        for one in mounted:
            for key, verdict in _verdicts(one, place, findings):
                yield (key, verdict.check), (place[0], verdict)


def _verdicts(mounted: Mounted, place: Place, findings: list[Finding]) -> Iterator[tuple[Key, Verdict]]:
    cluster, kind, name = place
    key = asset_key(cluster, kind, name)
    if not mounted.selection.selects_key(key, kind, cluster):
        return
    for check in mounted.checks:
        if applies(check, kind):
            verdict = judge_asset(check, findings)
            if verdict.findings:
                yield mounted.key_of(key), verdict


def _checksum(verdict: Verdict) -> str:
    """A checksum of what is wrong, not of its figures: a growing lag is the same finding."""
    parts = sorted(f"{finding.id}{finding.severity}" for finding in verdict.findings)
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]


def _report(instance: dg.DagsterInstance, one: _News) -> None:
    evaluation = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(one.key),
        check_name=one.verdict.check,
        passed=not one.verdict.findings,
        metadata=dict(one.verdict.counts),
        severity=one.verdict.severity,
        description=one.verdict.description,
    )
    keep_event(instance, evaluation, f"the check {one.verdict.check} of {'/'.join(one.key)}")


def _read(objects: ObjectStore, key: str) -> tuple[Failing, ...]:
    kept = objects.get(key)
    if kept is None:
        return ()
    try:
        return _decoder.decode(zlib.decompress(kept[0]))
    except (*UNDECODABLE, zlib.error) as error:
        raise StoreError(
            f"{objects.location(key)} does not say which checks fail: {error}; remove it, and failing ones are reported "
            "once more"
        ) from error
