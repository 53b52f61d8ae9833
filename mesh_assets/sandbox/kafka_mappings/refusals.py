"""What Lambda refuses, and the faults a test can order."""

import re
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from typing import Any, Literal

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, Shape
from botocore.validate import ParamValidator

# What the stand-in is told to do wrong, and how fast its clock runs. AWS has nothing like it.
#
# `PUT /_standin` with these names sets them; the others have the values below. `GET /_standin` shows them
# and says what
# this server is.


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults.

    - `state_delay_seconds`: how long a mapping stays in Creating, Updating, Deleting, …
    - `stuck`: pollers stay members of their groups and read nothing.
    - `commit_without_invoking`: records read are committed without the function seeing them.
    - `drop`: the same, but it is counted as invoked, which is a lie.
    - `slow_seconds`: a wait before each batch.
    - `window_seconds`: how long a mapping without a batching window gathers records (Lambda: 500 ms).
    - `deny`: actions refused with AccessDeniedException, e.g. `lambda:CreateEventSourceMapping`. Without
      `kms:Decrypt`, filters under a customer's key are answered as an error; without `kms:GenerateDataKey`, none are written.
    - `throttle`: how many of the next requests for mappings are answered with TooManyRequestsException.
    - `in_progress`: how many of the next changes are refused because another operation has not ended.
    - `lag_seconds`: for how long reads do not see a change: a new mapping is unknown, a changed one looks as
    before.
    - `age_factor`: how much faster than the clock records grow old (AWS's lowest MaximumRecordAgeInSeconds is 60).
    - `no_metrics`: nothing is counted.
    """

    state_delay_seconds: float = 1.0
    stuck: bool = False
    commit_without_invoking: bool = False
    drop: bool = False
    slow_seconds: float = 0.0
    window_seconds: float = 0.5
    deny: tuple[str, ...] = ()
    throttle: int = 0
    in_progress: int = 0
    lag_seconds: float = 0.0
    age_factor: float = 1.0
    no_metrics: bool = False


class FaultBoard:
    """The faults in force, shared by all parts of the stand-in."""

    def __init__(self) -> None:
        self.now = Faults()

    def set(self, wanted: dict[str, Any]) -> Faults:
        """Set the named faults and reset all others. Raises `ValueError` for an unknown name."""
        known = {field.name for field in fields(Faults)}
        unknown = sorted(set(wanted) - known)
        if unknown:
            raise ValueError(f"no such fault: {', '.join(unknown)}; there are: {', '.join(sorted(known))}")
        self.now = Faults(**{**wanted, "deny": tuple(wanted.get("deny", ()))})
        return self.now

    def take(self, name: Literal["throttle", "in_progress"]) -> bool:
        """Whether the next request gets this fault, which uses it up."""
        left: int = getattr(self.now, name)
        if left <= 0:
            return False
        changes: dict[str, Any] = {name: left - 1}
        self.now = replace(self.now, **changes)
        return True

    def told(self) -> dict[str, Any]:
        return {
            "what": "a stand-in for AWS Lambda's event source mappings for Kafka, in front of ministack; not AWS, never checked against it",
            "faults": asdict(self.now),
        }


# What AWS refuses: requests that do not match botocore's model of the service, or break a documented rule
# of mappings.
#
# botocore's own validator finds unknown members, wrong types, and values that are too small or too short.
# AWS also refuses
# those that are too large, too long, not in an enum, against a pattern, or missing; so does this walk.


@cache
def operation(service: str, name: str) -> OperationModel:
    return _model(service).operation_model(name)


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"))


def problems(value: Any, shape: Shape) -> list[str]:
    """What is wrong with the value, as sentences in AWS's style; empty if it is valid."""
    report = ParamValidator().validate(value, shape)
    if report.has_errors():
        return [line for line in report.generate_report().splitlines() if line]
    return list(_walk(value, shape, ""))


def _walk(value: Any, shape: Shape, path: str) -> Iterator[str]:
    match shape.type_name:
        case "structure":
            for name in shape.metadata.get("required", ()):
                if name not in value:
                    yield _sentence(f"{path}.{name}", "null", "Member must not be null")
            for name, inner in value.items():
                yield from _walk(inner, shape.members[name], f"{path}.{name}")
        case "list":
            yield from _size(len(value), value, shape, path)
            for number, inner in enumerate(value, start=1):
                yield from _walk(inner, shape.member, f"{path}.{number}.member")
        case "map":
            yield from _size(len(value), value, shape, path)
            for key, inner in value.items():
                yield from _walk(key, shape.key, f"{path}.key")
                yield from _walk(inner, shape.value, f"{path}.{key}")
        case "string":
            yield from _size(len(value), value, shape, path)
            if shape.enum and value not in shape.enum:
                yield _sentence(path, value, f"Member must satisfy enum value set: [{', '.join(shape.enum)}]")
            pattern = _compiled(shape.metadata.get("pattern"))
            if pattern is not None and not pattern.fullmatch(value):
                yield _sentence(
                    path,
                    value,
                    f"Member must satisfy regular expression pattern: {shape.metadata['pattern']}",
                )
        case "integer" | "long":
            most = shape.metadata.get("max")
            if most is not None and value > most:
                yield _sentence(path, value, f"Member must have value less than or equal to {most}")


def _size(length: int, value: Any, shape: Shape, path: str) -> Iterator[str]:
    most = shape.metadata.get("max")
    if most is not None and length > most:
        yield _sentence(path, value, f"Member must have length less than or equal to {most}")


def _sentence(path: str, value: Any, rule: str) -> str:
    member = path.lstrip(".")
    return f"Value '{value}' at '{member[:1].lower()}{member[1:]}' failed to satisfy constraint: {rule}"


@cache
def _compiled(pattern: str | None) -> re.Pattern[str] | None:
    """None if there is no pattern, or one that only Java understands (`\\p{L}`)."""
    try:
        return None if pattern is None else re.compile(pattern)
    except re.error:
        return None


Request = Mapping[str, Any]

_VPC = {"VPC_SUBNET", "VPC_SECURITY_GROUP"}
_MSK_TYPES = {"SASL_SCRAM_512_AUTH", "CLIENT_CERTIFICATE_TLS_AUTH"}
_NOT_SELF_MANAGED = {"VIRTUAL_HOST"}
_OTHER_SOURCES_ONLY = (
    "TumblingWindowInSeconds",
    "ParallelizationFactor",
    "Queues",
    "DocumentDBEventSourceConfig",
)
_MOST_POLLERS = 2000
_MOST_REGISTRY_ACCESSES = 2
_MOST_TAGS = 50
_MSK_ARN = re.compile(r"arn:aws[\w-]*:kafka:[\w-]+:\d{12}:(cluster|vpc-connection/\d{12})/[^/]+/[^/]+")
_DESTINATION = re.compile(r"arn:aws[\w-]*:(s3:::[^/]+|(sqs|sns):[\w-]+:\d{12}:.+)")
_OF_OAUTH = {"OAUTHBEARER_SCOPE", "OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL"}
_SECRET = re.compile(r"arn:aws[\w-]*:secretsmanager:[\w-]+:\d{12}:secret:.+")
_SECRETS = (
    "BASIC_AUTH",
    "SASL_SCRAM_512_AUTH",
    "SASL_SCRAM_256_AUTH",
    "CLIENT_CERTIFICATE_TLS_AUTH",
    "SERVER_ROOT_CA_CERTIFICATE",
    "OAUTHBEARER_AUTH",
)
_BY_ROLE = ("IAM_AUTH", "IAM_OAUTHBEARER_AUTH")
_AUTHENTICATIONS = {*_SECRETS, *_BY_ROLE} - {"SERVER_ROOT_CA_CERTIFICATE"}
_TEXT = re.compile(r".+")
_URIS = {
    **dict.fromkeys(_SECRETS, _SECRET),
    **dict.fromkeys(_BY_ROLE, re.compile("")),
    "VPC_SUBNET": re.compile(r"(subnet:)?subnet-\w+"),
    "VPC_SECURITY_GROUP": re.compile(r"(security_group:)?sg-\w+"),
}


class RefusedRequest(Exception):  # noqa: N818 - it is an answer, not an error of ours
    """AWS's answer to a request that it refuses."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def invalid(message: str) -> RefusedRequest:
    return RefusedRequest(400, "InvalidParameterValueException", message)


def check_shape(name: str, body: Request) -> None:
    """Check a request against botocore's model of the operation. Raises `RefusedRequest`."""
    found = problems(body, operation("lambda", name).input_shape)
    if found:
        # Lambda's code for malformed requests, which its model does not list.
        errors = "error" if len(found) == 1 else "errors"
        raise RefusedRequest(
            400, "ValidationException", f"{len(found)} validation {errors} detected: {'; '.join(found)}"
        )


def check_create(body: Request) -> None:
    """Check a request to create a mapping. Raises `RefusedRequest`."""
    check_shape("CreateEventSourceMapping", body)
    arn, own = body.get("EventSourceArn"), body.get("SelfManagedEventSource")
    if (arn is None) == (own is None):
        raise invalid("Exactly one of EventSourceArn and SelfManagedEventSource must be given.")
    if arn is not None and not _MSK_ARN.fullmatch(arn):
        raise invalid(f"Unrecognized event source, must be kafka (this stand-in knows no other): {arn}")
    if own is not None and "KAFKA_BOOTSTRAP_SERVERS" not in own.get("Endpoints", {}):
        raise invalid("SelfManagedEventSource must have the endpoint type KAFKA_BOOTSTRAP_SERVERS.")
    if not body.get("Topics"):
        raise invalid("Topics must be provided for a Kafka event source.")
    queue = body.get("SelfManagedKafkaEventSourceConfig", {}).get("ConsumptionMode") == "Queue"
    if queue and arn is not None:
        raise invalid("ConsumptionMode Queue is only supported for self-managed Kafka.")
    if not queue:
        if "StartingPosition" not in body:
            raise invalid("StartingPosition is required for Kafka event sources.")
        if (body["StartingPosition"] == "AT_TIMESTAMP") != ("StartingPositionTimestamp" in body):
            raise invalid(
                "StartingPositionTimestamp must be given if and only if StartingPosition is AT_TIMESTAMP."
            )
    elif "StartingPosition" in body or "MaximumBatchingWindowInSeconds" in body:
        raise invalid(
            "StartingPosition and MaximumBatchingWindowInSeconds are not supported with ConsumptionMode Queue."
        )
    since = body.get("StartingPositionTimestamp")
    if isinstance(since, int | float) and since > time.time():
        raise invalid("StartingPositionTimestamp must not be in the future.")
    tags = body.get("Tags") or {}
    if len(tags) > _MOST_TAGS:
        raise invalid(f"The number of tags exceeds the limit of {_MOST_TAGS}.")
    for key, value in tags.items():
        if key.lower().startswith("aws:"):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
        if not all(c.isalpha() or c.isnumeric() or c.isspace() or c in "_.:/=+-@" for c in key + value):
            raise invalid(f"The tag {key} contains illegal characters.")
    check_settings(body, managed=arn is not None, topic=body["Topics"][0])


def check_settings(settings: Request, *, managed: bool, topic: str) -> None:
    """Check a mapping's settings as they would be once created or changed. Raises `RefusedRequest`."""
    for message in _findings(settings, managed=managed, topic=topic):
        raise invalid(message)


def _findings(settings: Request, *, managed: bool, topic: str) -> Iterator[str]:
    for name in _OTHER_SOURCES_ONLY:
        if settings.get(name):
            yield f"{name} is not supported for Kafka event sources."
    if settings.get("ScalingConfig"):
        yield "ScalingConfig is only supported for SQS event sources."
    age = settings.get("MaximumRecordAgeInSeconds", -1)
    if age != -1 and age < 60:
        yield "MaximumRecordAgeInSeconds must be -1 or between 60 and 604800."
    destinations = settings.get("DestinationConfig") or {}
    if (destinations.get("OnSuccess") or {}).get("Destination"):
        yield "OnSuccess destinations are not supported for Kafka event sources."
    failed = (destinations.get("OnFailure") or {}).get("Destination") or ""
    if failed and not failed.startswith("kafka://") and not _DESTINATION.fullmatch(failed):
        yield f"The destination ARN {failed} is not that of an SQS queue, an SNS topic or an S3 bucket."
    if failed == f"kafka://{topic}":
        yield "The on-failure topic must not be the source topic."
    foreign = "SelfManagedKafkaEventSourceConfig" if managed else "AmazonManagedKafkaEventSourceConfig"
    if settings.get(foreign):
        yield f"{foreign} is not supported for this event source."
    pollers = settings.get("ProvisionedPollerConfig") or {}
    least, most = pollers.get("MinimumPollers", 1), pollers.get("MaximumPollers", 200)
    if most > _MOST_POLLERS:
        yield f"MaximumPollers must be at most {_MOST_POLLERS} for Kafka event sources."
    if least > most:
        yield "MinimumPollers must not be greater than MaximumPollers."
    own = (
        settings.get("AmazonManagedKafkaEventSourceConfig")
        or settings.get("SelfManagedKafkaEventSourceConfig")
        or {}
    )
    for name, value in (
        ("SchemaRegistryConfig", own.get("SchemaRegistryConfig")),
        ("LoggingConfig", settings.get("LoggingConfig")),
    ):
        if value and not pollers:
            yield f"{name} requires ProvisionedPollerConfig."
    if failed.startswith("kafka://") and not pollers:
        yield "A Kafka on-failure destination is only available for event source mappings with provisioned mode enabled."
    if own.get("ConsumptionMode") == "Queue" and settings.get("MaximumRetryAttempts") == -1:
        yield "MaximumRetryAttempts -1 is not supported with ConsumptionMode Queue."
    yield from _registry_findings(own.get("SchemaRegistryConfig") or {})
    yield from _repeated("MetricsConfig", (settings.get("MetricsConfig") or {}).get("Metrics") or [])
    if settings.get("KMSKeyArn") and not (settings.get("FilterCriteria") or {}).get("Filters"):
        yield "KMSKeyArn requires FilterCriteria."
    yield from _access_findings(settings.get("SourceAccessConfigurations") or (), managed=managed)


def _registry_findings(registry: Request) -> Iterator[str]:
    if not registry:
        return
    uri, entries = registry.get("SchemaRegistryURI", ""), registry.get("AccessConfigs") or ()
    if not uri or "EventRecordFormat" not in registry:
        yield "SchemaRegistryConfig requires SchemaRegistryURI and EventRecordFormat."
    elif not uri.startswith("https://") and not re.fullmatch(
        r"arn:aws[\w-]*:glue:[\w-]+:\d{12}:registry/.+", uri
    ):
        yield "SchemaRegistryURI must be the ARN of a Glue registry or an https URL."
    elif entries and not uri.startswith("https://"):
        yield "AccessConfigs is not supported for Glue schema registries."
    if len(entries) > _MOST_REGISTRY_ACCESSES:
        yield f"AccessConfigs must have at most {_MOST_REGISTRY_ACCESSES} entries."
    yield from _repeated("AccessConfigs", [one.get("Type") for one in entries])
    yield from _repeated(
        "SchemaValidationConfigs",
        [one.get("Attribute") for one in registry.get("SchemaValidationConfigs") or ()],
    )


def _repeated(name: str, kinds: Sequence[Any], *, free: Collection[str] = ()) -> Iterator[str]:
    repeated = {kind for kind in kinds if kinds.count(kind) > 1} - set(free)
    if repeated:
        yield f"{name} type {', '.join(sorted(repeated))} is given twice."


def _access_findings(access: Any, *, managed: bool) -> Iterator[str]:
    types = [one.get("Type") for one in access]
    given = set(types)
    wrong = given - _MSK_TYPES if managed else given & _NOT_SELF_MANAGED
    if wrong:
        yield f"SourceAccessConfiguration type {', '.join(sorted(wrong))} is not supported for this event source."
    if {"VPC_SUBNET", "VPC_SECURITY_GROUP"} & given not in (set(), _VPC):
        yield "VPC_SUBNET and VPC_SECURITY_GROUP must be given together."
    yield from _repeated("SourceAccessConfiguration", types, free=_VPC)
    places = [f"{one.get('Type')} {one.get('URI')}" for one in access if one.get("Type") in _VPC]
    yield from _repeated("SourceAccessConfiguration", places)
    if not managed and not given & {*_VPC, *_AUTHENTICATIONS}:
        yield "SourceAccessConfigurations is required for a self-managed event source: an authentication, or a VPC."
    yield from _oauth_findings(given)
    for one in access:
        kind, uri = str(one.get("Type")), one.get("URI") or ""
        form = _URIS.get(kind, _TEXT)
        if not form.fullmatch(uri):
            yield f"The URI of SourceAccessConfiguration type {kind} is invalid."


def _oauth_findings(given: Collection[str]) -> Iterator[str]:
    by_role = "IAM_OAUTHBEARER_AUTH" in given
    if _OF_OAUTH & set(given) and "OAUTHBEARER_AUTH" not in given:
        yield f"SourceAccessConfiguration types {', '.join(sorted(_OF_OAUTH))} require OAUTHBEARER_AUTH."
    if "OAUTHBEARER_AUDIENCE" in given and not by_role and "OAUTHBEARER_AUTH" not in given:
        yield "OAUTHBEARER_AUDIENCE requires OAUTHBEARER_AUTH or IAM_OAUTHBEARER_AUTH."
    if by_role and "OAUTHBEARER_AUDIENCE" not in given:
        yield "IAM_OAUTHBEARER_AUTH requires OAUTHBEARER_AUDIENCE."
    if by_role and {"OAUTHBEARER_AUTH", *_OF_OAUTH} & set(given):
        yield "IAM_OAUTHBEARER_AUTH cannot be combined with other OAUTHBEARER types."
