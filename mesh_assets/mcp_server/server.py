"""The server: tools in threads with a time limit, errors as one sentence, every request watched and every
call in the audit log."""

import functools
import importlib.metadata
import inspect
import logging
import time
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import anyio
import msgspec
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.types import CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic import ValidationError

from mesh_assets.answering.answers import Answer, shown
from mesh_assets.answering.calls import Call, in_thread, set_current_call
from mesh_assets.answering.known_estate import KnownEstate
from mesh_assets.errors import MeshError
from mesh_assets.mcp_server.brief_schemas import brief_schema
from mesh_assets.mcp_server.confirming import Asking, asking_first
from mesh_assets.mcp_server.settings import ServerSettings
from mesh_assets.mcp_server.watching import AuditLog, IdleWatch, Outcome

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])
Behaviour = Literal["reads_documents", "reads_systems", "changes", "destroys"]

_INSTRUCTIONS = """\
What the Kafka clusters of this estate hold: topics, connectors, schemas, consumer groups, metrics, changes, lineage and problems.
Begin with get_cluster_summary or list_problems; use find when you do not know a name; lists answer with names and key figures and
next_cursor, describe_* with the details of one thing. Answers come from the newest stored document (source=latest, `about` says how old
it is); source=live asks the systems now. A value that is missing in an answer is not known."""

_ANNOTATIONS: dict[Behaviour, ToolAnnotations] = {
    "reads_documents": ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
    ),
    "reads_systems": ToolAnnotations(
        read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
    ),
    "changes": ToolAnnotations(
        read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=True
    ),
    "destroys": ToolAnnotations(
        read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True
    ),
}
# Those that take a call's time; what else comes in is answered at once.
_CALLS = {"tools/call": "name", "resources/read": "uri", "prompts/get": "name", "completion/complete": "ref"}
_AUDITED = {"tools/call": "tool", "resources/read": "resource", "prompts/get": "prompt"}
# Discoveries, Flink and reading messages wait for others, and may take ten times as long as what answers from
# documents.
LONG = 10.0


class MeshServer(MCPServer[Any]):
    """An MCPServer whose tools are plain functions of the arguments: they run in threads, raise MeshError,
    and return answers."""

    def __init__(self, settings: ServerSettings, known: KnownEstate) -> None:
        super().__init__(
            "mesh-assets",
            title="Mesh Assets",
            version=importlib.metadata.version("mesh-assets"),
            instructions=_INSTRUCTIONS,
            log_level="WARNING",
            middleware=[self._watch],
        )
        self.mesh = settings
        self.known = known
        self.idle = IdleWatch(settings.idle_seconds)
        self._audit = AuditLog(settings.audit_log)
        self._call_seconds: dict[str, float] = {}
        self._functions: dict[str, Callable[..., Any]] = {}

    def answers(
        self, title: str, behaviour: Behaviour, *, times: float = 1.0, asking: Asking | None = None
    ) -> Callable[[F], F]:
        """Registers a function (or coroutine function) as the tool of its name. `times`: of the usual time it
        may take. `asking`: what the person at the client is asked about a plan that it answers with.
        """

        def register(function: F) -> F:
            self._functions[function.__name__] = function
            self._call_seconds[function.__name__] = self.mesh.call_seconds * times
            self.add_tool(_as_tool(function, asking), title=title, annotations=_ANNOTATIONS[behaviour])
            return function

        return register

    async def list_tools(self) -> list[Tool]:
        return [
            tool.model_copy(
                update={
                    "input_schema": brief_schema(tool.input_schema),
                    "output_schema": None if tool.output_schema is None else brief_schema(tool.output_schema),
                }
            )
            for tool in await super().list_tools()
        ]

    def answer_of(self, tool: str, **arguments: Any) -> Answer:
        """What that tool answers, outside of any call: for resources. Raises MeshError."""
        answer: Answer = self._functions[tool](**arguments)
        return answer

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> Any:
        seconds = self._call_seconds.get(name, self.mesh.call_seconds)
        call = Call(None if context is None else context.report_progress, seconds=seconds)
        set_current_call(call)
        try:
            self._check_names(name, arguments)
            with anyio.fail_after(seconds):
                return await super().call_tool(name, arguments, context)
        except TimeoutError as error:
            raise ToolError(
                f"{name} was stopped after {seconds:.0f} s without an answer; ask for less, "
                "or start the server with a larger --call-timeout"
            ) from error
        except UnexpectedToolError:
            raise
        except ToolError as error:
            raise ToolError(_sentence(name, error)) from None
        finally:
            call.stop()

    def _check_names(self, name: str, arguments: dict[str, Any]) -> None:
        """An argument that is not one would be ignored, and the answer would be to another question."""
        schema = self._tool_input_schema(name)
        unknown = (
            [] if schema is None else [key for key in arguments if key not in schema.get("properties", {})]
        )
        if schema is not None and unknown:
            takes = ", ".join(schema.get("properties", {})) or "none"
            raise ToolError(f"{name} has no argument {shown(unknown[0])}; it takes: {takes}")

    async def _watch(self, ctx: Any, call_next: Any) -> Any:
        """Every request and notification passes here."""
        self.idle.touch()
        if ctx.method not in _CALLS:
            return await call_next(ctx)
        started = time.monotonic()
        outcome: Outcome = "error"
        error: str | None = None
        result: Any = None
        with self.idle.call():
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
                    self._audit.write(
                        kind=_AUDITED[ctx.method],
                        name=str(parameters.get(_CALLS[ctx.method])),
                        arguments=arguments if isinstance(arguments, dict) else {},
                        outcome=outcome,
                        started=started,
                        error=error,
                        answer_bytes=len(msgspec.json.encode(result, enc_hook=str))
                        if result is not None
                        else None,
                        client=_client(ctx),
                    )


def build_server(settings: ServerSettings | None = None, *, known: KnownEstate | None = None) -> MeshServer:
    """The server with its tools. Nothing is read or contacted: estate, store and credentials are looked for
    when a tool needs them."""
    from mesh_assets.agent_tools.event_source_mappings import add_mappings
    from mesh_assets.agent_tools.mapping_proof import add_proof
    from mesh_assets.mcp_server.offers import add_completion, add_prompts, add_resources
    from mesh_assets.mcp_server.toolsets import add_discovery

    settings = settings or ServerSettings()
    server = MeshServer(settings, known or KnownEstate(estate=settings.estate, store=settings.store))
    if "discovery" in settings.toolsets:
        add_discovery(server)
    if "esm" in settings.toolsets:
        add_mappings(server)
        add_proof(server)
    add_resources(server)
    add_prompts(server)
    add_completion(server)
    return server


def _as_tool(function: Callable[..., Any], asking: Asking | None) -> Callable[..., Any]:
    """`function` as the SDK takes it: a coroutine function whose answer is compact JSON, once as text and
    once structured."""
    signature = inspect.signature(function)
    returns = Annotated[CallToolResult, signature.return_annotation]

    async def answering(**arguments: Any) -> Any:
        try:
            if inspect.iscoroutinefunction(function):
                return await function(**arguments)
            return await in_thread(functools.partial(function, **arguments))
        except MeshError as error:
            raise ToolError(str(error)) from error

    if asking is not None:
        answering, signature = asking_first(answering, signature, asking)

    async def tool(**arguments: Any) -> CallToolResult:
        answer = await answering(**arguments)
        return CallToolResult(
            content=[TextContent(type="text", text=answer.model_dump_json(exclude_none=True))],
            structured_content=answer.model_dump(mode="json", exclude_none=True),
        )

    tool.__name__ = function.__name__
    tool.__doc__ = inspect.cleandoc(function.__doc__ or "")
    tool.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]
    tool.__annotations__ = {
        **{name: parameter.annotation for name, parameter in signature.parameters.items()},
        "return": returns,
    }
    return tool


def _sentence(name: str, error: ToolError) -> str:
    """What the model reads: without the SDK's prefix, and wrong arguments each in a clause."""
    if not isinstance(error.__cause__, ValidationError):
        return str(error).removeprefix(f"Error executing tool {name}: ")
    clauses = []
    for detail in error.__cause__.errors(include_url=False, include_context=False)[:5]:
        value = detail.get("input")
        given = (
            f" (given {shown(value)})"
            if isinstance(value, str | int | float | bool) and not isinstance(value, bytes)
            else ""
        )
        where = ".".join(str(part) for part in detail["loc"]) or "arguments"
        clauses.append(f"{where}: {detail['msg'][0].lower()}{detail['msg'][1:]}{given}")
    return f"{name}: {'; '.join(clauses)}"


def _first_text(result: Any) -> str | None:
    content = result.get("content") if isinstance(result, dict) else None
    return next(
        (str(block.get("text")) for block in content or () if isinstance(block, dict) and "text" in block),
        None,
    )


def _client(ctx: Any) -> str | None:
    parameters = getattr(ctx.session, "client_params", None)
    info = getattr(parameters, "client_info", None)
    return None if info is None else f"{info.name} {info.version}".strip()
