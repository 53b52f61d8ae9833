"""The secrets and the destination of a mapping, and the customer keys that encrypt them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from mesh_assets.errors import MeshError, RefusedError
from mesh_assets.esm.arns import Arn, arn_in, msk_cluster_in
from mesh_assets.esm.aws_account import AwsAccount, call, error_code
from mesh_assets.esm.errors import EsmError, Violation, fault, warning
from mesh_assets.esm.iam.wiring import Wiring

_UNENCRYPTED = "ServerSideEncryptionConfigurationNotFoundError"
_MISSING = frozenset(
    {
        "ResourceNotFoundException",
        "EntityNotFoundException",
        "NotFoundException",
        "NotFound",
        "NoSuchBucket",
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        _UNENCRYPTED,
    }
)
_OF_AWS = "alias/aws/"
"""How the aliases of AWS' own keys begin. Anyone who may use the service may use them."""


class NotThereError(EsmError):
    """AWS has nothing by that name."""

    def __init__(self, resource: str, code: str) -> None:
        super().__init__(f"{resource} does not exist")
        self.code = code


@dataclass(slots=True)
class Encryption:
    """`observed`: what a plan's id must depend on."""

    violations: list[Violation] = field(default_factory=list)
    observed: dict[str, Any] = field(default_factory=dict)
    secret_keys: tuple[str, ...] = ()
    destination_key: str | None = None


def look_at_encryption(account: AwsAccount, wiring: Wiring) -> Encryption:
    """Looks up the secrets and the destination. Raises PlatformError when a system does not answer."""
    seen = Encryption()
    _secrets(account, wiring, seen)
    _destination(account, wiring, seen)
    if wiring.filter_key:
        _filter_key(account, wiring.filter_key, seen)
    return seen


def ask(account: AwsAccount, service: str, method: str, action: str, resource: str, **arguments: Any) -> Any:
    """The answer. Raises NotThereError for something that does not exist."""

    def translate(error: Exception) -> MeshError | None:
        return NotThereError(resource, error_code(error)) if error_code(error) in _MISSING else None

    return call(
        getattr(account.client(service), method),
        action=action,
        resource=resource,
        translate=translate,
        **arguments,
    )


def _secrets(account: AwsAccount, wiring: Wiring, seen: Encryption) -> None:
    keys: list[str] = []
    cluster = msk_cluster_in(wiring.cluster_arn or "")
    for arn in wiring.secrets:
        field_name = "source_access_configurations"
        try:
            answer = ask(
                account,
                "secretsmanager",
                "describe_secret",
                "secretsmanager:DescribeSecret",
                f"secret {arn}",
                SecretId=arn,
            )
        except NotThereError:
            seen.violations.append(
                fault(field_name, arn, f"{account} has no such secret", "create it, or name another")
            )
            continue
        except RefusedError as error:
            seen.violations.append(
                warning(
                    field_name,
                    arn,
                    f"could not be read ({error}), so no right to a key that may encrypt it is among the rights",
                    "make sure that it exists, and allow kms:Decrypt on its key",
                )
            )
            continue
        key = _customer_key(account, answer.get("KmsKeyId"), field_name, arn, seen)
        seen.observed.setdefault("secrets", {})[arn] = {
            "key": key,
            "deleted": answer.get("DeletedDate") is not None,
        }
        if answer.get("DeletedDate") is not None:
            seen.violations.append(
                fault(field_name, arn, "the secret is scheduled for deletion", "restore it, or name another")
            )
        if key is not None:
            keys.append(key)
        owner = arn_in(arn)
        # A copy of the secret for a cluster of another account is not associated with the cluster.
        of_the_cluster = cluster is not None and owner is not None and owner.account == cluster.owner
        encrypted = answer.get("KmsKeyId") is not None and not _is_of_aws(answer["KmsKeyId"])
        if of_the_cluster and ":secret:AmazonMSK_" in arn and not encrypted:
            seen.violations.append(
                fault(
                    field_name,
                    arn,
                    "MSK takes only SCRAM secrets encrypted with a customer key; this one uses AWS' own",
                    "encrypt it with one",
                )
            )
    seen.secret_keys = tuple(dict.fromkeys(keys))


def _destination(account: AwsAccount, wiring: Wiring, seen: Encryption) -> None:
    """The key that encrypts what is sent to the destination."""
    text = wiring.on_failure_destination or ""
    arn, field_name = arn_in(text), "on_failure_destination"
    reader = None if arn is None else _KEY_READERS.get(arn.service)
    if arn is None or reader is None:
        return
    if arn.region not in ("", account.region):
        seen.violations.append(
            warning(
                field_name,
                text,
                f"is in {arn.region}, not in {account.region}, so it was not looked up",
                "make sure that it exists, and allow the role the key that encrypts it, if one does",
            )
        )
        return
    try:
        key = reader(account, arn, text)
    except NotThereError:
        seen.violations.append(fault(field_name, text, "does not exist", "create it, or name another"))
        return
    except RefusedError as error:
        seen.violations.append(
            warning(
                field_name,
                text,
                f"could not be read ({error}), so no right to a key that may encrypt it is among the rights",
                "make sure that it exists, and allow kms:GenerateDataKey (for SQS and SNS also kms:Decrypt) on its key",
            )
        )
        return
    seen.destination_key = _customer_key(account, key, field_name, text, seen)
    seen.observed["destination"] = {"key": seen.destination_key}


def _key_of_queue(account: AwsAccount, arn: Arn, text: str) -> str | None:
    url = ask(
        account,
        "sqs",
        "get_queue_url",
        "sqs:GetQueueUrl",
        f"queue {text}",
        QueueName=arn.resource,
        QueueOwnerAWSAccountId=arn.account,
    )["QueueUrl"]
    answer = ask(
        account,
        "sqs",
        "get_queue_attributes",
        "sqs:GetQueueAttributes",
        f"queue {text}",
        QueueUrl=url,
        AttributeNames=["KmsMasterKeyId"],
    )
    key: str | None = (answer.get("Attributes") or {}).get("KmsMasterKeyId")
    return key


def _key_of_topic(account: AwsAccount, arn: Arn, text: str) -> str | None:  # noqa: ARG001 - as the other readers
    answer = ask(
        account, "sns", "get_topic_attributes", "sns:GetTopicAttributes", f"topic {text}", TopicArn=text
    )
    key: str | None = (answer.get("Attributes") or {}).get("KmsMasterKeyId")
    return key


def _key_of_bucket(account: AwsAccount, arn: Arn, text: str) -> str | None:
    try:
        answer = ask(
            account,
            "s3",
            "get_bucket_encryption",
            "s3:GetEncryptionConfiguration",
            f"bucket {text}",
            Bucket=arn.resource,
        )
    except NotThereError as error:
        if error.code == _UNENCRYPTED:
            return None
        raise
    rules = (answer.get("ServerSideEncryptionConfiguration") or {}).get("Rules") or ()
    defaults = [rule.get("ApplyServerSideEncryptionByDefault") or {} for rule in rules]
    return next((one["KMSMasterKeyID"] for one in defaults if one.get("KMSMasterKeyID")), None)


def _filter_key(account: AwsAccount, key: str, seen: Encryption) -> None:
    """The key that encrypts the filters: used by whoever makes the mapping and by Lambda itself, not by the role."""
    field_name = "filter_kms_key_arn"
    try:
        answer = ask(account, "kms", "describe_key", "kms:DescribeKey", f"key {key}", KeyId=key)
    except NotThereError:
        seen.violations.append(fault(field_name, key, "does not exist", "create it, or name another"))
        return
    except RefusedError as error:
        seen.violations.append(
            warning(
                field_name,
                key,
                f"could not be read ({error}); who writes filters under a key needs kms:DescribeKey and kms:GenerateDataKey on it, "
                "and who reads them kms:Decrypt",
                "have its policy and yours allow them",
            )
        )
        return
    found = answer["KeyMetadata"]
    state, spec = found.get("KeyState"), found.get("KeySpec")
    seen.observed["filter_key"] = {"state": state}
    if state not in (None, "Enabled"):
        seen.violations.append(fault(field_name, key, f"the key is {state}", "enable it, or name another"))
    elif spec not in (None, "SYMMETRIC_DEFAULT"):
        seen.violations.append(
            fault(field_name, key, f"the key is {spec}; filters need a symmetric key", "name one")
        )


_KEY_READERS: dict[str, Callable[[AwsAccount, Arn, str], str | None]] = {
    "sqs": _key_of_queue,
    "sns": _key_of_topic,
    "s3": _key_of_bucket,
}


def _customer_key(
    account: AwsAccount, key: str | None, field_name: str, about: str, seen: Encryption
) -> str | None:
    """The ARN of a customer's key; None for AWS' own, and if it cannot be determined.

    A right to an alias grants nothing: KMS looks at the key behind it.
    """
    if key is None or _is_of_aws(key) or ":key/" in key:
        return None if key is None or _is_of_aws(key) else key
    try:
        answer = ask(account, "kms", "describe_key", "kms:DescribeKey", f"key {key}", KeyId=key)
    except NotThereError:
        seen.violations.append(
            fault(field_name, about, f"its key {key} does not exist", "encrypt it with a key that does")
        )
        return None
    except RefusedError as error:
        seen.violations.append(
            warning(
                field_name,
                about,
                f"which key is behind {key} could not be read ({error}), so no right to it is among the rights",
                "allow yourself kms:DescribeKey, or the role the key",
            )
        )
        return None
    found = answer["KeyMetadata"]
    return None if found.get("KeyManager") == "AWS" else str(found["Arn"])


def _is_of_aws(key: str) -> bool:
    return key.rpartition(":")[2].startswith(_OF_AWS)
