"""Asset checks based on findings: what a check says, and the checks of a component's assets.

Anybody can run them: they read what the job `analysis` kept in the store. In addition, the job reports those that start
or stop failing (`components/check_reports.py`).
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import dagster as dg

from mesh_assets.components.mesh_asset import MeshAsset
from mesh_assets.components.names import AssetKind, CheckName, asset_key
from mesh_assets.errors import MeshError
from mesh_assets.findings.finding import Finding, shown_findings
from mesh_assets.findings.history import EstateFindings, findings_results
from mesh_assets.findings.kinds import KINDS, FindingResource
from mesh_assets.store.inventories import InventoryStore

Place = tuple[str, AssetKind, str]
"""The cluster, kind and name of the thing that an asset shows; for a connector that shares its name, the name is
prefixed with its Connect endpoint, as in the asset's key."""
RESOURCES: Mapping[FindingResource, AssetKind] = {
    "topic": "topics",
    "connector": "connectors",
    "consumer_group": "consumer_groups",
}
_SENTENCES = 20
_CHECKS_A_DEFINITION = 200
"""Dagster's time to describe a definition grows with the square of its checks: 2,000 in one take twice as long."""
_ALL = (
    "No finding about it is critical or a warning (docs/findings.md); a finding of level info fails no check."
)


class Verdict(NamedTuple):
    """What a check says about one asset. `findings`: those that make it fail, worst first; empty: it passes."""

    check: CheckName
    findings: tuple[Finding, ...]
    counts: dict[str, int]

    @property
    def severity(self) -> dg.AssetCheckSeverity:
        critical = any(finding.severity == "critical" for finding in self.findings)
        return dg.AssetCheckSeverity.ERROR if critical else dg.AssetCheckSeverity.WARN

    @property
    def description(self) -> str | None:
        if not self.findings:
            return None
        sentences = [finding.sentence for finding in self.findings[:_SENTENCES]]
        left = len(self.findings) - _SENTENCES
        advice = dict.fromkeys(KINDS[finding.kind].advice for finding in self.findings)
        return "\n".join([*sentences, *([f"and {left:,} more"] if left > 0 else []), *advice])


def judge_asset(check: CheckName, findings: Sequence[Finding]) -> Verdict:
    """`findings`: all those about the asset's thing. A check for one kind fails for each that is not muted; the check
    `findings`, for those that are critical or a warning."""
    of_kind = [finding for finding in findings if check in ("findings", finding.kind)]
    shown = shown_findings(of_kind)
    failing = [finding for finding in shown if check != "findings" or finding.severity != "info"]
    severities = Counter[str](finding.severity for finding in shown)
    return Verdict(check, tuple(failing), {**severities, "muted": len(of_kind) - len(shown)})


def applies(check: CheckName, kind: AssetKind) -> bool:
    """Whether assets of that kind have the check: datasets and functions have none."""
    if check == "findings":
        return kind in RESOURCES.values()
    return RESOURCES.get(KINDS[check].resource_type) == kind


def findings_by_place(found: EstateFindings) -> dict[Place, list[Finding]]:
    places: defaultdict[Place, list[Finding]] = defaultdict(list)
    for cluster in found.clusters:
        for finding in cluster.findings:
            kind = RESOURCES.get(finding.resource_type)
            if kind is not None:
                name = f"{finding.connect}/{finding.resource}" if finding.shares_name else finding.resource
                places[cluster.cluster, kind, name].append(finding)
    return dict(places)


def asset_checks(
    name: str,
    assets: Iterable[tuple[MeshAsset, dg.AssetKey]],
    checks: Sequence[CheckName],
    open_store: Callable[[], InventoryStore],
) -> Iterator[dg.AssetChecksDefinition]:
    """A spec for each check of each asset, under its key in Dagster, in few enough definitions to be fast."""
    specs: list[dg.AssetCheckSpec] = []
    places: dict[dg.AssetCheckKey, tuple[CheckName, Place]] = {}
    for asset, key in assets:
        for check in checks:
            if asset.cluster is not None and applies(check, asset.kind):
                spec = dg.AssetCheckSpec(
                    check, asset=key, description=_ALL if check == "findings" else KINDS[check].rule
                )
                specs.append(spec)
                places[spec.key] = check, (asset.cluster, asset.kind, _name(asset, asset.cluster))
    for number, begin in enumerate(range(0, len(specs), _CHECKS_A_DEFINITION)):
        yield _definition(f"{name}_{number}", specs[begin : begin + _CHECKS_A_DEFINITION], places, open_store)


def _name(asset: MeshAsset, cluster: str) -> str:
    full = f"{asset.facts.get('connect')}/{asset.name}"
    return full if asset.key == asset_key(cluster, asset.kind, full) else asset.name


def _definition(
    name: str,
    specs: Sequence[dg.AssetCheckSpec],
    places: Mapping[dg.AssetCheckKey, tuple[CheckName, Place]],
    open_store: Callable[[], InventoryStore],
) -> dg.AssetChecksDefinition:
    """Built here, not by `dg.multi_asset_check`: it names inputs and outputs after the keys, which fails for a group called `my group`,
    and keeps only one of `orders-v2` and `orders.v2`."""
    keys = dict.fromkeys(spec.asset_key for spec in specs)
    inputs = {f"asset_{number}": key for number, key in enumerate(keys)}
    outputs = {f"check_{number}": spec for number, spec in enumerate(specs)}

    @dg.op(
        name=name,
        ins=dict.fromkeys(inputs, dg.In(dg.Nothing)),
        out=dict.fromkeys(outputs, dg.Out(dg.Nothing, is_required=False)),
    )
    def findings_of_assets(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        """Judges the assets by the findings that the job `analysis` last kept."""
        store = open_store()
        kept = findings_results(store).get()
        if kept is None:
            raise MeshError(
                f"{store.objects.location('analysis/findings.json')} does not exist: no findings have been kept yet; run the job "
                "`analysis` of the project that discovers the estate"
            )
        judged = {cluster.cluster for cluster in kept.result.clusters}
        found = findings_by_place(kept.result)
        for key in context.selected_asset_check_keys:
            check, place = places[key]
            if place[0] not in judged:
                context.log.warning(
                    f"the findings have no cluster {place[0]}; {'/'.join(key.asset_key.path)} is not judged"
                )
                continue
            verdict = judge_asset(check, found.get(place, ()))
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=not verdict.findings,
                severity=verdict.severity,
                description=verdict.description,
                metadata={**verdict.counts, "judged_at": dg.MetadataValue.timestamp(kept.made_at)},
            )

    made: dg.AssetChecksDefinition = dg.AssetChecksDefinition.create(
        node_def=findings_of_assets,
        keys_by_input_name=inputs,
        check_specs_by_output_name=outputs,
        can_subset=True,
    )
    return made
