"""IAM policies as statements, and how one extends another."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

VERSION = "2012-10-17"


class Statement(Struct, frozen=True, kw_only=True):
    """Allows these actions on these resources. `sid` is unique in its policy and names the purpose."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return {
            "Sid": self.sid,
            "Effect": "Allow",
            "Action": list(self.actions),
            "Resource": list(self.resources),
        }


class PolicyChange(Struct, frozen=True, kw_only=True):
    """One inline policy of a role, before and after. `before` None: it does not exist yet."""

    role_name: str
    policy_name: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]

    def lines(self) -> list[str]:
        """The change as a diff: `+` for an added line, a blank for a kept one. Nothing is ever removed."""
        had = {_key(statement) for statement in statements_of(self.before)}
        return [
            f"{' ' if _key(statement) in had else '+'} Allow {', '.join(as_list(statement.get('Action')))}"
            f" on {', '.join(as_list(statement.get('Resource')))}"
            for statement in statements_of(self.after)
        ]


def document_of(statements: Iterable[Statement]) -> dict[str, Any]:
    """The policy document with these statements."""
    return {"Version": VERSION, "Statement": [statement.document() for statement in statements]}


def document_text(statements: Iterable[Statement]) -> str:
    """The policy as JSON for people."""
    return json.dumps(document_of(statements), indent=2)


def extended(before: Mapping[str, Any] | None, missing: Iterable[Statement]) -> dict[str, Any]:
    """`before` with the missing statements added. A statement whose Sid is already taken gets a number."""
    kept = statements_of(before)
    taken = {str(statement.get("Sid")) for statement in kept}
    added = []
    for statement in missing:
        sid, number = statement.sid, 2
        while sid in taken:
            sid, number = f"{statement.sid}{number}", number + 1
        taken.add(sid)
        added.append({**statement.document(), "Sid": sid})
    return {"Version": (before or {}).get("Version", VERSION), "Statement": [*kept, *added]}


def statements_of(document: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The statements of a policy: a list, or a single one."""
    found = (document or {}).get("Statement", [])
    return [found] if isinstance(found, Mapping) else list(found)


def as_list(value: Any) -> list[str]:
    """Action or Resource as a list: both may be a single text."""
    return [] if value is None else [value] if isinstance(value, str) else list(value)


def _key(statement: Mapping[str, Any]) -> str:
    return json.dumps(statement, sort_keys=True)
