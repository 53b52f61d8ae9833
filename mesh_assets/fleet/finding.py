"""What a look at the clouds would change in the estate: clusters to add, changed ones, and missing ones.

Nothing is removed because a listing lacks it: rights filter lists, and a failed list says nothing. A missing cluster stays in
the estate, marked, until a person removes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from pydantic import ValidationError

from mesh_assets.estate.file import identities
from mesh_assets.estate.found import FoundCluster, FoundRule, entry_of, name_by_rule, why_not
from mesh_assets.estate.including import name_problem
from mesh_assets.estate.model import Cluster
from mesh_assets.fleet.listings import Listing
from mesh_assets.inventory.records import Record

Action = Literal["add", "changed", "back", "unchanged", "missing", "unknown", "forget", "skipped"]
_HIDDEN = "it is no longer in any list: it was deleted, or the key or role may not see it"


class PlannedCluster(Record, frozen=True, kw_only=True):
    """`add`, `changed`, `back` (it was missing), `unchanged`; `missing`: it stays in the estate, marked; `unknown`: it stays as it
    is, since its list failed; `forget`: it leaves; `skipped`: it is not added. `cluster`: its name in the estate; None if skipped.
    `why`: the reason, unless obvious."""

    action: Action
    rule: str
    cluster: str | None
    id: str
    name: str
    why: str | None = None


class FindAnswer(Record, frozen=True, kw_only=True):
    """What `estate find --json` prints: the steps of a plan, and why lists are not complete, by rule."""

    applied: bool
    clusters: tuple[PlannedCluster, ...]
    failures: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPlan:
    """`clusters`: what to keep afterwards. `failures`: by rule, why its list is not complete."""

    steps: tuple[PlannedCluster, ...]
    clusters: tuple[FoundCluster, ...]
    failures: Mapping[str, tuple[str, ...]]

    @property
    def changes(self) -> tuple[PlannedCluster, ...]:
        """The steps that change what is kept now."""
        return tuple(step for step in self.steps if step.action not in ("unchanged", "unknown", "skipped"))


def plan_find(
    rules: Sequence[FoundRule],
    listings: Iterable[Listing],
    *,
    named: Mapping[str, Cluster],
    kept: Sequence[FoundCluster],
    defaults: Mapping[Any, Any],
    at: datetime,
    forget_missing: bool = False,
) -> FindPlan:
    """`named`: the clusters that the estate file names itself. `kept`: those found earlier. `defaults`: the estate file's."""
    found = list(listings)
    planning = _Planning(named, kept, defaults, at)
    for listing in found:
        planning.take(listing)
    planning.take_the_rest(
        {one.rule.name: one for one in found}, {rule.name for rule in rules}, forget_missing
    )
    return FindPlan(
        steps=tuple(planning.steps),
        clusters=tuple(planning.clusters),
        failures={one.rule.name: tuple(one.failures) for one in found if one.failures},
    )


class _Planning:
    def __init__(
        self,
        named: Mapping[str, Cluster],
        kept: Sequence[FoundCluster],
        defaults: Mapping[Any, Any],
        at: datetime,
    ) -> None:
        self._named = named
        self._of_file = {identity: name for name, one in named.items() for identity in identities(one)}
        self._kept = {one.id: one for one in kept}
        self._names = {one.cluster: one.id for one in kept}
        self._defaults = defaults
        self._at = at
        self._taken: dict[str, str] = {}
        self._lost: dict[str, str] = {}
        self.steps: list[PlannedCluster] = []
        self.clusters: list[FoundCluster] = []

    def take(self, listing: Listing) -> None:
        for one in listing.clusters:
            self._take(listing.rule, one, not_ready=listing.not_ready.get(one.id))

    def _take(self, rule: FoundRule, one: FoundCluster, *, not_ready: str | None) -> None:
        before = self._kept.get(one.id)
        if one.id in self._taken:
            return self._skip(one, f"rule {self._taken[one.id]} has found it already")
        if one.id in self._of_file:
            return self._skip(one, f"the estate file names it itself, as {self._of_file[one.id]}")
        other = why_not(rule, one)
        if other is not None:
            if before is not None and before.rule == rule.name:
                self._lost[one.id] = f"rule {rule.name} no longer matches it: {other}"
            if before is None:
                self._skip(one, other)
            return None
        name = before.cluster if before is not None else name_by_rule(rule, one)
        now = one.model_copy(
            update={"cluster": name, "found_at": one.found_at if before is None else before.found_at}
        )
        if before is None:
            problem = not_ready or self._name_taken(name) or self._unusable(rule, now)
            if problem is not None:
                return self._skip(one, problem)
        elif not_ready is not None:
            still = {"missing_since": None, "missing_because": None}
            now = before.model_copy(
                update=still
            )  # its state while it is created or deleted does not show how to reach it
        elif (problem := self._unusable(rule, now)) is not None:
            self._taken[one.id] = rule.name
            return self._keep("unchanged", before, why=f"what is listed now cannot be used: {problem}")
        self._taken[one.id] = rule.name
        self._names[name] = one.id
        return self._keep(_action(before, now), now, why=not_ready)

    def take_the_rest(self, listings: Mapping[str, Listing], rules: set[str], forget_missing: bool) -> None:
        """Those found earlier that are in no list now."""
        for one in self._kept.values():
            if one.id in self._taken:
                continue
            if one.rule not in rules:
                self._step("forget", one, f"rule {one.rule} is no longer in the estate")
            elif one.id in self._of_file:
                self._step("forget", one, f"the estate file names it itself, as {self._of_file[one.id]}")
            elif listings[one.rule].failures and one.id not in self._lost:
                self._keep("unknown", one, why=f"the list of rule {one.rule} is not complete")
            elif forget_missing:
                self._step("forget", one, self._lost.get(one.id, _HIDDEN))
            else:
                because = self._lost.get(one.id, _HIDDEN)
                update = {"missing_since": one.missing_since or self._at, "missing_because": because}
                self._keep("missing", one.model_copy(update=update), why=because)

    def _name_taken(self, name: str) -> str | None:
        problem = name_problem(name)
        if problem is not None:
            return f"its name in the estate, {name!r}, {problem}"
        if name in self._named or name in self._names:
            return (
                f"the estate already has a cluster {name}; let the rule's cluster_name distinguish them, with {{id}} or "
                "{environment}"
            )
        return None

    def _unusable(self, rule: FoundRule, one: FoundCluster) -> str | None:
        try:
            Cluster.model_validate(entry_of(rule, one, self._defaults))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
        return None

    def _skip(self, one: FoundCluster, why: str) -> None:
        self.steps.append(
            PlannedCluster(action="skipped", rule=one.rule, cluster=None, id=one.id, name=one.name, why=why)
        )

    def _keep(self, action: Action, one: FoundCluster, *, why: str | None = None) -> None:
        self.clusters.append(one)
        self._step(action, one, why)

    def _step(self, action: Action, one: FoundCluster, why: str | None) -> None:
        self.steps.append(
            PlannedCluster(
                action=action, rule=one.rule, cluster=one.cluster, id=one.id, name=one.name, why=why
            )
        )


def _action(before: FoundCluster | None, now: FoundCluster) -> Action:
    if before is None:
        return "add"
    if before.missing_since is not None:
        return "back"
    return "unchanged" if before == now else "changed"


def missing(clusters: Iterable[FoundCluster]) -> Iterator[str]:
    """A sentence for each cluster of the estate that is in no list."""
    for one in clusters:
        if one.missing_since is not None:
            yield (
                f"{one.cluster} ({one.id}) is missing since {one.missing_since:%Y-%m-%d %H:%M} UTC: {one.missing_because}. It stays in the "
                "estate until `mesh-assets estate find --apply --forget-missing`"
            )
