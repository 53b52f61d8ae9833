"""What a tool is, independent of any protocol: a function, and a row in a toolset's table that says how it
behaves."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mesh_assets.errors import MeshError

Behaviour = Literal["reads_documents", "reads_systems", "changes", "destroys"]
# Discoveries, Flink and messages wait for other systems: ten times what an answer from documents may take.
LONG = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What to ask a person about a plan. The same plan must give the same `text`: a yes to a different text
    does not count."""

    plan_id: str
    text: str


class ChoiceNeededError(MeshError):
    """The call can mean several things. A person who can be asked chooses among `options`: each has the
    arguments that it changes. Anybody else reads the message.
    """

    def __init__(self, message: str, *, question: str, options: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.question = question
        self.options = options


@dataclass(frozen=True, slots=True)
class AgentTool:
    """A row in a toolset's table. The tool's name, description and arguments are those of `function`.

    The function's positional-only parameters come from the server, by name: `known` (KnownEstate),
    `may_write` (bool) and `open_service` (OpenService). The others are the client's arguments; one annotated
    with a pydantic model stands for the fields of that model.

    `behaviour_read_only`: what it does when the server may not write; None: the same. `times`: how many times
    the usual time limit a call may take. `question`: what to ask the person at the client about an answer
    that shows a plan, when the server may write; it returns None when there is nothing to carry out.
    `unlisted`: arguments that are accepted, but mean nothing to whoever chooses arguments here.
    """

    function: Callable[..., Any]
    title: str
    behaviour: Behaviour
    behaviour_read_only: Behaviour | None = None
    times: float = 1.0
    question: Callable[[Any], Question | None] | None = None
    unlisted: frozenset[str] = frozenset()
