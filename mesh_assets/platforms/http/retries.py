"""How often and how fast a service is asked: retries with their pauses, and the rate limit."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

# When to retry a request, and how long to wait first. No I/O.

BUSY_STATUSES = frozenset({429, 502, 503, 504})
"""Statuses that mean "not now" and are retried for as long as the budget lasts."""

# Services differ: a reset above this is a point in time (seconds since 1970), below it a number of seconds.
_EPOCH_SECONDS = 1_000_000_000

# With less time than this left, a try would fail no matter what the service does.
_LEAST_TRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Clock:
    """Time, sleep and chance in one place, so that a test needs none of them."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


SYSTEM_CLOCK = Clock()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long one call may take, with all its tries and waits, in seconds.

    budget_seconds: the whole call.
    failure_seconds: how far into the call a service that does not answer at all (refused, unknown host, hung up)
        is tried again. Short, because a stopped service must not hold up a discovery.
    base_seconds, cap_seconds: the wait before try n is uniform between 0 and min(cap, base * 2^n). This "full
        jitter" spreads many clients best (AWS Architecture Blog, "Exponential Backoff And Jitter").
    error_retries: how often a 500 is retried. Some pass (a store that times out), some never do (Apicurio 3.3.3
        answers 500 to a Protobuf schema that it cannot parse), and the answers look the same.
    most_tries: a limit in case chance makes every wait short.
    """

    budget_seconds: float = 20.0
    failure_seconds: float = 3.0
    base_seconds: float = 0.25
    cap_seconds: float = 5.0
    error_retries: int = 2
    most_tries: int = 20

    def backoff(self, tries: int, clock: Clock) -> float:
        """Seconds to wait after the `tries`-th try."""
        return clock.uniform(0.0, min(self.cap_seconds, self.base_seconds * 2.0 ** (tries - 1)))


def asked_wait_seconds(headers: Mapping[str, str], *, now: float) -> float | None:
    """How long the service asks us to wait, None when it does not say.

    `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3), else `rateLimit-reset` (Confluent Cloud's
    metrics API: relative seconds, two of them for two limits) or `X-RateLimit-Reset` (its control
    plane). `headers` must find names in any case; `now` is in seconds since 1970.
    """
    for name in ("retry-after", "ratelimit-reset", "x-ratelimit-reset"):
        text = headers.get(name, "").strip()
        if text:
            wait = _seconds(
                _of_the_limit_reached(text, headers) if name == "ratelimit-reset" else text, now=now
            )
            if wait is not None:
                return max(0.0, wait)
    return None


def _of_the_limit_reached(resets: str, headers: Mapping[str, str]) -> str:
    """Of the resets of several limits (`12, 3400`), the one of the exhausted limit; the first if none says
    so."""
    each = [text.strip() for text in resets.split(",")]
    remaining = [text.strip() for text in headers.get("ratelimit-remaining", "").split(",")]
    return next((reset for reset, left in zip(each, remaining, strict=False) if left == "0"), each[0])


def _seconds(text: str, *, now: float) -> float | None:
    try:
        number = float(text)
    except ValueError:
        try:
            return parsedate_to_datetime(text).timestamp() - now
        except (ValueError, OverflowError):
            return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return number - now if number > _EPOCH_SECONDS else number


class Attempts:
    """The tries of one call: how much of the policy is spent, and what comes next."""

    def __init__(
        self, policy: RetryPolicy, clock: Clock, *, may_repeat: bool, busy: frozenset[int] = BUSY_STATUSES
    ) -> None:
        """`may_repeat`: the call is idempotent. `busy`: the statuses that mean "not now"."""
        self.tries = 0
        self.note = ""
        self._policy = policy
        self._clock = clock
        self._may_repeat = may_repeat
        self._busy = busy
        self._started = clock.monotonic()

    @property
    def elapsed_seconds(self) -> float:
        return self._clock.monotonic() - self._started

    @property
    def remaining_seconds(self) -> float:
        """What is left of the budget; negative once it is overdrawn."""
        return self._policy.budget_seconds - self.elapsed_seconds

    def begin(self) -> None:
        """Counts a try."""
        self.tries += 1

    def pause_after_failure(self, *, nothing_happened: bool, timed_out: bool) -> float | None:
        """Seconds to wait before the next try after no answer came, None to give up.

        `nothing_happened`: the request cannot have reached the service. `timed_out`: it did, and the service
        stayed silent; that may be load, so it is retried for as long as the budget lasts.
        """
        if not (self._may_repeat or nothing_happened) or self.tries >= self._policy.most_tries:
            return None
        pause = self._policy.backoff(self.tries, self._clock)
        limit = (
            self._policy.budget_seconds - _LEAST_TRY_SECONDS if timed_out else self._policy.failure_seconds
        )
        return pause if self.elapsed_seconds + pause <= limit else None

    def pause_after(self, status: int, asked_seconds: float | None) -> float | None:
        """Seconds to wait before the next try, None to accept the answer; `note` then says why, if that
        helps.

        `asked_seconds`: the wait that the service asked for.
        """
        self.note = ""
        if status == 500 and status not in self._busy:
            again = self._may_repeat and self.tries <= self._policy.error_retries
            return self._policy.backoff(self.tries, self._clock) if again else None
        if status not in self._busy:
            return None
        self.note = f"{self.tries} tries in {self.elapsed_seconds:.1f} s"
        if not (self._may_repeat or status == 429) or self.tries >= self._policy.most_tries:
            return None
        pause = self._policy.backoff(self.tries, self._clock)
        if asked_seconds is not None:
            # With jitter on top, or all throttled clients come back at the same moment.
            pause = asked_seconds + min(pause, 1.0)
        if pause > self.remaining_seconds:
            if asked_seconds is not None and asked_seconds > self.remaining_seconds:
                allowed = f"{self._policy.budget_seconds:g} s"
                self.note = (
                    f"it asks for a wait of {asked_seconds:.0f} s, longer than the {allowed} a call may take"
                )
            return None
        return pause


# A limit of our own, for services whose quota all keys of an organization share: if we are throttled, so are
# the others.


class RateLimiter:
    """At most `burst` requests at once and `per_second` in the long run: never more than their sum in any
    second.

    Safe to use from many threads, which take their turns in the order in which they ask.
    """

    def __init__(self, *, per_second: float, burst: int, clock: Clock) -> None:
        self._seconds_each = 1.0 / per_second
        self._ahead_seconds = burst * self._seconds_each
        self._clock = clock
        self._lock = threading.Lock()
        # When the next request would be due if all of them had come evenly; up to one burst in the past.
        self._due = clock.monotonic() - self._ahead_seconds

    def wait_for_turn(self) -> None:
        """Returns when the next request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            self._due = max(self._due + self._seconds_each, now - self._ahead_seconds + self._seconds_each)
            wait = self._due - now
        if wait > 0:
            self._clock.sleep(wait)
