"""Why a part of a section could not be read, where each part needs its own right, version or platform. What becomes of it is
settled in `joining/parts.py`."""

from mesh_assets.inventory.records import Record
from mesh_assets.inventory.sections import StaleSource


class Unread(Record, frozen=True, kw_only=True):
    """Why a part could not be read. `expected`: a right is missing, or this version or platform does not have it;
    otherwise the broker failed, and retrying may help."""

    reason: str
    expected: bool


def failed_parts(parts: dict[str, Unread]) -> tuple[StaleSource, ...]:
    """Failures that must not go unnoticed, in the form of a section's `stale_sources` before it is settled."""
    return tuple(
        StaleSource(source=name, collected_at=None, error=part.reason)
        for name, part in sorted(parts.items())
        if not part.expected
    )
