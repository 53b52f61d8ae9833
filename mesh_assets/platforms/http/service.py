"""An HTTP service: one client, many threads; every request counted, every wait bounded."""

import base64
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import httpx
import msgspec

from mesh_assets.errors import UnexpectedAnswerError, UnreachableError
from mesh_assets.estate.connections import HttpConnection
from mesh_assets.platforms.http.answers import ANY_CREDENTIAL, Answer, Credential, one_line
from mesh_assets.platforms.http.retries import (
    BUSY_STATUSES,
    SYSTEM_CLOCK,
    Attempts,
    Clock,
    RateLimiter,
    RetryPolicy,
    asked_wait_seconds,
)
from mesh_assets.platforms.http.transport import (
    LogMask,
    another_protocol,
    parse_base_url,
    tls_context,
    tls_failure,
)
from mesh_assets.platforms.listeners import in_clear_note, warn_once
from mesh_assets.platforms.secrets import resolve, shown

Transport: TypeAlias = httpx.BaseTransport
Params: TypeAlias = Mapping[str, str | int | Sequence[str]]

MAX_BODY_BYTES = 256 * 1024 * 1024
"""The largest answer that is read: far above any list seen (499 connectors: 264 kB; 5,000 schemas: 3 MB)."""

_MAX_ERROR_BYTES = 64 * 1024
_CONNECT_TIMEOUT_SECONDS = 5.0
# A stand-in for demo and tests says so in every answer, and everything that shows its answers repeats it.
_STAND_IN = "X-Mesh-Stand-In"
_ERRNO = re.compile(r"\[(Errno|Error) -?\d+\] ?")
_IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE"})


class HttpService:
    """A service at one address, read with retries. Safe to use from many threads.

    A call is retried while that can help: after 429, 502, 503 and 504 within the policy's budget, after a 500
    a few times, after a failed connection for a few seconds. `Retry-After` is honoured; a wait beyond the
    budget fails at once. Calls that are not idempotent are retried only when nothing can have happened (429,
    no connection).
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        username: str | None = None,
        password: str | None = None,
        ca_location: str | None = None,
        timeout_seconds: float = 15.0,
        policy: RetryPolicy | None = None,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_connections: int = 64,
        media_type: str = "application/json",
        credential: Credential = ANY_CREDENTIAL,
        rate_limiter: RateLimiter | None = None,
        shown_username: str | None = None,
        secret_path: str = "",
        bearer: str | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        """Contacts nothing.

        `name` is what messages call the service; `timeout_seconds` bounds each wait for a part of an answer;
        `media_type` is the kind of JSON that it speaks; `credential` says what messages call username and
        password; `rate_limiter` holds requests back where the service has a limit that others share;
        `shown_username` stands in messages for a username that is itself a secret; `secret_path` follows the
        address in every request and appears in no message and no log, nor does `bearer`, the token that authorizes.
        Raises EstateError when the address or the CA file is wrong.
        """
        base = parse_base_url(url, name=name)
        self.url = base.shown
        if (username or base.username or secret_path or bearer) and (
            note := in_clear_note(self.url)
        ) is not None:
            warn_once(f"{name} at {self.url}: {note}")
        self.name = name
        self._username = username if username is not None else base.username
        self._password = password if username is not None else base.password
        self._shown_username = self._username if shown_username is None else shown_username
        hidden = [one for one in (bearer, self._username) if one and one != self._shown_username]
        self._secret_path = secret_path
        paths = _path_forms(self.url, secret_path)
        self._secrets = (*_forms(self._username, self._password), *hidden, *paths)
        self._media_type = media_type
        self._credential = credential
        self._rate_limiter = rate_limiter
        self._timeout_seconds = timeout_seconds
        # A timeout above the budget means a budget of at least that timeout.
        self._policy = (
            policy
            if policy is not None
            else RetryPolicy(budget_seconds=max(RetryPolicy().budget_seconds, timeout_seconds))
        )
        self._max_body_bytes = max_body_bytes
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._not_before = clock.monotonic()
        self._stand_in: str | None = None
        self._client = httpx.Client(
            auth=None if self._username is None else httpx.BasicAuth(self._username, self._password or ""),
            verify=tls_context(ca_location, name=name) if base.shown.startswith("https:") else False,
            # httpx keeps only 20 idle connections by default: 32 requests in flight would keep opening new ones.
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
            headers=_headers(media_type, bearer),
            # A redirect could carry the credential elsewhere; a proxy cannot reach this machine's loopback.
            follow_redirects=False,
            trust_env=not base.is_loopback,
            transport=transport,
        )
        self._probed = transport is None  # only a real connection has a listener to ask
        self._log_mask = LogMask(paths)
        if paths:
            self._log_mask.attach()

    @classmethod
    def open(
        cls,
        connection: HttpConnection,
        *,
        name: str,
        policy: RetryPolicy | None = None,
        media_type: str = "application/json",
        credential: Credential = ANY_CREDENTIAL,
        rate_limiter: RateLimiter | None = None,
        transport: Transport | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> "HttpService":
        """The service behind the estate's `connection`, whose secret references are resolved here and not
        before.

        Raises EstateError when a reference cannot be resolved, or as the constructor does.
        """
        return cls(
            resolve(connection.url),
            name=name,
            username=None if connection.username is None else resolve(connection.username),
            password=None if connection.password is None else resolve(connection.password),
            ca_location=connection.ca_location,
            timeout_seconds=connection.timeout_seconds,
            policy=policy,
            media_type=media_type,
            credential=credential,
            rate_limiter=rate_limiter,
            shown_username=None if connection.username is None else shown(connection.username),
            transport=transport,
            clock=clock,
        )

    def __str__(self) -> str:
        return f"{self.name} at {self.url}"

    def __repr__(self) -> str:
        return f"HttpService({self.url!r}, name={self.name!r})"

    def __enter__(self) -> "HttpService":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()
        self._log_mask.detach()

    @property
    def requests(self) -> int:
        """Sent so far, retries included."""
        with self._lock:
            return self._counts.total()

    @property
    def stand_in(self) -> str | None:
        """What the service says it stands in for (`X-Mesh-Stand-In`); None when it has not said so."""
        return self._stand_in

    @property
    def identity(self) -> str:
        """Who asks, fit to be shown: `anonymous`, `alice`, `Cloud key ABC`."""
        if self._shown_username is None:
            return "anonymous"
        return (
            self._shown_username
            if self._credential is ANY_CREDENTIAL
            else f"{self._credential.kind} {self._shown_username}"
        )

    @property
    def rights_advice(self) -> str:
        """What to do when the credential lacks a right, as a clause."""
        return self._credential.lacking

    def requests_of(self, kind: str) -> int:
        """Requests of one kind, as the caller named it, retries included."""
        with self._lock:
            return self._counts[kind]

    def get_json(
        self,
        path: str,
        params: Params | None = None,
        *,
        kind: str = "read",
        also_retry: frozenset[int] = frozenset(),
    ) -> Any:
        """The JSON value at `path` (already escaped, see `path_segment`). Raises PlatformError."""
        return self.ask("GET", path, params=params, kind=kind, also_retry=also_retry).json()

    def post_json(self, path: str, content: Any, *, idempotent: bool = False, kind: str = "write") -> Any:
        """The JSON value in the answer to a POST of `content`. Raises PlatformError."""
        return self.ask("POST", path, content=content, idempotent=idempotent, kind=kind).json()

    def put_json(self, path: str, content: Any, *, kind: str = "write") -> Any:
        """The JSON value in the answer to a PUT of `content`. Raises PlatformError."""
        return self.ask("PUT", path, content=content, kind=kind).json()

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        content: Any = None,
        idempotent: bool | None = None,
        also_retry: frozenset[int] = frozenset(),
        accept: str | None = None,
        kind: str = "read",
    ) -> Answer:
        """The answer, whatever its status, after any retries: for callers to whom a 404 means something.

        `also_retry`: further statuses that mean "not now". `accept`: a media type to ask for instead of JSON.
        Raises UnreachableError when there is no answer in time, UnexpectedAnswerError when the answer is too
        large or broken.
        """
        headers = {} if content is None else {"Content-Type": self._media_type}
        asked_for = f"{method} {path}".rstrip()
        try:
            request = self._client.build_request(
                method,
                self.url + self._secret_path + path,
                params=None if params is None else dict(params),
                content=None if content is None else msgspec.json.encode(content),
                headers=headers if accept is None else {**headers, "Accept": accept},
            )
        except httpx.InvalidURL as error:
            # A name that a service lists can be too long for an address. Servers give the same answer to it.
            said = f"not asked: {error}".encode()
            return self._answer(414, {}, said, one_line(asked_for, limit=100))
        may_repeat = method in _IDEMPOTENT if idempotent is None else idempotent
        attempts = Attempts(self._policy, self._clock, may_repeat=may_repeat, busy=BUSY_STATUSES | also_retry)
        while True:
            if self._rate_limiter is not None:
                self._rate_limiter.wait_for_turn()
            self._wait_for_turn(attempts, asked_for)
            with self._lock:
                self._counts[kind] += 1
            attempts.begin()
            try:
                answer = self._exchange(request, asked_for, attempts)
            except httpx.TransportError as error:
                pause = attempts.pause_after_failure(
                    nothing_happened=isinstance(error, httpx.ConnectError | httpx.ConnectTimeout),
                    timed_out=isinstance(error, httpx.TimeoutException)
                    and not isinstance(error, httpx.ConnectTimeout),
                )
                if pause is None or tls_failure(error) is not None:
                    # httpx's own text may hold the address.
                    cause = None if self._secret_path else error
                    raise self._unreachable(error, asked_for, attempts) from cause
            else:
                wait = asked_wait_seconds(answer.headers, now=self._clock.wall())
                if answer.status == 429 and wait is not None:
                    self._leave_alone(wait)
                pause = attempts.pause_after(answer.status, wait)
                if pause is None:
                    return replace(answer, note=attempts.note)
            self._clock.sleep(pause)

    def _exchange(self, request: httpx.Request, shown: str, attempts: Attempts) -> Answer:
        """One request, with its answer read to the end.

        Raises httpx.TransportError, UnexpectedAnswerError, UnreachableError.
        """
        seconds = max(0.001, min(self._timeout_seconds, attempts.remaining_seconds))
        request.extensions["timeout"] = httpx.Timeout(
            seconds, connect=min(seconds, _CONNECT_TIMEOUT_SECONDS)
        ).as_dict()
        response = self._client.send(request, stream=True)
        try:
            limit = self._max_body_bytes if response.is_success else _MAX_ERROR_BYTES
            body = bytearray()
            for chunk in response.iter_bytes():
                body += chunk
                if len(body) > limit and response.is_success:
                    raise UnexpectedAnswerError(
                        f"{self} answered {shown} with more than {limit:,} bytes; reading stopped there"
                    )
                if len(body) > limit:
                    break
                if attempts.remaining_seconds <= 0:
                    raise UnreachableError(
                        f"{self} was still sending its answer to {shown} after {attempts.elapsed_seconds:.0f} s"
                    )
        except httpx.DecodingError as error:
            raise UnexpectedAnswerError(
                f"{self} answered {shown} with broken compression ({one_line(str(error))})"
            ) from error
        finally:
            response.close()
        self._stand_in = one_line(response.headers.get(_STAND_IN, ""), limit=200) or self._stand_in
        return self._answer(response.status_code, response.headers, bytes(body), shown)

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes, shown: str) -> Answer:
        return Answer(
            service=str(self),
            request=shown,
            who="an anonymous reader"
            if self._shown_username is None
            else f"{self._credential.kind} {self._shown_username}",
            credential=self._credential,
            status=status,
            headers=headers,
            body=body,
            scrub=self._scrub,
        )

    def _wait_for_turn(self, attempts: Attempts, shown: str) -> None:
        # A 429 for one thread also holds for the others: they would get the same and use up the quota.
        with self._lock:
            wait = self._not_before - self._clock.monotonic()
        if wait > attempts.remaining_seconds:
            raise UnreachableError(
                f"{self} asks to be left alone for another {wait:.0f} s, too long for {shown}; try later"
            )
        if wait > 0:
            self._clock.sleep(wait)

    def _leave_alone(self, seconds: float) -> None:
        with self._lock:
            self._not_before = max(self._not_before, self._clock.monotonic() + seconds)

    def _unreachable(self, error: httpx.TransportError, shown: str, attempts: Attempts) -> UnreachableError:
        reason = self._scrub(one_line(_ERRNO.sub("", str(error)))) or type(error).__name__
        tries = "" if attempts.tries == 1 else f"; {attempts.tries} tries in {attempts.elapsed_seconds:.1f} s"
        handshake = tls_failure(error)
        broken_off = handshake is not None or isinstance(error, httpx.ReadError | httpx.RemoteProtocolError)
        if self._probed and broken_off and (other := another_protocol(self.url)) is not None:
            return UnreachableError(f"{self.name} cannot be read: {other}")
        if handshake is not None:
            return UnreachableError(f"{self} {one_line(handshake)}")
        if isinstance(error, httpx.TimeoutException):
            return UnreachableError(f"{self} did not answer {shown} in time ({reason}{tries})")
        return UnreachableError(
            f"{self} cannot be reached ({reason}{tries}); is it running, and is the url right?"
        )

    def _scrub(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text


def _forms(username: str | None, password: str | None) -> tuple[str, ...]:
    # A service may repeat the credential in an error message, plain or as in the header.
    if not password:
        return ()
    return password, base64.b64encode(f"{username}:{password}".encode()).decode()


def _path_forms(url: str, path: str) -> tuple[str, ...]:
    # As given, and as httpx writes it, with escaped characters.
    return tuple({path, httpx.URL(url + path).raw_path.decode("ascii")}) if path.strip("/") else ()


def _headers(media_type: str, bearer: str | None) -> dict[str, str]:
    accept = media_type if media_type == "application/json" else f"{media_type}, application/json"
    authorized = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return {"User-Agent": "mesh-assets", "Accept": accept} | authorized
