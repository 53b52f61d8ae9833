"""How Lambda authenticates to the brokers and from which network: types of each source, and combinations."""

import re
from collections.abc import Iterator, Sequence

from mesh_assets.esm.arns import Arn, MskCluster, arn_in, msk_cluster_in
from mesh_assets.esm.errors import Violation, fault, warning
from mesh_assets.esm.request_fields import SourceAccess
from mesh_assets.esm.validation.subject import Subject, repeated


def secret_violations(field: str, uri: str | None) -> Iterator[Violation]:
    """What is wrong with a secret's URI, which must name the secret and never be the secret itself.

    Anything but an ARN is not shown.
    """
    if not uri:
        yield fault(field, None, "is missing", "give the ARN of the secret in Secrets Manager")
        return
    arn = arn_in(uri)
    if arn is None:
        yield fault(
            field,
            None,
            "is not an ARN (not shown: it could be the secret itself)",
            "give the ARN of the secret in Secrets Manager",
        )
    elif arn.service != "secretsmanager" or not arn.resource.startswith("secret:"):
        yield fault(
            field,
            uri,
            f"is an ARN for {arn.service}, not for a secret",
            "give the ARN of the secret in Secrets Manager",
        )


SCRAM_512 = "SASL_SCRAM_512_AUTH"
SCRAM_256 = "SASL_SCRAM_256_AUTH"
MUTUAL_TLS = "CLIENT_CERTIFICATE_TLS_AUTH"
VPC = {
    "VPC_SUBNET": re.compile(r"(subnet:)?subnet-[0-9a-zA-Z]+"),
    "VPC_SECURITY_GROUP": re.compile(r"(security_group:)?sg-[0-9a-zA-Z]+"),
}
OAUTH = "OAUTHBEARER_AUTH"
OAUTH_AUDIENCE = "OAUTHBEARER_AUDIENCE"
IAM = "IAM_AUTH"
IAM_OAUTH = "IAM_OAUTHBEARER_AUTH"

SECRETS = (SCRAM_512, SCRAM_256, MUTUAL_TLS, "BASIC_AUTH", "SERVER_ROOT_CA_CERTIFICATE", OAUTH)
"""The types whose URI is the ARN of a secret."""

MSK_TYPES = (SCRAM_512, MUTUAL_TLS)
SELF_MANAGED_TYPES = (
    *SECRETS,
    *VPC,
    "OAUTHBEARER_SCOPE",
    OAUTH_AUDIENCE,
    "OAUTHBEARER_LOGICAL_CLUSTER",
    "OAUTHBEARER_IDENTITY_POOL",
    IAM,
    IAM_OAUTH,
)

_OF_OAUTH_ONLY = ("OAUTHBEARER_SCOPE", "OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL")
_SASL = ("BASIC_AUTH", SCRAM_256, SCRAM_512, OAUTH, IAM, IAM_OAUTH)
_MOST = 23
_LONGEST_URI = 200
_URI = re.compile(r"[ a-zA-Z0-9-/*:_+=.@]*")
_FIELD = "source_access_configurations"
_MSK_PREFIX = "AmazonMSK_"


def source_access_violations(subject: Subject) -> Iterator[Violation]:
    """The access configurations: known types, valid URIs, allowed combinations."""
    given = subject.request.source_access_configurations
    if given is None and not subject.creating:
        return
    entries = given or ()
    if len(entries) > _MOST:
        yield fault(_FIELD, len(entries), f"at most {_MOST}", "drop some")
    known = MSK_TYPES if subject.source == "msk" else SELF_MANAGED_TYPES
    for number, entry in enumerate(entries):
        field = f"{_FIELD}[{number}]"
        if subject.source is not None and entry.type not in known:
            yield _unknown_type(f"{field}.type", entry.type, subject.source, known)
        else:
            yield from _uri(f"{field}.uri", entry)
    yield from repeated(_FIELD, (entry.type for entry in entries if entry.type not in VPC))
    yield from repeated(_FIELD, (f"{entry.type} {entry.uri}" for entry in entries if entry.type in VPC))
    if subject.source == "msk":
        yield from _msk(entries, subject)
    elif subject.source == "self_managed":
        yield from _self_managed({entry.type for entry in entries})


def _unknown_type(field: str, kind: str, source: str, known: Sequence[str]) -> Violation:
    if source == "msk" and kind == SCRAM_256:
        return fault(field, kind, "MSK supports SCRAM only with SHA-512", f"use {SCRAM_512}")
    if source == "msk" and kind in VPC:
        return fault(
            field,
            kind,
            "an MSK source takes its subnets and security groups from the cluster",
            "leave it out",
        )
    if source == "msk" and kind in (IAM, IAM_OAUTH):
        return fault(field, kind, "with MSK, Lambda uses IAM when there is no secret", "leave it out")
    if kind == "VIRTUAL_HOST":
        return fault(field, kind, "is only for RabbitMQ", "leave it out")
    name = "an MSK" if source == "msk" else "a self-managed"
    return fault(field, kind, f"{name} source takes {', '.join(known)}", "choose among these")


def _uri(field: str, entry: SourceAccess) -> Iterator[Violation]:
    if entry.type in SECRETS:
        yield from secret_violations(field, entry.uri)
        if entry.uri and len(entry.uri) > _LONGEST_URI:
            yield fault(field, None, f"at most {_LONGEST_URI} characters", "check it")
        return
    if entry.type in (IAM, IAM_OAUTH):
        if entry.uri is not None:
            yield fault(
                field,
                None,
                f"{entry.type} takes no URI: the function's role authenticates",
                "leave the uri out",
            )
        return
    if not entry.uri:
        yield fault(field, None, f"{entry.type} needs one", "give it")
        return
    if entry.type in VPC and not VPC[entry.type].fullmatch(entry.uri):
        example = (
            "subnet:subnet-0123456789abcdef0"
            if entry.type == "VPC_SUBNET"
            else "security_group:sg-0123456789abcdef0"
        )
        yield fault(field, entry.uri, f"{entry.type} expects one like {example}", "correct it")
    elif len(entry.uri) > _LONGEST_URI or not _URI.fullmatch(entry.uri):
        yield fault(
            field,
            None,
            f"at most {_LONGEST_URI} characters of a-z A-Z 0-9 - / * : _ + = . @ and blank",
            "correct it",
        )


def _msk(entries: Sequence[SourceAccess], subject: Subject) -> Iterator[Violation]:
    kinds = {entry.type for entry in entries}
    if {SCRAM_512, MUTUAL_TLS} <= kinds:
        yield warning(
            _FIELD,
            None,
            "with both, Lambda uses the certificate and never falls back to SCRAM",
            "leave out the one not intended",
        )
    arn = subject.request.event_source_arn if subject.existing is None else subject.existing.event_source_arn
    cluster = msk_cluster_in(arn or "")
    for number, entry in enumerate(entries):
        secret = arn_in(entry.uri or "")
        if entry.type != SCRAM_512 or secret is None or secret.service != "secretsmanager":
            continue
        yield from _scram_secret(f"{_FIELD}[{number}].uri", entry.uri or "", secret, cluster)


def _scram_secret(field: str, uri: str, secret: Arn, cluster: MskCluster | None) -> Iterator[Violation]:
    """The cluster's own secret; with a VPC connection to another account, also a copy in the function's account."""
    if cluster is not None and cluster.by_vpc_connection and cluster.account != cluster.owner:
        if (secret.account, secret.region) == (cluster.account, cluster.region):
            yield warning(
                field,
                uri,
                "is a copy of the cluster's secret in the function's account: Lambda fails once they differ",
                "keep it in sync by a rotation in Secrets Manager",
            )
            return
        if (secret.account, secret.region) == (cluster.owner, cluster.region):
            yield warning(
                field,
                uri,
                "belongs to another account: its policy and its key's policy must let the function's role read it",
                f"have account {cluster.owner} allow that, or give a copy of the secret in account {cluster.account}",
            )
    if not secret.resource.removeprefix("secret:").startswith(_MSK_PREFIX):
        yield fault(
            field,
            uri,
            f"MSK takes only SCRAM secrets whose name starts with {_MSK_PREFIX}",
            "name such a secret",
        )
    if cluster is not None and (secret.account, secret.region) != (cluster.owner, cluster.region):
        yield fault(
            field,
            uri,
            f"a SCRAM secret must be in the cluster's account and region ({cluster.owner}, {cluster.region})",
            "name the secret associated with the cluster",
        )


def _self_managed(kinds: set[str]) -> Iterator[Violation]:
    if len(kinds & set(VPC)) == 1:
        [has] = kinds & set(VPC)
        [lacks] = set(VPC) - {has}
        yield fault(_FIELD, has, "subnets and security groups go together", f"add {lacks}")
    if not kinds & set(VPC) and not kinds & {*_SASL, MUTUAL_TLS}:
        yield fault(
            _FIELD,
            None,
            "without a VPC, Lambda reaches a self-managed cluster over the internet and must authenticate",
            "name a secret",
        )
    for kind in sorted(kinds & set(_OF_OAUTH_ONLY)):
        if OAUTH not in kinds and IAM_OAUTH not in kinds:
            yield fault(_FIELD, kind, f"goes only with {OAUTH}", f"add {OAUTH} or leave it out")
    if OAUTH_AUDIENCE in kinds and not kinds & {OAUTH, IAM_OAUTH}:
        yield fault(
            _FIELD, OAUTH_AUDIENCE, f"goes with {OAUTH} or {IAM_OAUTH}", "add one of them or leave it out"
        )
    if IAM_OAUTH in kinds:
        if OAUTH_AUDIENCE not in kinds:
            yield fault(_FIELD, IAM_OAUTH, f"needs {OAUTH_AUDIENCE}", "add it")
        for kind in sorted(kinds & {OAUTH, *_OF_OAUTH_ONLY}):
            yield fault(_FIELD, kind, f"cannot go with {IAM_OAUTH}", "leave out one of them")
    sasl = sorted(kinds & set(_SASL))
    if len(sasl) > 1:
        yield warning(
            _FIELD, ", ".join(sasl), "a connection authenticates in one way", "leave out those not intended"
        )
