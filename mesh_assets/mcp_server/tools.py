"""Makes the protocol's tools from the rows of a toolset, and asks the person at the client."""

import functools
import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from types import UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, Resolve
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resolve import build_resolver_plans, resolve_arguments
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase, FuncMetadata
from mcp.types import CallToolResult, InputRequiredResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field, create_model

from mesh_assets.agent_tools.tool import AgentTool, Behaviour, ChoiceNeededError, Question
from mesh_assets.answering.answers import Answer, in_thread
from mesh_assets.errors import MeshError
from mesh_assets.esm.request import read_request
from mesh_assets.esm.request_fields import EsmModel, fields_of
from mesh_assets.inventory.wording import readable

# Asking the person at the client whether to carry out a plan, if the client can ask.

# Nobody can agree to what is not shown in full, and clients cut longer forms, or people do not read them.
_MOST_CHARACTERS = 8_000


# From this version on, a question ends the call, and the client calls again with the answers so far.
_ASKS_BY_RESULT = "2026-07-28"
Asked = TypeVar("Asked", bound=BaseModel)


class Consent(BaseModel):
    carry_out: bool = Field(description="Carry out this plan.")


class Person:
    """The person at the client, as far as one call can ask them."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._asked: dict[str, tuple[Resolve, bool]] = {}

    def can_be_asked(self, text: str) -> bool:
        """Whether the client can show the whole question: it says so, and it can be reached during the call
        (before 2026, not over HTTP without a stream).
        """
        capabilities = self._context.client_capabilities
        elicitation = capabilities.elicitation if capabilities is not None else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            return False
        reachable = self._context.session.can_send_request or self._by_result
        return reachable and len(text) <= _MOST_CHARACTERS

    async def agrees(self, question: Question) -> bool | InputRequiredResult:
        """Whether the person agrees. An InputRequiredResult must be returned as the call's result.

        The SDK accepts a yes only for the text that was shown, so a plan that has changed since needs a new
        question.
        """
        consent = await self._ask(question.text, Consent)
        return consent if isinstance(consent, InputRequiredResult) else bool(consent and consent.carry_out)

    async def chooses(self, choice: ChoiceNeededError) -> str | InputRequiredResult | None:
        """The option that the person chooses; None: none of them. For an InputRequiredResult, see
        `agrees`."""
        options: Any = Literal[tuple(choice.options)]
        form: Any = create_model("Choice", choice=(options, Field(description="Which one is meant.")))
        chosen = await self._ask(choice.question, form)
        return chosen if chosen is None or isinstance(chosen, InputRequiredResult) else str(chosen.choice)

    @property
    def _by_result(self) -> bool:
        return (self._context.protocol_version or "") >= _ASKS_BY_RESULT

    async def _ask(self, text: str, form: type[Asked]) -> Asked | InputRequiredResult | None:
        """What the person fills in; None where they decline.

        Everything that the call asked before is asked again with it: the SDK passes on only the answers to
        questions asked together.
        """

        async def ask() -> Elicit[Asked]:
            return Elicit(readable(text), form)

        name = f"question {len(self._asked) + 1}"
        asked = {**self._asked, name: (Resolve(ask), True)}
        answered = await resolve_arguments(asked, build_resolver_plans(asked, set()), {}, self._context)
        if isinstance(answered, InputRequiredResult):
            return answered
        if self._by_result:
            self._asked = asked
        outcome = answered[name]
        return outcome.data if isinstance(outcome, AcceptedElicitation) else None


# The protocol's tools, made from the rows of a toolset: their schemas, and how a call reaches the row's
# function.

_ENTRIES = ("additionalProperties", "items")
_NAMED = ("properties", "$defs")
"""Their keys are names, not keywords."""
_DEFINED = "#/$defs/"
_TELLING = frozenset({"properties", "items", "additionalProperties"})
"""A reader of these knows the type."""


def _hints(*, read_only: bool = False, destructive: bool = False) -> ToolAnnotations:
    """Always open-world: documents also hold what others wrote, and clients use this hint to judge how far to
    trust an answer. The destructive hint means something only for tools that change something."""
    return ToolAnnotations(
        read_only_hint=read_only, destructive_hint=None if read_only else destructive, open_world_hint=True
    )


_ANNOTATIONS: dict[Behaviour, ToolAnnotations] = {
    "reads_documents": _hints(read_only=True),
    "reads_systems": _hints(read_only=True),
    "changes": _hints(),
    "destroys": _hints(destructive=True),
}


def make_tool(row: AgentTool, supplied: Mapping[str, Any], *, may_write: bool) -> Tool:
    """The row as a tool of the SDK. `supplied`: what the server passes, by positional-only parameter."""
    bound = BoundTool(row, supplied, may_write=may_write)
    behaviour = row.behaviour if may_write else row.behaviour_read_only or row.behaviour
    metadata, parameters = _described(row.function, row.unlisted)
    return Tool(
        fn=bound.call,
        name=row.function.__name__,
        title=row.title,
        description=inspect.cleandoc(row.function.__doc__ or ""),
        parameters=parameters,
        fn_metadata=metadata,
        is_async=True,
        context_kwarg="mesh_context",
        annotations=_ANNOTATIONS[behaviour],
    )


class _Metadata(FuncMetadata):
    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        """The SDK reads text as JSON unless an argument's type is exactly `str`: where it could be left out, a pattern
        `null` filtered nothing, and a key `{"id": 1}` was refused (findings/mcp-text-arguments.sh)."""
        fields = self.arg_model.model_fields
        texts = {
            name: value
            for name, value in data.items()
            if isinstance(value, str) and name in fields and _may_be_text(fields[name].annotation)
        }
        return {**super().pre_parse_json(data), **texts}


def _may_be_text(annotation: Any) -> bool:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _may_be_text(arguments[0])
    return annotation is str or (origin in (Union, UnionType) and any(map(_may_be_text, arguments)))


@functools.cache
def _described(function: Callable[..., Any], unlisted: frozenset[str]) -> tuple[FuncMetadata, dict[str, Any]]:
    """What the SDK validates calls and answers with, and the schema of the arguments, minus the unlisted ones
    and those accepted only to say why they are refused. Every server of the process shares it, since it costs
    pydantic 10 ms for each function."""
    signature = inspect.signature(function)
    metadata = _Metadata(arg_model=_argument_model(function), output_model=signature.return_annotation)
    metadata.output_schema = inlined(brief_schema(metadata.output_schema or {}, of_answer=True))
    schema = inlined(brief_schema(metadata.arg_model.model_json_schema()))
    for name in unlisted | _refused(function):
        del schema["properties"][name]
    return metadata, schema


def _refused(function: Callable[..., Any]) -> frozenset[str]:
    models = [one.annotation for one in inspect.signature(function).parameters.values() if _is_request(one)]
    return frozenset(field.name for model in models for field in fields_of(model) if field.refused)


def _argument_model(function: Callable[..., Any]) -> type[ArgModelBase]:
    """The client's arguments; a request is replaced by its fields."""
    fields: dict[str, Any] = {}
    for one in inspect.signature(function).parameters.values():
        if one.kind is inspect.Parameter.POSITIONAL_ONLY:
            continue  # the server supplies it
        if _is_request(one):
            fields |= _fields_of(one.annotation)
        else:
            fields[one.name] = (
                one.annotation,
                ... if one.default is inspect.Parameter.empty else one.default,
            )
    return create_model(f"{function.__name__}Arguments", __base__=ArgModelBase, **fields)


class BoundTool:
    """A row's function with what the server supplies to it: called with the client's arguments, it returns
    the call's result."""

    def __init__(self, row: AgentTool, supplied: Mapping[str, Any], *, may_write: bool) -> None:
        parameters = inspect.signature(row.function).parameters.values()
        positional = [one for one in parameters if one.kind is inspect.Parameter.POSITIONAL_ONLY]
        self._function = functools.partial(row.function, *(supplied[one.name] for one in positional))
        self._parameters = [one for one in parameters if one not in positional]
        self._question = row.question if may_write else None

    async def call(
        self, mesh_context: Context[Any, Any], **arguments: Any
    ) -> CallToolResult | InputRequiredResult:
        """The answer as compact JSON, once as text and once structured. If the client can ask the person, it
        asks what is meant where a call is ambiguous and, without a `plan_id`, whether to carry out the plan:
        a yes holds for the plan shown, and a plan that has changed since is refused.

        Raises ToolError for any MeshError.
        """
        person = Person(mesh_context)
        arguments, answer = await self._chosen(person, arguments)
        if isinstance(answer, InputRequiredResult):
            return answer
        question = None
        if self._question is not None and arguments["plan_id"] is None:
            question = self._question(answer)
        if question is not None and person.can_be_asked(question.text):
            agreed = await person.agrees(question)
            if isinstance(agreed, InputRequiredResult):
                return agreed
            if agreed:
                answer = await self._answer({**arguments, "plan_id": question.plan_id})
            else:
                refused = {"next": "the person at the client did not agree; nothing was done"}
                answer = answer.model_copy(update=refused)
        return CallToolResult(
            content=[TextContent(type="text", text=answer.model_dump_json(exclude_none=True))],
            structured_content=answer.model_dump(mode="json", exclude_none=True),
        )

    async def _chosen(
        self, person: Person, arguments: dict[str, Any]
    ) -> tuple[dict[str, Any], Answer | InputRequiredResult]:
        """The arguments and the answer to them, once the person has chosen wherever a call could mean several
        things."""
        try:
            return arguments, await self._answer(arguments)
        except ToolError as error:
            choice = error.__cause__
            if not isinstance(choice, ChoiceNeededError) or not person.can_be_asked(choice.question):
                raise
            chosen = await person.chooses(choice)
            if isinstance(chosen, InputRequiredResult):
                return arguments, chosen
            if chosen is None:
                raise
        return await self._chosen(person, {**arguments, **choice.options[chosen]})

    async def _answer(self, arguments: Mapping[str, Any]) -> Answer:
        try:
            work = functools.partial(self._function, **self._passed(arguments))
            answer: Answer = await (
                work() if inspect.iscoroutinefunction(self._function.func) else in_thread(work)
            )
            return answer
        except MeshError as error:
            raise ToolError(str(error)) from error

    def _passed(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """The function's own arguments; a request is put together from those that were given."""
        passed: dict[str, Any] = {}
        for one in self._parameters:
            if _is_request(one):
                fields = {name: arguments[name] for name in one.annotation.model_fields}
                given = {name: value for name, value in fields.items() if value is not None}
                passed[one.name] = read_request(one.annotation, given)
            else:
                passed[one.name] = arguments[one.name]
        return passed


def brief_schema(
    schema: dict[str, Any], *, of_answer: bool = False, within: bool = False, entry: bool = False
) -> dict[str, Any]:
    """A JSON schema without the parts that carry no information, since an agent reads the schemas of all
    tools before it asks anything.

    It drops the titles that pydantic derives from names, and null: an argument can be left out instead, and
    answers leave out what is unknown. It also drops the type of an enumeration. Otherwise it accepts the same
    values; it only omits that an answer holds nothing else, that a part with properties is an object and that
    one with items is a list, because the models of answers ensure this. `within`: this is such a part.
    `entry`: of a list or a map, where null stays, since an entry cannot be left out.
    """
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key == "title" or (key == "default" and value is None):
            continue
        if key == "type" and ("enum" in schema or (of_answer and within and schema.keys() & _TELLING)):
            continue
        if key == "additionalProperties" and (value is True or (value is False and of_answer)):
            continue
        if key in _NAMED and isinstance(value, dict):
            found[key] = {
                name: brief_schema(one, of_answer=of_answer, within=True) for name, one in value.items()
            }
        elif key == "anyOf":
            kept = [
                brief_schema(one, of_answer=of_answer, within=True)
                for one in value
                if entry or one != {"type": "null"}
            ]
            if all(one.keys() == {"type"} for one in kept):
                types = [one["type"] for one in kept]
                kept = [{"type": types[0] if len(types) == 1 else types}]
            found.update(kept[0] if len(kept) == 1 else {"anyOf": kept})
        elif key == "description":
            found[key] = " ".join(value.split())
        elif isinstance(value, dict) and key not in ("default", "const"):
            found[key] = brief_schema(value, of_answer=of_answer, within=True, entry=key in _ENTRIES)
        else:
            found[key] = value
    return found


def inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with each definition moved to the one place that refers to it, if only one does and adds
    nothing to it."""
    places = Counter(_references(schema))
    definitions = schema.get("$defs", {})

    def put(value: Any) -> Any:
        if isinstance(value, list):
            return [put(one) for one in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref", "")
        name = reference.removeprefix(_DEFINED)
        if len(value) == 1 and places[reference] == 1 and reference not in _references(definitions[name]):
            used.add(name)
            return put(definitions[name])
        return {key: put(one) for key, one in value.items() if key != "$defs"}

    used: set[str] = set()
    found: dict[str, Any] = put(schema)
    kept = {name: put(one) for name, one in definitions.items() if name not in used}
    kept = {name: one for name, one in kept.items() if name not in used}
    return {"$defs": kept, **found} if kept else found


def _references(value: Any) -> Iterator[str]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in parts:
        yield from _references(one)
    if isinstance(value, dict) and "$ref" in value:
        yield value["$ref"]


def _is_request(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.annotation, type) and issubclass(parameter.annotation, EsmModel)


def _fields_of(model: type[EsmModel]) -> dict[str, Any]:
    return {
        name: (
            Annotated[field.rebuild_annotation(), Field(description=field.description)],
            ... if field.is_required() else field.default,
        )
        for name, field in model.model_fields.items()
    }
