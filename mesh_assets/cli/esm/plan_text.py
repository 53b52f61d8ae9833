"""A plan for people: what would be sent, what rights change, what to know, and how to apply it."""

import json
from collections.abc import Iterator

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.plan import Plan, PlannedCall


def plan_text(plan: Plan, *, how: str) -> Iterator[str]:
    """`how`: the command that would apply it, without the id."""
    yield f"Plan {plan.id}: {plan.summary}"
    yield f"  account {plan.observed.get('account', '-')}   region {plan.observed.get('region', '-')}"
    if plan.action == "delete_event_source_mapping":
        yield "  the mapping as it is"
        yield from _indented(plan.observed["mapping"])
    for difference in plan.differences:
        yield f"  changes       {difference}"
    yield from _rights(plan)
    for number, call in enumerate(plan.calls, 1):
        yield f"  request {number}     {call.service}:{call.operation}"
        yield from _indented(_shown(call))
    for finding in plan.warnings:
        yield f"  note          {finding}"
    yield ""
    if not plan.calls:
        yield "Nothing to do: everything is as asked."
        return
    if plan.blocked is not None:
        yield f"Applying will refuse: {plan.blocked}"
        if plan.permissions is not None and plan.permissions.statement:
            yield "Hand this policy to an administrator of the role:"
            yield plan.permissions.statement
    yield f"Nothing has been done. To do it: {how} --apply {plan.id}"


def applied_text(applied: Applied) -> Iterator[str]:
    yield f"Done: {applied.plan.summary}"
    if applied.mapping is not None:
        yield f"  mapping       {applied.mapping.uuid}   {applied.mapping.state}"
    for text in applied.warnings:
        yield f"  warning       {text}"


def _rights(plan: Plan) -> Iterator[str]:
    rights = plan.permissions
    if rights is None:
        return
    if rights.change is not None:
        new = "a new inline policy" if rights.change.before is None else "our inline policy, extended"
        yield f"  rights        {rights.change.policy_name} of role {rights.change.role_name}: {new}"
        yield from (f"    {line}" for line in rights.change.lines())
        return
    words = {"granted": "the role has all it needs", "unknown": "not known", "denied": "denied"}
    yield f"  rights        {words.get(rights.state, rights.state)}{f': {rights.why}' if rights.why else ''}"


def _shown(call: PlannedCall) -> dict[str, object]:
    """A policy's document stands above as a diff."""
    return {name: value for name, value in call.arguments.items() if name != "PolicyDocument"}


def _indented(value: object) -> Iterator[str]:
    yield from (f"    {line}" for line in json.dumps(value, indent=2, default=str).splitlines())
