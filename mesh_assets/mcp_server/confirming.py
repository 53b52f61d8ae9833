"""Asking the person at the client whether to carry out a plan, where the client can ask."""

from typing import Any

from mcp.server.mcpserver import AcceptedElicitation, Context, Elicit, Resolve
from mcp.server.mcpserver.resolve import build_resolver_plans, resolve_arguments
from mcp.types import InputRequiredResult
from pydantic import BaseModel, Field

from mesh_assets.agent_tools.tool import Question

# Nobody agrees to what is not shown in full, and longer forms are cut by clients or not read.
_MOST_CHARACTERS = 8_000


class Consent(BaseModel):
    carry_out: bool = Field(description="Carry out this plan.")


def can_ask(context: Context[Any, Any], question: Question) -> bool:
    """Whether the client can show the whole question: it says so, and it can be reached during the call
    (before 2026 not over HTTP without a stream).
    """
    capabilities = context.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    if elicitation is None or (elicitation.form is None and elicitation.url is not None):
        return False
    reachable = context.session.can_send_request or (context.protocol_version or "") >= "2026-07-28"
    return reachable and len(question.text) <= _MOST_CHARACTERS


async def ask_person(context: Context[Any, Any], question: Question) -> bool | InputRequiredResult:
    """Whether the person agrees. An InputRequiredResult must be returned as the call's result: the client
    asks and calls again.

    The SDK takes a yes only for the text that was shown, so a plan that has changed since is asked about
    again.
    """

    async def ask() -> Consent | Elicit[Consent]:
        return Elicit(question.text, Consent)

    asked = {"consent": (Resolve(ask), True)}
    answered = await resolve_arguments(asked, build_resolver_plans(asked, set()), {}, context)
    if isinstance(answered, InputRequiredResult):
        return answered
    consent = answered["consent"]
    return isinstance(consent, AcceptedElicitation) and consent.data.carry_out
