"""Proof that a mapping processes: test messages go in, then offsets, members and counts show what became of them.

Public: `validate_esm_processing`, its parts `get_initial_offset`, `check_offset_after_production` and
`produce_test_messages`, and the plans.
"""

from mesh_assets.esm.proof.content import content_for
from mesh_assets.esm.proof.evidence import Position, get_initial_offset
from mesh_assets.esm.proof.messages import (
    PartitionProgress,
    Produced,
    ProducePlan,
    check_offset_after_production,
    check_plan,
    plan_test_messages,
    produce_test_messages,
)
from mesh_assets.esm.proof.validation import (
    Validation,
    ValidationRequest,
    plan_validation,
    validate_esm_processing,
)
from mesh_assets.esm.proof.verdict import Verdict, judge

__all__ = [
    "PartitionProgress",
    "Position",
    "ProducePlan",
    "Produced",
    "Validation",
    "ValidationRequest",
    "Verdict",
    "check_offset_after_production",
    "check_plan",
    "content_for",
    "get_initial_offset",
    "judge",
    "plan_test_messages",
    "plan_validation",
    "produce_test_messages",
    "validate_esm_processing",
]
