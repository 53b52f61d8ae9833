"""What librdkafka says about its connections, kept so that a failure can name its cause.

A failed call only says "timed out". The cause arrives on two side channels that librdkafka serves from `poll`:
error callbacks (refused connections, names, TLS, authentication) and log lines (a peer that hangs up, which is
the only sign of plain text sent to a TLS listener).
"""

import logging
import re
import threading
import time
from typing import NamedTuple

from confluent_kafka import KafkaError

from mesh_assets.platforms.kafka.errors import Endpoint

_LOGGER = logging.getLogger("mesh_assets.kafka")
# A client that we wait for tries again at least every 2 s, and reports each failure.
FRESH_SECONDS = 3.0
# A connection that broke during login; librdkafka puts its cause into the same code.
_LOGIN_BROKEN_OFF = "Local: Broker transport failure"
_SIMILAR = re.compile(r"\(after \d+ms.*\)")


class Failure(NamedTuple):
    """A failure, and when it was reported (`at`, time.monotonic()). `code` None: from the log."""

    at: float
    code: int | None
    text: str


class ConnectionLog:
    """Redacts librdkafka's errors (`on_error`) and log lines (`log`, in place of a `logging.Logger`), and
    keeps the last.

    Nothing goes to standard error: lines are passed on at DEBUG level, repetitions left out, to the logger
    `mesh_assets.kafka`.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._failure: Failure | None = None
        self._refusal: Failure | None = None
        self._down_since: float | None = None
        self._last_line = ""

    def on_error(self, error: KafkaError) -> None:
        """librdkafka's `error_cb`."""
        code, text = error.code(), self._endpoint.redact(error.str())
        with self._lock:
            now = time.monotonic()
            if code == KafkaError._ALL_BROKERS_DOWN:
                self._down_since = self._down_since or now
            elif code == KafkaError._AUTHENTICATION and _LOGIN_BROKEN_OFF not in text:
                self._refusal = Failure(now, code, text)
            else:
                self._failure = Failure(now, code, text)

    def log(self, _level: int, message: str, *arguments: object) -> None:
        """librdkafka's log lines: `[client] [thread]: text` after a facility such as FAIL."""
        line = self._endpoint.redact(message % arguments if arguments else message)
        with self._lock:
            if "FAIL [" in line:
                self._failure = Failure(time.monotonic(), None, line.split("]: ", 1)[-1])
            similar = _SIMILAR.sub("", line)
            repeated, self._last_line = similar == self._last_line, similar
        if not repeated:
            _LOGGER.debug("%s", line)

    @property
    def refusal(self) -> str | None:
        """Why the brokers refused to authenticate the client, if they did."""
        with self._lock:
            return self._refusal.text if self._refusal else None

    @property
    def failure(self) -> str | None:
        """The last failure of a connection."""
        with self._lock:
            return self._failure.text if self._failure else None

    def seconds_down(self, since: float) -> float:
        """How long after `since` (time.monotonic()) all brokers have been out of reach; 0 while one may be in
        reach.

        Old reports do not count: an idle client neither tries to connect nor notices that brokers are back.
        """
        with self._lock:
            now = time.monotonic()
            if self._down_since is None or self._failure is None or now - self._failure.at > FRESH_SECONDS:
                return 0.0
            return now - max(self._down_since, since)
