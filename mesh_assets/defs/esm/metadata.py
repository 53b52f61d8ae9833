"""What the UI shows of plans, results, verdicts and mappings."""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import msgspec

from mesh_assets.esm.applying import Applied
from mesh_assets.esm.arns import msk_cluster_in
from mesh_assets.esm.mapping import EventSourceMapping
from mesh_assets.esm.plan import Plan
from mesh_assets.esm.proof import ProducePlan, Validation

_TABLE_ROWS = 200


def plan_metadata(plan: Plan) -> dict[str, Any]:
    """The plan: its id, its requests, the change of rights, what to know."""
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
        metadata["uuid"] = applied.mapping.uuid
        metadata["state"] = applied.mapping.state or "unknown"
    return metadata


def validation_metadata(found: Validation) -> dict[str, Any]:
    """The verdict, what to do, and all the evidence."""
    return {
        "verdict": found.verdict.name,
        "sentence": found.verdict.sentence,
        "advice": found.verdict.advice or "none",
        "mapping": f"{found.uuid}: {found.topic} → {found.function}",
        "state": found.mapping_state or "unknown",
        "last_result": found.last_result or "none",
        "evidence": dg.MetadataValue.json(msgspec.to_builtins(found)),
    }


def produce_plan_metadata(plan: ProducePlan) -> dict[str, Any]:
    """The plan of a validation: which messages, and who else reads them."""
    others = (
        plan.other_groups_error
        if plan.other_groups is None
        else ", ".join(plan.other_groups)
        or ("no other group that is known" if plan.possible_groups else "no other group")
    )
    return {
        "plan_id": plan.id,
        "messages": f"{plan.messages} of {plan.bytes_each} bytes into {plan.topic}",
        "format": plan.format if plan.unwritable is None else f"none would be written: {plan.unwritable}",
        "also_read_by": str(others),
        **({"may_also_be_read_by": ", ".join(plan.possible_groups)} if plan.possible_groups else {}),
        "plan": dg.MetadataValue.json(msgspec.to_builtins(plan)),
    }


def mappings_metadata(mappings: Sequence[tuple[str, EventSourceMapping]]) -> dict[str, Any]:
    """All mappings, each with the name of its account, as a table."""
    shown = f"first {_TABLE_ROWS} of {len(mappings)}" if len(mappings) > _TABLE_ROWS else "all"
    metadata: dict[str, Any] = {"dagster/row_count": len(mappings)}
    if mappings:
        metadata[f"mappings ({shown})"] = dg.MetadataValue.table(
            [dg.TableRecord(_row(account, mapping)) for account, mapping in mappings[:_TABLE_ROWS]]
        )
    return metadata


def _row(account: str, mapping: EventSourceMapping) -> dict[str, str | int | None]:
    cluster = msk_cluster_in(mapping.event_source_arn or "")
    return {
        "account": account,
        "function": mapping.function_name,
        "topic": mapping.topic,
        "cluster": mapping.source if cluster is None else cluster.name,
        "group_id": mapping.consumer_group_id,
        "state": mapping.state,
        "last_result": mapping.last_processing_result,
        "changed": None if mapping.last_modified is None else f"{mapping.last_modified:%Y-%m-%d %H:%M} UTC",
        "uuid": mapping.uuid,
    }
