"""What changed between two documents of a cluster: one pure function, its state, and how changes are applied to
it.

Imports `inventory` and nothing else of the project.
"""

from mesh_assets.diff.consumer_groups import EPHEMERAL_GROUPS
from mesh_assets.diff.documents import State, apply_changes, compared_sections, diff_documents, stable_state

__all__ = [
    "EPHEMERAL_GROUPS",
    "State",
    "apply_changes",
    "compared_sections",
    "diff_documents",
    "stable_state",
]
