"""AWS as fake client objects in place of boto3's: it keeps mappings, roles and more, records every call, and refuses what
botocore's model does not allow. Its answers follow that model, too.
"""

import json
import uuid as uuids
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from mesh_assets.esm.aws_account import AwsAccount
from mesh_assets.estate.model import AwsAccountSettings
from mesh_assets_tests.esm.botocore_model import answer_problems, request_problems
from mesh_assets_tests.esm.iam.simulation import simulated

ACCOUNT = "123456789012"
REGION = "eu-central-1"
CLUSTER_ARN = f"arn:aws:kafka:{REGION}:{ACCOUNT}:cluster/orders/0f6d1c2e-8a41-4a7e-9f10-1f6f2f0d1b3a-7"
SECRET_ARN = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:AmazonMSK_orders-AbCdEf"
KEY_ARN = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b7c2f"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"
DESTINATION_TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT}:dead"
BUCKET_ARN = "arn:aws:s3:::dead-letters"
ROLE = "orders-handler-role"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/service-role/{ROLE}"
WHEN = datetime(2026, 11, 26, 8, 30, tzinfo=UTC)

# Operations that IAM calls by another name.
OTHERWISE = {"GetBucketEncryption": "GetEncryptionConfiguration"}

READING = ("get_", "list_", "describe_", "simulate_", "head_")


def refusal(code: str, message: str = "", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},
        "Operation",
    )


def function_arn(name: str) -> str:
    return name if name.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class FakeAws:
    """`calls` holds every call: service, method, arguments. `failing`: errors instead of answers, by `service.method`."""

    def __init__(self, *, partition: str = "aws", region: str = REGION) -> None:
        self.partition, self.region = partition, region
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.failing: dict[str, list[Exception]] = {}
        self.mappings: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, Callable[..., dict[str, Any]]] = {
            "sts.get_caller_identity": lambda: {
                "Account": ACCOUNT,
                "Arn": f"arn:{self.partition}:iam::{ACCOUNT}:user/engineer",
                "UserId": "AIDA",
            },
            "lambda.get_event_source_mapping": lambda UUID: self._readable(self._mapping(UUID)),  # noqa: N803 - AWS' names
            "lambda.list_event_source_mappings": self._list,
            "lambda.create_event_source_mapping": self._create,
            "lambda.update_event_source_mapping": self._update,
            "lambda.delete_event_source_mapping": lambda UUID: {  # noqa: N803
                **self._readable(self.mappings.pop(UUID)),
                "State": "Deleting",
            },
            "lambda.get_function_configuration": self._function,
            "kafka.describe_cluster_v2": self._cluster,
            "kafka.get_bootstrap_brokers": self._brokers,
            "kafka.describe_vpc_connection": self._vpc_connection,
            "secretsmanager.describe_secret": self._secret,
            "kms.describe_key": self._key,
            "sqs.get_queue_url": self._queue_url,
            "sqs.get_queue_attributes": lambda QueueUrl, AttributeNames: {  # noqa: ARG005, N803
                "Attributes": self._encrypted("KmsMasterKeyId", self.destinations[self._queue_arn(QueueUrl)])
            },
            "sns.get_topic_attributes": lambda TopicArn: {  # noqa: N803
                "Attributes": self._encrypted("KmsMasterKeyId", self._destination(TopicArn, "NotFound"))
            },
            "s3.get_bucket_encryption": self._bucket_encryption,
            "iam.get_role": lambda RoleName: {"Role": self._role(RoleName)},  # noqa: N803
            "iam.create_role": self._create_role,
            "iam.list_role_policies": lambda RoleName: {"PolicyNames": sorted(self._inline(RoleName))},  # noqa: N803
            "iam.get_role_policy": self._role_policy,
            "iam.put_role_policy": self._put_role_policy,
            "iam.list_attached_role_policies": lambda RoleName: {  # noqa: N803
                "AttachedPolicies": [
                    {"PolicyName": arn.rpartition("/")[2], "PolicyArn": arn}
                    for arn in self.attached.get(RoleName, [])
                ]
            },
            "iam.get_policy": lambda PolicyArn: {"Policy": {"Arn": PolicyArn, "DefaultVersionId": "v3"}},  # noqa: N803
            "iam.get_policy_version": lambda PolicyArn, VersionId: {  # noqa: N803, ARG005
                "PolicyVersion": {"Document": quote(json.dumps(self.managed[PolicyArn]))}
            },
            "iam.simulate_principal_policy": self._simulate,
        }
        self.functions = {"orders-handler": ROLE_ARN}
        self.roles: dict[str, dict[str, dict[str, Any]]] = {ROLE: {}}
        self.trust: dict[str, dict[str, Any]] = {}
        self.attached: dict[str, list[str]] = {}
        self.managed: dict[str, dict[str, Any]] = {}
        self.clusters = {CLUSTER_ARN: True}
        self.secrets: dict[str, str | None] = {SECRET_ARN: KEY_ARN}
        self.connections: dict[str, tuple[str, str]] = {}
        """A VPC connection's ARN → its cluster's and the login method."""
        self.aliases: dict[str, str] = {}
        """A key's name → its ARN. A key owned by AWS has `aws-` in its id."""
        self.destinations: dict[str, str | None] = {
            QUEUE_ARN: None,
            DESTINATION_TOPIC_ARN: None,
            BUCKET_ARN: None,
        }
        self.key_states: dict[str, str | None] = {}
        """A key's ARN → its state; None: no such key. Others are enabled."""
        self.allowed: Collection[str] | None = None
        """The caller's rights; None: all."""
        self.log_groups: dict[str, str] = {}
        self.boundaries: dict[str, str] = {}
        """A role → its permissions boundary."""
        self.explains_foreign = True
        """Whether the simulation includes the role's own part of the decision for another account's resource."""
        self.organization: list[dict[str, Any]] = []
        """The statements of the organization's policy; empty: the account is in no organization."""

    def account(self, **account: Any) -> AwsAccount:
        return AwsAccount(
            AwsAccountSettings(**{"region": self.region, **account}),
            make_client=lambda service, _: _Client(self, service),
        )

    def may(self, action: str) -> bool:
        return self.allowed is None or action in self.allowed

    def mutations(self) -> list[str]:
        return [f"{service}.{method}" for service, method, _ in self.calls if not method.startswith(READING)]

    def asked(self, name: str) -> list[dict[str, Any]]:
        return [arguments for service, method, arguments in self.calls if f"{service}.{method}" == name]

    def add_mapping(self, function: str = "orders-handler", topic: str = "orders", **answer: Any) -> str:
        """A mapping as Lambda would answer it; its UUID."""
        uuid = answer.pop("UUID", None) or str(uuids.uuid4())
        source = {} if "SelfManagedEventSource" in answer else {"EventSourceArn": CLUSTER_ARN}
        self.mappings[uuid] = {
            "UUID": uuid,
            "FunctionArn": function_arn(function),
            "Topics": [topic],
            "BatchSize": 100,
            "State": "Enabled",
            "StateTransitionReason": "USER_INITIATED",
            "LastProcessingResult": "OK",
            "LastModified": WHEN,
            "StartingPosition": "LATEST",
            **source,
            **answer,
        }
        return uuid

    def _mapping(self, uuid: str) -> dict[str, Any]:
        if uuid not in self.mappings:
            raise refusal("ResourceNotFoundException", "The resource you requested does not exist.", 404)
        return self.mappings[uuid]

    def _readable(self, mapping: dict[str, Any]) -> dict[str, Any]:
        """The mapping as Lambda shows it to the caller."""
        if "KMSKeyArn" not in mapping or self.may("kms:Decrypt"):
            return mapping
        told = {"ErrorCode": "KMSAccessDeniedException", "Message": "not authorized to perform: kms:Decrypt"}
        return {k: v for k, v in mapping.items() if k != "FilterCriteria"} | {"FilterCriteriaError": told}

    def _require_key(self, mapping: dict[str, Any], arguments: dict[str, Any]) -> None:
        encrypts = {"FilterCriteria", "KMSKeyArn"} & arguments.keys()
        if encrypts and {**mapping, **arguments}.get("KMSKeyArn") and not self.may("kms:GenerateDataKey"):
            raise refusal("AccessDeniedException", "not authorized to perform: kms:GenerateDataKey", 403)

    def _list(self, **arguments: Any) -> dict[str, Any]:
        fitting = [
            m
            for m in self.mappings.values()
            if arguments.get("EventSourceArn") in (None, m.get("EventSourceArn"))
        ]
        start, size = int(arguments.get("Marker", 0)), arguments["MaxItems"]
        listed = [
            {name: value for name, value in one.items() if name != "FilterCriteria" or "KMSKeyArn" not in one}
            for one in fitting
        ]
        page: dict[str, Any] = {"EventSourceMappings": listed[start : start + size]}
        return {**page, "NextMarker": str(start + size)} if start + size < len(fitting) else page

    def _create(self, **arguments: Any) -> dict[str, Any]:
        self._require_key({}, arguments)
        uuid = str(uuids.uuid4())
        asked = {
            name: value
            for name, value in arguments.items()
            if name not in ("FunctionName", "Enabled", "Tags")
        }
        self.mappings[uuid] = {
            **asked,
            "UUID": uuid,
            "FunctionArn": function_arn(arguments["FunctionName"]),
            "State": "Creating",
            "StateTransitionReason": "USER_INITIATED",
            "LastProcessingResult": "No records processed",
            "LastModified": WHEN,
        }
        return self.mappings[uuid]

    def _update(self, **arguments: Any) -> dict[str, Any]:
        mapping = self._mapping(arguments["UUID"])
        self._require_key(mapping, arguments)
        mapping.update(
            {name: value for name, value in arguments.items() if name not in ("FunctionName", "Enabled")}
        )
        mapping["State"] = "Updating"
        return self._readable(mapping)

    def _function(self, FunctionName: str) -> dict[str, Any]:  # noqa: N803
        name = FunctionName.rpartition(":function:")[2].split(":")[0]
        if name not in self.functions:
            raise refusal("ResourceNotFoundException", f"Function not found: {FunctionName}", 404)
        return {
            "FunctionName": name,
            "FunctionArn": function_arn(name),
            "Role": self.functions[name],
            "State": "Active",
            "LoggingConfig": {"LogGroup": self.log_groups.get(name, f"/aws/lambda/{name}")},
        }

    def _vpc_connection(self, Arn: str) -> dict[str, Any]:  # noqa: N803
        if Arn not in self.connections:
            raise refusal("NotFoundException", "vpc connection not found", 404)
        target, login = self.connections[Arn]
        return {
            "VpcConnectionArn": Arn,
            "TargetClusterArn": target,
            "State": "AVAILABLE",
            "Authentication": login,
        }

    def _brokers(self, ClusterArn: str) -> dict[str, Any]:  # noqa: N803
        if ":cluster/" not in ClusterArn:  # also for a VPC connection
            raise refusal("BadRequestException", "The parameter value is not valid: clusterArn")
        return {"BootstrapBrokerStringSaslIam": "b-1.orders:9098,b-2.orders:9098"} | (
            {"BootstrapBrokerStringVpcConnectivitySaslIam": "b-1.vpc.orders:14001"}
            if any(target == ClusterArn for target, _ in self.connections.values())
            else {}
        )

    def _key(self, KeyId: str) -> dict[str, Any]:  # noqa: N803
        state = self.key_states.get(KeyId, "Enabled")
        if ":key/" in KeyId and state is not None:
            known = {"KeyId": KeyId.rpartition("/")[2], "Arn": KeyId, "KeyManager": "CUSTOMER"}
            return {"KeyMetadata": {**known, "KeyState": state, "KeySpec": "SYMMETRIC_DEFAULT"}}
        if KeyId not in self.aliases:
            raise refusal("NotFoundException", f"Alias {KeyId} is not found.")
        arn = self.aliases[KeyId]
        manager = "AWS" if "/aws-" in arn else "CUSTOMER"
        return {"KeyMetadata": {"KeyId": arn.rpartition("/")[2], "Arn": arn, "KeyManager": manager}}

    def _queue_url(self, QueueName: str, QueueOwnerAWSAccountId: str) -> dict[str, Any]:  # noqa: N803
        url = f"https://sqs.{self.region}.amazonaws.com/{QueueOwnerAWSAccountId}/{QueueName}"
        self._destination(self._queue_arn(url), "AWS.SimpleQueueService.NonExistentQueue")
        return {"QueueUrl": url}

    def _queue_arn(self, url: str) -> str:
        account, name = url.split("/")[-2:]
        return f"arn:{self.partition}:sqs:{self.region}:{account}:{name}"

    def _bucket_encryption(self, Bucket: str) -> dict[str, Any]:  # noqa: N803
        key = self._destination(f"arn:{self.partition}:s3:::{Bucket}", "NoSuchBucket")
        default = {"SSEAlgorithm": "AES256" if key is None else "aws:kms"}
        rule = {"ApplyServerSideEncryptionByDefault": default | self._encrypted("KMSMasterKeyID", key)}
        return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}

    def _destination(self, arn: str, missing: str) -> str | None:
        if arn not in self.destinations:
            raise refusal(missing, f"{arn} does not exist")
        return self.destinations[arn]

    @staticmethod
    def _encrypted(name: str, key: str | None) -> dict[str, str]:
        return {} if key is None else {name: key}

    def _cluster(self, ClusterArn: str) -> dict[str, Any]:  # noqa: N803
        if ClusterArn not in self.clusters:
            raise refusal("NotFoundException", "cluster not found", 404)
        iam = {"Sasl": {"Iam": {"Enabled": self.clusters[ClusterArn]}}}
        return {
            "ClusterInfo": {
                "ClusterArn": ClusterArn,
                "State": "ACTIVE",
                "Serverless": {"VpcConfigs": [], "ClientAuthentication": iam},
            }
        }

    def _secret(self, SecretId: str) -> dict[str, Any]:  # noqa: N803
        if SecretId not in self.secrets:
            raise refusal("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
        key = self.secrets[SecretId]
        return {"ARN": SecretId, **({} if key is None else {"KmsKeyId": key})}

    def _inline(self, role: str) -> dict[str, dict[str, Any]]:
        if role not in self.roles:
            raise refusal("NoSuchEntity", f"The role with name {role} cannot be found.", 404)
        return self.roles[role]

    def _role(self, role: str) -> dict[str, Any]:
        self._inline(role)
        trust = self.trust.get(role) or {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ]
        }
        return {
            "Path": "/",
            "RoleName": role,
            "RoleId": "AROAEXAMPLE" + role.upper().replace("-", ""),
            "Arn": f"arn:aws:iam::{ACCOUNT}:role/{role}",
            "CreateDate": WHEN,
            "AssumeRolePolicyDocument": quote(json.dumps(trust)),
            **(
                {
                    "PermissionsBoundary": {
                        "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
                        "PermissionsBoundaryArn": self.boundaries[role],
                    }
                }
                if role in self.boundaries
                else {}
            ),
        }

    def _create_role(self, RoleName: str, AssumeRolePolicyDocument: str, Description: str) -> dict[str, Any]:  # noqa: N803, ARG002
        if RoleName in self.roles:
            raise refusal("EntityAlreadyExists", f"Role with name {RoleName} already exists.", 409)
        self.roles[RoleName] = {}
        self.trust[RoleName] = json.loads(AssumeRolePolicyDocument)
        return {"Role": self._role(RoleName)}

    def _role_policy(self, RoleName: str, PolicyName: str) -> dict[str, Any]:  # noqa: N803
        if PolicyName not in self._inline(RoleName):
            raise refusal("NoSuchEntity", f"The role policy with name {PolicyName} cannot be found.", 404)
        return {
            "RoleName": RoleName,
            "PolicyName": PolicyName,
            "PolicyDocument": quote(json.dumps(self.roles[RoleName][PolicyName])),
        }

    def _put_role_policy(self, RoleName: str, PolicyName: str, PolicyDocument: str) -> dict[str, Any]:  # noqa: N803
        self._inline(RoleName)[PolicyName] = json.loads(PolicyDocument)
        return {}

    def _simulate(self, PolicySourceArn: str, **asked: Any) -> dict[str, Any]:  # noqa: N803
        role = PolicySourceArn.rpartition("/")[2]
        own = {
            **{f"role_{role}_{name}": document for name, document in self._inline(role).items()},
            **{arn: self.managed[arn] for arn in self.attached.get(role, [])},
        }
        boundary = self.managed[self.boundaries[role]] if role in self.boundaries else None
        return simulated(
            own, boundary, self.organization, asked, account=ACCOUNT, explains_foreign=self.explains_foreign
        )


class _Client:
    def __init__(self, aws: FakeAws, service: str) -> None:
        self._aws = aws
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        name = f"{self._service}.{method}"

        def called(**arguments: Any) -> dict[str, Any]:
            operation = "".join(word.capitalize() for word in method.split("_"))
            problems = request_problems(self._service, operation, arguments)
            assert problems == [], f"{name} would not be a request of {operation}: {problems}"
            self._aws.calls.append((self._service, method, arguments))
            action = f"{self._service}:{OTHERWISE.get(operation, operation)}"
            if not self._aws.may(action):
                raise refusal("AccessDeniedException", f"User is not authorized to perform: {action}", 403)
            if self._aws.failing.get(name):
                raise self._aws.failing[name].pop(0)
            answer = self._aws.answers[name](**arguments)
            problems = answer_problems(self._service, operation, answer)
            assert problems == [], f"the fake's {name} answers what {operation} does not: {problems}"
            return answer

        return called
