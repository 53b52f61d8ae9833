"""Accounts and execution roles, as the stand-in for AWS knows them."""

import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from botocore.exceptions import ClientError

from mesh_assets.sandbox.state import AWS_ACCOUNT, AWS_REGION

# Clients of ministack, by account: there as here, an access key of twelve digits is a separate account.

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/")


class Accounts:
    """Makes each client once, all from one session: reading a service's model takes a tenth of a second."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, account: str, service: str) -> Any:
        import boto3  # heavy, and needed only by requests that go to ministack
        from botocore.config import Config

        with self._lock:
            if self._session is None:
                self._session = boto3.session.Session()
            if (account, service) not in self._clients:
                self._clients[account, service] = self._session.client(
                    service,
                    endpoint_url=self._url,
                    region_name=AWS_REGION,
                    aws_access_key_id=account,
                    aws_secret_access_key="sandbox",
                    config=Config(connect_timeout=5, read_timeout=120, retries={"total_max_attempts": 1}),
                )
            return self._clients[account, service]


def signed_by(authorization: str) -> tuple[str, str]:
    """The account and the service that a request was signed for; no service if it was not signed."""
    found = _CREDENTIAL.search(authorization)
    if found is None:
        return AWS_ACCOUNT, ""
    key, _, service = found.groups()
    return key if re.fullmatch(r"\d{12}", key) else AWS_ACCOUNT, service


# What ministack's IAM lacks: the document of AWSLambdaMSKExecutionRole, and an honest answer about missing
# roles.

MANAGED_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaMSKExecutionRole"
MANAGED_DOCUMENT: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": [
                "kafka:DescribeCluster",
                "kafka:DescribeClusterV2",
                "kafka:GetBootstrapBrokers",
                "ec2:CreateNetworkInterface",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeVpcs",
                "ec2:DeleteNetworkInterface",
                "ec2:DescribeSubnets",
                "ec2:DescribeSecurityGroups",
                "logs:CreateLogGroup",
                "logs:CreateLogStream",
                "logs:PutLogEvents",
            ],
            "Resource": "*",
        }
    ],
}
_SPACE = "https://iam.amazonaws.com/doc/2010-05-08/"
_REQUEST = "<ResponseMetadata><RequestId>00000000-0000-0000-0000-000000000000</RequestId></ResponseMetadata>"


class RoleService:
    """Answers in IAM's XML, or leaves it to ministack."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def answer(self, account: str, form: Mapping[str, str]) -> tuple[int, str] | None:
        """A status with XML; None: send the request to ministack."""
        match form.get("Action"):
            case "GetPolicy" if form.get("PolicyArn") == MANAGED_POLICY:
                return 200, _xml("GetPolicy", f"<Policy>{_POLICY}</Policy>")
            case "GetPolicyVersion" if form.get("PolicyArn") == MANAGED_POLICY:
                document = quote(json.dumps(MANAGED_DOCUMENT))
                version = f"<VersionId>v2</VersionId><IsDefaultVersion>true</IsDefaultVersion><Document>{document}</Document>"
                return 200, _xml("GetPolicyVersion", f"<PolicyVersion>{version}</PolicyVersion>")
            case "SimulatePrincipalPolicy" if ":role/" in form.get("PolicySourceArn", ""):
                return self._simulate(account, form)
        return None

    def _simulate(self, account: str, form: Mapping[str, str]) -> tuple[int, str]:
        """By the documents of the role's policies and those that the request adds, within the role's boundary.

        ministack's own simulation knows neither added policies nor boundaries, conditions, paths of roles and
        the managed policy.
        """
        iam = self._accounts.client(account, "iam")
        name = form["PolicySourceArn"].rpartition("/")[2]
        try:
            role = iam.get_role(RoleName=name)["Role"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "NoSuchEntity":
                return 404, error_xml("NoSuchEntity", f"The role with name {name} cannot be found.")
            raise
        own = [json.loads(text) for text in _members(form, "PolicyInputList")]
        own += [
            iam.get_role_policy(RoleName=name, PolicyName=inline)["PolicyDocument"]
            for inline in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        own += [_managed(iam, one["PolicyArn"]) for one in attached]
        bound = (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
        decisions = _decisions(iam, own, form)
        bounds = None if bound is None else _decisions(iam, [_managed(iam, bound)], form)
        results = ""
        for action, decision in decisions.items():
            detail = ""
            if bounds is not None:
                within = bounds[action] == "allowed"
                decision = decision if within or decision == "explicitDeny" else bounds[action]
                detail = f"<AllowedByPermissionsBoundary>{str(within).lower()}</AllowedByPermissionsBoundary>"
                detail = f"<PermissionsBoundaryDecisionDetail>{detail}</PermissionsBoundaryDecisionDetail>"
            results += f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>{decision}</EvalDecision>{detail}</member>"
        answer = f"<EvaluationResults>{results}</EvaluationResults><IsTruncated>false</IsTruncated>"
        return 200, _xml("SimulatePrincipalPolicy", answer)


def _members(form: Mapping[str, str], name: str) -> list[str]:
    """A list in IAM's query form."""
    found: list[str] = []
    while (key := f"{name}.member.{len(found) + 1}") in form:
        found.append(form[key])
    return found


def _managed(iam: Any, arn: str) -> dict[str, Any]:
    if arn == MANAGED_POLICY:
        return MANAGED_DOCUMENT
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    document: dict[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"][
        "Document"
    ]
    return document


def _decisions(iam: Any, documents: list[dict[str, Any]], form: Mapping[str, str]) -> dict[str, str]:
    """ministack's decision by these documents for each action asked about."""
    actions = _members(form, "ActionNames")
    context = {
        form[f"{entry}.ContextKeyName"]: set(_members(form, f"{entry}.ContextKeyValues"))
        for number in range(1, 10)
        if f"{(entry := f'ContextEntries.member.{number}')}.ContextKeyName" in form
    }
    texts = [json.dumps({**one, "Statement": _in_context(one["Statement"], context)}) for one in documents]
    if not texts:
        return dict.fromkeys(actions, "implicitDeny")
    answer = iam.simulate_custom_policy(
        PolicyInputList=texts, ActionNames=actions, ResourceArns=_members(form, "ResourceArns")
    )
    return {result["EvalActionName"]: result["EvalDecision"] for result in answer["EvaluationResults"]}


def _in_context(statements: Any, context: Mapping[str, set[str]]) -> list[dict[str, Any]]:
    """The statements that apply, without the conditions that the context fulfils."""
    found = []
    for statement in [statements] if isinstance(statements, dict) else statements:
        asked = [item for keys in statement.get("Condition", {}).values() for item in keys.items()]
        wanted = [(key, {values} if isinstance(values, str) else set(values)) for key, values in asked]
        if all(values & context.get(key, set()) for key, values in wanted):
            found.append({name: part for name, part in statement.items() if name != "Condition"})
    return found


_POLICY = (
    f"<PolicyName>AWSLambdaMSKExecutionRole</PolicyName><PolicyId>ANPAJDZ2JGMEXAMPLE00</PolicyId><Arn>{MANAGED_POLICY}</Arn>"
    "<Path>/service-role/</Path><DefaultVersionId>v2</DefaultVersionId><AttachmentCount>0</AttachmentCount><IsAttachable>true</IsAttachable>"
)


def _xml(action: str, content: str) -> str:
    return f'<{action}Response xmlns="{_SPACE}"><{action}Result>{content}</{action}Result>{_REQUEST}</{action}Response>'


def error_xml(code: str, message: str) -> str:
    """IAM's form of an error."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return f'<ErrorResponse xmlns="{_SPACE}">{error}</ErrorResponse>'
