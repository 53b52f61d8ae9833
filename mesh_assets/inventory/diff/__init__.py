"""What changed between two documents of a cluster: one pure function, its state and how changes are applied
to it."""

from mesh_assets.inventory.diff.apply import apply_changes
from mesh_assets.inventory.diff.consumer_groups import EPHEMERAL_GROUPS
from mesh_assets.inventory.diff.documents import compared_sections, diff_documents
from mesh_assets.inventory.diff.reading import change_line, headline_changes
from mesh_assets.inventory.diff.state import State, stable_state

__all__ = [
    "EPHEMERAL_GROUPS",
    "State",
    "apply_changes",
    "change_line",
    "compared_sections",
    "diff_documents",
    "headline_changes",
    "stable_state",
]
