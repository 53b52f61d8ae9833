"""What the stand-in is told to do wrong, and how fast its clock runs. Nothing of it exists at AWS.

`PUT /_standin` with these names sets them; all are as below until then. `GET /_standin` says them, and what
this is.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """state_delay_seconds: how long a mapping stays in Creating, Updating, Deleting, …

    stuck: its pollers stay members of their groups and read nothing. commit_without_invoking: what is read is
    committed, and the function never sees it. drop: the same, and it is counted as invoked, which is a lie.
    slow_seconds: before each batch. deny: actions refused with AccessDeniedException, e.g.
    `lambda:CreateEventSourceMapping`. throttle: how many of the next requests to mappings are answered with
    TooManyRequestsException. age_factor: how much faster than the clock records grow old (AWS's least
    MaximumRecordAgeInSeconds is 60). no_metrics: nothing of the mappings is counted.
    """

    state_delay_seconds: float = 1.0
    stuck: bool = False
    commit_without_invoking: bool = False
    drop: bool = False
    slow_seconds: float = 0.0
    deny: tuple[str, ...] = ()
    throttle: int = 0
    age_factor: float = 1.0
    no_metrics: bool = False


class FaultBoard:
    """The faults in force, shared by all parts."""

    def __init__(self) -> None:
        self.now = Faults()

    def set(self, wanted: dict[str, Any]) -> Faults:
        """Those named, all others as at the start. Raises ValueError for a name that is none."""
        known = {field.name for field in fields(Faults)}
        unknown = sorted(set(wanted) - known)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
        self.now = Faults(**{**wanted, "deny": tuple(wanted.get("deny", ()))})
        return self.now

    def take_throttle(self) -> bool:
        if self.now.throttle <= 0:
            return False
        self.now = replace(self.now, throttle=self.now.throttle - 1)
        return True

    def told(self) -> dict[str, Any]:
        return {
            "what": "a stand-in for AWS Lambda's event source mappings for Kafka, in front of ministack; not AWS, never checked against it",
            "faults": asdict(self.now),
        }
