"""What a message can turn out to be."""

from mesh_assets.inventory.records import Record
from mesh_assets.inventory.triggers import Trigger


class Understood(Record, frozen=True, kw_only=True):
    """A message that asks for a discovery.

    `cause` is the same for every delivery of the same event, on whatever way it came. `cluster` was named by
    the sender and must be of the estate; `hints` are names that may or may not be a cluster's. Without either
    that fits, all clusters are meant.
    """

    trigger: Trigger
    cause: str
    cluster: str | None = None
    hints: tuple[str, ...] = ()


class Ignored(Record, frozen=True, kw_only=True):
    """A message that is understood and asks for nothing: an alarm that is over, a read in CloudTrail."""

    reason: str


class NotUnderstood(Record, frozen=True, kw_only=True):
    """A message that no form fits. `reason` never quotes values of the message, only what was expected of it."""

    reason: str


Reading = Understood | Ignored | NotUnderstood
