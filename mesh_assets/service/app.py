"""The service as an ASGI application: who may ask what, and what it answers (docs/service.md)."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

import anyio
import anyio.to_thread

from mesh_assets.errors import MeshError, UnreachableError
from mesh_assets.masking.unexpected import sentence, unexpected
from mesh_assets.platforms.listeners import is_loopback
from mesh_assets.service.asking import MOST_BODY_BYTES, Asking, BadRequestError, RateLimit
from mesh_assets.service.discoveries import Discoveries
from mesh_assets.service.exposition import OPENMETRICS, TEXT
from mesh_assets.service.health import Bounds, problems_of
from mesh_assets.service.http import Receive, Request, Response, Scope, Send, answer_json, refusal
from mesh_assets.service.identity import IssuerTokens, KnownTokens, bearer_token, client_of
from mesh_assets.service.otlp import PUSH_SECONDS, Pusher
from mesh_assets.service.scrape import Scrape, UnknownClusterError, unpacked

logger = logging.getLogger(__name__)

NEEDS_TOKEN = "a bearer token that this service knows is required"
_UNAUTHORIZED = refusal(401, NEEDS_TOKEN, www_authenticate="Bearer")
_NO_SCOPE = refusal(
    403,
    "the token lacks a scope that this service requires",
    www_authenticate='Bearer error="insufficient_scope"',
)
_NO_KEYS = refusal(
    503,
    "the OAuth issuer does not return its keys, so the token cannot be checked; try again later",
    retry_after="30",
)


class Service:
    """`open_to_all`: whether metrics need no token, because only this machine can ask. `hosts`: the names it
    then answers to, so that no web page reaches it by a name of its own; empty: any."""

    def __init__(
        self,
        scrape: Scrape,
        discoveries: Discoveries,
        asking: Asking,
        *,
        tokens: KnownTokens,
        issuer: IssuerTokens | None = None,
        bounds: Bounds | None = None,
        open_to_all: bool = True,
        hosts: frozenset[str] = frozenset(),
        limit: RateLimit | None = None,
        pusher: Pusher | None = None,
        push_seconds: float = PUSH_SECONDS,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._scrape = scrape
        self._discoveries = discoveries
        self._asking = asking
        self._tokens = tokens
        self._issuer = issuer
        self._bounds = bounds or Bounds()
        self._open_to_all = open_to_all
        self._hosts = hosts
        self._limit = limit or RateLimit()
        self._refused = RateLimit()
        self._now = now
        self._pusher = pusher
        self._push_seconds = push_seconds
        self._routes: dict[tuple[str, str], Callable[[Request], Awaitable[Response]]] = {
            ("GET", "/"): self._index,
            ("GET", "/healthz"): self._alive,
            ("GET", "/readyz"): self._ready,
            ("GET", "/metrics"): self._metrics,
            ("POST", "/discover"): self._discover,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            request = Request.of(scope, receive)
            response = await self._answer(request)
            with suppress(OSError):  # the caller has gone
                await response.send(send, without_body=request.method == "HEAD")

    async def _live(self, receive: Receive, send: Send) -> None:
        async with anyio.create_task_group() as tasks:
            await receive()
            tasks.start_soon(self._discoveries.carry_out)
            tasks.start_soon(self._scrape.keep_current)
            if self._pusher is not None:
                tasks.start_soon(self._push, self._pusher)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            tasks.cancel_scope.cancel()
        await send({"type": "lifespan.shutdown.complete"})

    async def _push(self, pusher: Pusher) -> None:
        await pusher.keep_pushing(self._scrape, every_seconds=self._push_seconds)

    async def _answer(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if self._hosts and _host(request.headers.get("host", "")) not in self._hosts:
            return refusal(421, "this service is not known by that name; see --allowed-host")
        try:
            if method == "GET" and request.path.startswith("/discoveries/"):
                return await self._follow(request)
            route = self._routes.get((method, request.path))
            if route is not None:
                return await route(request)
            allowed = [known for known, path in self._routes if path == request.path]
            if allowed:
                return refusal(405, f"{request.path} takes {allowed[0]}", allow=allowed[0])
            return refusal(404, "there is nothing here; see / for what there is")
        except BadRequestError as error:
            return refusal(error.status, sentence(error))
        except UnknownClusterError as error:
            return refusal(404, sentence(error))
        except MeshError as error:
            logger.warning("%s %s: %s", request.method, request.path, sentence(error))
            return refusal(503, sentence(error) if await self._may_read(request) else "see the service's log")
        except Exception as error:  # at the edge: one request must not end the others
            failure = unexpected(error)
            logger.error("%s %s failed", request.method, request.path, exc_info=failure)
            return refusal(500, "this is a fault of the service; its log has the traceback")

    # --- who asks

    async def _caller(self, request: Request) -> str | Response:
        """The caller's name, or the refusal."""
        authorization = request.headers.get("authorization", "").encode("latin-1")
        holder = self._tokens.holder(authorization)
        if holder is not None:
            return holder
        token = bearer_token(authorization)
        if self._issuer is not None and token is not None:
            issuer = self._issuer
            try:
                claims = await anyio.to_thread.run_sync(lambda: issuer.claims(token.decode("latin-1")))
            except UnreachableError as error:
                logger.warning(
                    "%s of %s from %s: %s", request.method, request.path[:80], request.peer, sentence(error)
                )
                return _NO_KEYS
            if claims is not None:
                return (
                    _NO_SCOPE if issuer.lacks_scope(claims) else str(claims.get("sub") or client_of(claims))
                )
        wait = self._refused.wait_seconds(request.peer)
        if wait:
            return _too_many(wait)
        logger.warning(
            "%s of %s from %s is refused: no known token", request.method, request.path[:80], request.peer
        )
        return _UNAUTHORIZED

    async def _may_read(self, request: Request) -> bool:
        if self._open_to_all or "authorization" not in request.headers:  # the way probes ask
            return self._open_to_all
        return isinstance(await self._caller(request), str)

    # --- what it answers

    async def _index(self, _: Request) -> Response:
        return answer_json(
            {
                "GET /metrics": "OpenMetrics for all clusters; ?cluster=NAME: for one",
                "GET /healthz": "whether the service is alive",
                "GET /readyz": "whether the store can be read and snapshots are recent enough; ?only=store: the store alone",
                "POST /discover": '{"cluster": NAME, "reason": TEXT}, with a token',
                "GET /discoveries/{id}": "what became of it; needs a token",
            }
        )

    async def _alive(self, _: Request) -> Response:
        return answer_json({"status": "alive"})

    async def _ready(self, request: Request) -> Response:
        told = await self._may_read(request)
        try:
            known = await anyio.to_thread.run_sync(self._scrape.look)
        except MeshError as error:
            problem = {"problems": [{"problem": sentence(error)}]} if told else {}
            return answer_json({"status": "not ready", **problem}, status=503)
        only = request.query.get("only", [])
        if only not in ([], ["store"]):
            raise BadRequestError(400, "`only` takes no other value than store")
        problems = [] if only else problems_of(known, self._bounds, now=self._now())
        if not problems:
            note = {"note": known.problem} if told and known.problem is not None else {}
            return answer_json({"status": "ready", **note})
        shown = {"problems": problems} if told else {"clusters": len(problems)}
        return answer_json({"status": "not ready", **shown}, status=503)

    async def _metrics(self, request: Request) -> Response:
        if not self._open_to_all:
            caller = await self._caller(request)
            if isinstance(caller, Response):
                return caller
        clusters = request.query.get("cluster", [])
        found = await anyio.to_thread.run_sync(lambda: self._scrape.answer(clusters))
        etag = f'W/"{found.etag}"'  # weak: the same text, compressed or not
        caching = {"ETag": etag, "Vary": "Accept, Accept-Encoding", "Cache-Control": "no-cache"}
        asked = [
            one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")
        ]
        if f'"{found.etag}"' in asked:
            return Response(status=304, headers=caching)
        kind = OPENMETRICS if "application/openmetrics-text" in request.headers.get("accept", "") else TEXT
        if _takes_gzip(request.headers.get("accept-encoding", "")):
            packed = {**caching, "Content-Encoding": "gzip"}
            return Response(body=found.compressed, content_type=kind, headers=packed)
        body = await anyio.to_thread.run_sync(unpacked, found)
        return Response(body=body, content_type=kind, headers=caching)

    async def _discover(self, request: Request) -> Response:
        caller = await self._caller(request)
        if isinstance(caller, Response):
            return caller
        wait = self._limit.wait_seconds(caller)
        if wait:
            return _too_many(wait)
        body = await request.body(most_bytes=MOST_BODY_BYTES)
        if body is None:
            raise BadRequestError(413, f"the body has more than {MOST_BODY_BYTES:,} bytes")
        found = await self._asking.ask(body, caller=caller, key=request.headers.get("idempotency-key"))
        for one in found:
            logger.info("%s asks for a discovery of %s: %s", caller, one["cluster"], one["id"])
        return answer_json({"discoveries": found}, status=202, Location=found[0]["follow"])

    async def _follow(self, request: Request) -> Response:
        caller = await self._caller(request)
        if isinstance(caller, Response):
            return caller
        found = await self._discoveries.find(request.path.removeprefix("/discoveries/"))
        if found is None:
            return refusal(
                404,
                "no discovery with that id is known; they are kept for as long as the estate's `retention.runs` says",
            )
        return answer_json(found.shown())


def _too_many(wait_seconds: float) -> Response:
    return refusal(
        429, "too many requests; wait, and see Retry-After", retry_after=str(int(wait_seconds) + 1)
    )


def _host(header: str) -> str:
    """Without its port: `[::1]:8000` → `::1`."""
    host = header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.lower().split(","):
        coding, _, weight = one.strip().partition(";")
        if coding.strip() in ("gzip", "*"):
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def loopback_names(host: str, allowed: tuple[str, ...]) -> frozenset[str]:
    """The names that a service at that address answers to; empty: any, since it requires a token."""
    if not is_loopback(host):
        return frozenset(map(_host, allowed))
    return frozenset({"127.0.0.1", "localhost", "::1", *map(_host, allowed)})
