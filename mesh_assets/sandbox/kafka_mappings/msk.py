"""MSK's API, v1 and v2, as far as mappings need it: clusters with real-looking ARNs, and broker addresses by authentication.

The sandbox's one broker is behind every ARN. It has no listener for IAM: a cluster with IAM enabled returns an address
that does not understand it.
"""

import re
import threading
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from mesh_assets.sandbox.kafka_mappings.refusals import RefusedRequest
from mesh_assets.sandbox.state import AWS_REGION

_ROUTE = re.compile(r"^/(v1|api/v2)/clusters(?:/([^/]+)(?:/([a-z-]+))?)?$")
_PLAIN = "bootstrapBrokerString"
_CONNECTION_ROUTE = re.compile(r"^/v1/vpc-connection(?:/([^/]+))?$")


class MskService:
    """The clusters. `listeners`: the broker's addresses for `plaintext`, `tls`, `mtls` and `sasl`."""

    def __init__(self, listeners: Mapping[str, str]) -> None:
        self._listeners = listeners
        self._lock = threading.Lock()
        self._clusters: dict[str, dict[str, Any]] = {}
        self._connections: dict[str, dict[str, Any]] = {}

    def exists(self, account: str, arn: str) -> bool:
        """Whether the account has this cluster, or this connection to another account's."""
        with self._lock:
            return (arn in self._clusters or arn in self._connections) and arn.split(":")[4] == account

    def brokers(self, arn: str) -> dict[str, str]:
        """The brokers by authentication of a cluster, or of the one that a connection leads to."""
        with self._lock:
            target = self._connections.get(arn, {}).get("targetClusterArn", arn)
            cluster = self._clusters.get(target, {})
        ways = cluster.get("clientAuthentication") or {}
        found: dict[str, str] = {_PLAIN: self._listeners["plaintext"]}
        if (ways.get("tls") or {}).get("enabled") or (ways.get("tls") or {}).get(
            "certificateAuthorityArnList"
        ):
            found["bootstrapBrokerStringTls"] = self._listeners["mtls"]
        else:
            found["bootstrapBrokerStringTls"] = self._listeners["tls"]
        sasl = ways.get("sasl") or {}
        if (sasl.get("scram") or {}).get("enabled"):
            found["bootstrapBrokerStringSaslScram"] = self._listeners["sasl"]
        if (sasl.get("iam") or {}).get("enabled"):
            found["bootstrapBrokerStringSaslIam"] = self._listeners["sasl"]
        return found

    def _answered_brokers(self, arn: str) -> dict[str, str]:
        """The answer to GetBootstrapBrokers: with the listeners of VPC connections, once the cluster has any."""
        found = self.brokers(arn)
        with self._lock:
            connected = any(one["targetClusterArn"] == arn for one in self._connections.values())
        if not connected:
            return found
        # These are never in plain text.
        own = {name: servers for name, servers in found.items() if name != _PLAIN}
        return found | {
            name.replace(_PLAIN, f"{_PLAIN}VpcConnectivity"): servers for name, servers in own.items()
        }

    def answer(
        self, account: str, method: str, path: str, body: Mapping[str, Any], query: Mapping[str, str]
    ) -> dict[str, Any] | None:
        """The answer; None if this is not one of our routes. Raises `RefusedRequest`."""
        if (connection := _CONNECTION_ROUTE.match(path)) is not None:
            arn = unquote(connection.group(1) or "")
            return self._connected(account, arn) if arn else self._connect(account, body)
        found = _ROUTE.match(path)
        if found is None:
            return None
        version, arn, part = found.group(1), unquote(found.group(2) or ""), found.group(3)
        v2 = version == "api/v2"
        if not arn:
            return (
                self._create(account, body, v2=v2) if method == "POST" else self._list(account, query, v2=v2)
            )
        if arn in self._connections:
            # AWS accepts only a cluster's ARN here.
            raise RefusedRequest(
                400, "BadRequestException", "The parameter value contains invalid characters."
            )
        cluster = self._find(account, arn, reads=method == "GET" and part in (None, "bootstrap-brokers"))
        match (method, part):
            case ("GET", None):
                return {"clusterInfo": _info(cluster, v2=v2)}
            case ("DELETE", None):
                with self._lock:
                    del self._clusters[arn]
                return {"clusterArn": arn, "state": "DELETING"}
            case ("GET", "bootstrap-brokers"):
                return self._answered_brokers(arn)
            case ("GET", "scram-secrets"):
                return {"secretArnList": sorted(cluster["secrets"])}
            case ("POST", "scram-secrets"):
                cluster["secrets"] |= set(body.get("secretArnList", ()))
                return {"clusterArn": arn, "unprocessedScramSecrets": []}
        return None

    def _create(self, account: str, body: Mapping[str, Any], *, v2: bool) -> dict[str, Any]:
        settings = body.get("provisioned") or body.get("serverless") or {} if v2 else body
        name = str(body["clusterName"])
        with self._lock:
            if any(one["name"] == name and one["account"] == account for one in self._clusters.values()):
                raise RefusedRequest(
                    409, "ConflictException", f"A cluster with the name {name} already exists."
                )
            arn = f"arn:aws:kafka:{AWS_REGION}:{account}:cluster/{name}/{uuid.uuid4()}-1"
            self._clusters[arn] = {
                "arn": arn,
                "account": account,
                "name": name,
                "serverless": "serverless" in body,
                "version": settings.get("kafkaVersion", "3.8.x"),
                "nodes": settings.get("numberOfBrokerNodes", 1),
                "nodeInfo": settings.get(
                    "brokerNodeGroupInfo", {"clientSubnets": ["subnet-1"], "instanceType": "kafka.t3.small"}
                ),
                "clientAuthentication": settings.get("clientAuthentication"),
                "created": time.time(),
                "secrets": set(),
            }
        kind = {"clusterType": "SERVERLESS" if "serverless" in body else "PROVISIONED"} if v2 else {}
        return {"clusterArn": arn, "clusterName": name, "state": "CREATING", **kind}

    def _connect(self, account: str, body: Mapping[str, Any]) -> dict[str, Any]:
        target = str(body["targetClusterArn"])
        with self._lock:
            if target not in self._clusters:
                raise RefusedRequest(404, "NotFoundException", "The requested resource doesn't exist.")
            owner, name = self._clusters[target]["account"], self._clusters[target]["name"]
            arn = f"arn:aws:kafka:{AWS_REGION}:{account}:vpc-connection/{owner}/{name}/{uuid.uuid4()}-1"
            self._connections[arn] = {
                "vpcConnectionArn": arn,
                "targetClusterArn": target,
                "authentication": body["authentication"],
                "vpcId": body["vpcId"],
                "subnets": body["clientSubnets"],
                "securityGroups": body["securityGroups"],
            }
        return {"vpcConnectionArn": arn, "state": "CREATING", "authentication": body["authentication"]}

    def _connected(self, account: str, arn: str) -> dict[str, Any]:
        with self._lock:
            connection = self._connections.get(arn)
        if connection is None or arn.split(":")[4] != account:
            raise RefusedRequest(404, "NotFoundException", "The requested resource doesn't exist.")
        return {**connection, "state": "AVAILABLE"}

    def _list(self, account: str, query: Mapping[str, str], *, v2: bool) -> dict[str, Any]:
        prefix = query.get("clusterNameFilter", "")
        with self._lock:
            found = [
                one
                for one in self._clusters.values()
                if one["account"] == account and one["name"].startswith(prefix)
            ]
        return {"clusterInfoList": [_info(one, v2=v2) for one in found if v2 or not one["serverless"]]}

    def _find(self, account: str, arn: str, *, reads: bool) -> dict[str, Any]:
        """`reads`: whether the cluster's policy lets the account of a connection do it as well."""
        with self._lock:
            cluster = self._clusters.get(arn)
            connected = any(
                one["targetClusterArn"] == arn and one["vpcConnectionArn"].split(":")[4] == account
                for one in self._connections.values()
            )
        if cluster is None or not (cluster["account"] == account or (reads and connected)):
            raise RefusedRequest(404, "NotFoundException", "The requested resource doesn't exist.")
        return cluster


def _info(cluster: Mapping[str, Any], *, v2: bool) -> dict[str, Any]:
    told = {
        "clusterArn": cluster["arn"],
        "clusterName": cluster["name"],
        "state": "ACTIVE",
        "creationTime": datetime.fromtimestamp(cluster["created"], UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "currentVersion": "K1",
        "tags": {},
    }
    ways = (
        {"clientAuthentication": cluster["clientAuthentication"]} if cluster["clientAuthentication"] else {}
    )
    if v2 and cluster["serverless"]:
        return {
            **told,
            "clusterType": "SERVERLESS",
            "serverless": {"vpcConfigs": [{"subnetIds": ["subnet-1"]}], **ways},
        }
    own = {
        "brokerNodeGroupInfo": cluster["nodeInfo"],
        "numberOfBrokerNodes": cluster["nodes"],
        "currentBrokerSoftwareInfo": {"kafkaVersion": cluster["version"]},
        **ways,
    }
    return {**told, "clusterType": "PROVISIONED", "provisioned": own} if v2 else {**told, **own}
