"""An incoming webhook in Slack's form: a POST of `{"text": …}` to an address that is a secret."""

from urllib.parse import urlsplit

from mesh_assets.errors import EstateError, RefusedError, UnexpectedAnswerError, UnreachableError
from mesh_assets.platforms.http.answers import Answer
from mesh_assets.platforms.http.retries import SYSTEM_CLOCK, Clock, RetryPolicy
from mesh_assets.platforms.http.service import HttpService, Transport

_POLICY = RetryPolicy(
    budget_seconds=20.0, failure_seconds=10.0, base_seconds=0.5, cap_seconds=5.0, most_tries=5
)
_TIMEOUT_SECONDS = 5.0


class Webhook:
    """Posts texts. Messages and logs name only the host: whoever has the whole address can write there."""

    def __init__(
        self,
        url: str,
        *,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
        policy: RetryPolicy = _POLICY,
    ) -> None:
        """Contacts nothing. Raises EstateError, without the address, when it is not one."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise EstateError(
                "the webhook's address must look like https://host/path; check what notifications.webhook_url refers to"
            )
        self._host = parts.hostname
        self._base = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        self._transport = transport
        self._clock = clock
        self._policy = policy

    def __str__(self) -> str:
        return f"the webhook at {self._host}"

    def __repr__(self) -> str:
        return f"Webhook({self._host!r})"

    def post(self, text: str) -> None:
        """Posts the text, with retries. Raises PlatformError.

        A post whose answer was lost is repeated: the same text twice is better than none.
        """
        with HttpService(
            self._base,
            name="the webhook",
            secret_path=self._path,
            timeout_seconds=_TIMEOUT_SECONDS,
            policy=self._policy,
            transport=self._transport,
            clock=self._clock,
        ) as service:
            self._check(service.ask("POST", "", content={"text": text}, idempotent=True))

    def _check(self, answer: Answer) -> None:
        if answer.ok:
            return
        if answer.status in (401, 403, 404, 410):
            raise RefusedError(
                f"{self} answered {answer.status}: it is gone or forbidden; create a new one and change what the estate refers to"
            )
        if answer.status == 429 or answer.status >= 500:
            raise UnreachableError(
                f"{self} answered {answer.status}" + (f" ({answer.note})" if answer.note else "")
            )
        # A redirect could carry the text elsewhere, so it is not followed.
        raise UnexpectedAnswerError(f"{self} answered {answer.status}")
