"""The chart mesh-assets: what it renders from values, and which values it refuses."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import pytest

from mesh_assets_tests.deploy import kubernetes
from mesh_assets_tests.deploy.helm import CHART, NOT_HERE, Refused, can_render, merge, outcomes, read


def with_values(**values: Any) -> dict[str, Any]:
    """The example's values, except for what is given here."""
    merged = read(CHART / "example-values.yaml")
    merge(merged, values)
    return merged


def named(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    [found] = (one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name)
    return found


def pods(manifests: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in manifests:
        if one["kind"] == "Deployment":
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
        if one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]


EVERYTHING: dict[str, Any] = {
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "registry"}],
    "mcp": {
        "replicas": 2,
        "allowWrites": True,
        "token": {"secret": ""},
        "oauth": {
            "issuer": "https://login.example.com",
            "audience": "https://mesh.example.com",
            "scopes": ["mesh"],
        },
    },
    "networkPolicy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
    "podLabels": {"team": "platform"},
    "podAnnotations": {"example.com/note": "on"},
    "nodeSelector": {"kubernetes.io/arch": "amd64"},
    "tolerations": [{"key": "mesh", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": {"matchLabels": {"app.kubernetes.io/name": "mesh-assets"}},
        }
    ],
}
SMALLEST: dict[str, Any] = {
    "mcp": {"enabled": False},
    "serviceMonitor": {"enabled": False},
    "networkPolicy": {"enabled": False},
    "podDisruptionBudget": {"enabled": False},
    "serviceAccount": {"create": False, "name": "existing"},
}


REFUSED: dict[str, dict[str, Any]] = {
    "mcp.allowedHosts is empty": {"mcp": {"allowedHosts": []}},
    "mcp has neither token.secret nor oauth.issuer": {"mcp": {"token": {"secret": ""}}},
    "mcp.oauth.audience is empty": {"mcp": {"oauth": {"issuer": "https://login.example.com"}}},
    "service.token.secret is empty": {"service": {"token": {"secret": ""}}},
    "'allowedHost' not allowed": {"mcp": {"allowedHost": ["mesh.example.com"]}},
    "serviceMonitor.token.secret is empty": {"serviceMonitor": {"token": {"secret": ""}}},
    "at '/service/port'": {"service": {"port": 80}},
    "at '/serviceAccount/name'": {"serviceAccount": {"create": False}},
    "at '/image/digest'": {"image": {"digest": "latest"}},
}
MISSPELT: dict[str, Any] = {"mcp": {"resources": {"request": {"cpu": "1"}}}}

Rendered: TypeAlias = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def every_outcome() -> dict[str, list[dict[str, Any]] | Refused]:
    """Everything that these tests need from Helm, in one process."""
    if not can_render():
        pytest.skip(NOT_HERE)
    asked = {"example": {}, "everything": EVERYTHING, "smallest": SMALLEST, "misspelt": MISSPELT, **REFUSED}
    answers = outcomes([with_values(**values) for values in asked.values()])
    return dict(zip(asked, answers, strict=True))


@pytest.fixture(scope="module")
def rendered(every_outcome: dict[str, list[dict[str, Any]] | Refused]) -> Rendered:
    return {name: answer for name, answer in every_outcome.items() if isinstance(answer, list)}


@pytest.mark.slow
def test_kubernetes_accepts_the_rendered_chart_from_the_oldest_version_to_the_newest(
    rendered: Rendered,
) -> None:
    for name in ("example", "everything"):
        assert [
            f"{name}, {version}: {fault}"
            for version in kubernetes.VERSIONS
            for fault in kubernetes.faults(rendered[name], version=version)
        ] == []


def test_what_is_switched_off_is_not_rendered(rendered: Rendered) -> None:
    assert sorted((one["kind"], one["metadata"]["name"]) for one in rendered["smallest"]) == [
        ("Deployment", "mesh-assets-service"),
        ("Pod", "mesh-assets-test"),
        ("Service", "mesh-assets-service"),
    ]
    [(_, pod), _] = pods(rendered["smallest"])
    assert pod["serviceAccountName"] == "existing"


def test_a_field_unknown_to_kubernetes_is_found(rendered: Rendered) -> None:
    assert kubernetes.faults(rendered["misspelt"], version="1.37.0") == [
        "Deployment mesh-assets-mcp: $.spec.template.spec.containers[0].resources Additional properties are not allowed "
        "('request' was unexpected)"
    ]
    unknown = {"kind": "Deploymint", "apiVersion": "apps/v1", "metadata": {"name": "a"}}
    assert kubernetes.faults([unknown], version="1.25.0") == [
        "Deploymint a: Kubernetes 1.25.0 has no Deploymint of apps/v1"
    ]


def test_pods_have_no_root_no_writable_disk_but_tmp_no_token_and_limits(rendered: Rendered) -> None:
    seen = dict(pods(rendered["example"]))
    assert set(seen) == {"mesh-assets-mcp", "mesh-assets-service", "mesh-assets-test"}
    for name, pod in seen.items():
        [container] = pod["containers"]
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (
            True,
            10001,
        ), name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }, name
        assert pod["automountServiceAccountToken"] is False, name
        assert set(container["resources"]) == {"requests", "limits"}, name
        mounts = {
            mount["mountPath"]: mount.get("readOnly", False) for mount in container.get("volumeMounts", ())
        }
        assert mounts in ({}, {"/etc/mesh-assets": True, "/tmp": False}), name


def test_secrets_are_named_and_never_written(rendered: Rendered) -> None:
    manifests = rendered["example"]
    assert not [one for one in manifests if one["kind"] == "Secret"]
    [mcp] = named(manifests, "Deployment", "mesh-assets-mcp")["spec"]["template"]["spec"]["containers"]
    assert {"secretRef": {"name": "mesh-assets-secrets"}} in mcp["envFrom"]
    [service] = named(rendered["example"], "Deployment", "mesh-assets-service")["spec"]["template"]["spec"][
        "containers"
    ]
    assert service["envFrom"] == [{"configMapRef": {"name": "mesh-assets-environment"}}], (
        "it needs no cluster's secrets while Dagster discovers"
    )
    by_name = {variable["name"]: variable for variable in mcp["env"]}
    assert by_name["MESH_MCP_TOKEN_SHA256"]["valueFrom"] == {
        "secretKeyRef": {"name": "mesh-assets-tokens", "key": "mcp-token-sha256"}
    }


def test_every_selector_finds_the_pods_of_its_part_and_no_others(rendered: Rendered) -> None:
    manifests = rendered["example"]
    labels = {
        one["metadata"]["name"]: one["spec"]["template"]["metadata"]["labels"]
        for one in manifests
        if one["kind"] == "Deployment"
    } | {one["metadata"]["name"]: one["metadata"]["labels"] for one in manifests if one["kind"] == "Pod"}

    def found(selector: Mapping[str, str]) -> list[str]:
        return [name for name, has in labels.items() if selector.items() <= has.items()]

    for one in manifests:
        match one["kind"]:
            case "Service":
                selector = one["spec"]["selector"]
            case "Deployment" | "PodDisruptionBudget":
                selector = one["spec"]["selector"]["matchLabels"]
            case "NetworkPolicy":
                selector = one["spec"]["podSelector"]["matchLabels"]
            case _:
                continue
        assert found(selector) == [one["metadata"]["name"]], one["kind"]


def test_the_monitor_scrapes_the_service_at_its_port(rendered: Rendered) -> None:
    manifests = rendered["example"]
    monitor = named(manifests, "ServiceMonitor", "mesh-assets-service")["spec"]
    service = named(manifests, "Service", "mesh-assets-service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    [endpoint] = monitor["endpoints"]
    assert (endpoint["path"], endpoint["port"]) == ("/metrics", service["spec"]["ports"][0]["name"])


def test_only_the_named_may_connect_and_names_can_be_resolved_under_limited_egress(
    rendered: Rendered,
) -> None:
    policy = named(rendered["everything"], "NetworkPolicy", "mesh-assets-service")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [
        {
            "from": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}],
            "ports": [{"protocol": "TCP", "port": 8080}],
        }
    ]
    assert policy["egress"] == [
        {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    ]
    open_to_its_own = named(rendered["example"], "NetworkPolicy", "mesh-assets-mcp")["spec"]
    assert open_to_its_own["policyTypes"] == ["Ingress"]
    assert open_to_its_own["ingress"][0]["from"] == [{"podSelector": {}}]


@pytest.mark.parametrize("complaint", REFUSED)
def test_unworkable_values_are_refused_with_what_is_wrong(
    every_outcome: dict[str, list[dict[str, Any]] | Refused], complaint: str
) -> None:
    assert complaint in str(every_outcome[complaint])
    assert isinstance(every_outcome[complaint], Refused)
