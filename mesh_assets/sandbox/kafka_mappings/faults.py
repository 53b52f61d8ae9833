"""What the stand-in is told to do wrong, and how fast its clock runs. AWS has nothing of the kind.

`PUT /_standin` with these names sets them; the others have the values below. `GET /_standin` shows them and says what
this server is.
"""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults.

    - `state_delay_seconds`: how long a mapping stays in Creating, Updating, Deleting, …
    - `stuck`: pollers stay members of their groups and read nothing.
    - `commit_without_invoking`: what is read is committed without the function seeing it.
    - `drop`: the same, but it is counted as invoked, which is a lie.
    - `slow_seconds`: a wait before each batch.
    - `deny`: actions refused with AccessDeniedException, e.g. `lambda:CreateEventSourceMapping`.
    - `throttle`: how many of the next requests for mappings are answered with TooManyRequestsException.
    - `age_factor`: how much faster than the clock records grow old (AWS's lowest MaximumRecordAgeInSeconds is 60).
    - `no_metrics`: nothing is counted.
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
    """The faults in force, shared by all parts of the stand-in."""

    def __init__(self) -> None:
        self.now = Faults()

    def set(self, wanted: dict[str, Any]) -> Faults:
        """Set the named faults and reset all others. Raises `ValueError` for an unknown name."""
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
