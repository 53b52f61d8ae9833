"""What Confluent Cloud allows, and how long it is worth waiting for it."""

from mesh_assets.platforms.http import Clock, Pace, RetryPolicy

# Reads of a Schema Registry: 75 a second, over all keys of an environment (Confluent's documentation of its
# packages). 50 and a burst of 25 stay below that; whoever else reads there at the same time is served by
# waiting out the 429 that then comes.
_READS_PER_SECOND = 50.0
_READS_AT_ONCE = 25

# Limits here are counted by the minute (`rateLimit-reset`, `X-RateLimit-Reset`: relative seconds), so a wait
# of up to one is normal. A connection with a shorter timeout than the estate's usual one belongs to somebody
# in a hurry: a sensor, whose look at a cluster may take 25 s.
_MINUTE = 60.0
_USUAL_TIMEOUT_SECONDS = 15.0
_CAP_SECONDS = 10.0


def registry_pace(clock: Clock) -> Pace:
    return Pace(per_second=_READS_PER_SECOND, burst=_READS_AT_ONCE, clock=clock)


def patient(timeout_seconds: float) -> RetryPolicy:
    """For a service that throttles by the minute. `timeout_seconds`: the connection's own."""
    if timeout_seconds < _USUAL_TIMEOUT_SECONDS:
        return RetryPolicy()
    return RetryPolicy(budget_seconds=max(_MINUTE, timeout_seconds), cap_seconds=_CAP_SECONDS)
