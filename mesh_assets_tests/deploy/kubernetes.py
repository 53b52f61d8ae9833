"""Kubernetes' published schemas, from the package kubernetes-validate, and what they say about manifests."""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

# The oldest version that the chart supports and the newest in the package.
VERSIONS = ("1.25.0", "1.37.0")
# Where schemas look for types by name.
TYPES = "/api/_definitions.json"
# Other projects' kinds, which Kubernetes does not publish.
FOREIGN = frozenset({("monitoring.coreos.com/v1", "ServiceMonitor")})


def faults(manifests: Sequence[Mapping[str, Any]], *, version: str) -> list[str]:
    """What is wrong, a sentence each: fields that do not exist, values of the wrong type, kinds that the version lacks."""
    found = []
    for manifest in manifests:
        kind, api = manifest["kind"], manifest["apiVersion"]
        if (api, kind) in FOREIGN:
            continue
        name = f"{kind} {manifest['metadata']['name']}"
        validator = _validator(kind, api, version)
        if validator is None:
            found.append(f"{name}: Kubernetes {version} has no {kind} of {api}")
            continue
        found += [
            f"{name}: {error.json_path} {error.message[:300]}" for error in validator.iter_errors(manifest)
        ]
    return found


@cache
def definitions(version: str = VERSIONS[-1], *, strict: bool = True) -> Resource[Any]:
    """All types of a version by name, for schemas that refer to them. `strict`: unknown fields are faults."""
    path = _folder(version, strict=strict) / "_definitions.json"
    return Resource.from_contents(json.loads(path.read_bytes()), default_specification=DRAFT202012)


@cache
def _validator(kind: str, api: str, version: str) -> Draft202012Validator | None:
    # rbac.authorization.k8s.io/v1 is in role-rbac-v1.json
    short = re.sub(r"^([^./]+)[^/]*/", r"\1-", api)
    path = _folder(version, strict=True) / f"{kind.lower()}-{short}.json"
    if not path.is_file():
        return None
    registry: Registry[Any] = Registry().with_resource(TYPES, definitions(version))
    return Draft202012Validator(json.loads(path.read_bytes()), registry=registry)


def _folder(version: str, *, strict: bool) -> Path:
    package = find_spec("kubernetes_validate")
    assert package is not None, "kubernetes-validate is missing: `make check` and `make test` install it"
    assert package.origin is not None
    end = "-local-strict" if strict else "-local"
    return Path(package.origin).parent / "kubernetes-json-schema" / f"v{version}{end}"
