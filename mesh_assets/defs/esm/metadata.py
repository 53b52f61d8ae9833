"""What the UI shows of plans, results, verdicts and mappings."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import msgspec

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.proof import ProducePlan, Validation

_TABLE_ROWS = 200


def plan_metadata(plan: Plan) -> dict[str, Any]:
    """The plan: its id, its requests, the change of rights, things to know."""
    change = None if plan.permissions is None else plan.permissions.change
    metadata: dict[str, Any] = {
        "plan_id": plan.id,
        "summary": plan.summary,
        "requests": dg.MetadataValue.json([msgspec.to_builtins(call) for call in plan.calls]),
        "observed": dg.MetadataValue.json(msgspec.to_builtins(plan.observed)),
        "warnings": dg.MetadataValue.md("\n".join(f"- {warning}" for warning in plan.warnings) or "none"),
    }
    if plan.differences:
        metadata["changes"] = dg.MetadataValue.md(
            "\n".join(f"- {difference}" for difference in plan.differences)
        )
    if plan.permissions is not None:
        metadata["rights"] = plan.permissions.state
    if change is not None:
        metadata["policy"] = dg.MetadataValue.md(
            f"{change.policy_name} of role {change.role_name}\n\n```diff\n"
            + "\n".join(change.lines())
            + "\n```"
        )
    if plan.blocked is not None:
        metadata["blocked"] = plan.blocked
    return metadata


def applied_metadata(applied: Applied) -> dict[str, Any]:
    """What was done."""
    metadata: dict[str, Any] = {"result": "applied", "result_warnings": "\n".join(applied.warnings) or "none"}
    if applied.mapping is not None:
        metadata |= mapping_metadata(applied.mapping)
    return metadata


def mapping_metadata(mapping: EventSourceMapping) -> dict[str, Any]:
    """One mapping, in a job that has changed it."""
    state = {"uuid": mapping.uuid, "state": mapping.state or "unknown"}
    return {**state, **rows_metadata("mapping", [mapping.row])}


def validation_metadata(found: Validation) -> dict[str, Any]:
    """The verdict, what to do, and the evidence: as tables for people, and complete."""
    return {
        "verdict": found.verdict.name,
        "sentence": found.verdict.sentence,
        "advice": found.verdict.advice or "none",
        "mapping": f"{found.uuid}: {found.topic} → {found.function}",
        "state": found.mapping_state or "unknown",
        "last_result": found.last_result or "none",
        **rows_metadata("partitions", [msgspec.to_builtins(one) for one in found.progress]),
        **rows_metadata("members", [msgspec.to_builtins(one) for one in found.members]),
        **rows_metadata(
            "counts",
            []
            if found.counts is None
            else [{"count": name, "value": value} for name, value in found.counts.known().items()],
        ),
        "evidence": dg.MetadataValue.json(msgspec.to_builtins(found)),
    }


def produce_plan_metadata(plan: ProducePlan) -> dict[str, Any]:
    """The plan of a validation: which messages, and who else reads them."""
    others = (
        plan.other_groups_error
        if plan.other_groups is None
        else ", ".join(plan.other_groups)
        or ("no other known group" if plan.possible_groups else "no other group")
    )
    return {
        "plan_id": plan.id,
        "messages": f"{plan.messages} of {plan.bytes_each} bytes to {plan.topic}",
        "format": plan.format if plan.unwritable is None else f"none would be written: {plan.unwritable}",
        "also_read_by": str(others),
        **({"may_also_be_read_by": ", ".join(plan.possible_groups)} if plan.possible_groups else {}),
        "plan": dg.MetadataValue.json(msgspec.to_builtins(plan)),
    }


def mappings_metadata(mappings: Sequence[tuple[str, EventSourceMapping]]) -> dict[str, Any]:
    """All mappings, each with the name of its account, as a table."""
    rows = [{"account": account, **mapping.row} for account, mapping in mappings]
    return {"dagster/row_count": len(mappings), **rows_metadata("mappings", rows, always_counted=True)}


def rows_metadata(
    name: str, rows: Sequence[Mapping[str, Any]], *, always_counted: bool = False
) -> dict[str, Any]:
    """A table; nothing without rows. Where rows are left out, its name says how many there are."""
    if not rows:
        return {}
    left_out = len(rows) > _TABLE_ROWS
    shown = f" (first {_TABLE_ROWS} of {len(rows)})" if left_out else " (all)" if always_counted else ""
    records = [
        dg.TableRecord({column: _cell(value) for column, value in row.items()}) for row in rows[:_TABLE_ROWS]
    ]
    return {f"{name}{shown}": dg.MetadataValue.table(records)}


def _cell(value: Any) -> str | int | float | bool | None:
    """A table holds plain values only."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return ", ".join(str(part) for part in value) if isinstance(value, list | tuple) else str(value)
