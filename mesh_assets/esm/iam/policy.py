"""IAM policies: their statements, what these cover, and how large a policy is."""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

VERSION = "2012-10-17"
LARGEST_INLINE_CHARACTERS = 10_240
"""IAM's limit for all inline policies of a role together. It does not count white space."""


class Statement(Struct, frozen=True, kw_only=True):
    """Allows these actions on these resources, under the condition if there is one.

    `sid` is unique in its policy and names the purpose.
    """

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, list[str]]] | None = None

    def document(self) -> dict[str, Any]:
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
            **({} if self.condition is None else {"Condition": self.condition}),
        }


class PolicyChange(Struct, frozen=True, kw_only=True):
    """An inline policy that the role gets. No other policy of the role is touched.

    Its name is derived from its document, so anyone writing a policy of this name writes the same one: two who extend
    a role at once cannot overwrite each other.
    """

    role_name: str
    policy_name: str
    document: Mapping[str, Any]

    def lines(self) -> list[str]:
        """The change as a diff. Nothing is ever removed."""
        return [
            f"+ Allow {', '.join(as_list(statement.get('Action')))} on {', '.join(as_list(statement.get('Resource')))}"
            + (f" if {json.dumps(statement['Condition'])}" if "Condition" in statement else "")
            for statement in statements_of(self.document)
        ]


def document_of(statements: Iterable[Statement]) -> dict[str, Any]:
    """The policy document with these statements."""
    return {"Version": VERSION, "Statement": [statement.document() for statement in statements]}


def document_text(statements: Iterable[Statement]) -> str:
    """The policy as JSON for people."""
    return json.dumps(document_of(statements), indent=2)


def characters(document: Mapping[str, Any]) -> int:
    """How much of IAM's limit the policy takes."""
    return len(json.dumps(document, separators=(",", ":")))


def statements_of(document: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The statements of a policy: a list, or a single one."""
    found = (document or {}).get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def as_list(value: Any) -> list[str]:
    """Action or Resource as a list: both may be a single text."""
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    """Whether the statement is about the action on the whole resource, whatever its condition."""
    if "NotAction" in statement:
        acts = not _fits(statement["NotAction"], action, ignoring_case=True)
    else:
        acts = _fits(statement.get("Action"), action, ignoring_case=True)
    if "NotResource" in statement:
        return acts and not _fits(statement["NotResource"], resource)
    return acts and _fits(statement.get("Resource"), resource)


def _fits(patterns: Any, text: str, *, ignoring_case: bool = False) -> bool:
    return any(_pattern(p, ignoring_case=ignoring_case).fullmatch(text) for p in as_list(patterns))


@cache
def _pattern(text: str, *, ignoring_case: bool = False) -> re.Pattern[str]:
    """IAM's wildcards: `*` for any text, `?` for one character; a variable for either of them means itself."""
    parts = re.findall(r"\$\{[*?$]\}|.", text, re.DOTALL)
    pattern = "".join(".*" if p == "*" else "." if p == "?" else re.escape(p) for p in parts)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL if ignoring_case else re.DOTALL)
