"""An incoming webhook as Slack has them: a POST of `{"text": …}` to an address that is a secret."""

from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
import msgspec

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.http import SYSTEM_CLOCK, Clock, RetryPolicy, Transport
from mesh_assets.platforms.http.retries import Attempts, asked_wait_seconds
from mesh_assets.platforms.http.tls import tls_failure

_POLICY = RetryPolicy(
    budget_seconds=20.0, failure_seconds=10.0, base_seconds=0.5, cap_seconds=5.0, most_tries=5
)
_TIMEOUT_SECONDS = 5.0


class Webhook:
    """Posts texts. Messages name the host only: whoever has the whole address can write there.

    It goes below httpx's client, which logs the address of every request.
    """

    def __init__(
        self,
        url: str,
        *,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
        policy: RetryPolicy = _POLICY,
    ) -> None:
        """Nothing is contacted. Raises EstateError, without the address, when it is none."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EstateError(
                "the webhook's address must look like https://host/path; check what notifications.webhook_url refers to"
            )
        self._url = url
        self._host = parts.hostname
        self._clock = clock
        self._policy = policy
        self._transport = transport or httpx.HTTPTransport(proxy=_proxy(parts.scheme, parts.hostname))

    def __str__(self) -> str:
        return f"the webhook at {self._host}"

    def __repr__(self) -> str:
        return f"Webhook({self._host!r})"

    def post(self, text: str) -> None:
        """Posts the text, with retries. Raises PlatformError.

        A post whose answer was lost is repeated: told twice is better than not told.
        """
        attempts = Attempts(self._policy, self._clock, may_repeat=True)
        content = msgspec.json.encode({"text": text})
        while True:
            attempts.begin()
            try:
                status, asked = self._exchange(content)
            except httpx.TransportError as error:
                timed_out = isinstance(error, httpx.TimeoutException) and not isinstance(
                    error, httpx.ConnectTimeout
                )
                pause = attempts.pause_after_failure(nothing_happened=False, timed_out=timed_out)
                if pause is None or tls_failure(error) is not None:
                    raise UnreachableError(
                        f"{self} did not answer ({type(error).__name__}, {attempts.tries} tries)"
                    ) from None
            else:
                pause = attempts.pause_after(status, asked)
                if pause is None:
                    return self._settle(status, attempts)
            self._clock.sleep(pause)

    def _exchange(self, content: bytes) -> tuple[int, float | None]:
        timeout = dict.fromkeys(("connect", "read", "write", "pool"), _TIMEOUT_SECONDS)
        request = httpx.Request(
            "POST",
            self._url,
            content=content,
            headers={"Content-Type": "application/json", "User-Agent": "mesh-assets"},
            extensions={"timeout": timeout},
        )
        response = self._transport.handle_request(request)
        try:
            return response.status_code, asked_wait_seconds(response.headers, now=self._clock.wall())
        finally:
            response.close()

    def _settle(self, status: int, attempts: Attempts) -> None:
        if 200 <= status < 300:
            return
        if status in (401, 403, 404, 410):
            raise RefusedError(
                f"{self} answered {status}: it is gone or forbidden; make a new one and change what the estate refers to"
            )
        if status == 429 or status >= 500:
            raise UnreachableError(f"{self} answered {status} ({attempts.tries} tries)")
        # A redirect could carry the text elsewhere, so it is not followed.
        raise UnexpectedAnswerError(f"{self} answered {status}")


def _proxy(scheme: str, host: str) -> str | None:
    """The proxy of the environment; never for this machine itself."""
    if host in ("localhost", "::1") or host.startswith("127.") or proxy_bypass(host):
        return None
    return getproxies().get(scheme)
