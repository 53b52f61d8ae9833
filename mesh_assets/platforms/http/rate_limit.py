"""A limit of our own, for services whose quota all keys of an organization share: being throttled throttles
others too."""

import threading

from mesh_assets.platforms.http.retries import Clock


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
        # When the next request would be due had all of them come evenly; up to one burst in the past.
        self._due = clock.monotonic() - self._ahead_seconds

    def wait_for_turn(self) -> None:
        """Returns when the next request may be sent."""
        with self._lock:
            now = self._clock.monotonic()
            self._due = max(self._due + self._seconds_each, now - self._ahead_seconds + self._seconds_each)
            wait = self._due - now
        if wait > 0:
            self._clock.sleep(wait)
