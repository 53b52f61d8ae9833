"""The schema registry that decodes and checks records before the function sees them."""

from collections import Counter
from collections.abc import Iterator

from mesh_assets.esm.arns import arn_in
from mesh_assets.esm.fields import SchemaRegistry
from mesh_assets.esm.findings import Finding, fault, warning
from mesh_assets.esm.validation.secret_uris import secret_findings
from mesh_assets.esm.validation.subject import Subject

EVENT_FORMATS = ("JSON", "SOURCE")
ATTRIBUTES = ("KEY", "VALUE")
ACCESS_TYPES = ("BASIC_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH")


def registry_findings(subject: Subject) -> Iterator[Finding]:
    registry = subject.request.schema_registry
    if registry is None:
        return
    if not subject.provisioned:
        yield fault(
            "schema_registry",
            registry.uri,
            "works in provisioned mode only",
            "set provisioned_mode (or min_pollers), or leave it out",
        )
    if registry.event_record_format not in EVENT_FORMATS:
        yield fault(
            "schema_registry.event_record_format",
            registry.event_record_format,
            f"is none of {', '.join(EVENT_FORMATS)}",
            "choose one of them",
        )
    for attribute, times in Counter(registry.validate_attributes).items():
        if attribute not in ATTRIBUTES:
            yield fault(
                "schema_registry.validate_attributes",
                attribute,
                f"is none of {', '.join(ATTRIBUTES)}",
                "choose among them",
            )
        elif times > 1:
            yield fault(
                "schema_registry.validate_attributes",
                attribute,
                f"stands there {times} times",
                "name it once",
            )
    yield from _kind(registry)


def _kind(registry: SchemaRegistry) -> Iterator[Finding]:
    if registry.uri.startswith("https://"):
        if not registry.access_configurations:
            yield warning(
                "schema_registry.access_configurations",
                None,
                "none is given: Confluent's registry asks for credentials",
                "name its secret",
            )
        for number, access in enumerate(registry.access_configurations):
            field = f"schema_registry.access_configurations[{number}]"
            if access.type not in ACCESS_TYPES:
                yield fault(
                    f"{field}.type",
                    access.type,
                    f"is none of {', '.join(ACCESS_TYPES)}",
                    "choose one of them",
                )
            else:
                yield from secret_findings(f"{field}.uri", access.uri)
        return
    arn = arn_in(registry.uri)
    if (
        arn is None
        or arn.service != "glue"
        or not arn.resource.startswith("registry/")
        or arn.resource == "registry/"
    ):
        yield fault(
            "schema_registry.uri",
            registry.uri,
            "is neither a Glue registry's ARN (arn:aws:glue:REGION:ACCOUNT:registry/NAME) nor an https:// address",
            "give one of these",
        )
    elif registry.access_configurations:
        yield fault(
            "schema_registry.access_configurations",
            ", ".join(access.type for access in registry.access_configurations),
            "a Glue registry takes none: the function's role is what it knows",
            "leave them out",
        )
