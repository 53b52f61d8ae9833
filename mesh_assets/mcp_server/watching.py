"""Watches every request: the audit log, one JSON line per call, and how long the server has been idle."""

import getpass
import os
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import msgspec
from mcp.server.auth.middleware.auth_context import get_access_token

from mesh_assets.errors import ConfigurationError
from mesh_assets.inventory.wording import escaped
from mesh_assets.masking.configs import MASK, mask_field, mask_text

_VALUE_CHARACTERS = 200
# More than the schemas allow the arguments of any change; beyond it they are shortened like any others.
_WHOLE_CHARACTERS = 200_000
# Far more than is kept, so that masking sees whole credentials.
_READ_CHARACTERS = 4_000
Outcome = Literal["ok", "error", "cancelled"]
# Those that may take a call's time; anything else is answered at once.
_CALLS = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name", "completion/complete": "ref"}
_AUDITED = {"tools/call": "tool", "resources/read": "resource", "prompts/get": "prompt"}


class AuditLog:
    """Who asked what, how it ended and how long it took, with secrets in arguments masked. Arguments of
    changes are kept whole; of those of other calls, only the beginnings are.

    Writes to `path`, or to stderr without one. A line that cannot be written goes to stderr and does not end
    the call. Raises ConfigurationError on construction when the file cannot be written.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch(mode=0o600)
            except OSError as error:
                raise ConfigurationError(
                    f"the audit log {path} cannot be written: {error.strerror}; give --audit-log another file"
                ) from error

    def write(
        self,
        *,
        kind: str,
        name: str,
        arguments: Mapping[str, Any],
        outcome: Outcome,
        started: float,
        error: str | None = None,
        answer_bytes: int | None = None,
        client: str | None = None,
        caller: Mapping[str, str] | None = None,
        changes: bool = False,
        plan: Mapping[str, Any] | None = None,
    ) -> None:
        """`started`: `time.monotonic()` of the start. `client`: the program, as it calls itself. `caller`: who
        uses it, see `caller_of`. `changes`: whether the tool may change something. `plan`: of an answer, its
        id and whether it was carried out."""
        line = msgspec.json.encode(
            {
                "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "kind": kind,
                "name": shortened(mask_text(name[:_READ_CHARACTERS])),
                "arguments": shown_arguments(arguments, whole=changes),
                **(plan or {}),
                "outcome": outcome,
                **({} if error is None else {"error": shortened(mask_text(error[:_READ_CHARACTERS]))}),
                **({} if answer_bytes is None else {"answer_bytes": answer_bytes}),
                **(
                    {} if caller is None else {"caller": {key: shortened(one) for key, one in caller.items()}}
                ),
                **({} if client is None else {"client": shortened(client)}),
                "duration_ms": round((time.monotonic() - started) * 1000),
            }
        ).decode()
        line = escaped(line)
        with self._lock:
            if self._path is None:
                with suppress(OSError, ValueError):  # nobody reads stderr any more
                    print(line, file=sys.stderr, flush=True)  # noqa: T201 - the log is text on stderr, not logging's
                return
            try:
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            except OSError as failure:
                with suppress(OSError, ValueError):
                    line = f"mesh-assets: the audit log {self._path}: {failure.strerror}; {line}"
                    print(line, file=sys.stderr, flush=True)  # noqa: T201


def shown_arguments(arguments: Mapping[str, Any], *, whole: bool) -> dict[str, Any]:
    """Arguments as the log may show them: masked where a name or a form suggests a secret, and short unless
    `whole` is asked for."""
    if whole and len(msgspec.json.encode(arguments, enc_hook=str)) <= _WHOLE_CHARACTERS:
        return {_encodable(str(key)): _whole(str(key), value) for key, value in arguments.items()}
    return {
        shortened(str(key)): shown_argument(str(key), value) for key, value in list(arguments.items())[:50]
    }


def _whole(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {_encodable(mask_text(str(name))): _whole(str(name), one) for name, one in value.items()}
    if isinstance(value, list):
        return [_whole(key, one) for one in value]
    return _encodable(mask_field(key, value)) if isinstance(value, str) else _plain(key, value)


def _plain(key: str, value: Any) -> Any:
    """A number may also be a secret."""
    if value is None or isinstance(value, bool):
        return value
    return MASK if mask_field(key, str(value)) == MASK else value


def shown_argument(key: str, value: Any) -> Any:
    """An argument as the log may show it: short, and masked where its name or its form suggests a secret."""
    if value is None or isinstance(value, bool | int | float):
        return _plain(key, value)
    text = (
        value
        if isinstance(value, str)
        else msgspec.json.encode(value, enc_hook=str).decode("utf-8", "replace")
    )
    return shortened(mask_field(key, text[:_READ_CHARACTERS]), characters=len(text))


def shortened(text: str, *, characters: int | None = None) -> str:
    """`characters`: how many there were originally."""
    text = _encodable(text)
    if len(text) <= _VALUE_CHARACTERS:
        return text
    return f"{text[:_VALUE_CHARACTERS]}… ({characters or len(text):,} characters)"


def _encodable(text: str) -> str:
    """Lone surrogates are not UTF-8."""
    return text.encode("utf-8", "replace").decode()


class IdleWatch:
    """Measures the time since the last request, so that forgotten processes end. A call in progress is not
    idle time.

    `seconds`: how long until the server may end; 0: never.
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._last = clock()
        self._under_way = 0

    def touch(self) -> None:
        self._last = self._clock()

    @contextmanager
    def call(self) -> Iterator[None]:
        self.touch()
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self.touch()

    @property
    def remaining_seconds(self) -> float:
        """Seconds until the server may end if no request comes; infinite when it never may."""
        if not self._seconds:
            return float("inf")
        return self._seconds if self._under_way else max(0.0, self._seconds - (self._clock() - self._last))

    async def wait(self) -> None:
        """Returns when the server has been idle for that long."""
        while (remaining := self.remaining_seconds) > 0:
            await anyio.sleep(min(remaining, 3600.0))


class Watch:
    """The server's middleware: every request and notification passes through here. `changes`: the tools that
    may change something."""

    def __init__(self, idle: IdleWatch, audit: AuditLog, *, changes: Collection[str] = ()) -> None:
        self._idle = idle
        self._audit = audit
        self._changes = changes

    async def __call__(self, ctx: Any, call_next: Any) -> Any:
        self._idle.touch()
        if ctx.method not in _CALLS:
            return await call_next(ctx)
        started = time.monotonic()
        outcome: Outcome = "error"
        error: str | None = None
        result: Any = None
        with self._idle.call():
            try:
                result = await call_next(ctx)
                failed = isinstance(result, dict) and result.get("isError")
                outcome, error = ("error", _first_text(result)) if failed else ("ok", None)
                return result
            except anyio.get_cancelled_exc_class():
                outcome = "cancelled"
                raise
            except Exception as failure:
                error = str(failure)
                raise
            finally:
                if ctx.method in _AUDITED:
                    parameters = ctx.params or {}
                    arguments = parameters.get("arguments")
                    name = str(parameters.get(_CALLS[ctx.method]))
                    changes = ctx.method == "tools/call" and name in self._changes
                    self._audit.write(
                        kind=_AUDITED[ctx.method],
                        name=name,
                        arguments=arguments if isinstance(arguments, dict) else {},
                        outcome=outcome,
                        started=started,
                        error=error,
                        answer_bytes=len(msgspec.json.encode(result, enc_hook=str))
                        if result is not None
                        else None,
                        client=_client(ctx),
                        caller=caller_of(ctx),
                        changes=changes,
                        plan=_plan(result) if changes else None,
                    )


def _first_text(result: Any) -> str | None:
    content = result.get("content") if isinstance(result, dict) else None
    texts = (str(block.get("text")) for block in content or () if isinstance(block, dict) and "text" in block)
    return next(texts, None)


def _plan(result: Any) -> dict[str, Any]:
    """The part of a plan's answer that says whether it was carried out, even when the person agreed and no
    argument shows it."""
    structured = result.get("structuredContent") if isinstance(result, dict) else None
    if not isinstance(structured, dict) or "applied" not in structured:
        return {}
    plan = structured.get("plan")
    plan_id = structured.get("plan_id") or (plan.get("id") if isinstance(plan, dict) else None)
    return {"plan_id": plan_id, "applied": structured["applied"]}


def caller_of(ctx: Any) -> dict[str, str]:
    """Who asks: the subject and client of a verified OAuth token, the holder of one of the server's bearer
    tokens, by its name; the address alone; or, over stdio, the user that the server runs as."""
    token = get_access_token()
    if token is not None:
        issuer = (token.claims or {}).get("iss")
        known = {"subject": token.subject, "oauth_client": token.client_id, "issuer": issuer}
        return {key: str(value) for key, value in known.items() if value is not None}
    if ctx.request is None:
        return {"user": _user()}
    peer = ctx.request.client
    address = {} if peer is None else {"address": str(peer.host)}
    holder = ctx.request.scope.get(TOKEN_HOLDER)
    return {**address, **({} if holder is None else {"bearer_token": str(holder)})}


TOKEN_HOLDER = "mesh_assets.token_holder"
"""Key in the scope of an HTTP request whose bearer token the server knows: the token's name."""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def _client(ctx: Any) -> str | None:
    parameters = getattr(ctx.session, "client_params", None)
    info = getattr(parameters, "client_info", None)
    return None if info is None else f"{info.name} {info.version}".strip()
