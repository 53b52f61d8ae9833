"""Asking the person at the client whether a plan shall be carried out, where the client can ask."""

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, ElicitationResult, Resolve
from pydantic import BaseModel, Field

from mesh_assets.answering.answers import Answer

# Nobody agrees to what is not shown whole, and longer forms are cut by clients or not read.
_MOST_CHARACTERS = 8_000
Answering: TypeAlias = Callable[..., Coroutine[Any, Any, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """`text` must tell what the plan does, the same each time for the same plan: an answer to another text
    does not count."""

    plan_id: str
    text: str


Asking: TypeAlias = Callable[[Any], Question | None]
"""What to ask about an answer that shows a plan; None: there is nothing to carry out."""


class Consent(BaseModel):
    carry_out: bool = Field(description="Carry this plan out.")


@dataclass(frozen=True, slots=True)
class _Shown:
    answer: Answer
    question: Question | None


def asking_first(
    answering: Answering, signature: inspect.Signature, asking: Asking
) -> tuple[Answering, inspect.Signature]:
    """`answering`, which takes a `plan_id`, so that a call without one asks the person and carries out what
    was agreed to.

    A client that cannot ask gets the plan, as before. The person's yes is for the id that was shown: what has
    changed since is refused.
    """
    own = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in signature.parameters.values()
    ]

    async def show(mesh_context: Context[Any, Any], **arguments: Any) -> _Shown | None:
        if arguments.get("plan_id") is not None or not _can_ask(mesh_context):
            return None
        answer = await answering(**arguments)
        question = asking(answer)
        return _Shown(answer, None if question is None or len(question.text) > _MOST_CHARACTERS else question)

    _take(
        show,
        [
            inspect.Parameter("mesh_context", inspect.Parameter.KEYWORD_ONLY, annotation=Context[Any, Any]),
            *own,
        ],
    )

    async def ask(mesh_shown: Annotated[_Shown | None, Resolve(show)]) -> Consent | Elicit[Consent]:
        if mesh_shown is None or mesh_shown.question is None:
            return Consent(carry_out=False)
        return Elicit(mesh_shown.question.text, Consent)

    async def asked(
        mesh_shown: _Shown | None, mesh_consent: ElicitationResult[Consent], **arguments: Any
    ) -> Answer:
        if mesh_shown is None:
            answer: Answer = await answering(**arguments)
            return answer
        if mesh_shown.question is None:
            return mesh_shown.answer
        if isinstance(mesh_consent, AcceptedElicitation) and mesh_consent.data.carry_out:
            done: Answer = await answering(**{**arguments, "plan_id": mesh_shown.question.plan_id})
            return done
        return mesh_shown.answer.model_copy(
            update={"next": "the person at the client did not agree; nothing was done"}
        )

    injected = [
        inspect.Parameter(
            "mesh_shown", inspect.Parameter.KEYWORD_ONLY, annotation=Annotated[_Shown | None, Resolve(show)]
        ),
        inspect.Parameter(
            "mesh_consent",
            inspect.Parameter.KEYWORD_ONLY,
            annotation=Annotated[ElicitationResult[Consent], Resolve(ask)],
        ),
    ]
    return asked, signature.replace(parameters=[*own, *injected])


def _can_ask(context: Context[Any, Any]) -> bool:
    """A form can be shown: the client says so, and there is a way to it during the call (none on HTTP without
    a stream, before 2026)."""
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    return context.session.can_send_request or (context.protocol_version or "") >= "2026-07-28"


def _take(function: Any, parameters: list[inspect.Parameter]) -> None:
    """Says that `function` takes these, for the SDK, which reads signatures."""
    function.__signature__ = inspect.Signature(parameters)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
