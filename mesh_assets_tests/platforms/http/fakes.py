"""Time that stands still until someone sleeps, and a service that answers from a list."""

import threading
from collections.abc import Callable, Iterable

import httpx

from mesh_assets.platforms.http import Clock, HttpService, RetryPolicy

URL = "http://service.test:8083"


class FakeTime:
    """`sleeps` are the requested waits in seconds; jitter is always at its maximum."""

    def __init__(self, *, wall: float = 1_700_000_000.0) -> None:
        self.sleeps: list[float] = []
        self._now = 0.0
        self._wall = wall
        self._lock = threading.Lock()
        self.clock = Clock(
            monotonic=lambda: self._now,
            wall=lambda: self._wall + self._now,
            sleep=self._sleep,
            uniform=lambda _, most: most,
        )

    @property
    def elapsed(self) -> float:
        return self._now

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    def _sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.pass_by(seconds)


class Script:
    """Answers requests with the given answers in turn, the last one forever; exceptions are raised. Keeps the requests."""

    def __init__(
        self, answers: Iterable[httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]]
    ) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx.Response):
            # A response can be read once only.
            return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)
        return answer(request)


def service_of(
    *answers: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response],
    time: FakeTime | None = None,
    policy: RetryPolicy | None = None,
    max_body_bytes: int = 1_000_000,
    username: str | None = None,
    password: str | None = None,
    shown_username: str | None = None,
    url: str = URL,
) -> tuple[HttpService, Script]:
    script = Script(answers)
    service = HttpService(
        url,
        name="Kafka Connect",
        username=username,
        password=password,
        shown_username=shown_username,
        policy=policy,
        max_body_bytes=max_body_bytes,
        transport=httpx.MockTransport(script),
        clock=(time or FakeTime()).clock,
    )
    return service, script
