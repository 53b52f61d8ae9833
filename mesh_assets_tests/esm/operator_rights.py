"""The actions of AWS that each command of `mesh-assets esm` needs, collected from the code it can reach.

A call names its action as a text (`"iam:GetRole"`), a planned one its service and operation. The code is followed from a
command's function by the names it uses. `python -m mesh_assets_tests.esm.operator_rights` rewrites the table in docs/esm.md.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mesh_assets
from mesh_assets.cli import esm as group

ROOT = Path(mesh_assets.__file__).parent
PAGE = ROOT.parent / "docs" / "esm.md"
FOLLOWED = ("mesh_assets.esm", "mesh_assets.mapping_commands", "mesh_assets.defs.esm.asset")
ASSET = ("mesh_assets.defs.esm.asset", "mappings_asset")
# What a name in the code stands for, where only its type says so.
OBJECTS = {
    "service": ("mesh_assets.esm.service", "MappingService"),
    "account": ("mesh_assets.esm.aws_account", "AwsAccount"),
}
# Code reached only where a call with that prefix is planned.
ONLY_FOR = {
    ("mesh_assets.esm.applying", "_create_role"): "iam:CreateRole",
    ("mesh_assets.esm.applying", "_change_mapping"): "lambda:",
}
GRANTS = "mesh_assets.esm.iam.least_privilege"
"""Where actions are rights of the function's role, not of the operator."""

# Without sts:AssumeRole: in a trust policy it is Lambda's.
_ACTION = re.compile(
    r"(?!sts:AssumeRole$)(sts|iam|lambda|kafka|secretsmanager|kms|sqs|sns|s3|cloudwatch|glue):[A-Z]\w+"
)
_MARK = "<!-- operator's rights: python -m mesh_assets_tests.esm.operator_rights -->\n"

# What AWS requires of the caller indirectly, without a call of ours that names it.
ON_BEHALF = {
    # Secrets Manager decrypts as the caller, where a customer key encrypts the secret.
    "secretsmanager:GetSecretValue": ("kms:Decrypt",),
    # Lambda lists the connections of another account's cluster with the rights of the mapping's creator. Tags at creation need
    # the right to tag: https://docs.aws.amazon.com/lambda/latest/dg/tags-esm.html. Filters under a customer's key are
    # encrypted and shown as the caller:
    # https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html#filter-criteria-encryption
    "lambda:CreateEventSourceMapping": (
        "kafka:ListVpcConnections",
        "kms:GenerateDataKey",
        "lambda:TagResource",
    ),
    "lambda:DeleteEventSourceMapping": ("kms:Decrypt",),
    "lambda:GetEventSourceMapping": ("kms:Decrypt",),
    "lambda:UpdateEventSourceMapping": ("kms:Decrypt", "kms:GenerateDataKey"),
}
# For MSK, where the command logs in to the brokers by IAM: MSK's names for what the code asks of Kafka.
_DESCRIBES = tuple(
    f"kafka-cluster:{what}" for what in ("Connect", "DescribeCluster", "DescribeGroup", "DescribeTopic")
)
BY_IAM = {
    "connection": _DESCRIBES,
    "produce": (*_DESCRIBES, "kafka-cluster:WriteData", "kafka-cluster:WriteDataIdempotently"),
    "validate": (*_DESCRIBES, "kafka-cluster:WriteData", "kafka-cluster:WriteDataIdempotently"),
}

Place = tuple[str, str]
"""A module and a name in it: `f`, `C.method`."""


@dataclass(frozen=True)
class Rights:
    """`applied`: what only `--apply` needs."""

    read: frozenset[str]
    applied: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        return self.read | self.applied


@cache
def rights_by_command() -> dict[str, Rights]:
    """The rights of every command, and of the Dagster asset."""
    found = {
        f"esm {name}": _rights((module, function), BY_IAM.get(name, ()))
        for name, (module, function, _) in group._COMMANDS.items()
    }
    return {**found, "asset": _rights(ASSET, ())}


def actions_in_the_code() -> set[str]:
    """Every action that any function of `mesh_assets.esm` names, reachable or not."""
    return {
        action
        for module in _modules()
        if module.startswith("mesh_assets.esm") and module != GRANTS
        for node in _definitions(module).values()
        for action in (*_called(node), *_planned(node))
    }


def _rights(place: Place, by_iam: tuple[str, ...]) -> Rights:
    places = _reachable(place, frozenset(ONLY_FOR))
    applied = {action for module, name in places for action in _planned(_definitions(module)[name])}
    useless = {p for p, start in ONLY_FOR.items() if not any(a.startswith(start) for a in applied)}
    places = _reachable(place, frozenset(useless))
    read = {
        action
        for module, name in places
        if module != GRANTS
        for action in _called(_definitions(module)[name])
    } | {"sts:GetCallerIdentity", *by_iam}
    for actions in (read, applied):
        actions |= {other for action in actions & ON_BEHALF.keys() for other in ON_BEHALF[action]}
    return Rights(frozenset(read), frozenset(applied - read))


def _called(node: ast.AST) -> Iterator[str]:
    """Except for values of a module: those are documents of AWS policies."""
    for part in ast.walk(node) if isinstance(node, ast.FunctionDef) else ():
        if isinstance(part, ast.Constant) and _ACTION.fullmatch(str(part.value)):
            yield str(part.value)


def _planned(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and getattr(part.func, "id", "") == "PlannedCall":
            told = {k.arg: k.value.value for k in part.keywords if isinstance(k.value, ast.Constant)}
            if "operation" in told:
                yield f"{told['service']!s}:{told['operation']!s}"


def _reachable(place: Place, without: frozenset[Place]) -> set[Place]:
    found: set[Place] = set()
    waiting = [place]
    while waiting:
        here = waiting.pop()
        if here not in found and here not in without:
            found.add(here)
            waiting += _used(here)
    return found


@cache
def _used(place: Place) -> frozenset[Place]:
    """What the code at that place uses, by name or as an attribute of an object whose type is known."""
    return frozenset(_uses(*place))


def _uses(module: str, name: str) -> Iterator[Place]:
    owner = name.partition(".")[0] if "." in name else None
    for part in ast.walk(_definitions(module)[name]):
        if isinstance(part, ast.Name):
            yield from _resolved(module, part.id)
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            of = (module, owner) if part.value.id == "self" and owner else OBJECTS.get(part.value.id)
            if of is not None:
                yield from _member(of, part.attr)
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Attribute):
            if part.value.attr in OBJECTS:
                yield from _member(OBJECTS[part.value.attr], part.attr)
        elif isinstance(part, ast.Attribute) and _calls(part.value, "mapping_service"):
            yield from _member(OBJECTS["service"], part.attr)


def _calls(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == name


def _member(of: Place, attribute: str) -> Iterator[Place]:
    """A method, or what `__init__` makes the attribute from."""
    module, owner = of
    definitions = _definitions(module)
    if f"{owner}.{attribute}" in definitions:
        yield module, f"{owner}.{attribute}"


def _resolved(module: str, name: str) -> Iterator[Place]:
    """Where the name is defined, through the imports of packages."""
    if name in _definitions(module):
        yield module, name
    elif (origin := _imports(module).get(name)) is not None and origin[0] in _modules():
        yield from _resolved(*origin)


@cache
def _modules() -> dict[str, Path]:
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = ("mesh_assets", *path.relative_to(ROOT).with_suffix("").parts)
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name.startswith(FOLLOWED):
            found[name] = path
    return found


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(_modules()[module].read_text(encoding="utf-8"))


@cache
def _imports(module: str) -> dict[str, Place]:
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and node.module is not None
        for alias in node.names
    }


@cache
def _definitions(module: str) -> dict[str, ast.AST]:
    """Functions, methods, attributes that `__init__` sets, and values of the module."""
    found: dict[str, ast.AST] = {}
    for node in _tree(module).body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.ClassDef):
            for member in node.body:
                if isinstance(member, ast.FunctionDef):
                    found[f"{node.name}.{member.name}"] = member
                    if member.name == "__init__":
                        found |= {f"{node.name}.{name}": value for name, value in _set(member)}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {target.id: node.value for target in targets if isinstance(target, ast.Name)}
    return found


def _set(init: ast.FunctionDef) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(init):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and getattr(target.value, "id", "") == "self":
                    yield target.attr, node.value


def table() -> str:
    """The table of docs/esm.md: a row for each action."""
    rights = rights_by_command()
    actions = sorted(set().union(*(one.all for one in rights.values())))
    names = [name.removeprefix("esm ") for name in rights]
    lines = [f"| Action | {' | '.join(names)} |", f"|---|{':-:|' * len(names)}"]
    for action in actions:
        cells = ("x" if action in r.read else "apply" if action in r.applied else "" for r in rights.values())
        lines.append(f"| `{action}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def with_table(page: str) -> str:
    """The page with the table between its marks."""
    before, _, rest = page.partition(_MARK)
    _, _, after = rest.partition(_MARK)
    return f"{before}{_MARK}{table()}{_MARK}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
