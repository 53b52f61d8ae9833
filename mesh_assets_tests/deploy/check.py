"""`python -m mesh_assets_tests.deploy.check` checks `deploy/` as part of `make check`, in seconds and without a network."""

import sys

from mesh_assets_tests.deploy import dagster_chart, kubernetes
from mesh_assets_tests.deploy.helm import CHART, NOT_HERE, Refused, can_render, read, render


def main() -> int:
    if not can_render():
        return _fail([NOT_HERE])
    try:
        manifests = render(read(CHART / "example-values.yaml"))
    except Refused as refused:
        return _fail([f"deploy/kubernetes/mesh-assets: {refused}"])
    faults = [
        f"deploy/kubernetes/mesh-assets, under Kubernetes {version}: {fault}"
        for version in kubernetes.VERSIONS
        for fault in kubernetes.faults(manifests, version=version)
    ]
    faults += [
        f"deploy/kubernetes/dagster-values.yaml: {fault}"
        for fault in dagster_chart.value_faults(read(*dagster_chart.VALUES), dagster_chart.schema_of_values())
    ]
    return _fail(faults)


def _fail(faults: list[str]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201  # a program of its own
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
