"""The stand-in for Confluent Cloud's HTTP interfaces: managed connectors, control plane, metrics, and the
front of the registry."""

from mesh_assets.sandbox.http_probe import http_answers
from mesh_assets.sandbox.interpreter import interpreter
from mesh_assets.sandbox.java import JavaRuntime
from mesh_assets.sandbox.server import Launch, Server, Setting


def _launch(setting: Setting, java: JavaRuntime) -> Launch:  # noqa: ARG001 - the signature of a record's function
    state = setting.state
    return Launch(
        command=(interpreter(), "-m", "mesh_assets.sandbox.cloud.serve", str(setting.folder.root)),
        also=" ".join((str(state.cloud_url), state.address("cloud-broker"), state.registry_url)),
    )


CLOUD = Server(
    name="cloud",
    title="a stand-in for Confluent Cloud",
    ports=("cloud",),
    needs=("cloud-broker", "registry"),
    launch=_launch,
    answers=lambda setting: http_answers(f"{setting.state.cloud_url}/_stand-in", seconds=5),
    endpoint=lambda state: state.cloud_url or "",
    start_seconds=60.0,
)
