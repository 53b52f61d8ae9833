"""Sends OpenLineage events to anything that receives them over HTTP: Marquez, DataHub, OpenMetadata, a proxy.

The specification has two endpoints (`spec/OpenLineage.yml`): `…/lineage` takes one event, `…/lineage/batch` a list, and may
answer that it could not process some. A static event that arrives twice does no harm, so each is repeated if its answer
is lost, and a failed export can simply be run again.
"""

import re
import threading
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from mesh_assets.errors import EstateError, ExportError, PlatformError, UnexpectedAnswerError
from mesh_assets.estate.fields import SECRET_REFERENCE
from mesh_assets.inventory.wording import counted
from mesh_assets.platforms.http.answers import Credential
from mesh_assets.platforms.http.retries import SYSTEM_CLOCK, Clock, RetryPolicy
from mesh_assets.platforms.http.service import HttpService, Transport
from mesh_assets.platforms.in_flight import in_flight
from mesh_assets.platforms.secrets import resolve

_IN_BATCH = 100
_AT_ONCE = 8
_ROUND = 64
"""Requests prepared at a time: those waiting to be sent are in memory."""
_POLICY = RetryPolicy(budget_seconds=60.0, failure_seconds=10.0, cap_seconds=10.0)
_TIMEOUT_SECONDS = 30.0
_KEY = Credential(
    kind="the key", unknown="check the value of --api-key", lacking="check what the key may write"
)
_NO_KEY = Credential(kind="", unknown="name a key with --api-key", lacking="name a key with --api-key")
_USERINFO = re.compile(r"^[a-z]+://[^/]*@", re.IGNORECASE)


class LineageEndpoint:
    """Where events are posted. `accepted`: how many have been accepted so far."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
        policy: RetryPolicy = _POLICY,
    ) -> None:
        """Contacts nothing. `api_key`: a reference to the secret (`${NAME}`, `ssm:/path`, …), sent as a bearer token.

        Raises EstateError when the address contains credentials, the key is in plain text, or the reference cannot be resolved.
        """
        if _USERINFO.match(url):
            raise EstateError(
                "--url must not contain a user or password; expected https://host/path, and '${NAME}' as --api-key"
            )
        if api_key is not None and not SECRET_REFERENCE.match(api_key):
            raise EstateError(
                "--api-key: the key must be named, not written here: expected '${ENV_NAME}' (in single quotes), ssm:/path, "
                "secretsmanager:arn#field or vault:path#field"
            )
        self.accepted = 0
        self._lock = threading.Lock()
        self._in_batches = url.rstrip("/").endswith("/batch")
        self._service = HttpService(
            url,
            name="the lineage endpoint",
            bearer=None if api_key is None else resolve(api_key),
            shown_username=api_key,
            credential=_NO_KEY if api_key is None else _KEY,
            timeout_seconds=_TIMEOUT_SECONDS,
            policy=policy,
            transport=transport,
            clock=clock,
        )

    def close(self) -> None:
        self._service.close()

    def post(self, events: Iterable[bytes]) -> None:
        """Posts the events, several requests at the same time; their order within a second is not preserved.

        Raises ExportError, which says how many were accepted before the first failure.
        """
        requests = self._requests(iter(events))
        try:
            while some := list(islice(requests, _ROUND)):
                in_flight(self._send, some, workers=_AT_ONCE, within_seconds=600.0, what="posting events")
        except PlatformError as error:
            raise ExportError(
                f"{counted(self.accepted, 'event')} accepted, then: {error}; once that is fixed, run the export again: accepted "
                "events just replace themselves"
            ) from error

    def _requests(self, events: Iterator[bytes]) -> Iterator[list[bytes]]:
        size = _IN_BATCH if self._in_batches else 1
        while some := list(islice(events, size)):
            yield some

    def _send(self, events: list[bytes]) -> None:
        every = [msgspec.Raw(event) for event in events]
        answer = self._service.ask(
            "POST", "", content=every if self._in_batches else every[0], idempotent=True
        )
        if not answer.ok:
            raise answer.error()
        if answer.is_html:  # a login page, or a website that answers anything
            raise answer.unexpected(f"with {answer.status} and {answer.message}; is the url right?")
        failed = _failed(answer.body) if self._in_batches else _Failed()
        with self._lock:
            self.accepted += len(events) - failed.summary.failed
        if failed.summary.failed:
            reasons = [one.reason for one in failed.failed_events]
            raise UnexpectedAnswerError(
                f"{self._service} could not process {counted(failed.summary.failed, 'event')} of a batch: "
                + (reasons[0] if reasons else "it does not say why")
            )


class _Event(msgspec.Struct):
    reason: str = "it does not say why"


class _Summary(msgspec.Struct):
    failed: int = 0


class _Failed(msgspec.Struct):
    """The answer to a batch with the status 200, as specified; other answers have no body."""

    summary: _Summary = msgspec.field(default_factory=_Summary)
    failed_events: list[_Event] = []


def _failed(body: bytes) -> _Failed:
    """What failed in a batch whose status is a success. A body of a different form reports no failures."""
    try:
        return msgspec.json.decode(body, type=_Failed)
    except (msgspec.DecodeError, UnicodeError):
        return _Failed()
